//! Events that could not take effect: the sequenced dead letter.
//!
//! A poison event is parked together with the later events of its aggregate, in order; every other aggregate flows on. An
//! operator retries them in order, or skips one for a reason, which is recorded. Payloads are never edited.

use std::convert::Infallible;
use std::time::Duration;

use futures::future::join_all;
use kernel::Timestamp;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use time::OffsetDateTime;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::envelope::Origin;
use crate::participant::{Batch, Caused, Outcome, Participant};
use crate::{Cause, Envelope, Error, EventStore, KafkaConfig};

/// Events announced, listed or retried at a time.
const ROWS_MAX: i64 = 1_000;
/// How often parked events that nobody was told about are looked for.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(1);

/// A parked event, as an operator sees it.
#[derive(Debug, Clone)]
pub struct ParkedEvent {
    /// Its number: events of one aggregate are retried in this order.
    pub id: i64,
    /// The consumer group that could not take it.
    pub consumer: String,
    /// The event.
    pub envelope: Envelope,
    /// Why it is parked.
    pub reason: String,
    /// Since when.
    pub parked_at: Timestamp,
    /// `parked`, `retried` or `skipped`.
    pub state: String,
    /// Who retried or skipped it, and why.
    pub resolution: Option<String>,
}

impl ParkedEvent {
    /// The payload as JSON, if the contract knows its type and the bytes are of it.
    pub fn payload_json(&self) -> Option<Value> {
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
        Ok(Self {
            id: row.try_get("id")?,
            consumer: row.try_get("consumer")?,
            envelope,
            reason: row.try_get("reason")?,
            parked_at: row.try_get::<OffsetDateTime, _>("parked_at")?.into(),
            state: row.try_get("state")?,
            resolution: row.try_get("resolution")?,
        })
    }
}

/// Parks an event in the transaction of its batch. Its inbox row stands already, so it is not taken again from the broker. One
/// that was parked so long ago that the inbox forgot it stays as it was resolved then.
pub(crate) async fn park(
    tx: &mut PgConnection,
    consumer: &str,
    event: &Envelope,
    reason: &str,
    now: Timestamp,
) -> Result<(), Error> {
    tracing::error!(
        event_id = %event.id, event_type = %event.event_type, aggregate_id = %event.aggregate_id, %consumer, %reason,
        "event is parked"
    );
    sqlx::query(
        "INSERT INTO parked_event (consumer, event_id, event_type, aggregate_id, topic, kafka_partition, kafka_offset, key,
                                   headers, payload, reason, parked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (consumer, event_id) DO NOTHING",
    )
    .bind(consumer)
    .bind(event.id)
    .bind(&event.event_type)
    .bind(event.aggregate_id)
    .bind(&event.origin.topic)
    .bind(event.origin.partition)
    .bind(event.origin.offset)
    .bind(&event.origin.key)
    .bind(serde_json::to_value(&event.origin.headers).map_err(|error| Error::Internal(error.to_string()))?)
    .bind(&event.payload)
    .bind(reason)
    .bind(OffsetDateTime::from(now))
    .execute(tx)
    .await?;
    Ok(())
}

/// The parked events that wait for an operator, oldest first; at most 1,000.
pub async fn list(store: &EventStore) -> Result<Vec<ParkedEvent>, Error> {
    let rows = sqlx::query("SELECT * FROM parked_event WHERE state = 'parked' ORDER BY id LIMIT $1")
        .bind(ROWS_MAX)
        .fetch_all(store.pool())
        .await?;
    rows.iter().map(ParkedEvent::from_row).collect()
}

/// One parked event by its number, whatever became of it.
pub async fn show(store: &EventStore, id: i64) -> Result<Option<ParkedEvent>, Error> {
    let row = sqlx::query("SELECT * FROM parked_event WHERE id = $1").bind(id).fetch_optional(store.pool()).await?;
    row.as_ref().map(ParkedEvent::from_row).transpose()
}

/// What a retry came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retried {
    /// How many events took effect, in order.
    pub taken: usize,
    /// The event that is refused still, by its number, and why; those after it wait behind it.
    pub stuck: Option<(i64, String)>,
}

/// Retries the parked events of one aggregate, in order, each in a transaction of its own, until one is refused again.
/// Events of the aggregate that arrive meanwhile wait for this and are taken after it.
pub async fn retry<P: Participant>(
    store: &EventStore,
    participant: &P,
    consumer: &str,
    aggregate_id: Uuid,
    operator: &str,
) -> Result<Retried, Error> {
    let mut taken = 0;
    loop {
        let mut unit = store.begin().await?;
        let now = OffsetDateTime::from(unit.now());
        let row = sqlx::query(
            "SELECT * FROM parked_event WHERE consumer = $1 AND aggregate_id = $2 AND state = 'parked'
             ORDER BY id LIMIT 1 FOR UPDATE",
        )
        .bind(consumer)
        .bind(aggregate_id)
        .fetch_optional(unit.tx())
        .await?;
        let Some(parked) = row.as_ref().map(ParkedEvent::from_row).transpose()? else {
            return Ok(Retried { taken, stuck: None });
        };
        if let Some(reason) = take_again(store, participant, &mut unit, &parked.envelope).await? {
            return Ok(Retried { taken, stuck: Some((parked.id, reason)) });
        }
        sqlx::query("UPDATE parked_event SET state = 'retried', resolved_at = $2, resolved_by = $3 WHERE id = $1")
            .bind(parked.id)
            .bind(now)
            .bind(operator)
            .execute(unit.tx())
            .await?;
        unit.commit().await?;
        taken += 1;
    }
}

/// Lets a parked event take effect; answers why it is refused still.
async fn take_again<P: Participant>(
    store: &EventStore,
    participant: &P,
    unit: &mut crate::UnitOfWork,
    event: &Envelope,
) -> Result<Option<String>, Error> {
    if let Some(malformed) = &event.malformed {
        return Ok(Some(malformed.to_string()));
    }
    let fact = match participant.decode(event) {
        Ok(Some(fact)) => fact,
        Ok(None) => return Ok(None),
        Err(undecodable) => return Ok(Some(undecodable.to_string())),
    };
    let caused = [Caused { fact, cause: Cause::event(store.service(), event) }];
    let mut batch = Batch::load(participant, unit, &caused).await?;
    if let Outcome::Refused(refusal) = batch.decide(unit, &caused[0])? {
        return Ok(Some(refusal.to_string()));
    }
    batch.save(unit).await?;
    Ok(None)
}

/// Gives up a parked event for good: it will never take effect. Those after it can be retried then. False if no event of that
/// number is parked.
pub async fn skip(store: &EventStore, id: i64, operator: &str, reason: &str) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE parked_event SET state = 'skipped', resolved_at = $2, resolved_by = $3, resolution = $4
         WHERE id = $1 AND state = 'parked'",
    )
    .bind(id)
    .bind(OffsetDateTime::from(store.now()))
    .bind(operator)
    .bind(reason)
    .execute(store.pool())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Announces what was parked on `<consumer>.dlq`, so that ordinary Kafka tools see it: key, headers and payload as they came,
/// with headers that say where from and why. Announced again after a crash in between.
pub(crate) async fn keep_announcing(store: &EventStore, producer: &FutureProducer, kafka: &KafkaConfig) -> Infallible {
    let mut tick = interval(ANNOUNCE_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = announce(store, producer, kafka).await {
            tracing::warn!(%error, "parked events cannot be announced; trying again");
        }
    }
}

async fn announce(store: &EventStore, producer: &FutureProducer, kafka: &KafkaConfig) -> Result<(), Error> {
    let rows = sqlx::query("SELECT * FROM parked_event WHERE announced_at IS NULL ORDER BY id LIMIT $1")
        .bind(ROWS_MAX)
        .fetch_all(store.pool())
        .await?;
    if rows.is_empty() {
        return Ok(());
    }
    let events = rows.iter().map(ParkedEvent::from_row).collect::<Result<Vec<_>, _>>()?;
    let sent = events.iter().map(|event| announce_one(event, producer, kafka));
    let announced: Vec<i64> = join_all(sent).await.into_iter().flatten().collect();
    sqlx::query("UPDATE parked_event SET announced_at = $2 WHERE id = ANY($1)")
        .bind(announced)
        .bind(OffsetDateTime::from(store.now()))
        .execute(store.pool())
        .await?;
    Ok(())
}

/// Answers the event's number once the broker has its announcement.
async fn announce_one(event: &ParkedEvent, producer: &FutureProducer, kafka: &KafkaConfig) -> Option<i64> {
    let origin = &event.envelope.origin;
    let place = [
        ("dlq_topic", origin.topic.clone()),
        ("dlq_partition", origin.partition.to_string()),
        ("dlq_offset", origin.offset.to_string()),
        ("dlq_reason", event.reason.clone()),
    ];
    let as_they_came = origin.headers.iter().map(|(key, value)| (key.as_str(), value));
    let headers = as_they_came
        .chain(place.iter().map(|(key, value)| (*key, value)))
        .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(value) }));
    let topic = kafka.name(&format!("{}.dlq", event.consumer));
    let mut record = FutureRecord::<Vec<u8>, Vec<u8>>::to(&topic).payload(&event.envelope.payload).headers(headers);
    if let Some(key) = &origin.key {
        record = record.key(key);
    }
    match producer.send(record, Duration::ZERO).await {
        Ok(_) => Some(event.id),
        Err((error, _)) => {
            tracing::warn!(%topic, %error, "parked event cannot be announced; trying again");
            None
        }
    }
}
