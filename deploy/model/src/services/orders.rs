//! What orders keeps.

use std::collections::BTreeMap;

use orders::Orders;
use orders::domain::ids::OrderId;
use orders::domain::order::Order;
use orders::domain::snapshot::Snapshot;
use orders::domain::world::World;

use super::Store;

/// The orders that exist.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OrdersStore {
    orders: BTreeMap<OrderId, Order>,
    /// What is agreed about each.
    agreed: BTreeMap<OrderId, Snapshot>,
}

impl OrdersStore {
    /// An order, if it exists.
    pub fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(&id)
    }

    /// Every order.
    pub fn orders(&self) -> impl Iterator<Item = &Order> + Clone {
        self.orders.values()
    }
}

impl Store for OrdersStore {
    type Participant = Orders;

    fn load(&self) -> World {
        World::new(self.orders.values().cloned()).with_agreed(self.agreed.values().cloned())
    }

    fn save(&mut self, world: World) -> Result<(), String> {
        for (order, _, agreed) in world.agreements() {
            self.agreed.insert(order.id, agreed.clone());
        }
        for order in world.created() {
            if self.orders.insert(order.id, order.clone()).is_some() {
                return Err(format!("order {} is there already", order.id));
            }
        }
        for order in world.changed() {
            self.orders.insert(order.id, order.clone());
        }
        Ok(())
    }
}
