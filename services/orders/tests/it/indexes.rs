//! What the statements cost once the tables have grown.

use kernel::Quantity;
use messaging::{Cause, Caused, EventStore, Outcome, react, read_model};
use orders::SERVICE;
use orders::adapters::postgres;
use orders::app::verify_history::verify_history;
use orders::domain::fact::{Commitment, Fact, OrderFact};
use orders::domain::ids::{OrderId, WarehouseId};
use orders::domain::shipping_instruction::Allocation;
use orders::domain::snapshot::Snapshot;
use orders::domain::status::Milestone;
use orders::jobs::cancel_unpaid_orders::cancel_unpaid_orders;
use orders::jobs::close_orders::close_orders;
use orders::read_model::order_list::{self, Question, Sort, Whose};
use orders::read_model::{Views, order_detail, seller_dashboard};
use sqlx::PgPool;
use testkit::{Database, Reads, TestClock};

use crate::back_office::{Checkout, RETURN_WINDOW, participant, terms_of};

const TABLES: &[&str] = &[
    "order_snapshot",
    "order_line",
    "order_state",
    "order_detail_view",
    "order_list_view",
    "seller_dashboard_view",
    "heard_event",
];
const ROUNDS: usize = 10;
const ORDERS_PER_ROUND: usize = 20;
/// What one order may read of one table in its whole life here, lists and locks included: rows or index entries.
const READS_PER_ORDER_MAX: i64 = 60;

/// A marketplace that has done business for years: 50,000 orders of two lines each, by 5,000 buyers, a tenth of them unpaid, the others delivered.
async fn fill(pool: &PgPool) {
    for statement in [
        // The database would summarize in the background what is filled here, and each range counts as a scan of the table.
        "ALTER INDEX order_state_updated SET (autosummarize = off)",
        "INSERT INTO order_snapshot
         SELECT md5('order' || n)::uuid, md5('checkout' || n)::uuid, md5('buyer' || n % 5000)::uuid,
                md5('seller' || n % 30)::uuid, '{}', 'EUR', 100, 0, 0, 100, NULL, 'standard', sha256('terms'),
                '[]', now()
         FROM generate_series(1, 50000) AS n",
        "INSERT INTO order_line
         SELECT md5('order' || n)::uuid, position, 'SKU', md5('product')::uuid, 'Mug', 1, 50, 1, 50, 0, 0
         FROM generate_series(1, 50000) AS n, generate_series(0, 1) AS position",
        "INSERT INTO order_state
         SELECT md5('order' || n)::uuid, CASE WHEN n % 10 = 0 THEN 'CREATED' ELSE 'DELIVERED' END, NULL,
                CASE WHEN n % 10 = 0 THEN 'UNPAID' ELSE 'CAPTURED' END,
                CASE WHEN n % 10 = 0 THEN 'UNALLOCATED' ELSE 'DELIVERED' END,
                CASE WHEN n % 10 = 0 THEN '[]' ELSE '[{\"sku\": \"SKU\", \"warehouse_id\": \"0\", \"quantity\": 2}]' END::jsonb,
                NULL, NULL, '[]', 100, '2100-01-01', '2100-01-01', now(), 1, sha256('head'), md5('checkout' || n)::uuid
         FROM generate_series(1, 50000) AS n",
        "INSERT INTO order_detail_view SELECT 1, md5('order' || n)::uuid, '' FROM generate_series(1, 50000) AS n",
        "INSERT INTO order_list_view
         SELECT 1, md5('order' || n)::uuid, md5('buyer' || n % 5000)::uuid, md5('seller' || n % 30)::uuid, 'CLOSED', '', 'EUR', 100, 0,
                false, 'Mug', 'standard', '{SKU}', 1, false, 0, now() - n * interval '1 minute', now()
         FROM generate_series(1, 50000) AS n",
        "INSERT INTO seller_dashboard_view
         SELECT 1, md5('seller' || n % 30)::uuid, current_date - n / 30, 'EUR', 'CLOSED', 50, 50, 5000, 0, 0, 0
         FROM generate_series(1, 9000) AS n",
        "INSERT INTO heard_event
         SELECT md5('order' || n)::uuid, 'tradewind.shipping.v1', 1, md5('event' || n)::uuid, 'tradewind.shipping.v1.ShipmentDelivered', '', now()
         FROM generate_series(1, 50000) AS n",
    ] {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
}

async fn happen(store: &EventStore, facts: Vec<Fact>) {
    let caused = |fact| Caused { fact, cause: Cause::command("service:test") };
    let facts: Vec<_> = facts.into_iter().map(caused).collect();
    let mut unit = store.begin().await.unwrap();
    let outcomes = react(&participant(), &mut unit, &facts).await.unwrap();
    unit.commit().await.unwrap();
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Applied), "{outcomes:?}");
}

/// Twenty orders of one buyer: half of them sent and paid at the door, half cancelled at their deadline; then they are read.
async fn do_business(store: &EventStore, clock: &TestClock) -> Checkout {
    let checkout = Checkout::new(ORDERS_PER_ROUND);
    let snapshots = terms_of(&checkout).into_iter().map(|terms| Snapshot::freeze(terms).unwrap());
    let submitted = Fact::CheckoutSubmitted { checkout_id: checkout.id, snapshots: snapshots.collect() };
    happen(store, vec![submitted]).await;
    let paid: Vec<OrderId> = checkout.order_ids[..ORDERS_PER_ROUND / 2].to_vec();
    let spoon = Allocation {
        sku: "SPOON".parse().unwrap(),
        warehouse_id: WarehouseId::from_uuid(checkout.id.uuid()),
        quantity: Quantity::ONE,
    };
    let amount = terms_of(&checkout)[0].total;
    for fact in [
        OrderFact::PaymentAuthorized,
        OrderFact::InventoryCommitted(Commitment { terms_version: 1, allocations: vec![spoon] }),
        OrderFact::ShipmentDispatched { order_dispatched: true },
        OrderFact::ShipmentDelivered { order_delivered: true },
        OrderFact::PaymentCaptured { amount },
    ] {
        happen(store, paid.iter().map(|id| Fact::Order(*id, fact.clone())).collect()).await;
    }
    clock.advance(RETURN_WINDOW);
    assert_eq!(close_orders(store, &participant()).await.unwrap().len(), paid.len());
    assert_eq!(cancel_unpaid_orders(store, &participant()).await.unwrap().len(), ORDERS_PER_ROUND - paid.len());

    let mut connection = store.pool().acquire().await.unwrap();
    assert!(postgres::find(&mut connection, paid[0], None).await.unwrap().is_some());
    drop(connection);
    let mut unit = store.begin().await.unwrap();
    let order_ids: Vec<_> = checkout.order_ids.iter().map(|id| id.uuid()).collect();
    read_model::project(&Views, unit.tx(), &[1], &order_ids).await.unwrap();
    unit.commit().await.unwrap();
    let verified = verify_history(store, Some(paid[0]), |finding| panic!("{finding:?}"), |_| {}).await.unwrap();
    assert_eq!(verified, 1);
    checkout
}

/// The page of one order, a page of each list in each order, a dashboard.
async fn read_views(store: &EventStore, checkout: &Checkout) {
    assert!(order_detail::find(store.pool(), checkout.order_ids[0]).await.unwrap().is_some());
    let sorts = [(false, false), (false, true), (true, false), (true, true)];
    for (by_update, descending) in sorts {
        for whose in [Whose::Buyer(checkout.buyer_id), Whose::Seller(checkout.seller_ids[0])] {
            let question = Question {
                whose,
                sort: Sort { by_update, descending },
                milestones: vec![Milestone::Closed],
                created_from: None,
                created_before: None,
                sku: None,
                awaits_dispatch: false,
                has_open_refund: false,
            };
            assert!(!order_list::list(store.pool(), &question, None, 21).await.unwrap().is_empty());
        }
    }
    let closed_on = time::OffsetDateTime::from(store.now()).date();
    let days = closed_on - RETURN_WINDOW..=closed_on;
    let dashboard = seller_dashboard::read(store.pool(), checkout.seller_ids[0], days).await.unwrap();
    assert_eq!(dashboard.days.len(), 1);
}

/// Fails if the orders of so many rounds of business read much of a table.
async fn assert_little_was_read(database: &Database, before: &Reads, rounds: usize) {
    let orders = (rounds * ORDERS_PER_ROUND) as i64;
    let after = Reads::count(database, TABLES).await;
    let per_order: Vec<_> = after.since(before).into_iter().map(|(table, read)| (table, read / orders)).collect();
    assert!(per_order.iter().all(|(_, read)| *read < READS_PER_ORDER_MAX), "an order read {per_order:?}");
}

#[tokio::test]
async fn no_statement_reads_more_the_longer_the_tables_grow() {
    let database = Database::migrated(&SERVICE).await;
    fill(database.pool()).await;
    sqlx::query("ANALYZE").execute(database.pool()).await.unwrap();
    database.pool().close().await;
    let before = Reads::count(&database, TABLES).await;

    let clock = TestClock::now();
    let store = EventStore::new(SERVICE.name, database.another_pool().await, clock.clock());
    for _ in 0..ROUNDS {
        let checkout = do_business(&store, &clock).await;
        read_views(&store, &checkout).await;
    }
    store.pool().close().await;
    assert_little_was_read(&database, &before, ROUNDS).await;
}

#[tokio::test]
async fn no_plan_of_the_first_day_reads_more_the_longer_the_tables_grow() {
    let database = Database::migrated(&SERVICE).await;
    let another = database.another_pool().await;
    database.pool().close().await;
    let before = Reads::count(&database, TABLES).await;

    let clock = TestClock::now();
    let store = EventStore::new(SERVICE.name, database.another_pool().await, clock.clock());
    do_business(&store, &clock).await;
    fill(&another).await;
    another.close().await;
    for _ in 0..ROUNDS {
        do_business(&store, &clock).await;
    }
    store.pool().close().await;
    assert_little_was_read(&database, &before, 1 + ROUNDS).await;
}
