//! Every checkout that a batch of facts touches.

use std::collections::{BTreeMap, BTreeSet};

use super::checkout::{Checkout, CheckoutOrder};
use super::error::Refusal;
use super::ids::{CheckoutId, OrderId};

/// The checkouts by id; one that is missing is unknown here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    checkouts: BTreeMap<CheckoutId, Checkout>,
    changed: BTreeSet<(CheckoutId, OrderId)>,
}

impl World {
    /// What was loaded.
    pub fn new(checkouts: impl IntoIterator<Item = Checkout>) -> Self {
        let checkouts = checkouts.into_iter().map(|checkout| (checkout.id, checkout)).collect();
        Self { checkouts, changed: BTreeSet::new() }
    }

    /// A checkout.
    ///
    /// # Errors
    /// It is unknown here.
    pub fn checkout(&self, checkout_id: CheckoutId) -> Result<&Checkout, Refusal> {
        self.checkouts.get(&checkout_id).ok_or(Refusal::CheckoutNotFound)
    }

    /// An order of a checkout.
    ///
    /// # Errors
    /// Either is unknown here.
    pub fn order(&mut self, checkout_id: CheckoutId, order_id: OrderId) -> Result<&mut CheckoutOrder, Refusal> {
        let checkout = self.checkouts.get_mut(&checkout_id).ok_or(Refusal::CheckoutNotFound)?;
        checkout.orders.iter_mut().find(|order| order.id == order_id).ok_or(Refusal::OrderNotFound)
    }

    /// Makes an order one of a checkout's, which is to be saved.
    ///
    /// # Errors
    /// The checkout is unknown here.
    pub fn add(&mut self, checkout_id: CheckoutId, order: CheckoutOrder) -> Result<(), Refusal> {
        let checkout = self.checkouts.get_mut(&checkout_id).ok_or(Refusal::CheckoutNotFound)?;
        self.changed.insert((checkout_id, order.id));
        let place = checkout.orders.partition_point(|other| other.id < order.id);
        checkout.orders.insert(place, order);
        Ok(())
    }

    /// Notes that an order is to be saved.
    pub fn mark_changed(&mut self, checkout_id: CheckoutId, order_id: OrderId) {
        self.changed.insert((checkout_id, order_id));
    }

    /// The orders to save, with their checkouts' ids.
    pub fn changed(&self) -> impl Iterator<Item = (CheckoutId, &CheckoutOrder)> {
        self.checkouts.values().flat_map(|checkout| {
            let is_changed = |order: &&CheckoutOrder| self.changed.contains(&(checkout.id, order.id));
            checkout.orders.iter().filter(is_changed).map(|order| (checkout.id, order))
        })
    }
}
