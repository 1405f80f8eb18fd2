//! What inventory reacts to: events of other services, commands of sellers, deadlines.

use std::collections::BTreeMap;

use kernel::{Quantity, Sku};
use uuid::Uuid;

use super::ids::{MovementId, OrderId, ParcelId, SellerId, ShipmentId, StockItemId, WarehouseId};

/// A fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// An order was created: its stock is to be reserved.
    OrderCreated {
        /// The order.
        order_id: OrderId,
        /// Whose stock it is taken from.
        seller_id: SellerId,
        /// What it asks for.
        lines: Vec<(Sku, Quantity)>,
    },
    /// The order's payment is authorized: its stock is to be committed.
    PaymentAuthorized(OrderId),
    /// The order failed or was cancelled: its stock is to be given back.
    OrderEnded(OrderId),
    /// The sweeper found the reservation past its time.
    ReservationDue(OrderId),
    /// A parcel left a warehouse: its goods are to be taken off the stock.
    ShipmentDispatched(Dispatch),
    /// The order's money was given back: so is its stock.
    PaymentRefunded(OrderId),
    /// A seller changes what is on hand.
    StockChange(StockChange),
}

/// A parcel that left a warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatch {
    /// The order.
    pub order_id: OrderId,
    /// The shipment: all that the warehouse sends for the order.
    pub shipment_id: ShipmentId,
    /// The parcel.
    pub parcel_id: ParcelId,
    /// The warehouse.
    pub warehouse_id: WarehouseId,
    /// What of the shipment has left so far, this parcel included. A sum and no difference, so that what is heard twice, or after
    /// a later parcel, takes nothing twice.
    pub dispatched: BTreeMap<Sku, Quantity>,
}

impl Dispatch {
    /// The movement that the parcel makes of a stock item. It follows from both alone, so that the table, which takes an id once,
    /// takes a parcel's goods off a stock item once. Movements are listed by their ids: its time is that of the parcel.
    pub fn movement_id(&self, stock_item_id: StockItemId) -> MovementId {
        /// The bits of a UUIDv7 that are neither time nor version nor variant.
        const RANDOM: u128 = (1 << 62) - 1;
        let (parcel, item) = (self.parcel_id.uuid().as_u128(), stock_item_id.uuid().as_u128());
        MovementId::from_uuid(Uuid::from_u128(parcel ^ (item & RANDOM)))
    }
}

/// A seller's change of what is on hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockChange {
    /// Id of the stock item if this is the first stock of the SKU in the warehouse.
    pub new_stock_item_id: StockItemId,
    /// Id of the movement.
    pub movement_id: MovementId,
    /// The warehouse.
    pub warehouse_id: WarehouseId,
    /// Its seller.
    pub seller_id: SellerId,
    /// The variant.
    pub sku: Sku,
    /// What changes.
    pub kind: StockChangeKind,
    /// Why.
    pub reason: String,
    /// Who.
    pub actor: String,
}

/// What changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockChangeKind {
    /// Goods come in.
    Add(Quantity),
    /// A count is put right by so many units, up or down.
    Adjust(i64),
}

impl Fact {
    /// The order that it is about, if it is about one.
    pub fn order_id(&self) -> Option<OrderId> {
        match self {
            Self::OrderCreated { order_id, .. }
            | Self::PaymentAuthorized(order_id)
            | Self::OrderEnded(order_id)
            | Self::ReservationDue(order_id)
            | Self::PaymentRefunded(order_id) => Some(*order_id),
            Self::ShipmentDispatched(dispatch) => Some(dispatch.order_id),
            Self::StockChange(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kernel::Id;

    use super::*;

    #[test]
    fn a_movement_follows_from_its_parcel_and_stock_item_and_has_the_parcels_time() {
        let parcel = || Dispatch {
            order_id: Id::generate(),
            shipment_id: Id::generate(),
            parcel_id: Id::generate(),
            warehouse_id: Id::generate(),
            dispatched: BTreeMap::new(),
        };
        let (first, second) = (parcel(), parcel());
        let (cups, pots) = (Id::generate(), Id::generate());
        let ids = [&first, &second].map(|parcel| [cups, pots].map(|item| parcel.movement_id(item)));
        assert_eq!(ids[0], [cups, pots].map(|item| first.clone().movement_id(item)));
        let distinct: BTreeSet<_> = ids.iter().flatten().collect();
        assert_eq!(distinct.len(), 4);
        let time_and_version = |id: Uuid| id.as_u128() >> 64;
        for id in ids[0] {
            assert_eq!(time_and_version(id.uuid()), time_and_version(first.parcel_id.uuid()));
        }
    }
}
