//! What inventory keeps.

use std::collections::BTreeMap;

use inventory::Inventory;
use inventory::domain::allocation::Returned;
use inventory::domain::ids::{MovementId, OrderId, SellerId, StockItemId};
use inventory::domain::policy::SkuPolicy;
use inventory::domain::reservation::Reservation;
use inventory::domain::stock::StockItem;
use inventory::domain::world::World;
use kernel::Sku;

use super::Store;

/// The reservations, the stock and its movements. Stock of a SKU is taken in the order of the stock items' ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct InventoryStore {
    reservations: BTreeMap<OrderId, Reservation>,
    stock: BTreeMap<StockItemId, StockItem>,
    movements: BTreeMap<MovementId, (StockItemId, i64)>,
    /// For how many units of the SKUs orders may wait, and for how many they do.
    lines: BTreeMap<(SellerId, Sku), (i64, i64)>,
}

impl InventoryStore {
    /// What is on hand before anything is ordered.
    pub fn stocked(items: impl IntoIterator<Item = StockItem>, backorder_limit: i64) -> Self {
        let stock: BTreeMap<_, _> = items.into_iter().map(|item| (item.id(), item)).collect();
        let line = |item: &StockItem| ((item.seller_id(), item.sku().clone()), (backorder_limit, 0));
        let lines = if backorder_limit > 0 { stock.values().map(line).collect() } else { BTreeMap::new() };
        Self { stock, lines, ..Self::default() }
    }

    /// For how many units orders wait.
    pub fn waiting(&self) -> i64 {
        self.lines.values().map(|(_, waiting)| waiting).sum()
    }

    /// The reservation of an order.
    pub fn reservation(&self, order_id: OrderId) -> Option<&Reservation> {
        self.reservations.get(&order_id)
    }

    /// Every reservation.
    pub fn reservations(&self) -> impl Iterator<Item = &Reservation> {
        self.reservations.values()
    }

    /// By how many units a stock item's movements have changed what is on hand.
    pub fn moved(&self, id: StockItemId) -> i64 {
        self.movements.values().filter(|(item, _)| *item == id).map(|(_, quantity)| quantity).sum()
    }

    /// Every stock item.
    pub fn stock(&self) -> impl Iterator<Item = &StockItem> {
        self.stock.values()
    }
}

/// Units of an order that inventory knows to have left.
pub fn dispatched(reservation: &Reservation) -> i64 {
    reservation.allocations.iter().map(|allocation| allocation.dispatched).sum()
}

/// Units of an order that inventory gave back part by part.
pub fn released(reservation: &Reservation) -> i64 {
    reservation.allocations.iter().map(|allocation| allocation.released).sum()
}

/// Units of an order that inventory knows to have come back.
pub fn returned(reservation: &Reservation) -> Returned {
    reservation.allocations.iter().fold(Returned::default(), |sum, allocation| {
        let Returned { resalable, damaged, not_accepted } = allocation.returned;
        Returned {
            resalable: sum.resalable + resalable,
            damaged: sum.damaged + damaged,
            not_accepted: sum.not_accepted + not_accepted,
        }
    })
}

impl Store for InventoryStore {
    type Participant = Inventory;

    fn load(&self) -> World {
        let mut world = World::default();
        self.reservations.values().for_each(|reservation| world.add_reservation(reservation.clone()));
        self.stock.values().for_each(|item| world.add_stock_item(item.clone()));
        for ((seller_id, sku), (backorder_limit, waiting)) in &self.lines {
            let policy = SkuPolicy { backorder_limit: Some(*backorder_limit), ..SkuPolicy::default() };
            world.set_sku_policy(*seller_id, sku.clone(), policy, *waiting);
        }
        world
    }

    fn save(&mut self, world: World) -> Result<(), String> {
        let changes = world.changes();
        for reservation in changes.reservations.iter().filter_map(|id| world.reservation(*id)) {
            self.reservations.insert(reservation.order_id, reservation.clone());
        }
        for movement in &changes.movements {
            let moved = (movement.stock_item_id, movement.quantity);
            if self.movements.insert(movement.id, moved).is_some() {
                return Err(format!("movement {} is there already", movement.id));
            }
        }
        for item in changes.stock.iter().filter_map(|id| world.stock_item(*id)) {
            self.stock.insert(item.id(), item.clone());
        }
        for (shelf, units) in &changes.waiting {
            let Some((_, waiting)) = self.lines.get_mut(shelf) else { return Err("nobody may wait for it".to_owned()) };
            *waiting += units;
        }
        Ok(())
    }
}
