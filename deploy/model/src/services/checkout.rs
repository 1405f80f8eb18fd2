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
}

impl CheckoutStore {
    /// What was submitted.
    pub fn submitted(checkouts: impl IntoIterator<Item = Checkout>) -> Self {
        Self { checkouts: checkouts.into_iter().map(|checkout| (checkout.id, checkout)).collect() }
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
            let orders = self.checkouts.get_mut(&id).into_iter().flat_map(|checkout| &mut checkout.orders);
            for order in orders.filter(|order| order.id == changed.id) {
                *order = changed.clone();
            }
        }
        Ok(())
    }
}
