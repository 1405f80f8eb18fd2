//! Orders as a participant in sagas: the glue between the pure decisions and their edges.

use kernel::{Decision, Timestamp};
use messaging::{Caused, Envelope, Error, Heads, Outgoing, Participant, Undecodable, UnitOfWork};
use sqlx::PgConnection;

use crate::adapters::{events, postgres};
use crate::domain::error::OrderError;
use crate::domain::event::Event;
use crate::domain::fact::Fact;
use crate::domain::policy::Policy;
use crate::domain::world::World;
use crate::saga;

/// Orders, with their policy.
#[derive(Clone, Debug)]
pub struct Orders {
    /// What can be set.
    pub policy: Policy,
}

impl Participant for Orders {
    type Fact = Fact;
    type World = World;
    type Event = Event;
    type Refusal = OrderError;

    fn decode(&self, event: &Envelope) -> Result<Option<Fact>, Undecodable> {
        events::decode(event)
    }

    async fn load(&self, tx: &mut PgConnection, facts: &[Caused<Fact>]) -> Result<(World, Heads), Error> {
        postgres::load(tx, facts).await
    }

    fn decide(&self, world: &mut World, fact: &Fact, now: Timestamp) -> Decision<Event, OrderError> {
        saga::decide(world, fact, &self.policy, now)
    }

    fn encode(&self, event: &Event) -> Outgoing {
        events::encode(event)
    }

    async fn save(&self, unit: &mut UnitOfWork, world: World, heads: &Heads) -> Result<(), Error> {
        let now = unit.now();
        postgres::save(unit.tx(), &world, heads, now).await
    }
}
