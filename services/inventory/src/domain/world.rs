//! The aggregates that a batch of facts touches, and the only operations on them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kernel::{Sku, Timestamp};

use super::address::Place;
use super::allocation::{Allocation, Returned, Shortage};
use super::error::Error;
use super::event::Event;
use super::fact::{
    Dispatch, Receipt, ReceiptMovement, StockChange, StockChangeKind, TransferDispatch, TransferReceipt,
};
use super::ids::{MovementId, OrderId, SellerId, StockItemId, TransferId, WarehouseId};
use super::policy::{self, SkuPolicy};
use super::reservation::{Backorder, Reservation};
use super::stock::{Movement, MovementType, StockItem};
use super::strategy::{self, Site, Stocked, Strategy};
use super::transfer::Transfer;

/// Who takes goods off the stock and back: shipping, by saying that they have left, or come back.
const SHIPPING: &str = "service:shipping";

/// Reservations, stock items and transfers, loaded together. What is absent was never heard of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct World {
    reservations: BTreeMap<OrderId, Reservation>,
    /// The reservations that were there before this batch.
    stored: BTreeSet<OrderId>,
    stock: BTreeMap<StockItemId, StockItem>,
    /// The stock items of a seller's SKU.
    shelves: BTreeMap<(SellerId, Sku), Vec<StockItemId>>,
    /// The stock of SKUs that were seen to be sold out, and so were not locked: not enough for any order that asks for them.
    sold_out: BTreeMap<(SellerId, Sku), Vec<StockItem>>,
    /// The warehouses of the stock. One that is absent is open, and like any other.
    sites: BTreeMap<WarehouseId, Site>,
    /// In which order sellers have their warehouses taken from; by priority, where nothing is said.
    strategies: BTreeMap<SellerId, Strategy>,
    /// What sellers say of SKUs, where they say something.
    policies: BTreeMap<(SellerId, Sku), SkuPolicy>,
    /// For how many units of a SKU orders wait.
    waiting: BTreeMap<(SellerId, Sku), i64>,
    transfers: BTreeMap<TransferId, Transfer>,
    /// What could be promised of the stock items that the fact in hand has changed, before it.
    available_before: BTreeMap<StockItemId, i64>,
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
    /// Transfers that are new or changed.
    pub transfers: BTreeSet<TransferId>,
    /// By how many units more or fewer is waited for than before.
    pub waiting: BTreeMap<(SellerId, Sku), i64>,
}

impl World {
    /// Puts a loaded reservation in.
    pub fn add_reservation(&mut self, reservation: Reservation) {
        self.stored.insert(reservation.order_id);
        self.reservations.insert(reservation.order_id, reservation);
    }

    /// Puts a loaded stock item in.
    pub fn add_stock_item(&mut self, item: StockItem) {
        self.shelves.entry((item.seller_id(), item.sku().clone())).or_default().push(item.id());
        self.stock.insert(item.id(), item);
    }

    /// Puts in a stock item as it was seen, without a lock, when its seller had too few of the SKU for each of the orders that
    /// ask for it. It is there to tell how many there were; nothing is taken from it.
    pub fn add_sold_out(&mut self, item: StockItem) {
        self.sold_out.entry((item.seller_id(), item.sku().clone())).or_default().push(item);
    }

    /// Says how the warehouse of stock that is in the world counts when stock is taken.
    pub fn set_site(&mut self, warehouse_id: WarehouseId, site: Site) {
        self.sites.insert(warehouse_id, site);
    }

    /// Says in which order a seller has its warehouses taken from.
    pub fn set_strategy(&mut self, seller_id: SellerId, strategy: Strategy) {
        self.strategies.insert(seller_id, strategy);
    }

    /// Says what a seller says of a SKU, and for how many units of it orders wait.
    pub fn set_sku_policy(&mut self, seller_id: SellerId, sku: Sku, policy: SkuPolicy, waiting: i64) {
        self.waiting.insert((seller_id, sku.clone()), waiting);
        self.policies.insert((seller_id, sku), policy);
    }

    /// Puts a loaded transfer in.
    pub fn add_transfer(&mut self, transfer: Transfer) {
        self.transfers.insert(transfer.id, transfer);
    }

    /// A transfer.
    pub fn transfer(&self, id: TransferId) -> Option<&Transfer> {
        self.transfers.get(&id)
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

    /// From which of a seller's stock items the demand of an order would be taken that comes now.
    pub(crate) fn allocate(
        &self,
        seller_id: SellerId,
        demand: &BTreeMap<Sku, i64>,
        ship_to: &Place,
    ) -> Result<Vec<Allocation>, Vec<Shortage>> {
        self.take_from_stock(seller_id, demand, ship_to, |sku, available| {
            self.sku_policy(seller_id, sku).for_one_order(available, self.waiting(seller_id, sku))
        })
    }

    /// Whether stock that an order waits for was only looked at: it was too little for what the order asked for when the batch began, and may be
    /// enough by now, because it asks for less.
    pub(crate) fn is_only_seen(&self, backorder: &Backorder) -> bool {
        let Backorder { seller_id, demand, .. } = backorder;
        demand.keys().any(|sku| self.sold_out.contains_key(&(*seller_id, sku.clone())))
    }

    /// From which stock items what an order waits for would be taken.
    pub(crate) fn allocate_to_waiting(&self, backorder: &Backorder) -> Result<Vec<Allocation>, Vec<Shortage>> {
        let Backorder { seller_id, demand, ship_to, .. } = backorder;
        self.take_from_stock(*seller_id, demand, ship_to, |sku, available| {
            policy::oversell::promisable(available, self.sku_policy(*seller_id, sku).safety_stock)
        })
    }

    /// Whether an order may wait for everything that there is too little of.
    pub(crate) fn may_wait(&self, seller_id: SellerId, shortages: &[Shortage]) -> bool {
        shortages.iter().all(|Shortage { sku, requested, .. }| {
            let waiting = self.waiting(seller_id, sku);
            *requested <= policy::backorder::available(&self.sku_policy(seller_id, sku), waiting)
        })
    }

    fn waiting(&self, seller_id: SellerId, sku: &Sku) -> i64 {
        self.waiting.get(&(seller_id, sku.clone())).copied().unwrap_or_default()
    }

    fn take_from_stock(
        &self,
        seller_id: SellerId,
        demand: &BTreeMap<Sku, i64>,
        ship_to: &Place,
        may_have: impl Fn(&Sku, i64) -> i64,
    ) -> Result<Vec<Allocation>, Vec<Shortage>> {
        const ANY: &Site = &Site::ANY;
        let stocked = |item| Stocked { item, site: self.sites.get(&StockItem::warehouse_id(item)).unwrap_or(ANY) };
        let strategy = self.strategies.get(&seller_id).copied().unwrap_or_default();
        let stock_of = |sku: &Sku| {
            let shelf = (seller_id, sku.clone());
            if let Some(seen) = self.sold_out.get(&shelf) {
                return seen.iter().map(stocked).collect();
            }
            self.shelves.get(&shelf).into_iter().flatten().filter_map(|id| self.stock.get(id)).map(stocked).collect()
        };
        strategy::allocate(strategy, ship_to, demand, stock_of, may_have)
    }

    /// Until when an order would hold these SKUs of a seller, if reservations hold for `ttl` otherwise.
    pub(crate) fn hold_until<'a>(
        &self,
        seller_id: SellerId,
        skus: impl Iterator<Item = &'a Sku>,
        now: Timestamp,
        ttl: Duration,
    ) -> Timestamp {
        now + policy::reservation::ttl(ttl, skus.map(|sku| self.sku_policy(seller_id, sku).reservation_ttl))
    }

    /// What a seller says of a SKU that is in the world.
    fn sku_policy(&self, seller_id: SellerId, sku: &Sku) -> SkuPolicy {
        self.policies.get(&(seller_id, sku.clone())).copied().unwrap_or_default()
    }

    /// Whether the stock of every allocation is still on sale.
    pub(crate) fn is_free(&self, allocations: &[Allocation]) -> bool {
        let available = |id| self.stock.get(&id).map_or(0, StockItem::available);
        allocations.iter().all(|allocation| allocation.quantity <= available(allocation.stock_item_id))
    }

    /// Sets an order's reservation, and counts what is waited for by it, and is not any more.
    pub(crate) fn put_reservation(&mut self, reservation: Reservation) {
        let before = self.reservations.get(&reservation.order_id).and_then(|before| before.backorder.clone());
        for (backorder, sign) in
            before.iter().map(|before| (before, -1)).chain(reservation.backorder.iter().map(|now| (now, 1)))
        {
            for (sku, units) in backorder.awaited() {
                let shelf = (backorder.seller_id, sku.clone());
                *self.waiting.entry(shelf.clone()).or_default() += sign * units;
                *self.changes.waiting.entry(shelf).or_default() += sign * units;
            }
        }
        self.changes.reservations.insert(reservation.order_id);
        self.reservations.insert(reservation.order_id, reservation);
    }

    /// Changes the stock of every allocation.
    pub(crate) fn move_stock(&mut self, allocations: &[Allocation], change: impl Fn(&mut StockItem, i64)) {
        for allocation in allocations {
            self.change_item(allocation.stock_item_id, |item| change(item, allocation.quantity));
        }
    }

    /// The only way to a stock item that changes: what could be promised of it before is remembered, for the crossings.
    fn change_item(&mut self, id: StockItemId, change: impl FnOnce(&mut StockItem)) {
        let item = self.stock.get_mut(&id).expect("load brings every stock item that a fact is about");
        self.available_before.entry(id).or_insert(item.available());
        self.changes.stock.insert(id);
        change(item);
    }

    /// What crossed zero or its threshold by the fact in hand. Goods of a stock item that the fact itself made were never gone.
    pub(crate) fn take_crossings(&mut self) -> Vec<Event> {
        let mut crossings = Vec::new();
        for (id, before) in std::mem::take(&mut self.available_before) {
            let stock_item = &self.stock[&id];
            let after = stock_item.available();
            let policy = self.sku_policy(stock_item.seller_id(), stock_item.sku());
            let crossed = |threshold: &i64| before > *threshold && after <= *threshold;
            if let Some(threshold) = policy.low_stock_threshold.filter(crossed) {
                crossings.push(Event::LowStock { stock_item: stock_item.clone(), threshold });
            }
            if before > 0 && after == 0 {
                crossings.push(Event::OutOfStock { stock_item: stock_item.clone() });
            }
            if before == 0 && after > 0 {
                crossings.push(Event::BackInStock { stock_item: stock_item.clone() });
            }
        }
        crossings
    }

    /// Changes what is on hand, and notes the movement. Answers the stock item after it.
    fn change_total(&mut self, movement: Movement) -> Result<StockItem, Error> {
        let id = movement.stock_item_id;
        let mut after = self.stock.get(&id).expect("load brings every stock item that a fact is about").clone();
        after.change_total(movement.quantity)?;
        self.change_item(id, |item| item.clone_from(&after));
        self.changes.movements.push(movement);
        Ok(after)
    }

    /// Changes what is on hand, and notes the movement. Answers the stock item after it.
    pub(crate) fn change_stock(&mut self, change: &StockChange) -> Result<StockItem, Error> {
        let id = self.item_in(change.warehouse_id, change.seller_id, &change.sku).expect("load brings the stock item");
        let (movement_type, quantity) = match change.kind {
            StockChangeKind::Add(quantity) => (MovementType::Add, i64::from(quantity)),
            StockChangeKind::Adjust(delta) => (MovementType::Adjust, delta),
            StockChangeKind::WriteOff(quantity) => (MovementType::WriteOff, -i64::from(quantity)),
        };
        let after = self.change_total(Movement {
            id: change.movement_id,
            stock_item_id: id,
            movement_type,
            quantity,
            reason: change.reason.clone(),
            actor: change.actor.clone(),
        })?;
        self.forget_first_stock(id, change.new_stock_item_id);
        Ok(after)
    }

    /// The first goods of a stock item are not back: there were none that could have gone.
    fn forget_first_stock(&mut self, id: StockItemId, new_stock_item_id: StockItemId) {
        if id == new_stock_item_id {
            self.available_before.remove(&id);
        }
    }

    /// Takes what a transfer sends off the stock of the warehouse that it leaves, and notes the movement.
    pub(crate) fn send_off(&mut self, transfer: &Transfer, dispatch: &TransferDispatch) -> Result<(), Error> {
        let Some(id) = self.item_in(transfer.from_warehouse_id, transfer.seller_id, &transfer.sku) else {
            return Err(Error::StockBelowPromised { sku: transfer.sku.clone(), left: -transfer.quantity, promised: 0 });
        };
        let quantity = -transfer.quantity;
        let movement_id = dispatch.movement_id(id);
        self.change_total(transferred(
            transfer,
            id,
            movement_id,
            MovementType::TransferOut,
            quantity,
            &dispatch.actor,
        ))?;
        self.put_transfer(transfer.clone());
        Ok(())
    }

    /// Takes what arrived of a transfer onto the stock of the warehouse that it goes to, and notes the movement.
    pub(crate) fn take_in(&mut self, transfer: &Transfer, receipt: &TransferReceipt) -> Result<(), Error> {
        if let Some(quantity) = receipt.quantity.map(i64::from) {
            let id = self.item_in(transfer.to_warehouse_id, transfer.seller_id, &transfer.sku);
            let id = id.expect("load brings the stock item");
            let movement_id = receipt.movement_id;
            self.change_total(transferred(
                transfer,
                id,
                movement_id,
                MovementType::TransferIn,
                quantity,
                &receipt.actor,
            ))?;
            self.forget_first_stock(id, receipt.new_stock_item_id);
        }
        self.put_transfer(transfer.clone());
        Ok(())
    }

    fn put_transfer(&mut self, transfer: Transfer) {
        self.changes.transfers.insert(transfer.id);
        self.transfers.insert(transfer.id, transfer);
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
            actor: SHIPPING.to_owned(),
        });
        self.changes.movements.extend(movements);
        leaving.iter().map(|allocation| self.stock[&allocation.stock_item_id].clone()).collect()
    }

    /// Takes what came back onto the stock as far as it can be sold, and notes the movements: what is damaged comes in and is written
    /// off at once. Answers the stock item of each after it; or takes nothing, if a warehouse cannot hold it.
    pub(crate) fn take_back(
        &mut self,
        coming_back: &[(Allocation, Returned)],
        receipt: &Receipt,
    ) -> Result<Vec<StockItem>, Error> {
        let with_it = |(allocation, new): &(Allocation, Returned)| {
            let mut item = self.stock[&allocation.stock_item_id].clone();
            item.change_total(new.resalable)?;
            Ok(item)
        };
        let after = coming_back.iter().map(with_it).collect::<Result<Vec<_>, Error>>()?;
        for (item, (allocation, new)) in after.iter().zip(coming_back) {
            self.change_item(item.id(), |changed| changed.clone_from(item));
            let (Returned { resalable, damaged, .. }, so_far) = (*new, allocation.returned);
            for (kind, movement_type, quantity, came_back) in [
                (ReceiptMovement::Resalable, MovementType::Return, resalable, so_far.resalable),
                (ReceiptMovement::Damaged, MovementType::Return, damaged, so_far.damaged),
                (ReceiptMovement::WrittenOff, MovementType::WriteOff, -damaged, so_far.damaged),
            ] {
                let id = receipt.movement_id(item.id(), kind, came_back);
                self.changes.movements.extend((quantity != 0).then(|| Movement {
                    id,
                    stock_item_id: item.id(),
                    movement_type,
                    quantity,
                    reason: format!("return {}", receipt.return_id),
                    actor: SHIPPING.to_owned(),
                }));
            }
        }
        Ok(after)
    }

    /// The stock item of a SKU in a warehouse.
    pub fn item_in(&self, warehouse_id: WarehouseId, seller_id: SellerId, sku: &Sku) -> Option<StockItemId> {
        let shelf = self.shelves.get(&(seller_id, sku.clone()))?;
        shelf.iter().copied().find(|id| self.stock.get(id).is_some_and(|item| item.warehouse_id() == warehouse_id))
    }
}

/// A movement that a transfer makes of a stock item.
fn transferred(
    transfer: &Transfer,
    stock_item_id: StockItemId,
    id: MovementId,
    movement_type: MovementType,
    quantity: i64,
    actor: &str,
) -> Movement {
    let reason = format!("transfer {}", transfer.id);
    Movement { id, stock_item_id, movement_type, quantity, reason, actor: actor.to_owned() }
}
