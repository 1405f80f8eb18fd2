//! What was heard of other services, kept.

use std::collections::HashMap;

use kernel::Timestamp;
use prost::{Message, Name};
use sqlx::{PgConnection, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::subscription::topic_of_type;
use crate::{Envelope, Error, journal};

/// An event of another service, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The aggregate that it is about.
    pub aggregate_id: Uuid,
    /// Version of the aggregate from this event on.
    pub version: i64,
    /// The event's id.
    pub event_id: Uuid,
    /// Full name of its message.
    pub event_type: String,
    /// The message's bytes.
    pub payload: Vec<u8>,
    /// When it happened.
    pub occurred_at: Timestamp,
}

impl Heard {
    pub(super) fn from_envelope(event: &Envelope) -> Self {
        Self {
            aggregate_id: event.aggregate_id,
            version: event.aggregate_version,
            event_id: event.id,
            event_type: event.event_type.clone(),
            payload: event.payload.clone(),
            occurred_at: event.occurred_at,
        }
    }

    /// Reads the message.
    ///
    /// # Errors
    /// It is of another type, or was damaged: what cannot be read is not kept.
    pub fn read<E: Message + Name + Default>(&self) -> Result<E, Error> {
        journal::read_message(self.event_id, &self.event_type, &self.payload)
    }
}

/// Keeps events. One that is kept already is left alone.
pub(super) async fn keep(tx: &mut PgConnection, events: &[Heard]) -> Result<(), Error> {
    if events.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO heard_event (aggregate_id, topic, version, event_id, event_type, payload, occurred_at)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::bytea[], $7::timestamptz[])
         ON CONFLICT DO NOTHING",
    )
    .bind(column(events, |event| event.aggregate_id))
    .bind(column(events, |event| topic_of_type(&event.event_type).to_owned()))
    .bind(column(events, |event| event.version))
    .bind(column(events, |event| event.event_id))
    .bind(column(events, |event| event.event_type.clone()))
    .bind(column(events, |event| event.payload.clone()))
    .bind(column(events, |event| OffsetDateTime::from(event.occurred_at)))
    .execute(tx)
    .await?;
    Ok(())
}

fn column<T>(events: &[Heard], value: impl Fn(&Heard) -> T) -> Vec<T> {
    events.iter().map(value).collect()
}

/// All that was heard of each aggregate: by topic, each in its order. One of which nothing was heard is absent.
pub async fn heard_of_many(
    connection: &mut PgConnection,
    aggregates: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Heard>>, Error> {
    let rows =
        sqlx::query("SELECT * FROM heard_event WHERE aggregate_id = ANY($1) ORDER BY aggregate_id, topic, version")
            .bind(aggregates)
            .fetch_all(connection)
            .await?;
    let mut heard: HashMap<Uuid, Vec<Heard>> = HashMap::new();
    for row in &rows {
        let event = Heard {
            aggregate_id: row.try_get("aggregate_id")?,
            version: row.try_get("version")?,
            event_id: row.try_get("event_id")?,
            event_type: row.try_get("event_type")?,
            payload: row.try_get("payload")?,
            occurred_at: row.try_get::<OffsetDateTime, _>("occurred_at")?.into(),
        };
        heard.entry(event.aggregate_id).or_default().push(event);
    }
    Ok(heard)
}
