//! All shipments of one order: the aggregate. What is decided about one of them may end the whole.

use std::collections::BTreeMap;

use kernel::{Money, Sku, Text};
use serde::{Deserialize, Serialize};

use super::address::Address;
use super::contents::Contents;
use super::error::ShippingError;
use super::goods_return::{Received, Return, ReturnOrigin, share_out};
use super::ids::{BuyerId, OrderId, ParcelId, RefundNumber, ReturnId, SellerId, ShipmentId, WarehouseId, shipment_id};
use super::parcel::{Carrier, Parcel, ParcelState};
use super::rates::ServiceName;
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
    /// How they are to be sent.
    pub service: ServiceName,
    /// What the carrier collects if everything arrives; none for an order that is paid for.
    pub cash_to_collect: Option<Money>,
    /// What all units of each SKU cost, in the currency of the cash, which is at least their sum. Empty for an order that is paid for.
    pub sku_totals: BTreeMap<Sku, Money>,
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
    /// What comes back.
    pub returns: BTreeMap<ReturnId, Return>,
    /// What became of the wish to stop the order; none if there was none.
    pub cancellation: Option<Cancellation>,
    /// What became of the wishes to stop a part of it, by the refunds that have them.
    pub part_stops: BTreeMap<RefundNumber, PartStop>,
    /// The reference under which the carrier passed the cash on; none before.
    pub remittance: Option<RemittanceReference>,
}

/// What became of the wish of a refund to stop a part of an order. It is final.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PartStop {
    /// What was to be stopped.
    pub asked: Contents,
    /// Where it is stopped; none if too much of it had left, and the order goes on as it was.
    pub stopped: Option<BTreeMap<WarehouseId, Contents>>,
}

/// What became of the wish to stop an order, to cancel it or to give its money back. It is final: orders ask once. An order that is stopped
/// part by part until nothing is left is stopped as well.
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
            returns: BTreeMap::new(),
            cancellation: None,
            part_stops: BTreeMap::new(),
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

    /// Whether every unit of the order has left that was not stopped, and there is one.
    pub fn is_dispatched(&self) -> bool {
        self.has_begun() && self.shipments.values().all(Shipment::is_dispatched)
    }

    /// Whether every unit of the order was delivered that did not fail and was not stopped, and there is one.
    pub fn is_delivered(&self) -> bool {
        self.has_ended() && self.shipments.values().any(Shipment::has_arrived)
    }

    /// Whether every unit of the order failed that was not stopped, and there is one.
    pub fn has_failed(&self) -> bool {
        self.has_ended() && !self.shipments.values().any(Shipment::has_arrived)
    }

    /// Whether nothing more is heard of its parcels.
    fn has_ended(&self) -> bool {
        self.has_begun() && self.shipments.values().all(Shipment::has_ended)
    }

    /// Whether part by part everything was stopped.
    pub fn is_stopped_in_parts(&self) -> bool {
        self.shipments.values().all(Shipment::is_stopped)
    }

    /// Where units can be stopped: those of each SKU in the first shipment, as many as have not left, then in the next one; none, if too many
    /// have left.
    ///
    /// # Errors
    /// The order does not have that many that were not stopped before, wherever they are.
    pub fn stop_part(&self, asked: &Contents) -> Result<Option<BTreeMap<WarehouseId, Contents>>, ShippingError> {
        for (sku, units) in asked.lines() {
            let going = self.going(sku);
            if units > going {
                let (order_id, sku) = (self.order_id, sku.clone());
                return Err(ShippingError::StopsMoreThanOrdered { order_id, sku, asked: units, left: going });
            }
        }
        let left = self.shipments.values().map(|shipment| (shipment.warehouse_id, shipment.left()));
        Ok(take(&left.collect::<Vec<_>>(), asked).ok())
    }

    /// Units of a SKU that have left or may.
    fn going(&self, sku: &Sku) -> i64 {
        match self.cancellation {
            Some(Cancellation::Stopped) => 0,
            Some(Cancellation::Refused) | None => {
                self.shipments.values().map(|shipment| shipment.holds.units(sku) - shipment.stopped.units(sku)).sum()
            }
        }
    }

    /// What was stopped part by part so far, and where.
    pub fn stopped_in_parts(&self) -> BTreeMap<WarehouseId, Contents> {
        let stopped = self.shipments.values().map(|shipment| (shipment.warehouse_id, shipment.stopped.clone()));
        stopped.filter(|(_, contents)| !contents.is_empty()).collect()
    }

    /// What the carrier has to pass on: what it collects if everything arrives, less the share of the units that failed. None for an
    /// order that is paid for.
    pub fn cash_due(&self) -> Option<Money> {
        let to_collect = self.terms.cash_to_collect?;
        let holds = Contents::sum(self.shipments.values().map(|shipment| &shipment.holds));
        let share = |(sku, units): (&Sku, i64)| {
            self.terms.sku_totals.get(sku).map_or(0, |total| total.of_first_units(units, holds.units(sku)).minor())
        };
        let failed: Vec<Contents> = self.shipments.values().map(Shipment::failed).collect();
        let waived: i64 = Contents::sum(&failed).lines().map(share).sum();
        Some(Money::from_minor(to_collect.minor() - waived, to_collect.currency()))
    }

    /// Where units go that the buyer sends back: those of each SKU to the first shipment's warehouse, as many as it delivered, then to the
    /// next one's.
    ///
    /// # Errors
    /// The buyer does not have that many.
    pub fn send_back(&self, asked: &Contents) -> Result<BTreeMap<WarehouseId, Contents>, ShippingError> {
        let with_buyer = |shipment: &Shipment| (shipment.warehouse_id, self.with_buyer(shipment));
        take(&self.shipments.values().map(with_buyer).collect::<Vec<_>>(), asked).map_err(
            |TooFew { sku, asked, left }| ShippingError::MoreThanDelivered {
                order_id: self.order_id,
                sku,
                asked,
                left,
            },
        )
    }

    /// The carriers that brought what a return takes back to a warehouse, the one that was there first first.
    pub fn brought_by(&self, goods_return: &Return, warehouse_id: WarehouseId) -> Vec<&Carrier> {
        let shipment = self.shipments.get(&shipment_id(self.order_id, warehouse_id));
        let (Some(shipment), Some(awaited)) = (shipment, goods_return.awaited.get(&warehouse_id)) else {
            return Vec::new();
        };
        let holds_some = |parcel: &Parcel| parcel.contents.lines().any(|(sku, _)| awaited.units(sku) > 0);
        let brought = |parcel: &'_ Parcel| match parcel.state {
            ParcelState::Delivered { at } if holds_some(parcel) => Some((at, parcel.id)),
            ParcelState::Delivered { .. } | ParcelState::Dispatched | ParcelState::Failed { .. } => None,
        };
        let brought: BTreeMap<_, _> =
            shipment.parcels.values().filter_map(|parcel| Some((brought(parcel)?, &parcel.carrier))).collect();
        brought.into_values().collect()
    }

    /// What came back so far, of all returns.
    pub fn received(&self) -> Received {
        Received::sum(self.returns.values().flat_map(|goods_return| goods_return.receipts.values()))
    }

    /// What a shipment delivered and the buyer did not send back. What comes back of a parcel that failed was never the buyer's.
    fn with_buyer(&self, shipment: &Shipment) -> Contents {
        let taken = self.returns.values().filter_map(|goods_return| match goods_return.origin {
            ReturnOrigin::Refund(_) => Some(goods_return.taken(shipment.warehouse_id)),
            ReturnOrigin::Parcel(_) => None,
        });
        shipment.delivered().without(&Contents::sum(&taken.collect::<Vec<_>>()))
    }
}

/// There are fewer units of a SKU than are asked for.
struct TooFew {
    sku: Sku,
    asked: i64,
    left: i64,
}

/// Takes units from these warehouses: of each SKU all that the first has, then from the next.
fn take(from: &[(WarehouseId, Contents)], asked: &Contents) -> Result<BTreeMap<WarehouseId, Contents>, TooFew> {
    let mut taken: BTreeMap<WarehouseId, Contents> = BTreeMap::new();
    for (sku, units) in asked.lines() {
        let from = from.iter().map(|(warehouse_id, contents)| (warehouse_id, contents));
        let shares = share_out(from, sku, units).map_err(|left| TooFew { sku: sku.clone(), asked: units, left })?;
        for (warehouse_id, share) in shares {
            let there = taken.entry(warehouse_id).or_default();
            *there = Contents::sum([&*there, &share]);
        }
    }
    Ok(taken)
}
