use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::StreamConsumer;
use rdkafka::types::RDKafkaErrorCode;

use crate::Error;

/// The broker gathers no more than that.
const GATHERED_BYTES_MAX: &str = "1048576";

/// How to reach the broker.
#[derive(Debug, Clone)]
pub struct KafkaConfig {
    /// Bootstrap servers, such as `127.0.0.1:9092,127.0.0.1:9093`.
    pub brokers: String,
    /// Name of this service, for the broker's logs and quotas.
    pub client_id: String,
    /// What precedes the name of every topic and consumer group, so that several fleets can share one cluster; often empty.
    pub prefix: String,
    /// Stable name of this replica. With it a restarted replica takes its partitions back without a rebalance.
    pub replica: Option<String>,
}

impl KafkaConfig {
    /// A topic's or a consumer group's name on the broker.
    pub fn name(&self, bare: &str) -> String {
        format!("{}{bare}", self.prefix)
    }

    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", &self.client_id)
            .set("socket.nagle.disable", "true")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("allow.auto.create.topics", "false");
        client
    }

    /// A producer that loses nothing and keeps order: idempotent, acknowledged by all, and never giving up on a message by
    /// itself, because a message that timed out would leave a hole in its aggregate's history.
    pub(crate) fn producer_config(&self) -> ClientConfig {
        let mut client = self.client();
        client
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", "0")
            .set("linger.ms", "0");
        client
    }

    /// A consumer whose offsets are stored by hand, after the commit in the database. Classic group protocol: with this
    /// librdkafka the newer one (KIP-848) never recovers a static member.
    ///
    /// With a linger the broker gathers for so long before it answers: an answer for each event costs both sides more than the event.
    pub(crate) fn consumer(&self, group: &str, linger: Duration) -> Result<StreamConsumer, Error> {
        let mut client = self.client();
        client
            .set("group.id", self.name(group))
            .set("enable.auto.offset.store", "false")
            .set("enable.auto.commit", "true")
            .set("auto.commit.interval.ms", "1000")
            .set("auto.offset.reset", "earliest")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "1500")
            .set("queued.max.messages.kbytes", "16384")
            // A topic that was just created, or a broker that just came back, is found soon.
            .set("topic.metadata.refresh.interval.ms", "10000");
        if !linger.is_zero() {
            client.set("fetch.wait.max.ms", linger.as_millis().to_string()).set("fetch.min.bytes", GATHERED_BYTES_MAX);
        }
        if let Some(replica) = &self.replica {
            client.set("group.instance.id", format!("{}.{replica}", self.name(group)));
        }
        Ok(client.create()?)
    }
}

/// A topic to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Name, without the prefix.
    pub name: String,
    /// Partitions.
    pub partitions: i32,
    /// Copies of each partition.
    pub replication: i32,
}

/// Creates topics and answers those that are new. A topic that exists is left as it is.
pub async fn create_topics(config: &KafkaConfig, topics: &[Topic]) -> Result<Vec<String>, Error> {
    let admin: AdminClient<DefaultClientContext> = config.client().create()?;
    // Outside a laptop an acknowledged event is on two machines.
    let min_in_sync = |topic: &Topic| if topic.replication >= 3 { "2" } else { "1" };
    let names: Vec<_> = topics.iter().map(|topic| config.name(&topic.name)).collect();
    let new_topics: Vec<_> = topics
        .iter()
        .zip(&names)
        .map(|(topic, name)| {
            NewTopic::new(name, topic.partitions, TopicReplication::Fixed(topic.replication))
                .set("min.insync.replicas", min_in_sync(topic))
        })
        .collect();
    let mut created = Vec::new();
    for result in admin.create_topics(&new_topics, &AdminOptions::new()).await? {
        match result {
            Ok(name) => created.push(name),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => {
                return Err(Error::Internal(format!("topic {name} cannot be created: {code}")));
            }
        }
    }
    Ok(created)
}
