//! Orders that wait for stock, where their seller lets them.

use std::time::Duration;

use contracts::convert::timestamp_to_wire;
use contracts::inventory::v1 as wire;
use inventory::domain::policy::SkuPolicyChange;
use inventory::domain::reservation::Status;
use inventory::domain::warehouse::Warehouse;

use crate::marketplace::{Marketplace, Order, WAIT, levels};
use crate::sold_out::somebody_waits_for;

async fn may_wait(market: &Marketplace, shop: &Warehouse, units: i64) {
    let change = SkuPolicyChange { backorder_limit: Some(units), ..SkuPolicyChange::default() };
    market.set_policies(shop.seller_id, None, &[("CUP", change)]).await;
}

/// For how many cups orders wait.
async fn waiting(market: &Marketplace) -> i64 {
    sqlx::query_scalar("SELECT waiting FROM sku_policy WHERE sku = 'CUP'").fetch_one(market.store.pool()).await.unwrap()
}

#[tokio::test]
async fn an_order_waits_for_what_there_is_too_little_of_and_is_given_it_when_it_comes() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 1), ("POT", 2)]).await;
    may_wait(&market, &shop, 3).await;
    let order = Order::new(&shop, &[("CUP", 2), ("POT", 1)]);
    let until = market.clock.shown() + WAIT;
    market.publish(&[&order.created()]).await;
    let told = market.told(&order, &["InventoryBackordered"]).await;
    let backordered: wire::InventoryBackordered = told[0].decode().unwrap();
    assert_eq!(backordered.shortages, [wire::Shortage { sku: "CUP".to_owned(), requested: 2, available: 1 }]);
    assert_eq!(backordered.wait_until_time, Some(timestamp_to_wire(until)));
    assert_eq!(market.levels(&shop, "CUP").await, levels(1, 0, 0));
    assert_eq!((waiting(&market).await, market.fill().await), (2, 0));

    market.add_stock(&shop, "CUP", 1).await;
    assert_eq!((market.fill().await, market.fill().await), (1, 0));
    market.told(&order, &["InventoryBackordered", "InventoryReserved"]).await;
    assert_eq!(
        (market.levels(&shop, "CUP").await, market.levels(&shop, "POT").await),
        (levels(2, 2, 0), levels(2, 1, 0))
    );
    assert_eq!(waiting(&market).await, 0);
    // From here on it is like any other.
    market.publish(&[&order.authorized()]).await;
    market.told(&order, &["InventoryBackordered", "InventoryReserved", "InventoryCommitted"]).await;
    market.assert_books_balance().await;
}

#[tokio::test]
async fn who_waits_comes_before_who_comes_later() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 1)]).await;
    may_wait(&market, &shop, 3).await;
    let (first, second) = (Order::new(&shop, &[("CUP", 2)]), Order::new(&shop, &[("CUP", 1)]));
    market.publish_and_wait(&[&first.created()]).await;
    market.publish_and_wait(&[&second.created()]).await;
    market.becomes(&second, Status::Backordered).await;
    market.add_stock(&shop, "CUP", 2).await;
    // It could have been given one when two were there, had nobody waited.
    let third = Order::new(&shop, &[("CUP", 1)]);
    market.publish(&[&third.created()]).await;
    market.told(&third, &["InventoryRejected"]).await;
    assert_eq!(market.fill().await, 2);
    market.becomes(&first, Status::Active).await;
    market.becomes(&second, Status::Active).await;
    market.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_that_waited_in_vain_is_rejected_when_its_time_has_passed() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 1)]).await;
    may_wait(&market, &shop, 3).await;
    let order = Order::new(&shop, &[("CUP", 2)]);
    market.publish_and_wait(&[&order.created()]).await;
    let until = market.clock.shown() + WAIT;
    market.clock.set(until - Duration::from_micros(1));
    assert_eq!(market.fill().await, 0);
    market.clock.set(until);
    assert_eq!((market.fill().await, market.fill().await), (1, 0));
    market.told(&order, &["InventoryBackordered", "InventoryRejected"]).await;
    market.becomes(&order, Status::Rejected).await;
    assert_eq!(waiting(&market).await, 0);
    market.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_that_ends_waits_no_more_and_the_next_in_line_is_served() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 1)]).await;
    may_wait(&market, &shop, 4).await;
    let (first, second) = (Order::new(&shop, &[("CUP", 2)]), Order::new(&shop, &[("CUP", 2)]));
    market.publish_and_wait(&[&first.created()]).await;
    market.publish_and_wait(&[&second.created()]).await;
    market.publish_and_wait(&[&first.cancelled()]).await;
    market.becomes(&first, Status::Released).await;
    // A seller who lets nobody wait any more lets those who do.
    may_wait(&market, &shop, 0).await;
    assert_eq!(waiting(&market).await, 2);
    market.add_stock(&shop, "CUP", 1).await;
    assert_eq!(market.fill().await, 1);
    market.told(&second, &["InventoryBackordered", "InventoryReserved"]).await;
    market.assert_books_balance().await;
}

#[tokio::test]
async fn for_how_many_orders_wait_is_locked_and_looked_at_again() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 1)]).await;
    may_wait(&market, &shop, 3).await;
    let mut holder = messaging::begin(&market.database.another_pool().await).await.unwrap();
    sqlx::query("SELECT FROM sku_policy WHERE sku = 'CUP' FOR UPDATE").fetch_one(&mut *holder).await.unwrap();
    let order = Order::new(&shop, &[("CUP", 2)]);
    market.publish(&[&order.created()]).await;
    somebody_waits_for(&market, &mut holder).await;

    // Another one takes the last places from under its eyes.
    sqlx::query("UPDATE sku_policy SET waiting = 2 WHERE sku = 'CUP'").execute(&mut *holder).await.unwrap();
    holder.commit().await.unwrap();
    market.told(&order, &["InventoryRejected"]).await;
    assert_eq!(waiting(&market).await, 2);
}

#[tokio::test]
async fn orders_wait_for_no_more_than_the_seller_lets_them_however_many_come_at_once() {
    let market = Marketplace::closed().await;
    let replicas = market.start_five_replicas().await;
    let shop = market.seller_with(&[("CUP", 1)]).await;
    may_wait(&market, &shop, 7).await;
    let orders: Vec<_> = (0..40).map(|_| Order::new(&shop, &[("CUP", 2)])).collect();
    let events: Vec<_> = orders.iter().map(Order::created).collect();
    market.publish_and_wait(&events.iter().collect::<Vec<_>>()).await;
    assert_eq!(waiting(&market).await, 6);
    // Each is given it once, whoever looks.
    market.add_stock(&shop, "CUP", 5).await;
    let filled = tokio::join!(market.fill(), market.fill(), market.fill());
    assert_eq!(filled.0 + filled.1 + filled.2, 3);
    assert_eq!(market.levels(&shop, "CUP").await, levels(6, 6, 0));
    assert_eq!(waiting(&market).await, 0);
    market.assert_books_balance().await;
    drop(replicas);
}
