//! Checkout as a participant in the checkout saga: the glue between the pure decisions and their edges.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::{Decision, Timestamp};
use messaging::{Caused, Envelope, Error, Heads, Outgoing, Participant, Undecodable};
use sqlx::PgConnection;

use crate::adapters::{events, postgres};
use crate::app::watch_checkout::Watchers;
use crate::domain::error::Refusal;
use crate::domain::fact::Fact;
use crate::domain::ids::CheckoutId;
use crate::domain::world::World;
use crate::saga;

/// What follows the orders to their outcomes, and wakes who waits for them. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct Outcomes {
    watchers: Watchers,
    /// Saved, and to be told once committed. What a failed transaction leaves here wakes a watcher for nothing, no more.
    saved: Arc<Mutex<Vec<CheckoutId>>>,
}

impl Outcomes {
    /// Wakes these watchers after each commit.
    pub fn new(watchers: Watchers) -> Self {
        Self { watchers, saved: Arc::default() }
    }

    fn saved(&self) -> MutexGuard<'_, Vec<CheckoutId>> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Participant for Outcomes {
    type Fact = Fact;
    type World = World;
    /// Nothing follows from an outcome.
    type Event = Infallible;
    type Refusal = Refusal;

    fn decode(&self, event: &Envelope) -> Result<Option<Fact>, Undecodable> {
        events::decode(event)
    }

    async fn load(&self, tx: &mut PgConnection, facts: &[Caused<Fact>]) -> Result<(World, Heads), Error> {
        let mut ids: Vec<_> = facts.iter().map(|caused| caused.fact.checkout_id.uuid()).collect();
        ids.sort_unstable();
        ids.dedup();
        // No event is recorded, so no history goes on.
        Ok((postgres::checkout::load(tx, &ids).await?, Heads::default()))
    }

    fn decide(&self, world: &mut World, fact: &Fact, now: Timestamp) -> Decision<Infallible, Refusal> {
        saga::checkout::decide(world, fact, now)
    }

    fn encode(&self, event: &Infallible) -> Outgoing {
        match *event {}
    }

    async fn save(&self, tx: &mut PgConnection, world: World, _: &Heads, _: Timestamp) -> Result<(), Error> {
        postgres::checkout::save(tx, &world).await?;
        self.saved().extend(world.changed().map(|(checkout_id, _)| checkout_id));
        Ok(())
    }

    fn committed(&self) {
        self.watchers.wake(self.saved().drain(..));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watchers_are_woken_once_what_was_saved_is_committed() {
        let watchers = Watchers::default();
        let checkout_id = CheckoutId::generate();
        let watch = watchers.watch(checkout_id).unwrap();
        let outcomes = Outcomes::new(watchers);
        outcomes.saved().push(checkout_id);
        assert!(!watch.is_rung());
        outcomes.committed();
        assert!(watch.is_rung() && outcomes.saved().is_empty());
    }
}
