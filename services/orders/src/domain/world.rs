//! The orders that a batch of facts touches.

use std::collections::{BTreeMap, BTreeSet};

use super::ids::OrderId;
use super::order::Order;
use super::snapshot::{Snapshot, TermsVersion};

/// The orders that a batch of facts touches, by id. One that is absent does not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    orders: BTreeMap<OrderId, Order>,
    /// What is agreed about those of which a fact needs to know it in full.
    agreed: BTreeMap<OrderId, Snapshot>,
    /// What is to be inserted: what this batch has agreed, in the order in which it did.
    agreements: Vec<(TermsVersion, Snapshot)>,
    /// What is to be inserted: orders that this batch creates.
    created: BTreeSet<OrderId>,
    /// What is to be updated: orders that existed before this batch.
    changed: BTreeSet<OrderId>,
}

impl World {
    /// The orders that exist.
    pub fn new(orders: impl IntoIterator<Item = Order>) -> Self {
        let orders = orders.into_iter().map(|order| (order.id, order)).collect();
        Self { orders, ..Self::default() }
    }

    /// Adds what is agreed about an order of which a fact needs to know it ([`Fact::needs_terms`](super::fact::Fact::needs_terms)).
    #[must_use]
    pub fn with_agreed(mut self, agreed: impl IntoIterator<Item = Snapshot>) -> Self {
        self.agreed.extend(agreed.into_iter().map(|snapshot| (snapshot.terms().order_id, snapshot)));
        self
    }

    /// Has something else agreed about an order.
    pub fn agree(&mut self, version: TermsVersion, snapshot: Snapshot) {
        self.mark_changed(snapshot.terms().order_id);
        self.agreements.push((version, snapshot));
    }

    /// An order, if it exists.
    pub fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(&id)
    }

    /// What is agreed about an order of which a fact needs to know it.
    pub fn agreed(&self, id: OrderId) -> Option<&Snapshot> {
        latest(&self.agreements, &self.agreed, id)
    }

    /// An order to decide about, if it exists. Tell [`Self::mark_changed`] when it changes.
    pub fn order_mut(&mut self, id: OrderId) -> Option<&mut Order> {
        self.orders.get_mut(&id)
    }

    /// The same, with what is agreed about it ([`Self::agreed`]).
    pub fn order_mut_and_agreed(&mut self, id: OrderId) -> Option<(&mut Order, Option<&Snapshot>)> {
        Some((self.orders.get_mut(&id)?, latest(&self.agreements, &self.agreed, id)))
    }

    /// Remembers to save an order that changed.
    pub fn mark_changed(&mut self, id: OrderId) {
        if !self.created.contains(&id) {
            self.changed.insert(id);
        }
    }

    /// Adds a new order.
    pub fn create(&mut self, order: Order, snapshot: Snapshot) {
        self.created.insert(order.id);
        self.orders.insert(order.id, order);
        self.agreements.push((1, snapshot));
    }

    /// The orders that this batch created, in the order of their ids.
    pub fn created(&self) -> impl Iterator<Item = &Order> {
        self.created.iter().map(|id| &self.orders[id])
    }

    /// What this batch has agreed: about which order, in which version.
    pub fn agreements(&self) -> impl Iterator<Item = (&Order, TermsVersion, &Snapshot)> {
        self.agreements.iter().map(|(version, snapshot)| (&self.orders[&snapshot.terms().order_id], *version, snapshot))
    }

    /// The orders that existed before and changed, in the order of their ids.
    pub fn changed(&self) -> impl Iterator<Item = &Order> {
        self.changed.iter().map(|id| &self.orders[id])
    }
}

fn latest<'a>(
    agreements: &'a [(TermsVersion, Snapshot)],
    agreed: &'a BTreeMap<OrderId, Snapshot>,
    id: OrderId,
) -> Option<&'a Snapshot> {
    let mut lately = agreements.iter().rev().map(|(_, snapshot)| snapshot);
    lately.find(|snapshot| snapshot.terms().order_id == id).or_else(|| agreed.get(&id))
}
