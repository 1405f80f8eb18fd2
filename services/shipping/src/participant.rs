//! Shipping as a participant in sagas: the glue between the pure decisions and their edges.

use kernel::{Decision, Timestamp};
use messaging::{Caused, Envelope, Error, Heads, Outgoing, Participant, Undecodable, UnitOfWork};
use sqlx::PgConnection;

use crate::adapters::{events, postgres};
use crate::domain::error::ShippingError;
use crate::domain::event::Event;
use crate::domain::fact::Fact;
use crate::domain::world::World;
use crate::saga;

/// Shipping. There is nothing to set.
#[derive(Clone, Copy, Debug)]
pub struct Shipping;

impl Participant for Shipping {
    type Fact = Fact;
    type World = World;
    type Event = Event;
    type Refusal = ShippingError;

    fn decode(&self, event: &Envelope) -> Result<Option<Fact>, Undecodable> {
        events::decode(event)
    }

    async fn load(&self, tx: &mut PgConnection, facts: &[Caused<Fact>]) -> Result<(World, Heads), Error> {
        postgres::load(tx, facts).await
    }

    fn decide(&self, world: &mut World, fact: &Fact, now: Timestamp) -> Decision<Event, ShippingError> {
        saga::decide(world, fact, now)
    }

    fn encode(&self, event: &Event) -> Outgoing {
        events::encode(event)
    }

    async fn save(&self, unit: &mut UnitOfWork, world: World, heads: &Heads) -> Result<(), Error> {
        let now = unit.now();
        postgres::save(unit.tx(), &world, heads, now).await
    }
}
