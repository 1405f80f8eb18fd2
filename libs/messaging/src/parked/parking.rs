use kernel::{Classified, Timestamp};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{Envelope, Error};

/// The first word of a reason: the bytes or headers are not those of the event's type; the domain says that it may not happen;
/// its transaction fails; an earlier event of its aggregate is parked.
pub const KINDS: [&str; 4] = ["undecodable", "refused", "failed", "waits"];

/// The reason of an event that the domain refuses.
pub(crate) fn refused(refusal: &impl Classified) -> String {
    format!("refused: {} ({refusal})", refusal.reason())
}

/// The reason of an event that makes its transaction fail.
pub(crate) fn failed(error: &Error) -> String {
    format!("failed: {error}")
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
    insert(tx, consumer, event, reason, now).await
}

/// Parks an event behind the first one of its aggregate and topic that is parked.
pub(crate) async fn park_behind(
    tx: &mut PgConnection,
    consumer: &str,
    event: &Envelope,
    now: Timestamp,
) -> Result<(), Error> {
    let first: Option<i64> = sqlx::query_scalar(
        "SELECT min(id) FROM parked_event
         WHERE consumer = $1 AND topic = $2 AND aggregate_id = $3 AND state = 'parked'",
    )
    .bind(consumer)
    .bind(&event.origin.topic)
    .bind(event.aggregate_id)
    .fetch_one(&mut *tx)
    .await?;
    // There is none if the one before it was parked so long ago that it stays as it was resolved then.
    let reason = first.map_or("waits to be retried".to_owned(), |first| format!("waits behind event {first}"));
    tracing::warn!(
        event_id = %event.id, event_type = %event.event_type, aggregate_id = %event.aggregate_id, %consumer, %reason,
        "event is parked"
    );
    insert(tx, consumer, event, &reason, now).await
}

async fn insert(
    tx: &mut PgConnection,
    consumer: &str,
    event: &Envelope,
    reason: &str,
    now: Timestamp,
) -> Result<(), Error> {
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
