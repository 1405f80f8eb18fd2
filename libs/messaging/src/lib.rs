//! How facts travel: at least once on the wire, once in effect.
//!
//! A service changes its state in a [`UnitOfWork`]: the new state, the events in the journal and the rows of the outbox
//! commit together. The [`Relay`] publishes what was committed. A [`Consumer`] hands events, in batches, to a
//! [`Participant`], which decides; its effects, the inbox rows and its own events commit together again.
//!
//! | module | holds |
//! | --- | --- |
//! | `clock` | [`Clock`]: the time, which a test or a fault can set |
//! | `envelope` | [`Envelope`]: an event as it came; [`Outgoing`]: an event to record; the CloudEvents headers |
//! | `store` | [`EventStore`], [`UnitOfWork`]: one transaction that records what it did |
//! | `transaction` | [`begin`], [`begin_snapshot`]: transactions that survive a caller who gives up |
//! | `journal` | [`Head`], [`Heads`], the hash chain, reading and verifying a history |
//! | `relay` | [`Relay`]: from the outbox to Kafka, in order per aggregate |
//! | `participant` | [`Participant`], [`react`]: load, decide, save, for a batch of facts |
//! | `sweep` | [`sweep`]: a deadline passes for whatever is due, batch by batch |
//! | [`read_model`] | rows that follow from histories alone; all of them anew beside those that are read |
//! | `consumer` | [`Consumer`]: from Kafka to a participant |
//! | `inbox` | what a consumer has taken effect of |
//! | [`parked`] | events that could not take effect, for an operator |
//! | [`outbox`] | events that the broker refuses, for an operator; events that are sent once more |
//! | `kafka` | [`KafkaConfig`], producers, consumers, topics |
//! | `subscription` | [`Subscription`], [`Trigger`]: the rows of a service's tables of reactions |
//!
//! Nothing here knows any one event.

mod clock;
mod consumer;
mod envelope;
mod error;
mod inbox;
pub mod journal;
mod kafka;
pub mod outbox;
pub mod parked;
mod participant;
mod producer;
pub mod read_model;
mod relay;
mod store;
mod subscription;
mod sweep;
mod trace;
mod transaction;

pub use clock::Clock;
pub use consumer::Consumer;
pub use envelope::{Cause, Envelope, Origin, Outgoing, Undecodable, to_headers};
pub use error::Error;
pub use inbox::maintain as maintain_inbox;
pub use journal::{Head, Heads};
pub use kafka::{KafkaConfig, Topic, create_topics};
pub use participant::{Caused, Outcome, Participant, react};
pub use relay::Relay;
pub use store::{EventStore, UnitOfWork};
pub use subscription::{Subscription, Trigger};
pub use sweep::sweep;
pub use transaction::{begin, begin_snapshot};

/// The migrations of the tables above, versions 1 to 899. A service adds its own from 1001 on.
pub fn migrations() -> impl Iterator<Item = sqlx::migrate::Migration> {
    static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
    MIGRATOR.iter().cloned()
}
