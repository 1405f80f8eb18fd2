//! The last unit and those who come after it: what is sold out is said without waiting for anybody.

use contracts::inventory::v1 as wire;
use inventory::domain::reservation::Status;
use inventory::domain::warehouse::Warehouse;
use sqlx::{PgConnection, Postgres, Transaction};
use testkit::eventually;

use crate::marketplace::{Marketplace, Order, levels};

/// A transaction that holds the lock on a SKU's row, as a batch of another replica does.
async fn hold_lock(market: &Marketplace, warehouse: &Warehouse, sku: &str) -> Transaction<'static, Postgres> {
    let mut holder = messaging::begin(&market.database.another_pool().await).await.unwrap();
    sqlx::query("SELECT FROM stock_item WHERE warehouse_id = $1 AND sku = $2 FOR UPDATE")
        .bind(warehouse.id.uuid())
        .bind(sku)
        .fetch_one(&mut *holder)
        .await
        .unwrap();
    holder
}

/// Waits until somebody waits for a lock that `holder` has.
pub(crate) async fn somebody_waits_for(market: &Marketplace, holder: &mut PgConnection) {
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(holder).await.unwrap();
    eventually("a transaction that waits for the lock", async || {
        let waits = "SELECT pid FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))";
        sqlx::query(waits).bind(pid).fetch_optional(market.store.pool()).await.unwrap()
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_holds_the_row_does_not_hold_up_the_answer_that_it_is_sold_out() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5), ("POT", 2)]).await;
    let last = Order::new(&shop, &[("POT", 1)]);
    market.publish(&[&last.created()]).await;
    market.told(&last, &["InventoryReserved"]).await;

    let holder = hold_lock(&market, &shop, "POT").await;
    let late = Order::new(&shop, &[("CUP", 1), ("POT", 2)]);
    market.publish(&[&late.created()]).await;
    let told = market.told(&late, &["InventoryRejected"]).await;
    let rejected: wire::InventoryRejected = told[0].decode().unwrap();
    assert_eq!(rejected.shortages, [wire::Shortage { sku: "POT".to_owned(), requested: 2, available: 1 }]);
    assert_eq!(market.levels(&shop, "CUP").await, levels(5, 0, 0));
    holder.rollback().await.unwrap();
    market.assert_books_balance().await;
}

#[tokio::test]
async fn what_is_only_in_a_closed_warehouse_is_told_as_sold_out_without_waiting_for_anybody() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("POT", 5)]).await;
    market.change_warehouse(&shop, true, None).await;
    let holder = hold_lock(&market, &shop, "POT").await;
    let late = Order::new(&shop, &[("POT", 1)]);
    market.publish(&[&late.created()]).await;
    let told = market.told(&late, &["InventoryRejected"]).await;
    let rejected: wire::InventoryRejected = told[0].decode().unwrap();
    assert_eq!(rejected.shortages, [wire::Shortage { sku: "POT".to_owned(), requested: 1, available: 0 }]);
    holder.rollback().await.unwrap();
}

#[tokio::test]
async fn what_is_seen_to_be_there_is_locked_and_looked_at_again() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("POT", 1)]).await;
    let mut holder = hold_lock(&market, &shop, "POT").await;
    let order = Order::new(&shop, &[("POT", 1)]);
    market.publish(&[&order.created()]).await;
    somebody_waits_for(&market, &mut holder).await;
    assert_eq!(market.status(&order).await, None);

    // The other one takes the last unit from under its eyes.
    sqlx::query("UPDATE stock_item SET reserved = 1 WHERE sku = 'POT'").execute(&mut *holder).await.unwrap();
    holder.commit().await.unwrap();
    market.told(&order, &["InventoryRejected"]).await;
    market.becomes(&order, Status::Rejected).await;
    assert_eq!(market.levels(&shop, "POT").await, levels(1, 1, 0));
}

#[tokio::test]
async fn an_order_for_less_is_served_beside_one_that_asks_for_too_much() {
    let market = Marketplace::closed().await;
    let shop = market.seller_with(&[("CUP", 2)]).await;
    let (too_much, enough) = (Order::new(&shop, &[("CUP", 2), ("CUP", 1)]), Order::new(&shop, &[("CUP", 2)]));
    // Both are there before anybody looks, so they come in one batch.
    market.publish(&[&too_much.created(), &enough.created()]).await;
    let _replica = market.start_replica("inventory").await;
    market.told(&too_much, &["InventoryRejected"]).await;
    market.told(&enough, &["InventoryReserved"]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(2, 2, 0));
}
