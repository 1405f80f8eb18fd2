//! What inventory keeps.

use std::collections::BTreeMap;

use inventory::Inventory;
use inventory::domain::ids::{OrderId, StockItemId};
use inventory::domain::reservation::Reservation;
use inventory::domain::stock::StockItem;
use inventory::domain::world::World;

use super::Store;

/// The reservations and the stock. Stock of a SKU is taken in the order of the stock items' ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct InventoryStore {
    reservations: BTreeMap<OrderId, Reservation>,
    stock: BTreeMap<StockItemId, StockItem>,
}

impl InventoryStore {
    /// What is on hand before anything is ordered.
    pub fn stocked(items: impl IntoIterator<Item = StockItem>) -> Self {
        let stock = items.into_iter().map(|item| (item.id(), item)).collect();
        Self { reservations: BTreeMap::new(), stock }
    }

    /// The reservation of an order.
    pub fn reservation(&self, order_id: OrderId) -> Option<&Reservation> {
        self.reservations.get(&order_id)
    }

    /// Every reservation.
    pub fn reservations(&self) -> impl Iterator<Item = &Reservation> {
        self.reservations.values()
    }

    /// Every stock item.
    pub fn stock(&self) -> impl Iterator<Item = &StockItem> {
        self.stock.values()
    }
}

impl Store for InventoryStore {
    type Participant = Inventory;

    fn load(&self) -> World {
        let mut world = World::default();
        self.reservations.values().for_each(|reservation| world.add_reservation(reservation.clone()));
        self.stock.values().for_each(|item| world.add_stock_item(item.clone()));
        world
    }

    fn save(&mut self, world: World) -> Result<(), String> {
        let changes = world.changes();
        for reservation in changes.reservations.iter().filter_map(|id| world.reservation(*id)) {
            self.reservations.insert(reservation.order_id, reservation.clone());
        }
        for item in changes.stock.iter().filter_map(|id| world.stock_item(*id)) {
            self.stock.insert(item.id(), item.clone());
        }
        Ok(())
    }
}
