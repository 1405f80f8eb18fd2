//! Differences between orders, payments and inventory, planted in the databases: each is found, told, healed by ordinary commands, and
//! found healed.

use std::time::{Duration, Instant};

use contracts::orders::v1::OrderStatus;
use fleet::catalogue::Catalogue;
use fleet::fleet::Fleet;
use fleet::shopper::{self, Shopper};
use fleet::topology::{Deadlines, Shape};
use sqlx::{AssertSqlSafe, Row};

use crate::marketplace::{ONE_FLEET, test_servers};

const SKU: &str = "KETTLE-RED";
/// How long orders must have rested here before they are compared.
const GRACE: Duration = Duration::from_secs(1);
const HEALED_MAX: Duration = Duration::from_mins(1);

/// The stock of an order is gone, and inventory knows of none.
const LOSE_STOCK: &str = "UPDATE inventory.stock_item SET committed = committed - 1 WHERE sku = 'KETTLE-RED';
    UPDATE inventory.reservation SET status = 'released' WHERE order_id = $id";

#[tokio::test(flavor = "multi_thread")]
async fn every_difference_is_found_healed_by_ordinary_commands_and_found_healed() {
    let _turn = ONE_FLEET.lock().await;
    // The job itself does not come to it: the test runs it as an operator does.
    let shape = Shape::single(Deadlines::PRODUCTION)
        .env("TRADEWIND_RECONCILE_GRACE", "1s")
        .env("TRADEWIND_RECONCILE_EVERY", "1h");
    let fleet = Fleet::start("reconciled", &test_servers(), shape).await.unwrap();
    shopper::load(&fleet, &Catalogue::read().unwrap()).await.unwrap();
    let before = shopper::available(&fleet, SKU).await.unwrap();
    let ada = Shopper::new(&fleet, "Ada").unwrap();
    let fine = paid(&ada).await;
    let ended = paid(&ada).await;
    let unknown = paid(&ada).await;
    let without_stock = paid(&ada).await;
    let miscounted = paid(&ada).await;
    let in_cash = ada.buy_in_cash(&[(SKU, 1)]).await.unwrap().checkout;
    ada.outcome(&in_cash.checkout_id).await.unwrap();
    let in_cash = in_cash.orders[0].order_id.clone();
    assert_eq!(reconcile(&fleet).await, "0 lines; done\n");

    let plant = async |statements: &str, order_id: &str| {
        let statements = statements.replace("$id", &format!("'{order_id}'"));
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(fleet.database()).await.unwrap();
    };
    let end = "UPDATE orders.order_state SET status = 'CANCELLED', reason = 'CANCELLED_BY_OPERATOR', updated_at = now()
               WHERE order_id = $id";
    plant(end, &ended).await;
    plant("DELETE FROM orders.order_state WHERE order_id = $id", &unknown).await;
    let touch = "UPDATE orders.order_state SET updated_at = now() WHERE order_id = $id";
    for order_id in [&without_stock, &in_cash] {
        plant(&format!("{LOSE_STOCK}; {touch}"), order_id).await;
    }
    let miscount = "UPDATE payments.payment SET refunded_minor = 1, asked_back_minor = 1 WHERE order_id = $id";
    plant(&format!("{miscount}; {touch}"), &miscounted).await;
    tokio::time::sleep(2 * GRACE).await;

    let seen = fleet.operate("orders", &["reconcile-order-state", "--dry-run"]).await.unwrap();
    assert!(seen.contains("6 lines; a dry run"), "{seen}");
    let found = reconcile(&fleet).await;
    for (order_id, kind, remedy) in [
        (&ended, "PAYMENT_HELD_FOR_ENDED_ORDER", "UndoPayment was asked for"),
        (&ended, "STOCK_HELD_FOR_ENDED_ORDER", "ReleaseReservation was asked for"),
        (&unknown, "RESERVATION_WITHOUT_ORDER", "ReleaseReservation was asked for"),
        (&without_stock, "CONFIRMED_WITHOUT_STOCK", "RequestRefund was asked for"),
        (&in_cash, "CONFIRMED_WITHOUT_STOCK", "CancelOrder was asked for"),
        (&miscounted, "REFUND_TOTALS_DIFFER", "a person has to look"),
    ] {
        let is_told = |line: &&str| line.contains(&format!("order {order_id}: {kind}: ")) && line.ends_with(remedy);
        assert!(found.lines().any(|line| is_told(&line)), "{kind} of {order_id}\n{found}");
    }
    assert!(!found.contains(&fine) && found.contains("6 lines"), "{found}");

    // What only a person can heal stays until one did.
    until_open(&fleet, 1).await;
    plant("UPDATE payments.payment SET refunded_minor = 0, asked_back_minor = 0 WHERE order_id = $id", &miscounted)
        .await;
    until_open(&fleet, 0).await;

    // What changed too long ago for the job is found when an operator says since when to look.
    let long_ago = touch.replace("now()", "now() - INTERVAL '1 hour'");
    plant(&format!("{miscount}; {long_ago}"), &fine).await;
    let differs = format!("order {fine}: REFUND_TOTALS_DIFFER: ");
    assert!(!reconcile(&fleet).await.contains(&differs));
    let since = async |time| fleet.operate("orders", &["reconcile-order-state", "--since", time]).await.unwrap();
    assert!(!since("30m").await.contains(&differs));
    let found = since("2h").await;
    assert!(found.contains(&differs), "{found}");
    plant("UPDATE payments.payment SET refunded_minor = 0, asked_back_minor = 0 WHERE order_id = $id", &fine).await;

    // A difference is gone once its remedy is under way.
    for (order_id, order, money) in [
        (&ended, OrderStatus::Cancelled, "refunded"),
        (&without_stock, OrderStatus::Refunded, "refunded"),
        (&in_cash, OrderStatus::Cancelled, "voided"),
        (&fine, OrderStatus::Paid, "captured"),
    ] {
        until_stands(&fleet, &ada, order_id, order, money).await;
    }
    // Two are left to their buyers, and the unknown one's money is nobody's to give back.
    assert_eq!(shopper::available(&fleet, SKU).await.unwrap(), before - 2);
    // Inventory told of what it released for no order, and orders had to park that.
    let parked = fleet.operate("orders", &["parked", "list"]).await.unwrap();
    assert!(
        parked.contains(&format!("InventoryReleased of {unknown}")) && parked.contains("1 event is listed"),
        "{parked}"
    );
    fleet.stop().await.unwrap();
}

async fn paid(shopper: &Shopper) -> String {
    let checkout = shopper.buy(&[(SKU, 1)], "tok_approved").await.unwrap().checkout;
    shopper.outcome(&checkout.checkout_id).await.unwrap();
    checkout.orders[0].order_id.clone()
}

async fn reconcile(fleet: &Fleet) -> String {
    fleet.operate("orders", &["reconcile-order-state"]).await.unwrap()
}

async fn payment(fleet: &Fleet, order_id: &str) -> String {
    let query = "SELECT status FROM payments.payment WHERE order_id = $1::uuid";
    sqlx::query(query).bind(order_id).fetch_one(fleet.database()).await.unwrap().get("status")
}

/// Waits until an order and its payment have come so far.
async fn until_stands(fleet: &Fleet, buyer: &Shopper, order_id: &str, order: OrderStatus, money: &str) {
    let deadline = Instant::now() + HEALED_MAX;
    loop {
        let stands = (buyer.order(order_id).await.unwrap().status(), payment(fleet, order_id).await);
        if stands == (order, money.to_owned()) {
            return;
        }
        assert!(Instant::now() < deadline, "order {order_id} stands at {stands:?}, not {order:?} and {money}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Runs the job until so many differences are open.
async fn until_open(fleet: &Fleet, expected: i64) {
    let deadline = Instant::now() + HEALED_MAX;
    loop {
        let told = reconcile(fleet).await;
        let query = "SELECT count(*) FROM orders.reconcile_difference WHERE healed_at IS NULL";
        let open: i64 = sqlx::query_scalar(query).fetch_one(fleet.database()).await.unwrap();
        if open == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{open} differences are open after {} s\n{told}", HEALED_MAX.as_secs());
        tokio::time::sleep(GRACE).await;
    }
}
