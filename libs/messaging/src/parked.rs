//! Events that could not take effect: the sequenced dead letter.
//!
//! A poison event is parked together with the later events of its aggregate on its topic, in order: its chain. Every other
//! aggregate flows on. An operator retries a chain in order, or skips an event for a reason, which is recorded. Payloads are
//! never edited.
//!
//! | module | holds |
//! | --- | --- |
//! | `parking` | how an event gets here, and the reasons in words |
//! | `retry` | [`retry`], [`skip`]: how it leaves |
//! | `announce` | the announcement on `<consumer>.dlq` |

mod announce;
mod parking;
mod retry;

use contracts::event::Unreadable;
use kernel::Timestamp;
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::envelope::Origin;
use crate::{Envelope, Error, EventStore};

pub(crate) use announce::keep_announcing;
pub use parking::KINDS;
pub(crate) use parking::{failed, park, park_behind, refused};
pub use retry::{Tried, retry, skip};

/// Events listed or announced at a time, at most.
pub const ROWS_MAX: i64 = 1_000;

/// A parked event, as an operator sees it.
#[derive(Debug, Clone)]
pub struct ParkedEvent {
    /// Its number: events of one chain are retried in this order.
    pub id: i64,
    /// The consumer group that could not take it.
    pub consumer: String,
    /// The event.
    pub envelope: Envelope,
    /// Why it is parked: one of [`KINDS`], and more.
    pub reason: String,
    /// Since when.
    pub parked_at: Timestamp,
    /// `parked`, `retried` or `skipped`.
    pub state: String,
    /// What an operator did about it; none while it is parked.
    pub resolved: Option<Resolved>,
    /// The first event of its chain, if it waits behind one.
    pub behind: Option<i64>,
    /// The events that wait behind it, in order, if it is the first of its chain.
    pub followers: Vec<i64>,
}

/// That somebody retried or skipped an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why it was skipped.
    pub why: Option<String>,
}

impl ParkedEvent {
    /// The payload as JSON, or why it cannot be read.
    pub fn payload_json(&self) -> Result<Value, Unreadable> {
        contracts::event::to_json(&self.envelope.event_type, &self.envelope.payload)
    }

    fn from_row(row: &PgRow) -> Result<Self, Error> {
        let headers: Value = row.try_get("headers")?;
        let headers = serde_json::from_value(headers).map_err(|error| Error::Corrupt(format!("headers: {error}")))?;
        let origin = Origin {
            topic: row.try_get("topic")?,
            partition: row.try_get("kafka_partition")?,
            offset: row.try_get("kafka_offset")?,
            key: row.try_get("key")?,
            headers,
        };
        // The row's own columns win over headers that could not be read.
        let mut envelope = Envelope::from_parts(origin, row.try_get("payload")?, 0);
        envelope.id = row.try_get("event_id")?;
        envelope.event_type = row.try_get("event_type")?;
        envelope.aggregate_id = row.try_get("aggregate_id")?;
        let resolved = match row.try_get::<Option<OffsetDateTime>, _>("resolved_at")? {
            Some(at) => {
                Some(Resolved { at: at.into(), by: row.try_get("resolved_by")?, why: row.try_get("resolution")? })
            }
            None => None,
        };
        Ok(Self {
            id: row.try_get("id")?,
            consumer: row.try_get("consumer")?,
            envelope,
            reason: row.try_get("reason")?,
            parked_at: row.try_get::<OffsetDateTime, _>("parked_at")?.into(),
            state: row.try_get("state")?,
            resolved,
            behind: row.try_get("behind")?,
            followers: row.try_get("followers")?,
        })
    }
}

/// Which parked events are listed: those that everything given applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// `parked`, `retried` or `skipped`.
    pub state: Option<String>,
    /// The consumer group.
    pub consumer: Option<String>,
    /// One of [`KINDS`].
    pub kind: Option<String>,
    /// A part of the reason, in whatever case.
    pub reason: Option<String>,
    /// The event's type: its full name, or the end of it from a dot on, such as `OrderCreated`.
    pub event_type: Option<String>,
    /// The aggregate.
    pub aggregate_id: Option<Uuid>,
    /// The topic's name, or the end of it: what precedes it when fleets share a cluster may be left out.
    pub topic: Option<String>,
    /// Parked then or later.
    pub since: Option<Timestamp>,
    /// Parked before that.
    pub until: Option<Timestamp>,
    /// Whether an event is left out that waits behind one which is listed.
    pub heads_only: bool,
    /// Events of higher numbers only: the last number of the page before.
    pub after: i64,
    /// So many events at most, and never more than [`ROWS_MAX`].
    pub limit: i64,
}

impl Filter {
    /// Every event that waits for an operator.
    pub fn waiting() -> Self {
        Self {
            state: Some("parked".to_owned()),
            consumer: None,
            kind: None,
            reason: None,
            event_type: None,
            aggregate_id: None,
            topic: None,
            since: None,
            until: None,
            heads_only: false,
            after: 0,
            limit: ROWS_MAX,
        }
    }
}

/// Parked events, oldest first.
pub async fn list(store: &EventStore, filter: &Filter) -> Result<Vec<ParkedEvent>, Error> {
    let rows = sqlx::query(
        "WITH matching AS (
             SELECT id, behind FROM parked_chain
             WHERE ($1::text IS NULL OR state = $1)
               AND ($2::text IS NULL OR consumer = $2)
               AND ($3::text IS NULL OR starts_with(reason, $3))
               AND ($4::text IS NULL OR strpos(lower(reason), lower($4)) > 0)
               AND ($5::text IS NULL OR right('.' || event_type, length($5) + 1) = '.' || $5)
               AND ($6::uuid IS NULL OR aggregate_id = $6)
               AND ($7::text IS NULL OR right(topic, length($7)) = $7)
               AND ($8::timestamptz IS NULL OR parked_at >= $8)
               AND ($9::timestamptz IS NULL OR parked_at < $9)
         ), page AS (
             SELECT id FROM matching
             WHERE id > $10 AND (NOT $11 OR behind IS NULL OR behind NOT IN (SELECT id FROM matching))
             ORDER BY id LIMIT $12
         )
         SELECT c.* FROM page JOIN parked_chain c USING (id) ORDER BY id",
    )
    .bind(&filter.state)
    .bind(&filter.consumer)
    .bind(&filter.kind)
    .bind(&filter.reason)
    .bind(&filter.event_type)
    .bind(filter.aggregate_id)
    .bind(&filter.topic)
    .bind(filter.since.map(OffsetDateTime::from))
    .bind(filter.until.map(OffsetDateTime::from))
    .bind(filter.after)
    .bind(filter.heads_only)
    .bind(filter.limit.min(ROWS_MAX))
    .fetch_all(store.pool())
    .await?;
    rows.iter().map(ParkedEvent::from_row).collect()
}

/// One parked event by its number, whatever became of it.
pub async fn show(store: &EventStore, id: i64) -> Result<Option<ParkedEvent>, Error> {
    let row = sqlx::query("SELECT * FROM parked_chain WHERE id = $1").bind(id).fetch_optional(store.pool()).await?;
    row.as_ref().map(ParkedEvent::from_row).transpose()
}

/// An event of a chain.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Link {
    /// Its number.
    pub id: i64,
    /// Full name of its type.
    pub event_type: String,
    /// Why it is parked.
    pub reason: String,
}

/// What is parked of an event's aggregate and topic, in the order in which a retry takes it; at most [`ROWS_MAX`].
pub async fn chain(store: &EventStore, event: &ParkedEvent) -> Result<Vec<Link>, Error> {
    Ok(sqlx::query_as(
        "SELECT id, event_type, reason FROM parked_event
         WHERE consumer = $1 AND topic = $2 AND aggregate_id = $3 AND state = 'parked'
         ORDER BY id LIMIT $4",
    )
    .bind(&event.consumer)
    .bind(&event.envelope.origin.topic)
    .bind(event.envelope.aggregate_id)
    .bind(ROWS_MAX)
    .fetch_all(store.pool())
    .await?)
}
