//! The smallest participant: taps are turned, and each tap's meter counts what flowed.
//!
//! It has the layout of a service: `domain` is pure, `wire` translates, `postgres` loads and saves, and the four functions
//! of [`MeterParticipant`] tie them together.

pub(crate) mod domain;
pub(crate) mod postgres;
pub(crate) mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use chassis::Service;
use kernel::{Decision, Timestamp};
use messaging::{Caused, Envelope, Error, Heads, Outgoing, Participant, Subscription, Undecodable, UnitOfWork};
use sqlx::PgConnection;
use uuid::Uuid;

use domain::{Flowed, Meters, Refused, Turned};

pub(crate) const GROUP: &str = "meters.saga";

/// What the meters react to.
pub(crate) const SUBSCRIPTIONS: &[Subscription] = &[Subscription {
    event: "tradewind.taps.v1.TapTurned",
    reaction: "counts what flowed",
    follows: &["MeterRead"],
    tests: &[],
}];

pub(crate) static SERVICE: Service = Service {
    name: "meters",
    migrations: sqlx::migrate!("tests/migrations"),
    append_only_tables: &[],
    topics: &[wire::METERS],
    consumers: &[GROUP],
};

/// Takes part in the saga of turning taps.
#[derive(Debug)]
pub(crate) struct MeterParticipant {
    /// Most that may flow at once. A test changes it to mend the cause of a refusal.
    pub(crate) amount_max: AtomicI64,
    /// Makes the process die between the commit of its next batch and the storing of its offsets.
    pub(crate) dies_after_commit: AtomicBool,
}

impl MeterParticipant {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { amount_max: AtomicI64::new(i64::MAX), dies_after_commit: AtomicBool::new(false) })
    }
}

impl Participant for MeterParticipant {
    type Fact = Turned;
    type World = Meters;
    type Event = Flowed;
    type Refusal = Refused;

    fn decode(&self, event: &Envelope) -> Result<Option<Turned>, Undecodable> {
        wire::decode(event)
    }

    /// A tap's meter is made by its first turn; two at once must not both make one.
    fn locks(&self, turned: &Turned) -> Vec<Uuid> {
        vec![turned.tap_id]
    }

    async fn load(&self, tx: &mut PgConnection, facts: &[Caused<Turned>]) -> Result<(Meters, Heads), Error> {
        postgres::load(tx, facts.iter().map(|caused| caused.fact.tap_id)).await
    }

    fn decide(&self, meters: &mut Meters, turned: &Turned, _now: Timestamp) -> Decision<Flowed, Refused> {
        domain::on_turned(meters, turned, self.amount_max.load(Ordering::SeqCst))
    }

    fn encode(&self, flowed: &Flowed) -> Outgoing {
        wire::encode(flowed)
    }

    async fn save(&self, unit: &mut UnitOfWork, meters: Meters, heads: &Heads) -> Result<(), Error> {
        postgres::save(unit.tx(), &meters, heads).await?;
        let dies = self.dies_after_commit.load(Ordering::SeqCst);
        unit.after_commit(move || assert!(!dies, "this process was to die here"));
        Ok(())
    }
}
