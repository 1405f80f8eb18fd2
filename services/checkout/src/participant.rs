//! Checkout as a participant in the checkout saga: the glue between the pure decisions and their edges.

use std::convert::Infallible;

use kernel::{Decision, Timestamp};
use messaging::{Caused, Envelope, Error, Heads, Outgoing, Participant, Undecodable, UnitOfWork};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::adapters::{events, postgres};
use crate::app::watch_checkout::Watchers;
use crate::domain::error::Refusal;
use crate::domain::fact::Fact;
use crate::domain::world::World;
use crate::saga;

/// What follows the orders to their outcomes, and wakes who waits for them.
#[derive(Debug, Clone, Default)]
pub struct Outcomes {
    watchers: Watchers,
}

impl Outcomes {
    /// Wakes these watchers after each commit.
    pub fn new(watchers: Watchers) -> Self {
        Self { watchers }
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

    /// An order that is split off is told of on two keys, and two replicas may hear of it at once, before it has a row here.
    fn locks(&self, fact: &Fact) -> Vec<Uuid> {
        vec![fact.checkout_id.uuid()]
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

    async fn save(&self, unit: &mut UnitOfWork, world: World, _: &Heads) -> Result<(), Error> {
        postgres::checkout::save(unit.tx(), &world).await?;
        let changed: Vec<_> = world.changed().map(|(checkout_id, _)| checkout_id).collect();
        let watchers = self.watchers.clone();
        unit.after_commit(move || watchers.wake(changed));
        Ok(())
    }
}
