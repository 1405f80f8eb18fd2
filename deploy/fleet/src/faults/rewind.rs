//! Sets a consumer group back, or ahead.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use messaging::Subscription;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::fleet::Fleet;
use crate::topology;

/// So many events of each partition are delivered again.
const BACK: i64 = 2_000;
/// How long the broker may take to answer.
const ASK_MAX: Duration = Duration::from_secs(5);
/// The broker takes foreign offsets once it believes that every member of the group is gone.
const EMPTY_MAX: Duration = Duration::from_secs(20);
const TRY_EVERY: Duration = Duration::from_millis(200);

/// Where a group is set to.
#[derive(Debug, Clone, Copy)]
pub(super) enum To {
    /// 2,000 events before where it stands, in each partition.
    Back,
    /// Before the first event.
    Beginning,
    /// Behind the last event.
    End,
}

/// Sets the groups of a service whose processes are all dead 2,000 events back, and answers what was done.
pub(super) async fn rewind(fleet: &Fleet, service: &str) -> Result<String> {
    let again = set(fleet, service, To::Back).await?;
    Ok(format!("{again} events delivered again"))
}

/// Sets the groups of a service whose processes are all dead, and answers by how many events they went back.
pub(super) async fn set(fleet: &Fleet, service: &str, to: To) -> Result<i64> {
    let deadline = Instant::now() + EMPTY_MAX;
    let mut went_back = 0;
    for group in Group::all_of(fleet, service)? {
        went_back += loop {
            match group.ask(move |consumer, topics| try_set(consumer, topics, to)).await {
                Err(error) if Instant::now() > deadline => return Err(error.context("the group takes no offsets")),
                Err(_) => tokio::time::sleep(TRY_EVERY).await,
                Ok(again) => break again,
            }
        };
    }
    Ok(went_back)
}

/// A consumer group and its topics.
#[derive(Debug, Clone)]
struct Group {
    config: ClientConfig,
    topics: Vec<String>,
}

impl Group {
    fn all_of(fleet: &Fleet, service: &str) -> Result<Vec<Self>> {
        let (brokers, prefix) = fleet.kafka();
        let service = fleet.services().find(|known| known.name == service).context("no such service")?;
        let group = |group: &topology::Group| {
            let topics = Subscription::topics(group.subscriptions);
            let name = format!("{prefix}{}", group.name);
            let mut config = ClientConfig::new();
            config.set("bootstrap.servers", brokers).set("group.id", name).set("enable.auto.commit", "false");
            Self { config, topics: topics.iter().map(|topic| format!("{prefix}{topic}")).collect() }
        };
        Ok(service.groups.iter().map(group).collect())
    }

    /// Asks with a new client: one that was refused waits before it asks again.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&BaseConsumer, &[String]) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let Self { config, topics } = self.clone();
        tokio::task::spawn_blocking(move || question(&config.create()?, &topics)).await?
    }
}

/// Where the group stands in each partition.
fn committed(consumer: &BaseConsumer, topics: &[String]) -> Result<TopicPartitionList> {
    let mut places = TopicPartitionList::new();
    for topic in topics {
        let metadata = consumer.fetch_metadata(Some(topic), ASK_MAX)?;
        let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
        places.add_partition_range(topic, 0, i32::try_from(partitions)? - 1);
    }
    Ok(consumer.committed_offsets(places, ASK_MAX)?)
}

fn try_set(consumer: &BaseConsumer, topics: &[String], to: To) -> Result<i64> {
    let mut places = TopicPartitionList::new();
    let mut again = 0;
    for place in committed(consumer, topics)?.elements() {
        let (first, end) = consumer.fetch_watermarks(place.topic(), place.partition(), ASK_MAX)?;
        let stands = if let Offset::Offset(offset) = place.offset() { offset } else { first };
        let goes = match to {
            To::Back => (stands - BACK).max(first),
            To::Beginning => first,
            To::End => end,
        };
        again += stands - goes;
        places.add_partition_offset(place.topic(), place.partition(), Offset::Offset(goes))?;
    }
    consumer.commit(&places, CommitMode::Sync)?;
    Ok(again)
}

/// How many events the group has before it.
fn lag(consumer: &BaseConsumer, topics: &[String]) -> Result<i64> {
    let mut lag = 0;
    for place in committed(consumer, topics)?.elements() {
        let (first, end) = consumer.fetch_watermarks(place.topic(), place.partition(), ASK_MAX)?;
        lag += end - if let Offset::Offset(offset) = place.offset() { offset } else { first };
    }
    Ok(lag)
}

/// Waits until the groups of a service have taken everything there is.
pub(super) async fn until_at_the_end(fleet: &Fleet, service: &str, max: Duration) -> Result<()> {
    let deadline = Instant::now() + max;
    for group in Group::all_of(fleet, service)? {
        loop {
            let left = group.ask(lag).await;
            match left {
                Ok(0) => break,
                _ if Instant::now() < deadline => tokio::time::sleep(TRY_EVERY).await,
                Ok(left) => anyhow::bail!("{service} has {left} events before it still"),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}
