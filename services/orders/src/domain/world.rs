//! The orders that a batch of facts touches.

use std::collections::{BTreeMap, BTreeSet};

use super::ids::OrderId;
use super::order::Order;
use super::snapshot::Snapshot;

/// The orders that a batch of facts touches, by id. One that is absent does not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    orders: BTreeMap<OrderId, Order>,
    /// What is to be inserted: the snapshots of the orders that this batch creates.
    created: BTreeMap<OrderId, Snapshot>,
    /// What is to be updated: orders that existed before this batch.
    changed: BTreeSet<OrderId>,
}

impl World {
    /// The orders that exist.
    pub fn new(orders: impl IntoIterator<Item = Order>) -> Self {
        let orders = orders.into_iter().map(|order| (order.id, order)).collect();
        Self { orders, created: BTreeMap::new(), changed: BTreeSet::new() }
    }

    /// An order, if it exists.
    pub fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(&id)
    }

    /// An order to decide about, if it exists. Tell [`Self::mark_changed`] when it changes.
    pub fn order_mut(&mut self, id: OrderId) -> Option<&mut Order> {
        self.orders.get_mut(&id)
    }

    /// Remembers to save an order that changed.
    pub fn mark_changed(&mut self, id: OrderId) {
        if !self.created.contains_key(&id) {
            self.changed.insert(id);
        }
    }

    /// Adds a new order.
    pub fn create(&mut self, order: Order, snapshot: Snapshot) {
        self.created.insert(order.id, snapshot);
        self.orders.insert(order.id, order);
    }

    /// The orders that this batch created, in the order of their ids.
    pub fn created(&self) -> impl Iterator<Item = (&Order, &Snapshot)> {
        self.created.iter().map(|(id, snapshot)| (&self.orders[id], snapshot))
    }

    /// The orders that existed before and changed, in the order of their ids.
    pub fn changed(&self) -> impl Iterator<Item = &Order> {
        self.changed.iter().map(|id| &self.orders[id])
    }
}
