//! An operator and an event that nobody can read, with the subcommands of the service's own binary.

use std::time::{Duration, Instant};

use fleet::fleet::Fleet;
use fleet::topology::{Deadlines, Shape};
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};

use crate::marketplace::{ONE_FLEET, test_servers};

const ORDER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_lists_shows_retries_and_skips_an_event_that_cannot_be_read() {
    let _turn = ONE_FLEET.lock().await;
    let fleet = Fleet::start("parked", &test_servers(), Shape::single(Deadlines::PRODUCTION)).await.unwrap();
    poison(&fleet).await;

    let listed = until_listed(&fleet).await;
    assert!(listed.contains("inventory.saga  tradewind.orders.v1.OrderCreated"), "{listed}");
    let number = listed.split_whitespace().next().unwrap();
    let shown = fleet.operate("inventory", &["parked", "show", number]).await.unwrap();
    assert!(shown.contains(ORDER) && shown.contains("undecodable"), "{shown}");

    let retry = ["parked", "retry", number, "--operator", "ada"];
    let refusal = fleet.operate("inventory", &retry).await.unwrap_err().to_string();
    assert!(refusal.contains("is refused again: undecodable"), "{refusal}");
    let unexplained = fleet.operate("inventory", &["parked", "skip", number, "--operator", "ada"]).await;
    assert!(unexplained.unwrap_err().to_string().contains("--reason"), "a skip is explained");
    let skip = ["parked", "skip", number, "--operator", "ada", "--reason", "not ours"];
    fleet.operate("inventory", &skip).await.unwrap();
    assert_eq!(fleet.operate("inventory", &["parked", "list"]).await.unwrap(), "");
    let shown = fleet.operate("inventory", &["parked", "show", number]).await.unwrap();
    assert!(shown.contains("skipped") && shown.contains("not ours"), "{shown}");
    fleet.stop().await.unwrap();
}

/// Publishes an OrderCreated whose bytes are none.
async fn poison(fleet: &Fleet) {
    let (brokers, prefix) = fleet.kafka();
    let producer: FutureProducer = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    let headers = [
        ("ce_id", "01890a5d-ac96-774b-bcce-b302099a8058"),
        ("ce_type", "tradewind.orders.v1.OrderCreated"),
        ("ce_subject", ORDER),
        ("ce_time", "2026-03-01T09:00:00.000000Z"),
        ("ce_aggregateversion", "1"),
        ("ce_correlationid", ORDER),
    ];
    let headers = headers
        .iter()
        .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(*value) }));
    let topic = format!("{prefix}tradewind.orders.v1");
    let record = FutureRecord::to(&topic).key(ORDER).payload(&[0xff, 0xff, 0xff][..]).headers(headers);
    producer.send(record, Duration::from_secs(5)).await.unwrap();
}

async fn until_listed(fleet: &Fleet) -> String {
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let listed = fleet.operate("inventory", &["parked", "list"]).await.unwrap();
        if !listed.is_empty() {
            return listed;
        }
        assert!(Instant::now() < deadline, "nothing was parked");
    }
}
