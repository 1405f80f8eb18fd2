//! Inventory as a participant in sagas: the glue between the pure decisions and their edges.

use kernel::{Decision, Timestamp};
use messaging::{Caused, Envelope, Error, Heads, Outgoing, Participant, Undecodable, UnitOfWork};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::adapters::{events, postgres};
use crate::domain;
use crate::domain::event::Event;
use crate::domain::fact::Fact;
use crate::domain::ids::{OrderId, TransferId};
use crate::domain::world::World;
use crate::saga::{self, Policy};

/// Inventory, with its policy.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// What can be set.
    pub policy: Policy,
}

impl Participant for Inventory {
    type Fact = Fact;
    type World = World;
    type Event = Event;
    type Refusal = domain::error::Error;

    fn decode(&self, event: &Envelope) -> Result<Option<Fact>, Undecodable> {
        events::decode(event)
    }

    /// Inventory hears of an order on three topics, and two replicas may hear of it at once. A transfer's goods may be received twice at once.
    fn locks(&self, fact: &Fact) -> Vec<Uuid> {
        fact.order_ids().into_iter().map(OrderId::uuid).chain(fact.transfer_id().map(TransferId::uuid)).collect()
    }

    async fn load(&self, tx: &mut PgConnection, facts: &[Caused<Fact>]) -> Result<(World, Heads), Error> {
        postgres::load(tx, facts).await
    }

    fn decide(&self, world: &mut World, fact: &Fact, now: Timestamp) -> Decision<Event, Self::Refusal> {
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
