//! What becomes of orders, heard from the topic of orders by one consumer, however many orders are waited for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use contracts::orders::v1::{OrderCancelled, OrderClosed, OrderFailed, OrderPaid};
use messaging::Envelope;
use prost::Name;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::fleet::Fleet;

/// The topic of the facts of orders, without the fleet's prefix.
const TOPIC: &str = "tradewind.orders.v1";
/// How long the broker may take to answer about its topics.
const ASK_MAX: Duration = Duration::from_secs(10);
/// How often the listener looks whether it is to stop.
const POLL: Duration = Duration::from_millis(100);

/// How an order ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Paid for.
    Paid,
    /// Could not be had, for that reason.
    Failed(String),
    /// Cancelled, for that reason.
    Cancelled(String),
    /// Closed, after it was paid for.
    Closed,
}

/// An ending and the moment at which it was heard of.
#[derive(Debug, Clone)]
pub struct Heard {
    /// How the order ended.
    pub ending: Ending,
    /// When this process read it from Kafka.
    pub at: Instant,
    /// In which partition.
    pub partition: i32,
}

/// An order is waited for first, or heard of first.
enum Entry {
    Awaited(oneshot::Sender<Heard>),
    Heard(Heard),
}

/// An order has an outcome, and one that ends well is closed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Milestone {
    Outcome,
    Closing,
}

type Entries = Arc<Mutex<HashMap<(Uuid, Milestone), Entry>>>;

/// Listens from the moment it is made until it is dropped.
pub struct Outcomes {
    entries: Entries,
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Outcomes {
    /// Begins to listen at the end of the topic. A broker that is away later is waited for.
    pub async fn listen(fleet: &Fleet) -> Result<Self> {
        let (brokers, prefix) = fleet.kafka();
        let (brokers, topic) = (brokers.to_owned(), format!("{prefix}{TOPIC}"));
        let consumer = tokio::task::spawn_blocking(move || at_the_end(&brokers, &topic)).await??;
        let entries = Entries::default();
        let stop = Arc::new(AtomicBool::new(false));
        let listener = std::thread::spawn({
            let (entries, stop) = (Arc::clone(&entries), Arc::clone(&stop));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    if let Some(Ok(message)) = consumer.poll(POLL) {
                        take(&entries, &Envelope::from_kafka(&message));
                    }
                }
            }
        });
        Ok(Self { entries, stop, listener: Some(listener) })
    }

    /// Waits until the order's outcome is heard of. Each order can be waited for once.
    pub async fn of(&self, order_id: Uuid) -> Heard {
        self.wait(order_id, Milestone::Outcome).await
    }

    /// Waits until it is heard that the order is closed. Each order can be waited for once.
    pub async fn closing_of(&self, order_id: Uuid) -> Heard {
        self.wait(order_id, Milestone::Closing).await
    }

    async fn wait(&self, order_id: Uuid, milestone: Milestone) -> Heard {
        let key = (order_id, milestone);
        let (sender, answer) = oneshot::channel();
        {
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(Entry::Heard(heard)) = entries.remove(&key) {
                return heard;
            }
            entries.insert(key, Entry::Awaited(sender));
        }
        answer.await.expect("the listener lives as long as this does")
    }
}

impl Drop for Outcomes {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(listener) = self.listener.take() {
            // It panics only when an event cannot be read, which it has said by then.
            let _ = listener.join();
        }
    }
}

fn take(entries: &Mutex<HashMap<(Uuid, Milestone), Entry>>, event: &Envelope) {
    let Some(ending) = ending(event) else { return };
    let milestone = match ending {
        Ending::Paid | Ending::Failed(_) | Ending::Cancelled(_) => Milestone::Outcome,
        Ending::Closed => Milestone::Closing,
    };
    let key = (event.aggregate_id, milestone);
    let heard = Heard { ending, at: Instant::now(), partition: event.origin.partition };
    let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(Entry::Awaited(answer)) = entries.remove(&key) {
        // Nobody waits any more when a run was broken off.
        let _ = answer.send(heard);
    } else {
        entries.insert(key, Entry::Heard(heard));
    }
}

/// How the event says that its order ended, if it does.
fn ending(event: &Envelope) -> Option<Ending> {
    let is = |name: String| event.event_type == name;
    if is(OrderPaid::full_name()) {
        Some(Ending::Paid)
    } else if is(OrderClosed::full_name()) {
        Some(Ending::Closed)
    } else if is(OrderFailed::full_name()) {
        event.decode::<OrderFailed>().ok().map(|failed| Ending::Failed(failed.reason))
    } else if is(OrderCancelled::full_name()) {
        event.decode::<OrderCancelled>().ok().map(|cancelled| Ending::Cancelled(cancelled.reason))
    } else {
        None
    }
}

/// A consumer without a group, at the present end of every partition.
fn at_the_end(brokers: &str, topic: &str) -> Result<BaseConsumer> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("client.id", "fleet.outcomes")
        .set("group.id", "fleet.outcomes")
        .set("enable.auto.commit", "false")
        .set("reconnect.backoff.max.ms", "1000")
        .create()?;
    let metadata = consumer.fetch_metadata(Some(topic), ASK_MAX).context("asking Kafka for the topic of orders")?;
    let partitions = metadata.topics().first().map(|topic| topic.partitions().len()).unwrap_or_default();
    anyhow::ensure!(partitions > 0, "Kafka has no topic {topic}");
    let mut places = TopicPartitionList::new();
    for partition in 0..partitions as i32 {
        let (_, end) = consumer.fetch_watermarks(topic, partition, ASK_MAX).context("asking Kafka for its offsets")?;
        places.add_partition_offset(topic, partition, Offset::Offset(end))?;
    }
    consumer.assign(&places)?;
    Ok(consumer)
}
