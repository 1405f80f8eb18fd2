//! Bytes on topics that are no event, and the operator who clears them away.

use std::time::Duration;

use anyhow::{Context, Result};
use kernel::Id;
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::fault::Poison;
use crate::fleet::Fleet;
use crate::topology::Service;

/// How long the broker may take to take it; it may be coming up again.
const SEND_MAX: Duration = Duration::from_secs(30);
/// Bytes that decode as no message.
const GARBAGE: &[u8] = &[0xff, 0xff, 0xff];
/// Who clears up.
const OPERATOR: &str = "campaign";

/// Names an event; only for its id.
enum Event {}

/// Throws poison, and remembers where it lies.
pub struct Poisoner {
    producer: FutureProducer,
    prefix: String,
    places: Vec<Place>,
}

/// Where a message lies.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    topic: String,
    partition: i32,
    offset: i64,
}

/// What the operator found parked and did about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Poison that was skipped, consumer by consumer.
    pub skipped: usize,
    /// Aggregates whose events waited behind it and were retried.
    pub retried: usize,
}

impl Poisoner {
    /// For the topics of a fleet.
    pub fn new(fleet: &Fleet) -> Result<Self> {
        let (brokers, prefix) = fleet.kafka();
        let producer = ClientConfig::new().set("bootstrap.servers", brokers).create()?;
        Ok(Self { producer, prefix: prefix.to_owned(), places: Vec::new() })
    }

    /// Throws one poison. `order` is one under way, for the poison that wants one.
    pub async fn throw(&mut self, poison: Poison, order: Option<Uuid>) -> Result<()> {
        let stranger = Id::<Event>::generate().uuid();
        let (package, event, aggregate) = match poison {
            Poison::Headless(package) => (package, None, stranger),
            Poison::Garbled(event) => (package_of(event)?, Some(event), stranger),
            Poison::InTheWay(event) => (package_of(event)?, Some(event), order.unwrap_or(stranger)),
        };
        let (topic, key) = (format!("{}{package}", self.prefix), aggregate.to_string());
        let mut record = FutureRecord::to(&topic).key(&key).payload(GARBAGE);
        if let Some(event) = event {
            record = record.headers(headers(event, aggregate));
        }
        let sent = self.producer.send(record, SEND_MAX).await;
        let delivery = sent.map_err(|(error, _)| error).context("throwing poison")?;
        self.places.push(Place { topic, partition: delivery.partition, offset: delivery.offset });
        Ok(())
    }

    /// Does what an operator does about it, with the subcommands of the services: skips the poison for a reason, and retries what
    /// waited behind it. Anything else that is parked stays so, for the invariants to find.
    pub async fn clear(&self, fleet: &Fleet) -> Result<Cleared> {
        let mut cleared = Cleared::default();
        let consumers: Vec<_> = fleet.services().filter(|service| !service.groups.is_empty()).copied().collect();
        for service in consumers {
            let parked: Vec<Parked> = sqlx::query_as(AssertSqlSafe(format!(
                "SELECT id, consumer, topic, kafka_partition, kafka_offset, aggregate_id FROM {}.parked_event
                 WHERE state = 'parked' ORDER BY id",
                service.name
            )))
            .fetch_all(fleet.database())
            .await?;
            let is_poison = |event: &Parked| self.places.contains(&event.place());
            for poison in parked.iter().filter(|event| is_poison(event)) {
                skip(fleet, &service, poison).await?;
                cleared.skipped += 1;
                let is_behind = |event: &&Parked| {
                    !is_poison(event)
                        && (&event.consumer, &event.topic, event.aggregate_id)
                            == (&poison.consumer, &poison.topic, poison.aggregate_id)
                };
                if let Some(behind) = parked.iter().find(is_behind) {
                    retry(fleet, &service, behind).await?;
                    cleared.retried += 1;
                }
            }
        }
        Ok(cleared)
    }

    /// How many were thrown.
    pub fn thrown(&self) -> usize {
        self.places.len()
    }
}

/// An event that a service parked.
#[derive(Debug, sqlx::FromRow)]
struct Parked {
    id: i64,
    consumer: String,
    topic: String,
    kafka_partition: i32,
    kafka_offset: i64,
    aggregate_id: Uuid,
}

impl Parked {
    fn place(&self) -> Place {
        Place { topic: self.topic.clone(), partition: self.kafka_partition, offset: self.kafka_offset }
    }
}

async fn skip(fleet: &Fleet, service: &Service, event: &Parked) -> Result<()> {
    let reason = ["--operator", OPERATOR, "--reason", "thrown by the fault campaign"];
    resolve(fleet, service, event, "skip", &reason).await
}

async fn retry(fleet: &Fleet, service: &Service, event: &Parked) -> Result<()> {
    resolve(fleet, service, event, "retry", &["--operator", OPERATOR]).await
}

async fn resolve(fleet: &Fleet, service: &Service, event: &Parked, how: &str, more: &[&str]) -> Result<()> {
    let id = event.id.to_string();
    // A service of one group need not be told which.
    let group: &[&str] = if service.groups.len() > 1 { &["--group", &event.consumer] } else { &[] };
    let args = [&["parked"], group, &[how, &id], more].concat();
    fleet.operate(service.name, &args).await.map(drop)
}

fn package_of(event: &str) -> Result<&str> {
    Ok(event.rsplit_once('.').context("an event is named with its package")?.0)
}

fn headers(event: &str, aggregate: Uuid) -> OwnedHeaders {
    let (id, aggregate) = (Id::<Event>::generate().to_string(), aggregate.to_string());
    let headers = [
        ("ce_id", id.as_str()),
        ("ce_type", event),
        ("ce_subject", &aggregate),
        ("ce_time", "2026-03-01T09:00:00.000000Z"),
        ("ce_aggregateversion", "1"),
        ("ce_correlationid", &aggregate),
    ];
    let add = |headers: OwnedHeaders, (key, value): &(&str, &str)| headers.insert(Header { key, value: Some(*value) });
    headers.iter().fold(OwnedHeaders::new(), add)
}
