//! What inventory reacts to: events of other services, commands of sellers, deadlines.

use std::collections::BTreeMap;

use kernel::{Quantity, Sku};
use uuid::Uuid;

use super::address::Place;
use super::allocation::Returned;
use super::ids::{MovementId, OrderId, ParcelId, ReturnId, SellerId, ShipmentId, StockItemId, TransferId, WarehouseId};
use super::reservation::TermsVersion;

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
        /// Where its parcels go.
        ship_to: Place,
    },
    /// Units were taken away from an order, or became orders of their own: it is to hold less.
    OrderModified(Modification),
    /// The order's payment is authorized: its stock is to be committed.
    PaymentAuthorized(OrderId),
    /// The order failed or was cancelled: its stock is to be given back.
    OrderEnded(OrderId),
    /// The sweeper found the reservation past its time.
    ReservationDue(OrderId),
    /// The sweeper found that there is enough of what the order waits for, or that it has waited long enough.
    BackorderDue(OrderId),
    /// A parcel left a warehouse: its goods are to be taken off the stock.
    ShipmentDispatched(Dispatch),
    /// Goods came back to a warehouse: they are to be put on sale again, or written off.
    ReturnReceived(Receipt),
    /// Nothing of the order has left, and nothing will: its stock is to be given back.
    ShipmentCancelled(OrderId),
    /// A part of the order will not leave: its stock is to be given back.
    PartStopped(PartStop),
    /// The order was cancelled because nothing of it arrived: all of it had left.
    DeliveryFailed(OrderId),
    /// Money of the order was given back.
    PaymentRefunded {
        /// The order.
        order_id: OrderId,
        /// Whether that followed from the end of the order, and not from a refund that orders approved.
        order_ended: bool,
    },
    /// A seller changes what is on hand.
    StockChange(StockChange),
    /// A seller sends goods to another warehouse.
    TransferDispatched(TransferDispatch),
    /// Goods of a transfer arrived, or it is known that no more do.
    TransferReceived(TransferReceipt),
}

/// What an order asks for from now on, which is less than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modification {
    /// The order.
    pub order_id: OrderId,
    /// The version of what was agreed about it.
    pub terms_version: TermsVersion,
    /// Its seller, and that of the orders that were split off.
    pub seller_id: SellerId,
    /// Where the parcels go, also of those.
    pub ship_to: Place,
    /// What is left, by SKU; at least one unit.
    pub demand: BTreeMap<Sku, i64>,
    /// The orders that were split off it just now, and what each asks for; at least one unit.
    pub split_off: Vec<(OrderId, BTreeMap<Sku, i64>)>,
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
    /// takes a parcel's goods off a stock item once.
    pub fn movement_id(&self, stock_item_id: StockItemId) -> MovementId {
        derived(self.parcel_id.uuid(), stock_item_id, 0)
    }
}

/// A part of an order that will not leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartStop {
    /// The order.
    pub order_id: OrderId,
    /// What of the whole order was stopped part by part so far, this part included. A sum and no difference, so that what is heard twice, or
    /// after a later part, gives nothing back twice.
    pub stopped: BTreeMap<(WarehouseId, Sku), Quantity>,
}

/// Goods that came back to warehouses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The order that they come back from.
    pub order_id: OrderId,
    /// The return that they belong to.
    pub return_id: ReturnId,
    /// What of the whole order has come back so far, these goods included. A sum and no difference, so that what is heard twice, or
    /// after a later receipt, puts nothing on sale twice.
    pub received: BTreeMap<(WarehouseId, Sku), Returned>,
}

/// The movements that a receipt makes of a stock item.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ReceiptMovement {
    /// What can be sold again comes in.
    Resalable,
    /// What is damaged comes in,
    Damaged,
    /// and is written off.
    WrittenOff,
}

impl Receipt {
    /// A movement that the receipt makes of a stock item. A receipt has no id of its own; what tells it from others of its order is how
    /// much of that kind it makes to have come back, for that only grows. So the table, which takes an id once, takes a receipt once.
    pub(crate) fn movement_id(&self, item: StockItemId, kind: ReceiptMovement, came_back: i64) -> MovementId {
        derived(self.order_id.uuid(), item, (came_back.unsigned_abs() << 2) | (kind as u64 + 1))
    }
}

/// The id of a movement of a stock item that follows from what makes it, and from which of its movements it is.
fn derived(cause: Uuid, stock_item_id: StockItemId, number: u64) -> MovementId {
    /// The bits of a UUIDv7 that are neither time nor version nor variant.
    const RANDOM: u128 = (1 << 62) - 1;
    let bits = (stock_item_id.uuid().as_u128() ^ u128::from(number)) & RANDOM;
    MovementId::from_uuid(Uuid::from_u128(cause.as_u128() ^ bits))
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
    /// Goods cannot be sold any more.
    WriteOff(Quantity),
}

/// Goods that a seller sends to another warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferDispatch {
    /// The transfer.
    pub transfer_id: TransferId,
    /// The seller of both warehouses.
    pub seller_id: SellerId,
    /// The variant.
    pub sku: Sku,
    /// The warehouse that they leave.
    pub from_warehouse_id: WarehouseId,
    /// The warehouse that they go to.
    pub to_warehouse_id: WarehouseId,
    /// Units.
    pub quantity: Quantity,
    /// Who.
    pub actor: String,
}

impl TransferDispatch {
    /// The movement out of a stock item: a transfer makes one.
    pub(crate) fn movement_id(&self, stock_item_id: StockItemId) -> MovementId {
        derived(self.transfer_id.uuid(), stock_item_id, 0)
    }
}

/// Goods of a transfer that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferReceipt {
    /// The transfer.
    pub transfer_id: TransferId,
    /// Id of the stock item if this is the first stock of the SKU in the warehouse.
    pub new_stock_item_id: StockItemId,
    /// Id of the movement.
    pub movement_id: MovementId,
    /// Units that arrived; none only where nothing more does.
    pub quantity: Option<Quantity>,
    /// Whether nothing more is awaited.
    pub complete: bool,
    /// Who.
    pub actor: String,
}

impl Fact {
    /// The orders that it is about: the first that it is about above all, then those that were split off it.
    pub fn order_ids(&self) -> Vec<OrderId> {
        let split_off: &[_] = if let Self::OrderModified(modification) = self { &modification.split_off } else { &[] };
        self.order_id().into_iter().chain(split_off.iter().map(|(order_id, _)| *order_id)).collect()
    }

    /// The order that it is about above all, if it is about one.
    pub fn order_id(&self) -> Option<OrderId> {
        match self {
            Self::OrderModified(modification) => Some(modification.order_id),
            Self::OrderCreated { order_id, .. }
            | Self::PaymentAuthorized(order_id)
            | Self::OrderEnded(order_id)
            | Self::ReservationDue(order_id)
            | Self::BackorderDue(order_id)
            | Self::ShipmentCancelled(order_id)
            | Self::DeliveryFailed(order_id)
            | Self::PaymentRefunded { order_id, .. } => Some(*order_id),
            Self::ShipmentDispatched(dispatch) => Some(dispatch.order_id),
            Self::PartStopped(stop) => Some(stop.order_id),
            Self::ReturnReceived(receipt) => Some(receipt.order_id),
            Self::StockChange(_) | Self::TransferDispatched(_) | Self::TransferReceived(_) => None,
        }
    }

    /// The transfer that it is about, if it is about one.
    pub fn transfer_id(&self) -> Option<TransferId> {
        match self {
            Self::TransferDispatched(dispatch) => Some(dispatch.transfer_id),
            Self::TransferReceived(receipt) => Some(receipt.transfer_id),
            Self::OrderCreated { .. }
            | Self::OrderModified(_)
            | Self::PaymentAuthorized(_)
            | Self::OrderEnded(_)
            | Self::ReservationDue(_)
            | Self::BackorderDue(_)
            | Self::ShipmentDispatched(_)
            | Self::ReturnReceived(_)
            | Self::ShipmentCancelled(_)
            | Self::PartStopped(_)
            | Self::DeliveryFailed(_)
            | Self::PaymentRefunded { .. }
            | Self::StockChange(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kernel::Id;

    use super::*;

    #[test]
    fn the_movements_of_receipts_are_told_apart_by_kind_and_by_what_had_come_back() {
        let receipt = Receipt { order_id: Id::generate(), return_id: Id::generate(), received: BTreeMap::new() };
        let (cups, pots) = (Id::generate(), Id::generate());
        let kinds = [ReceiptMovement::Resalable, ReceiptMovement::Damaged, ReceiptMovement::WrittenOff];
        let all = || {
            let of = |item, units| kinds.map(|kind| receipt.movement_id(item, kind, units));
            (1..=3).flat_map(move |units| [cups, pots].map(|item| of(item, units))).flatten()
        };
        assert_eq!(all().collect::<BTreeSet<_>>().len(), 18);
        assert_eq!(all().collect::<Vec<_>>(), all().collect::<Vec<_>>());
    }

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
