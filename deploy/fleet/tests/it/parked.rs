//! What an operator does about events that went wrong, with the subcommands of the services' own binaries.

use std::time::{Duration, Instant};

use contracts::checkout::v1::OrderOutcome;
use fleet::catalogue::Catalogue;
use fleet::fleet::Fleet;
use fleet::operate;
use fleet::shopper::{self, Shopper};
use fleet::topology::{Deadlines, Shape};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::marketplace::{ONE_FLEET, test_servers};

const ORDER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_skips_an_event_that_cannot_be_read_and_retries_what_waited_behind_it() {
    let _turn = ONE_FLEET.lock().await;
    let fleet = Fleet::start("parked", &test_servers(), Shape::single(Deadlines::PRODUCTION)).await.unwrap();
    poison(&fleet, 1, "OrderCreated", &[0xff, 0xfe]).await;
    // Of its own bytes it needs none: what it is about is in its headers and key.
    poison(&fleet, 2, "OrderCancelled", &order_id_field()).await;

    let [poison, follower] = until_parked(&fleet, 2).await.try_into().unwrap();
    assert_eq!((&poison["followers"][0], &follower["behind"]), (&follower["id"], &poison["id"]));
    assert_eq!((&poison["payload"], poison["payload_hex"].as_str()), (&Value::Null, Some("fffe")));
    assert_eq!((follower["payload"]["orderId"].as_str(), &follower["payload_hex"]), (Some(ORDER), &Value::Null));
    let (id, next) = (poison["id"].to_string(), follower["id"].to_string());

    let listed = operate(&fleet, &["list", "--type", "OrderCreated", "--since", "1h"]).await.unwrap();
    assert!(listed.contains(&format!("{id:<6}OrderCreated of {ORDER}, parked")), "{listed}");
    for (filter, of_nothing) in [
        ("--kind", "failed"),
        ("--reason", "nonsense"),
        ("--type", "OrderPaid"),
        ("--aggregate", "01890a5d-ac96-774b-bcce-b302099a8058"),
        ("--topic", "tradewind.payments.v1"),
        ("--since", "2999-01-01T00:00:00Z"),
        ("--until", "1h"),
        ("--state", "retried"),
    ] {
        assert_eq!(operate(&fleet, &["list", filter, of_nothing]).await.unwrap(), "no event matches\n", "{filter}");
    }
    let shown = operate(&fleet, &["show", &id]).await.unwrap();
    for text in [
        "undecodable: ",
        "in hex; the bytes are not of its type",
        "  fffe\n",
        "> 1",
        &format!("parked skip {id} --reason"),
    ] {
        assert!(shown.contains(text), "{text}\n{shown}");
    }
    let refusal = operate(&fleet, &["retry", &next]).await.unwrap_err();
    assert!(refusal.contains("stuck: undecodable: ") && refusal.contains("1 event is stuck still"), "{refusal}");
    for (reason, told) in [(None, "--reason"), (Some("--reason= "), "say why")] {
        let refusal = operate(&fleet, &[&["skip", &id][..], reason.as_slice()].concat()).await.unwrap_err();
        assert!(refusal.contains(told), "{refusal}");
    }
    let skip = ["skip", &id, "--operator", "ada", "--reason", "sent by a test"];
    let skipped = operate(&fleet, &skip).await.unwrap();
    assert!(skipped.contains(&format!("parked retry {next}")), "{skipped}");
    let refusal = operate(&fleet, &skip).await.unwrap_err();
    assert!(refusal.contains("by ada: sent by a test"), "{refusal}");

    let retried = operate(&fleet, &["retry", "--aggregate", ORDER]).await.unwrap();
    assert!(retried.contains("OrderCancelled") && retried.contains("took effect"), "{retried}");
    assert_eq!(operate(&fleet, &["list"]).await.unwrap(), "no event matches\n");
    let resolved = operate(&fleet, &["list", "--state", "skipped", "--json"]).await.unwrap();
    let resolved: Value = serde_json::from_str(&resolved).unwrap();
    assert_eq!((&resolved["resolved_by"], &resolved["resolution"]), (&"ada".into(), &"sent by a test".into()));
    fleet.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_mends_what_made_events_fail_and_every_order_goes_on_where_it_was() {
    let _turn = ONE_FLEET.lock().await;
    let fleet = Fleet::start("mended", &test_servers(), Shape::single(Deadlines::PRODUCTION)).await.unwrap();
    shopper::load(&fleet, &Catalogue::read().unwrap()).await.unwrap();
    let before = shopper::available(&fleet, "KETTLE-RED").await.unwrap();
    // A migration that forgot a grant.
    execute(&fleet, "REVOKE INSERT ON inventory.reservation FROM inventory").await;
    let shopper = Shopper::new(&fleet, "Ada").unwrap();
    let kept = shopper.buy(&[("KETTLE-RED", 1)], "tok_approved").await.unwrap();
    let cancelled = shopper.buy(&[("KETTLE-RED", 2)], "tok_approved").await.unwrap();
    until_parked(&fleet, 2).await;
    shopper.cancel(&cancelled.checkout.orders[0].order_id).await.unwrap();
    let parked = until_parked(&fleet, 3).await;
    assert!(parked[0]["reason"].as_str().unwrap().starts_with("failed: database: "), "{}", parked[0]["reason"]);
    assert_eq!(parked[1]["followers"][0], parked[2]["id"], "the cancellation waits behind its order");

    let refusal = operate(&fleet, &["retry", "--all", "--kind", "failed"]).await.unwrap_err();
    assert!(refusal.contains("2 events are stuck still"), "{refusal}");
    execute(&fleet, "GRANT INSERT ON inventory.reservation TO inventory").await;
    // From another terminal of the machine that runs the fleet.
    let mut command = operate::command("mended", "inventory").unwrap();
    let output = command.args(["parked", "retry", "--all", "--kind", "failed", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Vec<Value> =
        output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(told.iter().map(|told| &told["outcome"]).collect::<Vec<_>>(), ["took effect"; 3]);

    let outcome = async |checkout_id: &str| shopper.outcome(checkout_id).await.unwrap().orders[0].outcome();
    assert_eq!(outcome(&kept.checkout.checkout_id).await, OrderOutcome::Paid);
    assert_eq!(outcome(&cancelled.checkout.checkout_id).await, OrderOutcome::Cancelled);
    assert_eq!(shopper::available(&fleet, "KETTLE-RED").await.unwrap(), before - 1);
    fleet.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_releases_an_event_that_the_broker_refused() {
    let _turn = ONE_FLEET.lock().await;
    let fleet = Fleet::start("released", &test_servers(), Shape::single(Deadlines::PRODUCTION)).await.unwrap();
    shopper::load(&fleet, &Catalogue::read().unwrap()).await.unwrap();
    limit_message_bytes(&fleet, "200").await;
    let shopper = Shopper::new(&fleet, "Ada").unwrap();
    let submitted = shopper.buy(&[("KETTLE-RED", 1)], "tok_approved").await.unwrap();
    let held_back = eventually("an event that is held back", async || {
        let listed = fleet.operate("inventory", &["outbox", "list", "--json"]).await.unwrap();
        let event: Value = serde_json::from_str(listed.lines().next()?).unwrap();
        (!event["held_back_at"].is_null()).then_some(event)
    })
    .await;
    assert_eq!(held_back["type"], "tradewind.inventory.v1.InventoryReserved");
    assert!(held_back["error"].as_str().unwrap().contains("size too large"), "{held_back}");
    let listed = fleet.operate("inventory", &["outbox", "list"]).await.unwrap();
    assert!(listed.contains("held back") && listed.contains("wait for the broker: 1, the oldest since"), "{listed}");

    let refusal = fleet.operate("inventory", &["outbox", "release", "999"]).await.unwrap_err().to_string();
    assert!(refusal.contains("not held back: [999]"), "{refusal}");
    limit_message_bytes(&fleet, "1048588").await;
    let released = fleet.operate("inventory", &["outbox", "release", "--all"]).await.unwrap();
    assert!(released.contains(&format!("released: [{}]", held_back["id"])), "{released}");
    let checkout = shopper.outcome(&submitted.checkout.checkout_id).await.unwrap();
    assert_eq!(checkout.orders[0].outcome(), OrderOutcome::Paid);
    fleet.stop().await.unwrap();
}

/// Runs `inventory parked`; what it printed is the error if it exits with any code but 0.
async fn operate(fleet: &Fleet, arguments: &[&str]) -> Result<String, String> {
    let arguments = [&["parked"], arguments].concat();
    fleet.operate("inventory", &arguments).await.map_err(|error| error.to_string())
}

/// Publishes an event about an order, as its version.
async fn poison(fleet: &Fleet, version: u8, name: &str, payload: &[u8]) {
    let (brokers, prefix) = fleet.kafka();
    let producer: FutureProducer = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    let headers = [
        ("ce_id", format!("01890a5d-ac96-774b-bcce-b302099a805{version}")),
        ("ce_type", format!("tradewind.orders.v1.{name}")),
        ("ce_subject", ORDER.to_owned()),
        ("ce_time", "2026-03-01T09:00:00.000000Z".to_owned()),
        ("ce_aggregateversion", version.to_string()),
        ("ce_correlationid", ORDER.to_owned()),
    ];
    let headers = headers
        .iter()
        .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(value) }));
    let topic = format!("{prefix}tradewind.orders.v1");
    let record = FutureRecord::to(&topic).key(ORDER).payload(payload).headers(headers);
    producer.send(record, Duration::from_secs(5)).await.unwrap();
}

/// Field 1, the order's id.
fn order_id_field() -> Vec<u8> {
    [&[0x0a, ORDER.len() as u8], ORDER.as_bytes()].concat()
}

/// Waits until exactly so many events are parked, and answers them, heads and followers.
async fn until_parked(fleet: &Fleet, count: usize) -> Vec<Value> {
    eventually("parked events", async || {
        let listed = operate(fleet, &["list", "--json"]).await.unwrap();
        let heads: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut events = Vec::new();
        for head in heads {
            let followers = head["followers"].as_array().unwrap().clone();
            events.push(head);
            for id in followers {
                let shown = operate(fleet, &["show", &id.to_string(), "--json"]).await.unwrap();
                events.push(serde_json::from_str(&shown).unwrap());
            }
        }
        (events.len() == count).then_some(events)
    })
    .await
}

async fn eventually<T>(awaited: &str, probe: impl AsyncFn() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(40);
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < deadline, "no {awaited} in 40 s");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn execute(fleet: &Fleet, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(fleet.database()).await.unwrap();
}

/// The largest message that inventory's topic takes.
async fn limit_message_bytes(fleet: &Fleet, bytes: &str) {
    let (brokers, prefix) = fleet.kafka();
    let topic = format!("{prefix}tradewind.inventory.v1");
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    let limit = AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("max.message.bytes", bytes);
    for result in admin.alter_configs(&[limit], &AdminOptions::new()).await.unwrap() {
        result.unwrap();
    }
}
