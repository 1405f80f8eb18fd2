//! What the statements cost once the tables have grown.

use checkout::Outcomes;
use checkout::adapters::postgres;
use checkout::app::submit_checkout::{SubmitCheckout, submit_checkouts};
use checkout::domain::checkout::{Checkout, CheckoutOrder};
use checkout::domain::fact::{Fact, News};
use checkout::domain::payment_method::PaymentMethod;
use kernel::{Id, Money};
use messaging::{Cause, Caused, EventStore, Outcome, react};
use sqlx::PgPool;
use testkit::{Database, Reads, TestClock};

use crate::desk::a_quote;

const CHECKOUTS: i64 = 20_000;
const TABLES: &[&str] = &["quote", "checkout", "checkout_order"];
const ROUNDS: u32 = 10;
const CHECKOUTS_PER_ROUND: u32 = 20;

/// A service that has taken 20,000 checkouts, a tenth of which wait for their outcome.
async fn fill(pool: &PgPool) {
    for statement in [
        "INSERT INTO quote SELECT md5('quote' || n)::uuid, md5('buyer' || n)::uuid, now(), '{}'
         FROM generate_series(1, 20000) AS n",
        "INSERT INTO checkout
         SELECT md5('checkout' || n)::uuid, md5('quote' || n)::uuid, md5('buyer' || n)::uuid, 'EUR', now(), 1,
                decode(repeat('00', 32), 'hex'), md5('checkout' || n)::uuid
         FROM generate_series(1, 20000) AS n",
        "INSERT INTO checkout_order
         SELECT md5('order' || n)::uuid, md5('checkout' || n)::uuid, md5('seller' || n)::uuid, 100,
                CASE WHEN n % 10 = 0 THEN 'PENDING' ELSE 'PAID' END, NULL, CASE WHEN n % 10 = 0 THEN NULL ELSE now() END
         FROM generate_series(1, 20000) AS n",
    ] {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
}

async fn check_out(store: &EventStore) -> Checkout {
    let quote = a_quote(store.now());
    let mut unit = store.begin().await.unwrap();
    postgres::quote::insert(unit.tx(), &quote).await.unwrap();
    let command = SubmitCheckout {
        buyer_id: quote.buyer_id,
        actor: "buyer:test".to_owned(),
        quote_id: quote.id,
        accepted: quote.hash(),
        payment_method: PaymentMethod::CashOnDelivery,
    };
    let checkout = submit_checkouts(&mut unit, &[&command]).await.unwrap().remove(0).unwrap();
    unit.commit().await.unwrap();
    checkout
}

/// Twenty checkouts, whose orders are split and paid for in one batch each, and which are looked at.
async fn do_business(store: &EventStore) {
    let mut split = Vec::new();
    let mut paid = Vec::new();
    for _ in 0..CHECKOUTS_PER_ROUND {
        let checkout = check_out(store).await;
        let CheckoutOrder { id, seller_id, total, .. } = checkout.orders[0];
        let new_id = Id::generate();
        let say = |facts: &mut Vec<_>, order_id, news| {
            let fact = Fact { checkout_id: checkout.id, order_id, news };
            facts.push(Caused { fact, cause: Cause::command("service:test") });
        };
        say(&mut split, id, News::Modified { total: Money::zero(total.currency()), split_off: [new_id].into() });
        say(&mut split, new_id, News::Another { seller_id, to_pay: total });
        for order_id in [id, new_id] {
            say(&mut paid, order_id, News::Paid);
        }
    }
    for facts in [&split, &paid] {
        let mut unit = store.begin().await.unwrap();
        let outcomes = react(&Outcomes::default(), &mut unit, facts).await.unwrap();
        unit.commit().await.unwrap();
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Applied), "{outcomes:?}");
    }
    for caused in paid {
        let checkout = postgres::checkout::find(store.pool(), caused.fact.checkout_id).await.unwrap();
        assert!(checkout.unwrap().is_complete());
    }
}

async fn assert_little_was_read(database: &Database, before: &Reads) {
    let after = Reads::count(database, TABLES).await;
    for (table, read) in after.since(before) {
        assert!((1..CHECKOUTS).contains(&read), "{read} rows of {table} were read");
    }
}

#[tokio::test]
async fn all_business_of_a_day_reads_fewer_rows_than_one_walk_over_a_grown_table() {
    let database = Database::migrated(&checkout::SERVICE).await;
    fill(database.pool()).await;
    sqlx::query("ANALYZE").execute(database.pool()).await.unwrap();
    database.pool().close().await;
    let before = Reads::count(&database, TABLES).await;

    let clock = TestClock::at("2026-03-01T09:00:00Z");
    let store = EventStore::new(checkout::SERVICE.name, database.another_pool().await, clock.clock());
    for _ in 0..ROUNDS {
        do_business(&store).await;
    }
    store.pool().close().await;
    assert_little_was_read(&database, &before).await;
}

#[tokio::test]
async fn no_plan_of_the_first_day_walks_over_a_table_that_has_grown() {
    let database = Database::migrated(&checkout::SERVICE).await;
    let another = database.another_pool().await;
    database.pool().close().await;
    let before = Reads::count(&database, TABLES).await;

    let clock = TestClock::at("2026-03-01T09:00:00Z");
    let store = EventStore::new(checkout::SERVICE.name, database.another_pool().await, clock.clock());
    do_business(&store).await;
    fill(&another).await;
    another.close().await;
    for _ in 0..ROUNDS {
        do_business(&store).await;
    }
    store.pool().close().await;
    assert_little_was_read(&database, &before).await;
}
