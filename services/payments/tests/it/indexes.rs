//! What the statements cost once the tables have grown.

use std::collections::BTreeSet;
use std::time::Duration;

use kernel::{Id, Timestamp};
use messaging::{Cause, Caused, EventStore, Outcome as Became, react};
use payments::adapters::postgres::operation::Claim;
use payments::adapters::postgres::{ledger, operation, payment};
use payments::domain::{CardToken, Fact, Method, OperationKey, OperationKind, OrderId, Outcome, Terms};
use payments::jobs::expire_authorizations::expire_authorizations;
use payments::{Heard, SERVICE};
use sqlx::PgPool;
use testkit::{Database, Reads, TestClock};
use uuid::Uuid;

use crate::till::{euros, payments};

const PAYMENTS: i64 = 20_000;
const TABLES: &[&str] = &["payment", "provider_operation", "ledger_transaction", "ledger_posting"];
const ROUNDS: u128 = 6;
const ORDERS_PER_ROUND: u128 = 20;

/// A till that has done business for years: 20,000 captured payments with two operations and a ledger transaction each, and
/// 2,000 more operations that are pending and not due.
async fn fill(pool: &PgPool) {
    for statement in [
        "INSERT INTO payment (order_id, status, order_ended, needs_operator, buyer_id, seller_id, amount_minor, captured_minor,
                              currency, card_token, hold_expires_at, authorized_at, version, head_hash, correlation_id,
                              created_at, updated_at, due_minor, authorized_minor)
         SELECT md5('order' || n)::uuid, CASE WHEN n <= 20000 THEN 'captured' ELSE 'authorized' END, false, false,
                md5('buyer')::uuid, md5('seller' || n % 1000)::uuid, 100, CASE WHEN n <= 20000 THEN 100 ELSE 0 END, 'EUR', 'tok',
                now(), CASE WHEN n > 20000 THEN '2100-01-01'::timestamptz END, 0, decode(repeat('00', 32), 'hex'),
                md5('order' || n)::uuid, now(), now(), 100, 100
         FROM generate_series(1, 22000) AS n",
        "INSERT INTO provider_operation (order_id, kind, amount_minor, currency, status, due_at, created_at, completed_at)
         SELECT md5('order' || n)::uuid, kind, 100, 'EUR', 'succeeded', now(),
                now(), now()
         FROM generate_series(1, 20000) AS n, unnest(ARRAY['authorize', 'capture']) AS kind",
        "INSERT INTO provider_operation (order_id, kind, amount_minor, currency, due_at, created_at)
         SELECT md5('order' || n)::uuid, 'capture', 100, 'EUR', '2100-01-01', now()
         FROM generate_series(20001, 22000) AS n",
        "INSERT INTO ledger_transaction
         SELECT md5('ledger' || n)::uuid, md5('order' || n)::uuid, 'capture', 1, now()
         FROM generate_series(1, 20000) AS n",
        "INSERT INTO ledger_posting (transaction_id, account, amount_minor, currency)
         SELECT md5('ledger' || n)::uuid, account, amount, 'EUR'
         FROM generate_series(1, 20000) AS n, (VALUES ('provider_clearing', 100), ('escrow', -100)) AS leg (account, amount)",
        "INSERT INTO ledger_transaction
         SELECT md5('release' || n)::uuid, md5('order' || n)::uuid, 'release', 1, now()
         FROM generate_series(1, 20000) AS n",
        "INSERT INTO ledger_posting (transaction_id, account, seller_id, amount_minor, currency)
         SELECT md5('release' || n)::uuid, account, CASE WHEN account = 'seller_balance' THEN md5('seller' || n % 1000)::uuid END,
                amount, 'EUR'
         FROM generate_series(1, 20000) AS n,
              (VALUES ('escrow', 100), ('seller_balance', -95), ('commission', -5)) AS leg (account, amount)",
    ] {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
}

async fn happen(store: &EventStore, facts: Vec<Fact>) {
    let cause = Cause::command("service:test");
    let caused = |fact| Caused { fact: Heard { fact, cause: cause.clone() }, cause: cause.clone() };
    let facts: Vec<_> = facts.into_iter().map(caused).collect();
    let mut unit = store.begin().await.unwrap();
    let became = react(payments().as_ref(), &mut unit, &facts).await.unwrap();
    unit.commit().await.unwrap();
    assert!(became.iter().all(|became| *became == Became::Applied), "{became:?}");
}

/// Claims what is due, gives a quarter back for later, and brings all as done, or as declined.
async fn ask(store: &EventStore, kind: OperationKind, outcome: Outcome) {
    let claim = Claim::new("payments-0".to_owned(), Duration::from_secs(10));
    let claimed = operation::claim(store.pool(), &claim, &BTreeSet::new(), 100).await.unwrap();
    let unknown: Vec<_> = claimed.iter().take(5).map(|claimed| (claimed, Duration::ZERO)).collect();
    let mut unit = store.begin().await.unwrap();
    operation::postpone(unit.tx(), &unknown).await.unwrap();
    unit.commit().await.unwrap();
    let under_way = claimed.iter().map(|claimed| claimed.operation.key).collect();
    let again = operation::claim(store.pool(), &claim, &under_way, 100).await.unwrap();
    assert_eq!((claimed.len(), again.len()), (ORDERS_PER_ROUND as usize, 5));
    let answered = |claimed: &operation::Claimed| {
        let key = OperationKey { kind, ..claimed.operation.key };
        Fact::ProviderAnswered { key, attempt: claimed.attempt, outcome: outcome.clone() }
    };
    happen(store, claimed.iter().map(answered).collect()).await;
}

/// Twenty orders are modified, authorized, modified again, captured, delivered and refunded in two parts, one of them refused at first, and looked at.
async fn do_business(store: &EventStore, now: Timestamp, round: u128) {
    let orders: Vec<OrderId> =
        (0..ORDERS_PER_ROUND).map(|number| Id::from_uuid(Uuid::from_u128((round << 64) + number + 1))).collect();
    let seller_id = Id::from_uuid(Uuid::from_u128(round));
    let terms = || Terms {
        buyer_id: Id::generate(),
        seller_id,
        amount: euros(120),
        method: Method::Card(CardToken::new("tok_approved").unwrap()),
    };
    let expires_at = now + Duration::from_mins(15);
    happen(store, orders.iter().map(|&order_id| Fact::OrderCreated { order_id, terms: terms() }).collect()).await;
    let modified = |terms_version, minor| {
        let fact = |&order_id: &OrderId| Fact::OrderModified { order_id, terms_version, amount: euros(minor) };
        orders.iter().map(fact).collect()
    };
    happen(store, modified(2, 110)).await;
    happen(store, orders.iter().map(|&order_id| Fact::InventoryReserved { order_id, expires_at }).collect()).await;
    ask(store, OperationKind::Authorize, Outcome::Succeeded).await;
    assert!(expire_authorizations(store, &payments()).await.unwrap().is_empty());
    happen(store, modified(3, 100)).await;
    happen(store, orders.iter().map(|&order_id| Fact::OrderConfirmed { order_id }).collect()).await;
    ask(store, OperationKind::Capture, Outcome::Succeeded).await;
    happen(store, orders.iter().map(|&order_id| Fact::OrderDelivered { order_id }).collect()).await;
    let part = |&order_id: &OrderId| Fact::RefundApproved { order_id, number: 1, amount: euros(40), set_aside: false };
    happen(store, orders.iter().map(part).collect()).await;
    ask(store, OperationKind::Refund, Outcome::Declined("SAID_NO".to_owned())).await;
    happen(store, orders.iter().map(|&order_id| Fact::RefundRetried { order_id, number: 1 }).collect()).await;
    ask(store, OperationKind::Refund, Outcome::Succeeded).await;
    happen(store, orders.iter().map(|&order_id| Fact::OrderEnded { order_id }).collect()).await;
    ask(store, OperationKind::Refund, Outcome::Succeeded).await;

    for order_id in &orders[..2] {
        assert!(payment::find(store.pool(), *order_id).await.unwrap().is_some());
        assert_eq!(operation::of_order(store.pool(), *order_id).await.unwrap().len(), 4);
        assert_eq!(ledger::list(store.pool(), Some(*order_id), 0, 100).await.unwrap().len(), 11);
        assert_eq!(ledger::list(store.pool(), None, 10, 20).await.unwrap().len(), 20);
        assert_eq!(ledger::balances_of_seller(store.pool(), seller_id).await.unwrap(), [euros(0)]);
    }
}

async fn assert_little_was_read(database: &Database, before: &Reads) {
    let after = Reads::count(database, TABLES).await;
    for (table, read) in after.since(before) {
        assert!((1..PAYMENTS).contains(&read), "{read} rows of {table} were read");
    }
}

/// Claims also read the entries of operations that were completed a moment ago and are not cleaned up yet: some hundred each.
#[tokio::test]
async fn all_business_of_a_day_reads_fewer_rows_than_one_walk_over_a_grown_table() {
    let database = Database::migrated(&SERVICE).await;
    fill(database.pool()).await;
    sqlx::query("ANALYZE").execute(database.pool()).await.unwrap();
    database.pool().close().await;
    let before = Reads::count(&database, TABLES).await;

    let clock = TestClock::at("2026-03-01T09:00:00Z");
    let store = EventStore::new(SERVICE.name, database.another_pool().await, clock.clock());
    for round in 0..ROUNDS {
        do_business(&store, clock.shown(), round).await;
    }
    assert_eq!(ledger::list(store.pool(), None, 20_000, 20).await.unwrap().len(), 20);
    store.pool().close().await;
    assert_little_was_read(&database, &before).await;
}

#[tokio::test]
async fn no_plan_of_the_first_day_walks_over_a_table_that_has_grown() {
    let database = Database::migrated(&SERVICE).await;
    let another = database.another_pool().await;
    database.pool().close().await;
    let before = Reads::count(&database, TABLES).await;

    let clock = TestClock::at("2026-03-01T09:00:00Z");
    let store = EventStore::new(SERVICE.name, database.another_pool().await, clock.clock());
    do_business(&store, clock.shown(), ROUNDS).await;
    fill(&another).await;
    another.close().await;
    for round in 0..ROUNDS {
        do_business(&store, clock.shown(), round).await;
    }
    store.pool().close().await;
    assert_little_was_read(&database, &before).await;
}
