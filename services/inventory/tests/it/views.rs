//! Views follow from histories alone: made anew they are what they were, whatever happened while they grew.

mod business;

use contracts::inventory::v1::InventoryReserved;
use contracts::products::v1::ProductCreated;
use inventory::domain::address::Place;
use inventory::domain::fact::{Fact, StockChangeKind};
use inventory::domain::ids::{OrderId, SellerId};
use inventory::domain::warehouse::Warehouse;
use inventory::read_model::listing::{Question, Sort, Stock};
use inventory::read_model::{self, SUBSCRIPTIONS, Views, seller_inventory, sku_availability, warehouse_stock};
use kernel::{Id, Quantity};
use messaging::read_model::{ReadModels as _, Rebuilt, rebuild};
use messaging::{Relay, Subscription};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use testkit::{Event, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::marketplace::{Marketplace, sku};
use business::{Business, happen, product_created, stock_change};

const ROUNDS: usize = 20;
const ORDERS_PER_ROUND: usize = 50;
const ALL: Question = Question { stock: Stock::Any, sku_prefix: String::new(), sort: Sort::Sku };

/// The projector of a replica, as a process that can be killed.
async fn start_projector(marketplace: &Marketplace) -> JoinHandle<()> {
    let store = marketplace.another_store("inventory").await;
    let projector = read_model::consumer(store, marketplace.kafka.config());
    tokio::spawn(async move {
        let _ = projector.run(CancellationToken::new()).await;
    })
}

async fn start_relay(marketplace: &Marketplace) -> DropGuard {
    let stop = CancellationToken::new();
    let store = marketplace.another_store("inventory").await;
    tokio::spawn(Relay::new(store, marketplace.kafka.config()).run(stop.clone()));
    stop.drop_guard()
}

/// What the views hear of inventory itself.
fn own_events() -> Vec<&'static str> {
    let events = SUBSCRIPTIONS.iter().map(|row: &Subscription| row.event);
    events.filter(|event| event.starts_with(Views::OWN_TOPIC)).collect()
}

/// Waits until the views show all that inventory recorded, and so many events of products.
async fn viewed(marketplace: &Marketplace, heard: i64) {
    eventually("the views to show everything", async || {
        let counts: (i64, i64) =
            sqlx::query_as("SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM heard_event)")
                .fetch_one(marketplace.store.pool())
                .await
                .unwrap();
        if counts == (0, heard) { Ok(()) } else { Err(counts) }
    })
    .await;
    marketplace.kafka.wait_until_taken(read_model::CONSUMER, Views::OWN_TOPIC).await;
}

async fn compare(marketplace: &Marketplace) -> Rebuilt {
    rebuild(&marketplace.store, &Views, false, |_| {}).await.unwrap()
}

async fn make_anew(marketplace: &Marketplace) -> Rebuilt {
    rebuild(&marketplace.store, &Views, true, |_| {}).await.unwrap()
}

async fn count(marketplace: &Marketplace, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(marketplace.store.pool()).await.unwrap()
}

/// Lists the stock of a seller with whom nothing happens over and over, and fails as soon as some is not there.
async fn read_on(marketplace: &Marketplace, warehouse: &Warehouse, expected: &'static [(&str, i64)]) -> JoinHandle<()> {
    let (pool, warehouse) = (marketplace.database.another_pool().await, warehouse.clone());
    tokio::spawn(async move {
        let expected: Vec<_> = expected.iter().map(|(sku, units)| ((*sku).to_owned(), *units)).collect();
        for times in 0.. {
            let items = seller_inventory::list(&pool, warehouse.seller_id, &ALL, false, None, 100).await.unwrap();
            let seen: Vec<_> = items.into_iter().map(|row| (row.sku, row.available)).collect();
            assert_eq!(seen, expected, "after {times} times");
            let skus = sku_availability::list(&pool, warehouse.seller_id, &ALL, None, 100).await.unwrap();
            let seen: Vec<_> = skus.into_iter().map(|row| (row.sku, row.available)).collect();
            assert_eq!(seen, expected, "after {times} times");
            let stock = warehouse_stock::list(&pool, warehouse.id, &ALL, None, 100).await.unwrap();
            let seen: Vec<_> = stock.into_iter().map(|row| (row.place.sku, row.available)).collect();
            assert_eq!(seen, expected, "after {times} times");
            tokio::task::yield_now().await;
        }
    })
}

/// What the views say against what the service's own tables say, unit by unit.
async fn assert_views_tell_the_truth(marketplace: &Marketplace) {
    const WRONG_STOCK: &str = "
        SELECT count(*) FROM stock_item AS s
        FULL JOIN (SELECT * FROM warehouse_stock_view WHERE generation = (SELECT generation FROM read_model_generation WHERE state = 'serving'))
                  AS v USING (warehouse_id, sku)
        LEFT JOIN (SELECT to_warehouse_id AS warehouse_id, sku, sum(quantity - received - lost) AS units FROM transfer GROUP BY 1, 2)
                  AS t USING (warehouse_id, sku)
        WHERE (coalesce(s.total, 0), coalesce(s.reserved, 0), coalesce(s.committed, 0), coalesce(t.units, 0))
           <> (coalesce(v.total, 0), coalesce(v.reserved, 0), coalesce(v.committed, 0), coalesce(v.in_transit, 0))
           OR v.seller_id <> s.seller_id OR v.warehouse_id IS NOT NULL AND v.seller_id IS NULL";
    const WRONG_SUMS: &str = "
        SELECT count(*) FROM
            (SELECT seller_id, sku, sum(total) AS total, sum(reserved) AS reserved, sum(committed) AS committed,
                    count(*) FILTER (WHERE total > 0) AS warehouses
             FROM stock_item GROUP BY seller_id, sku) AS s
        FULL JOIN (SELECT * FROM seller_inventory_view WHERE generation = (SELECT generation FROM read_model_generation WHERE state = 'serving'))
                  AS i USING (seller_id, sku)
        LEFT JOIN (SELECT seller_id, sku, sum(quantity - received - lost) AS units FROM transfer GROUP BY 1, 2) AS t USING (seller_id, sku)
        WHERE (s.total, s.reserved, s.committed, s.warehouses, coalesce(t.units, 0))
              IS DISTINCT FROM (i.total, i.reserved, i.committed, i.warehouses, i.in_transit::numeric)";
    assert_eq!(count(marketplace, WRONG_STOCK).await, 0);
    assert_eq!(count(marketplace, WRONG_SUMS).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_views_of_stock_made_anew_are_the_views_that_grew_with_it() {
    let mut rng = StdRng::seed_from_u64(7);
    let marketplace = Marketplace::closed().await;
    let _relay = start_relay(&marketplace).await;
    let mut projectors = [start_projector(&marketplace).await, start_projector(&marketplace).await];

    let quiet: &[_] = &[("BOWL", 1), ("FORK", 5), ("KNIFE", 2), ("SPOON", 3)];
    let quiet_warehouse = marketplace.seller_with(quiet).await;
    let mut business = Business::open(&marketplace, 11).await;
    let mut products = business.products();
    products.reverse();
    let mut told: Vec<Event> = Vec::new();
    viewed(&marketplace, 0).await;
    let reader = read_on(&marketplace, &quiet_warehouse, quiet).await;
    for round in 1..=ROUNDS {
        // The views are made anew while all goes on.
        if round % 4 == 0 {
            tokio::join!(business.go_on(ORDERS_PER_ROUND), make_anew(&marketplace));
        } else {
            business.go_on(ORDERS_PER_ROUND).await;
        }
        if round % 5 == 0 {
            told.extend(products.pop());
        }
        // What was told comes again, and aggregates about which nothing is new are looked at.
        for event in &told {
            marketplace.kafka.publish(event).await;
        }
        for _ in 0..5 {
            let order_id = business.orders[rng.random_range(0..business.orders.len())];
            marketplace.kafka.publish(&looked_at(order_id)).await;
        }
        // A projector dies in the middle of whatever it does, and another takes its place.
        let killed = &mut projectors[round % 2];
        killed.abort();
        *killed = start_projector(&marketplace).await;
    }
    viewed(&marketplace, told.len() as i64).await;
    reader.abort();
    assert!(reader.await.unwrap_err().is_cancelled(), "a reader missed something");

    let happened: Vec<String> = sqlx::query_scalar("SELECT DISTINCT event_type FROM journal")
        .fetch_all(marketplace.store.pool())
        .await
        .unwrap();
    assert_eq!(happened.len(), own_events().len() + 3, "everything is to happen: {happened:?}");
    marketplace.assert_books_balance().await;
    let known =
        "SELECT count(*) FROM (SELECT aggregate_id FROM journal UNION SELECT aggregate_id FROM heard_event) AS a";
    let aggregates = count(&marketplace, known).await as u64;
    let compared = compare(&marketplace).await;
    assert_eq!(compared, Rebuilt { aggregates, differences: Vec::new() });
    assert_views_tell_the_truth(&marketplace).await;
    assert_eq!(make_anew(&marketplace).await, compared);
    assert_views_tell_the_truth(&marketplace).await;
    projectors.iter().for_each(JoinHandle::abort);
}

/// An event that is reason to look at a reservation, and says nothing itself.
fn looked_at(order_id: OrderId) -> Event {
    Event::new("inventory", "reservation", order_id.uuid(), 1, &InventoryReserved::default())
}

#[tokio::test]
async fn what_was_changed_in_a_view_is_found_and_mended() {
    let marketplace = Marketplace::closed().await;
    let (_relay, projector) = (start_relay(&marketplace).await, start_projector(&marketplace).await);
    let main = marketplace.seller_with(&[("CUP", 5), ("POT", 3)]).await;
    marketplace.kafka.publish(&product_created(main.seller_id, "Mug", &["CUP"])).await;
    viewed(&marketplace, 1).await;
    assert_eq!(compare(&marketplace).await.differences, [""; 0]);

    for (damage, expected) in [
        ("DELETE FROM warehouse_stock_view WHERE sku = 'CUP'", "the stock of CUP in warehouse"),
        ("UPDATE warehouse_stock_view SET committed = 1 WHERE sku = 'CUP'", "the stock of CUP in warehouse"),
        ("UPDATE warehouse_stock_view SET seller_id = warehouse_id WHERE sku = 'CUP'", "the stock of CUP in warehouse"),
        ("DELETE FROM seller_inventory_view WHERE sku = 'CUP'", "the inventory of CUP"),
        ("UPDATE seller_inventory_view SET title = 'Cup' WHERE sku = 'CUP'", "the inventory of CUP"),
        ("UPDATE seller_inventory_view SET reserved = 1 WHERE sku = 'CUP'", "the inventory of CUP"),
        ("UPDATE seller_inventory_view SET in_transit = 1 WHERE sku = 'CUP'", "the inventory of CUP"),
        ("DELETE FROM stock_contribution WHERE shares::text LIKE '%CUP%'", "what"),
        ("UPDATE stock_contribution SET version = 0 WHERE shares::text LIKE '%CUP%'", "what"),
    ] {
        sqlx::query(damage).execute(marketplace.store.pool()).await.unwrap();
        let found = compare(&marketplace).await.differences;
        assert!(found.len() == 1 && found[0].starts_with(expected), "{damage}: {found:?}");
        assert_eq!(make_anew(&marketplace).await.differences, found);
        assert_eq!(compare(&marketplace).await.differences, [""; 0]);
    }
    let rows =
        "SELECT (SELECT count(*) FROM read_model_generation) * 100 + (SELECT count(*) FROM stock_contribution) * 10
                + (SELECT count(*) FROM warehouse_stock_view)";
    assert_eq!(count(&marketplace, rows).await, 122, "no shadow is left behind");
    projector.abort();
}

#[tokio::test]
async fn rows_that_add_up_to_nothing_say_as_much_as_none() {
    let marketplace = Marketplace::closed().await;
    let main = marketplace.seller_with(&[("CUP", 5)]).await;
    project_all(&marketplace).await;
    for nothing in [
        "INSERT INTO warehouse_stock_view VALUES (1, $1, 'PLATE', NULL, 0, 0, 0, 0, 0)",
        "INSERT INTO seller_inventory_view VALUES (1, $1, 'PLATE', '', 0, 0, 0, 0, 0, 0)",
        "INSERT INTO stock_contribution VALUES (1, $1, 3, '[]')",
    ] {
        sqlx::query(nothing).bind(main.seller_id.uuid()).execute(marketplace.store.pool()).await.unwrap();
    }
    assert_eq!(compare(&marketplace).await.differences, [""; 0]);
    assert_eq!(inventory_of(&marketplace, main.seller_id).await, [("CUP".to_owned(), String::new(), 5)]);
    let skus = sku_availability::list(marketplace.store.pool(), main.seller_id, &ALL, None, 9).await.unwrap();
    assert_eq!(skus.len(), 1);
}

#[tokio::test]
async fn a_shadow_that_was_left_behind_does_no_harm() {
    let marketplace = Marketplace::closed().await;
    let (_relay, projector) = (start_relay(&marketplace).await, start_projector(&marketplace).await);
    let main = marketplace.seller_with(&[("CUP", 5)]).await;
    viewed(&marketplace, 0).await;
    sqlx::query("INSERT INTO read_model_generation (state) VALUES ('building')")
        .execute(marketplace.store.pool())
        .await
        .unwrap();
    // The projector keeps it up to date until the next rebuild does away with it.
    marketplace.add_stock(&main, "CUP", 4).await;
    viewed(&marketplace, 0).await;
    assert_eq!(count(&marketplace, "SELECT sum(total)::bigint FROM warehouse_stock_view").await, 18);
    assert_eq!(make_anew(&marketplace).await.differences, [""; 0]);
    assert_eq!(count(&marketplace, "SELECT sum(total)::bigint FROM warehouse_stock_view").await, 9);
    projector.abort();
}

/// Looks at these aggregates.
async fn project(marketplace: &Marketplace, aggregates: &[Uuid]) {
    let mut unit = marketplace.store.begin().await.unwrap();
    Views.project(unit.tx(), &[1], aggregates).await.unwrap();
    unit.commit().await.unwrap();
}

async fn project_all(marketplace: &Marketplace) {
    let all = sqlx::query_scalar("SELECT DISTINCT aggregate_id FROM journal");
    project(marketplace, &all.fetch_all(marketplace.store.pool()).await.unwrap()).await;
}

/// SKU, title and what is available of each.
async fn inventory_of(marketplace: &Marketplace, seller_id: SellerId) -> Vec<(String, String, i64)> {
    let listed = seller_inventory::list(marketplace.store.pool(), seller_id, &ALL, false, None, 100).await.unwrap();
    listed.into_iter().map(|row| (row.sku, row.title, row.available)).collect()
}

#[tokio::test]
async fn stock_is_listed_with_all_that_is_held_of_it_once_it_is_known_whose_it_is() {
    let marketplace = Marketplace::closed().await;
    let main = marketplace.seller_with(&[("CUP", 5)]).await;
    let order_id = OrderId::generate();
    let lines = vec![(sku("CUP"), Quantity::new(2).unwrap())];
    let created = Fact::OrderCreated { order_id, seller_id: main.seller_id, lines, ship_to: Place::UNKNOWN };
    happen(&marketplace.store, vec![created, Fact::PaymentAuthorized(order_id)]).await;

    project(&marketplace, &[order_id.uuid()]).await;
    assert_eq!(inventory_of(&marketplace, main.seller_id).await, []);
    assert_eq!(warehouse_stock::list(marketplace.store.pool(), main.id, &ALL, None, 9).await.unwrap(), []);
    for _ in 0..2 {
        project_all(&marketplace).await;
        assert_eq!(inventory_of(&marketplace, main.seller_id).await, [("CUP".to_owned(), String::new(), 3)]);
        assert_views_tell_the_truth(&marketplace).await;
    }
}

#[tokio::test]
async fn a_history_that_is_longer_than_what_is_read_at_once_counts_to_its_end() {
    let marketplace = Marketplace::closed().await;
    let main = marketplace.seller_with(&[("CUP", 5)]).await;
    let one_more = || stock_change(&main, sku("CUP"), StockChangeKind::Add(Quantity::ONE));
    happen(&marketplace.store, (0..2_500).map(|_| one_more()).collect()).await;
    project_all(&marketplace).await;
    assert_views_tell_the_truth(&marketplace).await;
    assert_eq!(count(&marketplace, "SELECT max(version) FROM stock_contribution").await, 2_501);
    assert_eq!(inventory_of(&marketplace, main.seller_id).await, [("CUP".to_owned(), String::new(), 2_505)]);
}

#[tokio::test]
async fn a_title_is_shown_whether_it_is_heard_of_before_the_stock_or_after_it() {
    let marketplace = Marketplace::closed().await;
    let (_relay, projector) = (start_relay(&marketplace).await, start_projector(&marketplace).await);
    let main = marketplace.seller_with(&[("CUP", 5)]).await;
    viewed(&marketplace, 0).await;
    let entry = |sku: &str, title: &str, available| (sku.to_owned(), title.to_owned(), available);
    assert_eq!(inventory_of(&marketplace, main.seller_id).await, [entry("CUP", "", 5)]);

    let (mug, pan) = (
        product_created(main.seller_id, "Mug", &["CUP", "CUP-2"]),
        product_created(main.seller_id, "Frying pan", &["PAN"]),
    );
    for event in [&mug, &pan, &mug, &product_created(Id::generate(), "Another's mug", &["CUP"])] {
        marketplace.kafka.publish(event).await;
    }
    viewed(&marketplace, 3).await;
    // What is offered and was never stocked is listed too: it is out of stock.
    let expected = [entry("CUP", "Mug", 5), entry("CUP-2", "Mug", 0), entry("PAN", "Frying pan", 0)];
    assert_eq!(inventory_of(&marketplace, main.seller_id).await, expected);
    let stocked = sku_availability::list(marketplace.store.pool(), main.seller_id, &ALL, None, 9).await.unwrap();
    assert_eq!(stocked.len(), 1);

    marketplace.add_stock(&main, "PAN", 2).await;
    viewed(&marketplace, 3).await;
    let expected = [entry("CUP", "Mug", 5), entry("CUP-2", "Mug", 0), entry("PAN", "Frying pan", 2)];
    assert_eq!(inventory_of(&marketplace, main.seller_id).await, expected);
    assert_eq!(make_anew(&marketplace).await.differences, [""; 0]);
    assert_eq!(inventory_of(&marketplace, main.seller_id).await, expected);
    projector.abort();
}

#[tokio::test]
async fn what_cannot_be_read_is_parked_and_the_views_go_on() {
    let marketplace = Marketplace::closed().await;
    let (_relay, projector) = (start_relay(&marketplace).await, start_projector(&marketplace).await);
    let main = marketplace.seller_with(&[("CUP", 5)]).await;
    let damaged = product_created(main.seller_id, "Mug", &["CUP"]).with_payload(&[0xff; 9]);
    let nobodys = Event::new(
        "products",
        "product",
        Id::<ProductCreated>::generate().uuid(),
        1,
        &ProductCreated { product: None },
    );
    let whole = product_created(main.seller_id, "Pot", &["POT"]);
    for event in [&damaged, &nobodys, &whole] {
        marketplace.kafka.publish(event).await;
    }
    viewed(&marketplace, 1).await;
    eventually("both to be parked", async || {
        let parked = messaging::parked::list(&marketplace.store, &messaging::parked::Filter::waiting()).await.unwrap();
        let told: Vec<_> = parked.into_iter().map(|event| (event.consumer, event.reason)).collect();
        let is_expected = |(consumer, reason): &(String, String)| {
            consumer == read_model::CONSUMER && reason.starts_with("undecodable")
        };
        if told.len() == 2 && told.iter().all(is_expected) { Ok(()) } else { Err(told) }
    })
    .await;
    assert_eq!(inventory_of(&marketplace, main.seller_id).await.len(), 2);
    assert_eq!(compare(&marketplace).await.differences, [""; 0]);
    projector.abort();
}
