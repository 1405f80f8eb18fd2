//! Events that the broker refuses, for an operator; and events that are to be sent once more.
//!
//! An event that the broker refused ten times for its own sake is held back, and so are the later ones of its aggregate, because
//! publishing them would leave a hole in its history. There is no skipping it, for the same reason: an operator mends what makes
//! the broker refuse it, and releases it.

use kernel::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Error, EventStore};

/// Refused events listed at a time, at most.
const ROWS_MAX: i64 = 1_000;

/// An event that the broker refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedEvent {
    /// Its number in the outbox.
    pub id: i64,
    /// Full name of its type.
    pub event_type: String,
    /// Its aggregate.
    pub aggregate_id: Uuid,
    /// The aggregate's version from it on.
    pub version: i64,
    /// Size of its payload in bytes.
    pub payload_bytes: i32,
    /// What the broker said last.
    pub error: String,
    /// How often it refused the event itself; 0 for what lies elsewhere, such as a topic that is missing.
    pub attempts: i16,
    /// Since when it is held back; none while the relay tries on.
    pub held_back_at: Option<Timestamp>,
    /// How many later events of its aggregate wait behind it.
    pub followers: i64,
}

impl FromRow<'_, PgRow> for RefusedEvent {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            event_type: row.try_get("event_type")?,
            aggregate_id: row.try_get("aggregate_id")?,
            version: row.try_get("version")?,
            payload_bytes: row.try_get("payload_bytes")?,
            error: row.try_get("last_error")?,
            attempts: row.try_get("attempts")?,
            held_back_at: row.try_get::<Option<OffsetDateTime>, _>("parked_at")?.map(Into::into),
            followers: row.try_get("followers")?,
        })
    }
}

/// The events that the broker refused and has not taken since, oldest first; at most 1,000.
pub async fn refused(store: &EventStore) -> Result<Vec<RefusedEvent>, Error> {
    Ok(sqlx::query_as(
        "SELECT o.id, j.event_type, o.aggregate_id, o.version, octet_length(j.payload) AS payload_bytes, o.last_error,
                o.attempts, o.parked_at,
                (SELECT count(*) FROM outbox f WHERE f.aggregate_id = o.aggregate_id AND f.version > o.version) AS followers
         FROM outbox o JOIN journal j USING (aggregate_id, version)
         WHERE o.last_error IS NOT NULL
         ORDER BY o.id LIMIT $1",
    )
    .bind(ROWS_MAX)
    .fetch_all(store.pool())
    .await?)
}

/// How many events wait for the broker's acknowledgement, refused or not, and since when the oldest of them does.
pub async fn waiting(store: &EventStore) -> Result<(i64, Option<Timestamp>), Error> {
    let (count, oldest): (i64, Option<OffsetDateTime>) =
        sqlx::query_as("SELECT count(*), min(created_at) FROM outbox").fetch_one(store.pool()).await?;
    Ok((count, oldest.map(Into::into)))
}

/// Puts events, by aggregate and version, back in to be sent once more under the same ids: a receiver that took one drops it. They go
/// within seconds. One that waits for the broker anyway is left as it is. Answers which were put back.
pub async fn send_again(
    tx: &mut PgConnection,
    events: &[(Uuid, i64)],
    now: Timestamp,
) -> Result<Vec<(Uuid, i64)>, Error> {
    Ok(sqlx::query_as(
        "INSERT INTO outbox (aggregate_id, version, created_at, again)
         SELECT j.aggregate_id, j.version, $3, true
         FROM unnest($1::uuid[], $2::bigint[]) AS t (aggregate_id, version) JOIN journal j USING (aggregate_id, version)
         WHERE NOT EXISTS (SELECT FROM outbox o WHERE o.aggregate_id = t.aggregate_id AND o.version = t.version)
         RETURNING aggregate_id, version",
    )
    .bind(events.iter().map(|(aggregate_id, _)| *aggregate_id).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, version)| *version).collect::<Vec<_>>())
    .bind(OffsetDateTime::from(now))
    .fetch_all(tx)
    .await?)
}

/// Lets held-back events go: those of these numbers, or all. The relay tries them again within seconds, ten times as before.
/// Answers the numbers of those that were held back.
pub async fn release(store: &EventStore, ids: Option<&[i64]>) -> Result<Vec<i64>, Error> {
    Ok(sqlx::query_scalar(
        "UPDATE outbox SET parked_at = NULL, attempts = 0
         WHERE parked_at IS NOT NULL AND ($1::bigint[] IS NULL OR id = ANY($1))
         RETURNING id",
    )
    .bind(ids)
    .fetch_all(store.pool())
    .await?)
}
