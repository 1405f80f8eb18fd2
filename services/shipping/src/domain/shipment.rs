//! What one warehouse sends for one order, in one parcel or several.
//!
//! ```text
//! PENDING -> PARTLY_DISPATCHED -> DISPATCHED -> DELIVERED
//! PENDING ----------------------> DISPATCHED -> FAILED
//! PENDING -> CANCELLED      the whole order, or part by part all of this: domain/consignment.rs
//! ```

use std::collections::BTreeMap;

use super::contents::Contents;
use super::error::ShippingError;
use super::ids::{OrderId, ParcelId, ShipmentId, WarehouseId, shipment_id};
use super::parcel::Parcel;

/// A shipment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shipment {
    /// Its id, which follows from the order and the warehouse.
    pub id: ShipmentId,
    /// The warehouse that the goods leave from.
    pub warehouse_id: WarehouseId,
    /// What it holds in all. It never changes.
    pub holds: Contents,
    /// What of that will not leave, because a part of the order was stopped.
    pub stopped: Contents,
    /// The parcels that have left, by their ids, which is oldest first.
    pub parcels: BTreeMap<ParcelId, Parcel>,
}

impl Shipment {
    /// What a warehouse is to send; nothing has left.
    pub fn new(order_id: OrderId, warehouse_id: WarehouseId, holds: Contents) -> Self {
        Self {
            id: shipment_id(order_id, warehouse_id),
            warehouse_id,
            holds,
            stopped: Contents::default(),
            parcels: BTreeMap::new(),
        }
    }

    /// How far it has come.
    pub fn progress(&self) -> ShipmentStatus {
        if self.is_stopped() {
            ShipmentStatus::Cancelled
        } else if self.parcels.is_empty() {
            ShipmentStatus::Pending
        } else if !self.is_dispatched() {
            ShipmentStatus::PartlyDispatched
        } else if !self.has_ended() {
            ShipmentStatus::Dispatched
        } else if self.has_arrived() {
            ShipmentStatus::Delivered
        } else {
            ShipmentStatus::Failed
        }
    }

    /// What has left so far.
    pub fn dispatched(&self) -> Contents {
        Contents::sum(self.parcels.values().map(|parcel| &parcel.contents))
    }

    /// What has not left yet, and may.
    pub fn left(&self) -> Contents {
        self.holds.without(&self.dispatched()).without(&self.stopped)
    }

    /// Whether part by part all of it was stopped, so that nothing has left and nothing will.
    pub fn is_stopped(&self) -> bool {
        self.parcels.is_empty() && self.left().is_empty()
    }

    /// Whether every unit has left that was not stopped.
    pub fn is_dispatched(&self) -> bool {
        self.left().is_empty()
    }

    /// What was delivered so far.
    pub fn delivered(&self) -> Contents {
        self.contents_of(Parcel::is_delivered)
    }

    /// What was lost, refused or returned to its sender so far.
    pub fn failed(&self) -> Contents {
        self.contents_of(Parcel::has_failed)
    }

    /// Whether every unit was delivered or failed, or was stopped.
    pub fn has_ended(&self) -> bool {
        self.is_dispatched() && self.parcels.values().all(Parcel::has_ended)
    }

    /// Whether any unit was delivered.
    pub fn has_arrived(&self) -> bool {
        self.parcels.values().any(Parcel::is_delivered)
    }

    fn contents_of(&self, is_meant: impl Fn(&Parcel) -> bool) -> Contents {
        Contents::sum(self.parcels.values().filter(|parcel| is_meant(parcel)).map(|parcel| &parcel.contents))
    }

    /// What goes into a parcel that is to hold `asked`; asked for nothing in particular, everything that has not left.
    ///
    /// # Errors
    /// There is not that much left of each SKU, or nothing at all, or all of it was stopped.
    pub fn pack(&self, asked: &Contents) -> Result<Contents, ShippingError> {
        let left = self.left();
        if self.is_stopped() {
            return Err(ShippingError::Cancelled(self.id));
        }
        if asked.is_empty() {
            return if left.is_empty() { Err(ShippingError::NothingLeft(self.id)) } else { Ok(left) };
        }
        for (sku, units) in asked.lines() {
            if self.holds.units(sku) == 0 {
                return Err(ShippingError::NotInShipment { shipment_id: self.id, sku: sku.clone() });
            }
            if units > left.units(sku) {
                let (sku, left) = (sku.clone(), left.units(sku));
                return Err(ShippingError::MoreThanOrdered { shipment_id: self.id, sku, asked: units, left });
            }
        }
        Ok(asked.clone())
    }
}

/// Where a shipment stands. It goes one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ShipmentStatus {
    /// Nothing has left the warehouse.
    Pending,
    /// Some units have left, and others will.
    PartlyDispatched,
    /// Every unit has left that was not stopped.
    Dispatched,
    /// Every unit was delivered that was not lost, refused or returned. Final.
    Delivered,
    /// It was stopped before anything left. Final.
    Cancelled,
    /// Every unit was lost, refused or returned. Final.
    Failed,
}

impl ShipmentStatus {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::PartlyDispatched, Self::Dispatched, Self::Delivered, Self::Cancelled, Self::Failed];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::PartlyDispatched => "PARTLY_DISPATCHED",
            Self::Dispatched => "DISPATCHED",
            Self::Delivered => "DELIVERED",
            Self::Cancelled => "CANCELLED",
            Self::Failed => "FAILED",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}
