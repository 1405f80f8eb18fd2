use std::convert::Infallible;
use std::time::Duration;

use futures::future::join_all;
use rdkafka::message::{Header, OwnedHeaders};
use time::OffsetDateTime;
use tokio::time::{MissedTickBehavior, interval};

use super::{ParkedEvent, ROWS_MAX};
use crate::producer::Producer;
use crate::{Error, EventStore, KafkaConfig};

/// How often parked events that nobody was told about are looked for.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(1);

/// Announces what was parked on `<consumer>.dlq`, so that ordinary Kafka tools see it: key, headers and payload as they came,
/// with headers that say where from and why. Announced again after a crash in between.
pub(crate) async fn keep_announcing(store: &EventStore, producer: &Producer, kafka: &KafkaConfig) -> Infallible {
    let mut tick = interval(ANNOUNCE_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = announce(store, producer, kafka).await {
            tracing::warn!(%error, "parked events cannot be announced; trying again");
        }
    }
}

async fn announce(store: &EventStore, producer: &Producer, kafka: &KafkaConfig) -> Result<(), Error> {
    let rows = sqlx::query("SELECT * FROM parked_chain WHERE announced_at IS NULL ORDER BY id LIMIT $1")
        .bind(ROWS_MAX)
        .fetch_all(store.pool())
        .await?;
    if rows.is_empty() {
        return Ok(());
    }
    let events = rows.iter().map(ParkedEvent::from_row).collect::<Result<Vec<_>, _>>()?;
    let sent = events.iter().map(|event| announce_one(event, store.service(), producer, kafka));
    let announced: Vec<i64> = join_all(sent).await.into_iter().flatten().collect();
    sqlx::query("UPDATE parked_event SET announced_at = $2 WHERE id = ANY($1)")
        .bind(announced)
        .bind(OffsetDateTime::from(store.now()))
        .execute(store.pool())
        .await?;
    Ok(())
}

/// Answers the event's number once the broker has its announcement.
async fn announce_one(event: &ParkedEvent, service: &str, producer: &Producer, kafka: &KafkaConfig) -> Option<i64> {
    let origin = &event.envelope.origin;
    let added = headers(event, service);
    let as_they_came = origin.headers.iter().map(|(key, value)| (key.as_str(), value));
    let headers = as_they_came
        .chain(added.iter().map(|(key, value)| (*key, value)))
        .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(value) }));
    let topic = kafka.name(&format!("{}.dlq", event.consumer));
    let delivery = match producer.send(&topic, origin.key.as_deref(), &event.envelope.payload, headers).await {
        Ok(delivery) => delivery.await,
        Err(error) => Err(error),
    };
    match delivery {
        Ok(()) => Some(event.id),
        Err(error) => {
            tracing::warn!(%topic, %error, "parked event cannot be announced; trying again");
            None
        }
    }
}

/// The headers that an announcement adds, all of them text. `dlq_id` is the number that the service's `parked` takes.
fn headers(event: &ParkedEvent, service: &str) -> Vec<(&'static str, String)> {
    let origin = &event.envelope.origin;
    let mut headers = vec![
        ("dlq_id", event.id.to_string()),
        ("dlq_service", service.to_owned()),
        ("dlq_consumer", event.consumer.clone()),
        ("dlq_topic", origin.topic.clone()),
        ("dlq_partition", origin.partition.to_string()),
        ("dlq_offset", origin.offset.to_string()),
        ("dlq_parked_at", event.parked_at.to_string()),
        ("dlq_reason", event.reason.clone()),
    ];
    if let Some(first) = event.behind {
        headers.push(("dlq_behind", first.to_string()));
    }
    headers
}
