//! The kit against the real servers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use chassis::Service;
use contracts::orders::v1::OrderPaid;
use kernel::Id;
use sqlx::migrate::Migrator;
use testkit::{Database, Event, Kafka};

mod steps;

/// A service with no table of its own.
static SERVICE: Service = Service {
    name: "testkit",
    migrations: Migrator::DEFAULT,
    append_only_tables: &[],
    topics: &["tradewind.orders.v1"],
    consumers: &[],
};

enum Order {}

async fn count_outbox(database: &Database) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(&database.another_pool().await).await.unwrap()
}

#[tokio::test]
async fn a_database_is_migrated_and_of_one_test_only() {
    let (first, second) = tokio::join!(Database::migrated(&SERVICE), Database::migrated(&SERVICE));
    let insert = "INSERT INTO outbox (aggregate_id, version, created_at) VALUES (gen_random_uuid(), 1, now())";
    sqlx::query(insert).execute(first.pool()).await.unwrap();
    assert_eq!(count_outbox(&first).await, 1);
    assert_eq!(count_outbox(&second).await, 0);
    let schema: String = sqlx::query_scalar("SELECT current_schema()").fetch_one(first.pool()).await.unwrap();
    assert_eq!(schema, first.schema());
}

#[tokio::test]
async fn an_event_comes_back_as_a_service_would_read_it() {
    let kafka = Kafka::connect().await;
    kafka.create_topics(&["tradewind.orders.v1"]).await;
    let order_id = Id::<Order>::generate().uuid();
    let event = Event::new("orders", "order", order_id, 3, &OrderPaid::default());
    kafka.publish(&event).await;
    kafka.publish(&event).await;

    let events = kafka.events("tradewind.orders.v1").await;
    assert_eq!(events.len(), 2);
    for read in &events {
        assert_eq!((read.id, read.aggregate_id, read.aggregate_version), (event.id(), order_id, 3));
        assert_eq!(read.malformed, None);
        read.decode::<OrderPaid>().unwrap();
    }
    kafka.wait_for("tradewind.orders.v1", "both again", |events| events.len() == 2).await;
}

#[tokio::test]
async fn what_is_no_event_is_read_as_malformed() {
    let kafka = Kafka::connect().await;
    kafka.create_topics(&["tradewind.orders.v1"]).await;
    kafka.publish_raw("tradewind.orders.v1", b"key", &[("ce_type", "something")], b"?").await;
    let events = kafka.events("tradewind.orders.v1").await;
    assert!(events[0].malformed.is_some());
}

#[tokio::test]
async fn tests_do_not_see_each_others_topics() {
    let (one, other) = (Kafka::connect().await, Kafka::connect().await);
    for kafka in [&one, &other] {
        kafka.create_topics(&["tradewind.orders.v1"]).await;
    }
    one.publish_raw("tradewind.orders.v1", b"key", &[], b"").await;
    assert_eq!(one.events("tradewind.orders.v1").await.len(), 1);
    assert_eq!(other.events("tradewind.orders.v1").await.len(), 0);
}
