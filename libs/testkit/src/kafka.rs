use std::time::Duration;

use kernel::Id;
use messaging::journal::Record;
use messaging::{Clock, Envelope, KafkaConfig, Topic};
use prost::{Message, Name};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, StreamConsumer};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::metadata::MetadataTopic;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use crate::eventually::PATIENCE;
use crate::servers::servers;

/// As many as a fleet on one machine has.
const PARTITIONS: i32 = 3;
/// How long the broker may take to answer a question about a topic.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How often what is not there yet is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Topics and consumer groups of one test's own: the names of all of them begin with the same random prefix, so tests that
/// run side by side never meet. Every method takes bare names, as the services use them.
///
/// The topics are deleted when this is dropped.
pub struct Kafka {
    config: KafkaConfig,
    producer: FutureProducer,
}

/// An event as another service would have published it. Publish it twice for a duplicate.
#[derive(Debug, Clone)]
pub struct Event {
    service: &'static str,
    record: Record,
}

impl Event {
    /// An event of `service` about an aggregate, which begins a journey of its own.
    pub fn new<E: Message + Name>(
        service: &'static str,
        aggregate_type: &'static str,
        aggregate_id: Uuid,
        version: i64,
        message: &E,
    ) -> Self {
        let record = Record {
            aggregate_id,
            version,
            event_id: Id::<Self>::generate().uuid(),
            aggregate_type: aggregate_type.to_owned(),
            event_type: E::full_name(),
            payload: message.encode_to_vec(),
            correlation_id: aggregate_id,
            causation_id: None,
            actor: format!("service:{service}"),
            traceparent: None,
            occurred_at: Clock::system().now(),
            previous_hash: [0; 32],
            hash: [0; 32],
        };
        Self { service, record }
    }

    /// The same event in a journey that has begun.
    #[must_use]
    pub fn in_journey(mut self, correlation_id: Uuid) -> Self {
        self.record.correlation_id = correlation_id;
        self
    }

    /// The same event with this W3C trace context.
    #[must_use]
    pub fn in_trace(mut self, traceparent: &str) -> Self {
        self.record.traceparent = Some(traceparent.to_owned());
        self
    }

    /// The same event with bytes that are not of its type.
    #[must_use]
    pub fn with_payload(mut self, payload: &[u8]) -> Self {
        self.record.payload = payload.to_vec();
        self
    }

    /// The same event under another type, such as one of tomorrow. The package stays the topic.
    #[must_use]
    pub fn with_type(mut self, event_type: &str) -> Self {
        event_type.clone_into(&mut self.record.event_type);
        self
    }

    /// The event's id.
    pub fn id(&self) -> Uuid {
        self.record.event_id
    }

    fn topic(&self) -> &str {
        self.record.event_type.rsplit_once('.').map_or("", |(package, _)| package)
    }
}

impl Kafka {
    /// A new prefix on the broker.
    pub async fn connect() -> Self {
        let config = KafkaConfig {
            brokers: servers().await.kafka_brokers.clone(),
            client_id: "test".to_owned(),
            prefix: format!("test-{:016x}.", rand::random::<u64>()),
            replica: None,
        };
        let producer = client(&config).create().expect("the options of a producer are right");
        Self { config, producer }
    }

    /// How a service under test reaches the broker.
    pub fn config(&self) -> KafkaConfig {
        self.config.clone()
    }

    /// Creates topics of three partitions.
    pub async fn create_topics(&self, names: &[&str]) {
        let topic = |name: &&str| Topic { name: (*name).to_owned(), partitions: PARTITIONS, replication: 1 };
        let topics: Vec<_> = names.iter().map(topic).collect();
        messaging::create_topics(&self.config, &topics).await.expect("the broker creates topics");
    }

    /// Publishes an event on the topic of its package, and waits for the acknowledgement.
    pub async fn publish(&self, event: &Event) {
        let headers = messaging::to_headers(event.service, &event.record);
        let key = event.record.aggregate_id.to_string();
        self.produce(event.topic(), key.as_bytes(), headers, &event.record.payload).await;
    }

    /// Publishes anything, such as what no relay would.
    pub async fn publish_raw(&self, topic: &str, key: &[u8], headers: &[(&str, &str)], payload: &[u8]) {
        let headers = headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(*value) }));
        self.produce(topic, key, headers, payload).await;
    }

    async fn produce(&self, topic: &str, key: &[u8], headers: OwnedHeaders, payload: &[u8]) {
        let topic = self.config.name(topic);
        let record = FutureRecord::to(&topic).key(key).payload(payload).headers(headers);
        let delivered = self.producer.send(record, PATIENCE).await;
        delivered.unwrap_or_else(|(error, _)| panic!("{topic} does not take an event: {error}"));
    }

    /// Every event that is on a topic now, in the order of each partition.
    pub async fn events(&self, topic: &str) -> Vec<Envelope> {
        let (reader, expected) = self.read_from_beginning(topic).await;
        let mut events = Vec::new();
        while events.len() < expected {
            let received = timeout(PATIENCE, reader.recv()).await;
            let received = received.unwrap_or_else(|_| panic!("{topic}: {} of {expected} events came", events.len()));
            events.push(Envelope::from_kafka(&received.expect("the broker answers")));
        }
        events
    }

    /// Waits until the events that are on a topic are as `enough` wants them, at most a minute, and answers them. Panics with
    /// what was awaited and what is there instead.
    pub async fn wait_for(&self, topic: &str, awaited: &str, enough: impl Fn(&[Envelope]) -> bool) -> Vec<Envelope> {
        let deadline = Instant::now() + PATIENCE;
        let (reader, _) = self.read_from_beginning(topic).await;
        let mut events = Vec::new();
        while !enough(&events) {
            let Ok(received) = timeout_at(deadline, reader.recv()).await else {
                let seen: Vec<_> = events.iter().map(|event: &Envelope| event.event_type.as_str()).collect();
                panic!("waited {PATIENCE:?} for {awaited} on {topic}; seen: {seen:?}");
            };
            events.push(Envelope::from_kafka(&received.expect("the broker answers")));
        }
        events
    }

    /// Waits until a consumer group is through with every event that is on a topic now, at most a minute. Groups say so once a second.
    pub async fn wait_until_taken(&self, group: &str, topic: &str) {
        let (config, group) = (self.config.clone(), self.config.name(group));
        let (reader, _) = self.read_from_beginning(topic).await;
        let wait = move || {
            let deadline = Instant::now() + PATIENCE;
            let asked = reader.assignment().expect("partitions that were assigned");
            let end = |place: &TopicPartitionListElem<'_>| watermarks(&reader, place.topic(), place.partition()).1;
            let ends: Vec<_> = asked.elements().iter().map(end).collect();
            // Of a partition on which nothing came the group says nothing.
            let taken = |place: &TopicPartitionListElem<'_>| match place.offset() {
                Offset::Offset(taken) => taken,
                _ => 0,
            };
            let member: BaseConsumer =
                client(&config).set("group.id", &group).create().expect("the options of a consumer are right");
            loop {
                let committed = member.committed_offsets(asked.clone(), ANSWER_MAX).expect("the broker answers");
                if committed.elements().iter().map(taken).zip(&ends).all(|(taken, end)| taken >= *end) {
                    break;
                }
                assert!(Instant::now() < deadline, "{group} took {committed:?} of {ends:?}");
                std::thread::sleep(LOOK_EVERY);
            }
        };
        tokio::task::spawn_blocking(wait).await.expect("the group takes everything");
    }

    /// A reader of its own for the whole topic, and how many events are there now.
    async fn read_from_beginning(&self, topic: &str) -> (StreamConsumer, usize) {
        let config = self.config.clone();
        let topic = self.config.name(topic);
        // The broker is asked in a way that blocks the thread, on which other tasks of the test may run.
        let open = move || {
            // A group is asked for, and never used: partitions are assigned by hand.
            let reader: StreamConsumer = client(&config)
                .set("group.id", config.name("reader"))
                .set("enable.auto.commit", "false")
                .create()
                .expect("the options of a consumer are right");
            let mut partitions = TopicPartitionList::new();
            let mut events = 0;
            let metadata = reader.fetch_metadata(Some(&topic), ANSWER_MAX).expect("the broker answers");
            for partition in metadata.topics()[0].partitions() {
                let (low, high) = watermarks(&reader, &topic, partition.id());
                events += (high - low) as usize;
                partitions.add_partition_offset(&topic, partition.id(), Offset::Beginning).expect("a plain offset");
            }
            assert!(partitions.count() > 0, "there is no topic {topic}: create it first");
            reader.assign(&partitions).expect("partitions that exist");
            (reader, events)
        };
        tokio::task::spawn_blocking(open).await.expect("the reader opens")
    }
}

impl Drop for Kafka {
    /// Thousands of forgotten partitions make a broker slow. Nobody waits for this; the end of the process may forestall it.
    fn drop(&mut self) {
        let config = self.config.clone();
        std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
            runtime.block_on(delete_topics(&config));
        });
    }
}

/// The offsets that a partition begins and ends with. One that was just created may not have its leader yet.
fn watermarks(reader: &StreamConsumer, topic: &str, partition: i32) -> (i64, i64) {
    let deadline = Instant::now() + ANSWER_MAX;
    loop {
        match reader.fetch_watermarks(topic, partition, ANSWER_MAX) {
            Ok(watermarks) => return watermarks,
            Err(error) => assert!(Instant::now() < deadline, "{topic} {partition} has no offsets: {error}"),
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

async fn delete_topics(config: &KafkaConfig) {
    let Ok(admin) = client(config).create::<AdminClient<DefaultClientContext>>() else { return };
    let Ok(metadata) = admin.inner().fetch_metadata(None, ANSWER_MAX) else { return };
    let ours = metadata.topics().iter().map(MetadataTopic::name).filter(|name| name.starts_with(&config.prefix));
    let _ = admin.delete_topics(&ours.collect::<Vec<_>>(), &AdminOptions::new()).await;
}

fn client(config: &KafkaConfig) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &config.brokers).set("client.id", &config.client_id);
    client
}
