//! What checkout keeps.

use std::collections::BTreeMap;

use checkout::Outcomes;
use checkout::domain::checkout::{Checkout, CheckoutOrder};
use checkout::domain::ids::CheckoutId;
use checkout::domain::world::World;

use super::Store;

/// The checkouts that were submitted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CheckoutStore {
    checkouts: BTreeMap<CheckoutId, Checkout>,
    /// What each cost when it was submitted, in minor units.
    submitted: BTreeMap<CheckoutId, i64>,
}

impl CheckoutStore {
    /// What was submitted.
    pub fn submitted(checkouts: impl IntoIterator<Item = Checkout>) -> Self {
        let checkouts: BTreeMap<_, _> = checkouts.into_iter().map(|checkout| (checkout.id, checkout)).collect();
        let submitted = checkouts.iter().map(|(id, checkout)| (*id, checkout.total().minor())).collect();
        Self { checkouts, submitted }
    }

    /// What a checkout cost when it was submitted, in minor units.
    pub fn submitted_total(&self, id: CheckoutId) -> i64 {
        self.submitted[&id]
    }

    /// Every order of every checkout, with what the buyer is shown of it.
    pub fn orders(&self) -> impl Iterator<Item = &CheckoutOrder> {
        self.checkouts.values().flat_map(|checkout| &checkout.orders)
    }
}

impl Store for CheckoutStore {
    type Participant = Outcomes;

    fn load(&self) -> World {
        World::new(self.checkouts.values().cloned())
    }

    fn save(&mut self, world: World) -> Result<(), String> {
        for (id, changed) in world.changed() {
            let checkout = self.checkouts.get_mut(&id).ok_or("a checkout that was never submitted")?;
            match checkout.orders.iter_mut().find(|order| order.id == changed.id) {
                Some(order) => order.clone_from(changed),
                None => checkout.orders.push(changed.clone()),
            }
            checkout.orders.sort_by_key(|order| order.id);
        }
        Ok(())
    }
}
