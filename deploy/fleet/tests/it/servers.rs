use std::time::{Duration, Instant};

use fleet::servers::{ExternalServers, Servers};
use fleet::workdir::Workdir;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use rdkafka::{ClientConfig, Message};
use sqlx::{Connection, PgConnection};

const TOPIC: &str = "crash-test";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_or_acknowledged_survives_a_crash_of_its_server() {
    let workdir = Workdir::claim(&format!("test-crash-{}", std::process::id())).unwrap();
    let mut servers = Servers::start(&workdir, &ExternalServers::default()).await.unwrap();
    let url = servers.database_url().to_owned();
    let brokers = servers.kafka_brokers().to_owned();

    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::query("CREATE TABLE kept AS SELECT 42 AS answer").execute(&mut connection).await.unwrap();
    create_topic(&brokers).await;
    produce(&brokers, "before the crash").await;

    servers.postgres().unwrap().kill_immediate().await.unwrap();
    servers.postgres().unwrap().restart().await.unwrap();
    servers.kafka().unwrap().server().kill9().await.unwrap();
    servers.kafka().unwrap().restart().await.unwrap();

    let mut connection = PgConnection::connect(&url).await.unwrap();
    let answer: i32 = sqlx::query_scalar("SELECT answer FROM kept").fetch_one(&mut connection).await.unwrap();
    assert_eq!(answer, 42);
    let joined = Instant::now();
    assert_eq!(first_message(&brokers).await, "before the crash");
    assert!(joined.elapsed() < Duration::from_secs(10), "joining the group took {:?}", joined.elapsed());

    servers.stop().await.unwrap();
    workdir.discard().unwrap();
}

async fn create_topic(brokers: &str) {
    let admin: AdminClient<DefaultClientContext> = client(brokers).create().unwrap();
    let topic = NewTopic::new(TOPIC, 1, TopicReplication::Fixed(1));
    for result in admin.create_topics([&topic], &AdminOptions::new()).await.unwrap() {
        result.unwrap();
    }
}

async fn produce(brokers: &str, payload: &str) {
    let producer: FutureProducer = client(brokers).set("acks", "all").create().unwrap();
    let record = FutureRecord::<(), _>::to(TOPIC).payload(payload);
    producer.send(record, Timeout::After(Duration::from_secs(10))).await.unwrap();
}

async fn first_message(brokers: &str) -> String {
    let consumer: StreamConsumer =
        client(brokers).set("group.id", "crash-test").set("auto.offset.reset", "earliest").create().unwrap();
    consumer.subscribe(&[TOPIC]).unwrap();
    let message = tokio::time::timeout(Duration::from_secs(20), consumer.recv()).await.unwrap().unwrap();
    String::from_utf8(message.payload().unwrap().to_vec()).unwrap()
}

fn client(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    config
}
