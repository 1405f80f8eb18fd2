//! Payments as a participant in sagas: the glue between the pure decisions and their edges.

use kernel::{Decision, Timestamp};
use messaging::{Cause, Caused, Envelope, Error, Heads, Outgoing, Participant, Undecodable};
use sqlx::PgConnection;
use tokio::sync::Notify;

use crate::adapters::{events, postgres};
use crate::domain::{Event, Fact, Policy, Refusal, World};
use crate::saga;

/// Payments, with its policy.
#[derive(Debug)]
pub struct Payments {
    policy: Policy,
    asked: Notify,
}

/// A fact, and what told of it: an operation remembers that, so that what the provider answers is not without a cause.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The fact.
    pub fact: Fact,
    /// What told of it.
    pub cause: Cause,
}

/// A world, and the causes of what is asked in it, one each.
#[derive(Debug)]
pub struct Loaded {
    world: World,
    causes: Vec<Cause>,
}

impl Payments {
    /// Payments under a policy.
    pub fn new(policy: Policy) -> Self {
        Self { policy, asked: Notify::new() }
    }

    /// Told when something may have been asked of the provider.
    pub(crate) fn asked(&self) -> &Notify {
        &self.asked
    }
}

impl Participant for Payments {
    type Fact = Heard;
    type World = Loaded;
    type Event = Event;
    type Refusal = Refusal;

    fn decode(&self, event: &Envelope) -> Result<Option<Heard>, Undecodable> {
        let heard = |fact| Heard { fact, cause: Cause::event(crate::SERVICE.name, event) };
        Ok(events::decode(event)?.map(heard))
    }

    async fn load(&self, tx: &mut PgConnection, facts: &[Caused<Heard>]) -> Result<(Loaded, Heads), Error> {
        let (world, heads) = postgres::load(tx, facts).await?;
        Ok((Loaded { world, causes: Vec::new() }, heads))
    }

    fn decide(&self, loaded: &mut Loaded, heard: &Heard, now: Timestamp) -> Decision<Event, Refusal> {
        let decision = saga::checkout::decide(&mut loaded.world, &heard.fact, self.policy, now);
        loaded.causes.resize(loaded.world.asked.len(), heard.cause.clone());
        decision
    }

    fn encode(&self, event: &Event) -> Outgoing {
        events::encode(event)
    }

    async fn save(&self, tx: &mut PgConnection, loaded: Loaded, heads: &Heads, now: Timestamp) -> Result<(), Error> {
        postgres::save(tx, &loaded.world, &loaded.causes, heads, now).await
    }

    fn committed(&self) {
        self.asked.notify_one();
    }
}
