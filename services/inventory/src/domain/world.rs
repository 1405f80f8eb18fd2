//! The aggregates that a batch of facts touches, and the only operations on them.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Sku;

use super::allocation::{self, Allocation, Shortage};
use super::error::Error;
use super::fact::{Dispatch, StockChange, StockChangeKind};
use super::ids::{OrderId, SellerId, StockItemId, WarehouseId};
use super::reservation::Reservation;
use super::stock::{Movement, MovementType, StockItem};

/// Who takes goods off the stock: shipping, by saying that they have left.
const DISPATCHER: &str = "service:shipping";

/// Reservations and stock items, loaded together. A reservation that is absent was never heard of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct World {
    reservations: BTreeMap<OrderId, Reservation>,
    /// The reservations that were there before this batch.
    stored: BTreeSet<OrderId>,
    stock: BTreeMap<StockItemId, StockItem>,
    /// The stock items of a seller's SKU, those to take from first first.
    shelves: BTreeMap<(SellerId, Sku), Vec<StockItemId>>,
    /// The stock of SKUs that were seen to be sold out, and so were not locked: not enough for any order that asks for them.
    sold_out: BTreeMap<(SellerId, Sku), Vec<StockItem>>,
    changes: Changes,
}

/// What has to be saved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Reservations that are new or changed.
    pub reservations: BTreeSet<OrderId>,
    /// Stock items that changed.
    pub stock: BTreeSet<StockItemId>,
    /// Movements that happened.
    pub movements: Vec<Movement>,
}

impl World {
    /// Puts a loaded reservation in.
    pub fn add_reservation(&mut self, reservation: Reservation) {
        self.stored.insert(reservation.order_id);
        self.reservations.insert(reservation.order_id, reservation);
    }

    /// Puts a loaded stock item in, behind those of the same SKU that are in already.
    pub fn add_stock_item(&mut self, item: StockItem) {
        self.shelves.entry((item.seller_id(), item.sku().clone())).or_default().push(item.id());
        self.stock.insert(item.id(), item);
    }

    /// Puts in a stock item as it was seen, without a lock, when its seller had too few of the SKU for each of the orders that
    /// ask for it. It is there to tell how many there were; nothing is taken from it.
    pub fn add_sold_out(&mut self, item: StockItem) {
        self.sold_out.entry((item.seller_id(), item.sku().clone())).or_default().push(item);
    }

    /// The reservation of an order.
    pub fn reservation(&self, order_id: OrderId) -> Option<&Reservation> {
        self.reservations.get(&order_id)
    }

    /// Whether the reservation of an order was there before this batch.
    pub fn is_stored(&self, order_id: OrderId) -> bool {
        self.stored.contains(&order_id)
    }

    /// A stock item.
    pub fn stock_item(&self, id: StockItemId) -> Option<&StockItem> {
        self.stock.get(&id)
    }

    /// What has to be saved.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// From which of a seller's stock items the demand would be taken.
    pub(crate) fn allocate(
        &self,
        seller_id: SellerId,
        demand: &BTreeMap<Sku, i64>,
    ) -> Result<Vec<Allocation>, Vec<Shortage>> {
        allocation::allocate(demand, |sku| {
            let shelf = (seller_id, sku.clone());
            if let Some(seen) = self.sold_out.get(&shelf) {
                return seen.iter().collect();
            }
            self.shelves.get(&shelf).into_iter().flatten().filter_map(|id| self.stock.get(id)).collect()
        })
    }

    /// Whether the stock of every allocation is still on sale.
    pub(crate) fn is_free(&self, allocations: &[Allocation]) -> bool {
        let available = |id| self.stock.get(&id).map_or(0, StockItem::available);
        allocations.iter().all(|allocation| allocation.quantity <= available(allocation.stock_item_id))
    }

    /// Sets an order's reservation.
    pub(crate) fn put_reservation(&mut self, reservation: Reservation) {
        self.changes.reservations.insert(reservation.order_id);
        self.reservations.insert(reservation.order_id, reservation);
    }

    /// Changes the stock of every allocation.
    pub(crate) fn move_stock(&mut self, allocations: &[Allocation], change: impl Fn(&mut StockItem, i64)) {
        for allocation in allocations {
            let item =
                self.stock.get_mut(&allocation.stock_item_id).expect("load brings the stock of every allocation");
            change(item, allocation.quantity);
            self.changes.stock.insert(allocation.stock_item_id);
        }
    }

    /// Changes what is on hand, and notes the movement. Answers the stock item after it.
    pub(crate) fn change_stock(&mut self, change: &StockChange) -> Result<StockItem, Error> {
        let id = self.item_in(change.warehouse_id, change.seller_id, &change.sku).expect("load brings the stock item");
        let (movement_type, quantity) = match change.kind {
            StockChangeKind::Add(quantity) => (MovementType::Add, i64::from(quantity)),
            StockChangeKind::Adjust(delta) => (MovementType::Adjust, delta),
        };
        let item = self.stock.get_mut(&id).expect("a shelf holds only items that are loaded");
        item.change_total(quantity)?;
        self.changes.stock.insert(id);
        self.changes.movements.push(Movement {
            id: change.movement_id,
            stock_item_id: id,
            movement_type,
            quantity,
            reason: change.reason.clone(),
            actor: change.actor.clone(),
        });
        Ok(item.clone())
    }

    /// Takes what leaves with a parcel off the stock, and notes the movements. Answers the stock item of each after it.
    pub(crate) fn remove_stock(&mut self, leaving: &[Allocation], dispatch: &Dispatch) -> Vec<StockItem> {
        self.move_stock(leaving, StockItem::remove);
        let movements = leaving.iter().map(|allocation| Movement {
            id: dispatch.movement_id(allocation.stock_item_id),
            stock_item_id: allocation.stock_item_id,
            movement_type: MovementType::Remove,
            quantity: -allocation.quantity,
            reason: format!("parcel {} of shipment {}", dispatch.parcel_id, dispatch.shipment_id),
            actor: DISPATCHER.to_owned(),
        });
        self.changes.movements.extend(movements);
        leaving.iter().map(|allocation| self.stock[&allocation.stock_item_id].clone()).collect()
    }

    /// The stock item of a SKU in a warehouse.
    pub fn item_in(&self, warehouse_id: WarehouseId, seller_id: SellerId, sku: &Sku) -> Option<StockItemId> {
        let shelf = self.shelves.get(&(seller_id, sku.clone()))?;
        shelf.iter().copied().find(|id| self.stock.get(id).is_some_and(|item| item.warehouse_id() == warehouse_id))
    }
}
