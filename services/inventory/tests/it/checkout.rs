//! The checkout saga: facts of orders and payments come in over Kafka, facts of inventory go out.

use std::collections::BTreeMap;
use std::time::Duration;

use contracts::inventory::v1 as wire;
use contracts::orders::v1::OrderCreated;
use futures::future::join_all;
use inventory::domain::reservation::Status;
use inventory::domain::warehouse::Warehouse;
use inventory::jobs::expire_reservations::expire_reservations;
use kernel::Id;
use messaging::Envelope;
use testkit::{Event, eventually};

use crate::marketplace::{DEAD_LETTERS, INVENTORY, Marketplace, ORDERS, Order, TTL, inventory, levels};

fn allocation(sku: &str, warehouse: &Warehouse, quantity: i64) -> wire::Allocation {
    wire::Allocation { sku: sku.to_owned(), warehouse_id: warehouse.id.to_string(), quantity }
}

#[tokio::test]
async fn an_order_is_reserved_line_by_line_and_committed_when_it_is_paid_for() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5), ("POT", 2)]).await;
    let order = Order::new(&shop, &[("POT", 1), ("CUP", 2)]);
    let checkout_id = Id::<OrderCreated>::generate().uuid();
    let created = order.created().in_journey(checkout_id);

    market.publish(&[&created]).await;
    let told = market.told(&order, &["InventoryReserved"]).await;
    let reserved: wire::InventoryReserved = told[0].decode().unwrap();
    assert_eq!(reserved.allocations, [allocation("CUP", &shop, 2), allocation("POT", &shop, 1)]);
    let expires_at = market.clock.shown() + TTL;
    assert_eq!(reserved.expire_time, Some(contracts::convert::timestamp_to_wire(expires_at)));
    assert_eq!((told[0].correlation_id, told[0].causation_id), (checkout_id, Some(created.id())));
    assert_eq!(market.levels(&shop, "CUP").await, levels(5, 2, 0));
    assert_eq!(market.levels(&shop, "POT").await, levels(2, 1, 0));

    market.publish(&[&order.authorized().in_journey(checkout_id)]).await;
    let told = market.told(&order, &["InventoryReserved", "InventoryCommitted"]).await;
    let committed: wire::InventoryCommitted = told[1].decode().unwrap();
    assert_eq!(committed.allocations, reserved.allocations);
    assert_eq!((told[1].correlation_id, told[1].aggregate_version), (checkout_id, 2));
    assert_eq!(market.levels(&shop, "CUP").await, levels(5, 0, 2));
    assert_eq!(market.levels(&shop, "POT").await, levels(2, 0, 1));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_that_lacks_one_unit_of_one_line_holds_nothing() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5), ("POT", 1)]).await;
    let order = Order::new(&shop, &[("CUP", 2), ("POT", 2)]);

    market.publish(&[&order.created()]).await;
    let told = market.told(&order, &["InventoryRejected"]).await;
    let rejected: wire::InventoryRejected = told[0].decode().unwrap();
    assert_eq!(rejected.shortages, [wire::Shortage { sku: "POT".to_owned(), requested: 2, available: 1 }]);

    // What orders says to that, and inventory has nothing to give back.
    market.publish_and_wait(&[&order.failed()]).await;
    assert_eq!(market.history(order.id).await, ["InventoryRejected"]);
    assert_eq!(market.levels(&shop, "CUP").await, levels(5, 0, 0));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_that_ended_before_it_was_created_here_reserves_nothing() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5)]).await;
    let (cancelled, failed) = (Order::new(&shop, &[("CUP", 1)]), Order::new(&shop, &[("CUP", 1)]));
    for (order, end) in [(&cancelled, cancelled.cancelled()), (&failed, failed.failed())] {
        market.publish_and_wait(&[&end, &order.created()]).await;
        market.publish_and_wait(&[&order.authorized()]).await;
        assert_eq!(market.status(order).await, Some(Status::Tombstone));
        assert!(market.history(order.id).await.is_empty());
    }
    assert_eq!(market.levels(&shop, "CUP").await, levels(5, 0, 0));
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}

#[tokio::test]
async fn an_authorization_after_the_reservation_expired_is_refused() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5)]).await;
    let order = Order::new(&shop, &[("CUP", 2)]);
    market.publish_and_wait(&[&order.created()]).await;
    market.clock.advance(TTL);
    assert_eq!(market.sweep().await, 1);

    market.publish(&[&order.authorized()]).await;
    let names = ["InventoryReserved", "ReservationExpired", "InventoryReleased", "InventoryCommitRefused"];
    let told = market.told(&order, &names).await;
    let refused: wire::InventoryCommitRefused = told[3].decode().unwrap();
    assert_eq!(refused.reason, "RESERVATION_EXPIRED");

    market.publish_and_wait(&[&order.failed()]).await;
    assert_eq!(market.history(order.id).await, names);
    assert_eq!(market.levels(&shop, "CUP").await, levels(5, 0, 0));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn a_failed_order_gives_its_stock_back_once() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5)]).await;
    let order = Order::new(&shop, &[("CUP", 2)]);
    let (created, failed) = (order.created(), order.failed());
    // Twice the same events, then the same facts as other events, then another end of the same order.
    let again = (order.created(), order.failed(), order.cancelled());
    market.publish_and_wait(&[&created, &created, &failed, &failed, &again.0, &again.1, &again.2]).await;

    let told = market.told(&order, &["InventoryReserved", "InventoryReleased"]).await;
    let released: wire::InventoryReleased = told[1].decode().unwrap();
    assert_eq!(released.allocations, [allocation("CUP", &shop, 2)]);
    assert_eq!(market.history(order.id).await.len(), 2);
    assert_eq!(market.levels(&shop, "CUP").await, levels(5, 0, 0));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn a_cancelled_order_gives_its_committed_stock_back() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5)]).await;
    let order = Order::new(&shop, &[("CUP", 2)]);
    market.publish_and_wait(&[&order.created()]).await;
    market.publish_and_wait(&[&order.authorized()]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(5, 0, 2));

    market.publish(&[&order.cancelled()]).await;
    market.told(&order, &["InventoryReserved", "InventoryCommitted", "InventoryReleased"]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(5, 0, 0));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn a_reservation_expires_when_its_time_has_passed_and_its_stock_is_on_sale_again() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 2)]).await;
    let (slow, next) = (Order::new(&shop, &[("CUP", 2)]), Order::new(&shop, &[("CUP", 2)]));
    market.publish_and_wait(&[&slow.created()]).await;

    let due = market.clock.shown() + TTL;
    market.clock.set(due - Duration::from_micros(1));
    assert_eq!(market.sweep().await, 0);
    assert_eq!(market.status(&slow).await, Some(Status::Active));
    market.clock.set(due);
    assert_eq!(market.sweep().await, 1);
    assert_eq!(market.sweep().await, 0);

    let told = market.told(&slow, &["InventoryReserved", "ReservationExpired", "InventoryReleased"]).await;
    let released: wire::InventoryReleased = told[2].decode().unwrap();
    assert_eq!(released.allocations, [allocation("CUP", &shop, 2)]);
    market.publish(&[&next.created()]).await;
    market.told(&next, &["InventoryReserved"]).await;
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expiry_and_payment_at_once_end_each_order_in_exactly_one_of_the_two() {
    const GROUPS: usize = 8;
    let (market, _replica) = Marketplace::open().await;
    let first_due = market.clock.shown() + TTL;
    let shop = market.seller_with(&[("CUP", 48)]).await;
    let mut groups: Vec<Vec<Order>> = Vec::new();
    for _ in 0..GROUPS {
        let group: Vec<_> = (0..6).map(|_| Order::new(&shop, &[("CUP", 1)])).collect();
        for order in &group {
            market.publish(&[&order.created()]).await;
        }
        for order in &group {
            market.becomes(order, Status::Active).await;
        }
        groups.push(group);
        market.clock.advance(Duration::from_secs(1));
    }
    // The last group is paid before, the first expires before; between them the sweeper and the payments meet.
    for order in &groups[GROUPS - 1] {
        market.publish_and_wait(&[&order.authorized()]).await;
    }
    market.clock.set(first_due);
    assert_eq!(market.sweep().await, groups[0].len());
    let sweeper = async {
        for _ in 1..GROUPS {
            market.clock.advance(Duration::from_secs(1));
            market.sweep().await;
        }
    };
    let payer = async {
        for order in groups.iter().rev().skip(1).flatten() {
            let authorized = order.authorized();
            market.publish(&[&authorized, &authorized]).await;
        }
    };
    tokio::join!(sweeper, payer);

    let mut committed = 0;
    for order in groups.iter().flatten() {
        let history = eventually("the answer to the payment", async || {
            let history = market.history(order.id).await;
            let answered = |name: &String| ["InventoryCommitted", "InventoryCommitRefused"].contains(&name.as_str());
            if history.iter().any(answered) { Ok(history) } else { Err(history) }
        })
        .await;
        let names: Vec<_> = history.iter().map(String::as_str).collect();
        match market.status(order).await {
            Some(Status::Committed) => {
                committed += 1;
                assert_eq!(names, ["InventoryReserved", "InventoryCommitted"]);
            }
            Some(Status::CommitRefused) => assert_eq!(
                names,
                ["InventoryReserved", "ReservationExpired", "InventoryReleased", "InventoryCommitRefused"]
            ),
            other => panic!("order {} ended as {other:?}: {names:?}", order.id),
        }
    }
    assert!((6..=42).contains(&committed), "{committed}");
    assert_eq!(market.levels(&shop, "CUP").await, levels(48, 0, committed));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn two_lines_of_one_sku_are_added_up() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 3)]).await;
    let (too_much, enough) =
        (Order::new(&shop, &[("CUP", 2), ("CUP", 2)]), Order::new(&shop, &[("CUP", 2), ("CUP", 1)]));
    market.publish(&[&too_much.created()]).await;
    let told = market.told(&too_much, &["InventoryRejected"]).await;
    let rejected: wire::InventoryRejected = told[0].decode().unwrap();
    assert_eq!(rejected.shortages, [wire::Shortage { sku: "CUP".to_owned(), requested: 4, available: 3 }]);

    market.publish(&[&enough.created()]).await;
    let told = market.told(&enough, &["InventoryReserved"]).await;
    let reserved: wire::InventoryReserved = told[0].decode().unwrap();
    assert_eq!(reserved.allocations, [allocation("CUP", &shop, 3)]);
    market.assert_books_balance().await;
}

#[tokio::test]
async fn stock_is_taken_from_warehouses_by_priority_and_stays_pinned() {
    let (market, _replica) = Marketplace::open().await;
    let seller_id = Id::generate();
    let second = market.open_warehouse(seller_id, "SECOND", 20, &[("CUP", 9)]).await;
    let first = market.open_warehouse(seller_id, "FIRST", 10, &[("CUP", 3)]).await;
    let order = Order::new(&first, &[("CUP", 5)]);
    market.publish(&[&order.created()]).await;
    let pinned = [allocation("CUP", &first, 3), allocation("CUP", &second, 2)];
    let told = market.told(&order, &["InventoryReserved"]).await;
    assert_eq!(told[0].decode::<wire::InventoryReserved>().unwrap().allocations, pinned);

    // More in the first warehouse, and a better one: what was reserved is what ships.
    market.add_stock(&first, "CUP", 9).await;
    market.open_warehouse(seller_id, "BETTER", 0, &[("CUP", 9)]).await;
    market.publish(&[&order.authorized()]).await;
    let told = market.told(&order, &["InventoryReserved", "InventoryCommitted"]).await;
    assert_eq!(told[1].decode::<wire::InventoryCommitted>().unwrap().allocations, pinned);
    assert_eq!(market.levels(&first, "CUP").await, levels(12, 0, 3));
    assert_eq!(market.levels(&second, "CUP").await, levels(9, 0, 2));

    market.publish(&[&order.cancelled()]).await;
    let told = market.told(&order, &["InventoryReserved", "InventoryCommitted", "InventoryReleased"]).await;
    assert_eq!(told[2].decode::<wire::InventoryReleased>().unwrap().allocations, pinned);
    assert_eq!(market.levels(&second, "CUP").await, levels(9, 0, 0));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn the_stock_of_two_sellers_is_never_mixed() {
    let (market, _replica) = Marketplace::open().await;
    let poor = market.seller_with(&[("CUP", 1)]).await;
    let rich = market.seller_with(&[("CUP", 9)]).await;
    let order = Order::new(&poor, &[("CUP", 2)]);
    market.publish(&[&order.created(), &Order::new(&rich, &[("CUP", 1)]).created()]).await;
    let told = market.told(&order, &["InventoryRejected"]).await;
    let rejected: wire::InventoryRejected = told[0].decode().unwrap();
    assert_eq!(rejected.shortages[0].available, 1);
    eventually("the other seller's order", async || market.levels(&rich, "CUP").await == levels(9, 1, 0)).await;
    assert_eq!(market.levels(&poor, "CUP").await, levels(1, 0, 0));
    market.assert_books_balance().await;
}

/// No replica has all orders, so at least two reach for the same stock.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_sell_the_last_fifty_units_once() {
    let market = Marketplace::closed().await;
    let shop = market.seller_with(&[("WARM-UP", 10_000), ("CUP", 50)]).await;
    let _replicas = market.start_five_replicas().await;
    eventually("orders on two replicas", async || {
        let orders: Vec<_> = (0..12).map(|_| Order::new(&shop, &[("WARM-UP", 1)])).collect();
        for order in &orders {
            market.publish_and_wait(&[&order.created()]).await;
        }
        replicas_that_answered(&market, &orders).await >= 2
    })
    .await;

    let orders: Vec<_> = (0..200).map(|_| Order::new(&shop, &[("CUP", 1)])).collect();
    let events: Vec<_> = orders.iter().map(Order::created).collect();
    let twice = events.iter().map(|event| [event, event]);
    join_all(twice.map(async |copies| market.publish(&copies).await)).await;
    for event in &events {
        market.taken(event).await;
    }

    assert_eq!(market.levels(&shop, "CUP").await, levels(50, 50, 0));
    assert!(replicas_that_answered(&market, &orders).await >= 2);
    let mut answers = BTreeMap::new();
    for order in &orders {
        let history = market.history(order.id).await;
        assert_eq!(history.len(), 1, "order {} got {history:?}", order.id);
        *answers.entry(history[0].clone()).or_insert(0) += 1;
    }
    assert_eq!(answers, BTreeMap::from([("InventoryRejected".to_owned(), 150), ("InventoryReserved".to_owned(), 50)]));
    let told = |events: &[Envelope]| {
        let about = |order: &&Order| events.iter().any(|event| event.aggregate_id == order.id.uuid());
        orders.iter().filter(about).count() == orders.len()
    };
    market.kafka.wait_for(INVENTORY, "an answer for each of the 200", told).await;
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}

/// How many replicas recorded something about these orders.
async fn replicas_that_answered(market: &Marketplace, orders: &[Order]) -> i64 {
    sqlx::query_scalar("SELECT count(DISTINCT actor) FROM journal WHERE aggregate_id = ANY($1)")
        .bind(orders.iter().map(|order| order.id.uuid()).collect::<Vec<_>>())
        .fetch_one(market.store.pool())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sweepers_at_once_expire_each_reservation_once() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 300)]).await;
    let orders: Vec<_> = (0..300).map(|_| Order::new(&shop, &[("CUP", 1)])).collect();
    let created: Vec<_> = orders.iter().map(Order::created).collect();
    join_all(created.iter().map(|event| market.kafka.publish(event))).await;
    for event in &created {
        market.taken(event).await;
    }
    market.clock.advance(TTL);

    let stores = [market.another_store("inventory").await, market.another_store("inventory").await];
    let sweepers = stores.map(|store| tokio::spawn(async move { expire_reservations(&store, &inventory()).await }));
    let expired: usize = join_all(sweepers).await.into_iter().map(|swept| swept.unwrap().unwrap()).sum();
    assert_eq!(expired, 300);
    for order in &orders {
        let names = market.history(order.id).await;
        assert_eq!(names, ["InventoryReserved", "ReservationExpired", "InventoryReleased"]);
    }
    assert_eq!(market.levels(&shop, "CUP").await, levels(300, 0, 0));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_that_cannot_be_read_is_parked_and_others_flow_on() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5)]).await;
    let unreadable = Order::new(&shop, &[("CUP", 1)]);
    let broken = [
        unreadable.created().with_payload(b"\xff\xff\xff"),
        Order::new(&shop, &[]).created(),
        Order::new(&shop, &[("CUP", 0)]).created(),
        Order::new(&shop, &[("CUP", -1)]).created(),
        Order::new(&shop, &[("CUP", 1_000_001)]).created(),
        Order::new(&shop, &[("cup", 1)]).created(),
        Event::new("orders", "order", Id::<Order>::generate().uuid(), 1, &OrderCreated::default()),
    ];
    for event in &broken {
        market.publish_and_wait(&[event]).await;
    }
    // Behind the first one waits what else is told about its order; nobody else waits.
    market.publish_and_wait(&[&unreadable.cancelled()]).await;
    let order = Order::new(&shop, &[("CUP", 1)]);
    market.publish(&[&order.created()]).await;
    market.told(&order, &["InventoryReserved"]).await;

    let reasons = market.parked().await;
    assert_eq!(reasons.len(), broken.len() + 1);
    let (follower, poison) = reasons.split_last().unwrap();
    assert!(poison.iter().all(|reason| reason.starts_with("undecodable: ")), "{poison:?}");
    assert!(follower.starts_with("waits behind"), "{follower}");
    assert_eq!(market.status(&unreadable).await, None);
    market.kafka.wait_for(DEAD_LETTERS, "every parked event", |events| events.len() == reasons.len()).await;
}

#[tokio::test]
async fn a_payment_for_an_order_that_holds_nothing_is_parked() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 1)]).await;
    let (unheard_of, rejected) = (Order::new(&shop, &[("CUP", 1)]), Order::new(&shop, &[("CUP", 2)]));
    market.publish_and_wait(&[&unheard_of.authorized()]).await;
    market.publish_and_wait(&[&rejected.created()]).await;
    market.publish_and_wait(&[&rejected.authorized()]).await;

    let reasons = market.parked().await;
    assert_eq!(reasons.len(), 2);
    assert!(reasons.iter().all(|reason| reason.starts_with("refused: NOTHING_RESERVED")), "{reasons:?}");
    assert_eq!(market.status(&unheard_of).await, None);
    assert_eq!(market.levels(&shop, "CUP").await, levels(1, 0, 0));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn an_event_of_a_type_that_is_not_subscribed_to_is_skipped() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 1)]).await;
    let order = Order::new(&shop, &[("CUP", 1)]);
    let of_tomorrow = order.cancelled().with_type(&format!("{ORDERS}.OrderTeleported"));
    market.publish(&[&of_tomorrow, &order.created()]).await;
    market.told(&order, &["InventoryReserved"]).await;
    assert!(market.parked().await.is_empty());
}
