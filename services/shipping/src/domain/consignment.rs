//! All shipments of one order: the aggregate. What is decided about one of them may end the whole.

use std::collections::BTreeMap;

use kernel::{Money, Text};

use super::address::Address;
use super::contents::Contents;
use super::ids::{BuyerId, OrderId, ParcelId, SellerId, ShipmentId, WarehouseId, shipment_id};
use super::parcel::Parcel;
use super::shipment::{Shipment, ShipmentStatus};

/// A carrier's reference for money that it passed on.
pub type RemittanceReference = Text<50>;

/// What orders say about the sending of an order. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Terms {
    /// The buyer.
    pub buyer_id: BuyerId,
    /// The seller whose goods they are.
    pub seller_id: SellerId,
    /// Where the parcels go.
    pub ship_to: Address,
    /// What the carrier collects; none for an order that is paid for.
    pub cash_to_collect: Option<Money>,
}

/// What orders tell shipping to send.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Instruction {
    /// For whom, and where to.
    pub terms: Terms,
    /// What leaves from where; at least one warehouse, and none without anything.
    pub allocations: BTreeMap<WarehouseId, Contents>,
}

/// A consignment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Consignment {
    /// The order.
    pub order_id: OrderId,
    /// For whom, and where to.
    pub terms: Terms,
    /// One shipment for each warehouse.
    pub shipments: BTreeMap<ShipmentId, Shipment>,
    /// What became of the wish to stop the order; none if there was none.
    pub cancellation: Option<Cancellation>,
    /// The reference under which the carrier passed the cash on; none before.
    pub remittance: Option<RemittanceReference>,
}

/// What became of the wish to stop an order, to cancel it or to give its money back. It is final: orders ask once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cancellation {
    /// Nothing had left, and nothing will.
    Stopped,
    /// A parcel had left: the order goes on.
    Refused,
}

impl Cancellation {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Stopped, Self::Refused];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "STOPPED",
            Self::Refused => "REFUSED",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cancellation| cancellation.as_str() == name)
    }
}

impl Consignment {
    /// The consignment that an instruction asks for; nothing has left.
    pub fn new(order_id: OrderId, instruction: &Instruction) -> Self {
        let shipment = |(warehouse_id, holds): (&WarehouseId, &Contents)| {
            let shipment = Shipment::new(order_id, *warehouse_id, holds.clone());
            (shipment.id, shipment)
        };
        Self {
            order_id,
            terms: instruction.terms.clone(),
            shipments: instruction.allocations.iter().map(shipment).collect(),
            cancellation: None,
            remittance: None,
        }
    }

    /// Whether this is what an instruction asked for.
    pub fn is_asked_for_by(&self, instruction: &Instruction) -> bool {
        let is_there = |(warehouse_id, holds): (&WarehouseId, &Contents)| {
            self.shipments.get(&shipment_id(self.order_id, *warehouse_id)).is_some_and(|own| own.holds == *holds)
        };
        self.terms == instruction.terms
            && self.shipments.len() == instruction.allocations.len()
            && instruction.allocations.iter().all(is_there)
    }

    /// Where one of its shipments stands.
    pub fn status_of(&self, shipment: &Shipment) -> ShipmentStatus {
        match self.cancellation {
            Some(Cancellation::Stopped) => ShipmentStatus::Cancelled,
            Some(Cancellation::Refused) | None => shipment.progress(),
        }
    }

    /// Whether any parcel has left.
    pub fn has_begun(&self) -> bool {
        self.shipments.values().any(|shipment| !shipment.parcels.is_empty())
    }

    /// A parcel of any of its shipments.
    pub fn parcel(&self, id: ParcelId) -> Option<&Parcel> {
        self.shipments.values().find_map(|shipment| shipment.parcels.get(&id))
    }

    /// Whether every unit of the order has left.
    pub fn is_dispatched(&self) -> bool {
        self.shipments.values().all(Shipment::is_dispatched)
    }

    /// Whether every unit of the order was delivered.
    pub fn is_delivered(&self) -> bool {
        self.shipments.values().all(Shipment::is_delivered)
    }
}
