//! Orders of which units are taken away, or become orders of their own, before they are confirmed.

use contracts::inventory::v1 as wire;
use contracts::orders::v1::{OrderCreated, OrderLine, OrderModified, OrderUnits, SplitOff};
use inventory::domain::policy::SkuPolicyChange;
use inventory::domain::reservation::Status;
use inventory::domain::warehouse::Warehouse;
use testkit::Event;

use crate::marketplace::{Marketplace, Order, levels};

/// What is left of an order, and the orders that are split off it.
fn modified(order: &Order, shop: &Warehouse, left: &[(&str, i32)], split_off: &[(&Order, &[(&str, i64)])]) -> Event {
    let line = |(sku, quantity): &(&str, i32)| OrderLine {
        sku: (*sku).to_owned(),
        quantity: *quantity,
        ..OrderLine::default()
    };
    let units = |(sku, quantity): &(&str, i64)| OrderUnits { sku: (*sku).to_owned(), quantity: *quantity };
    let part = |(order, lines): &(&Order, &[(&str, i64)])| SplitOff {
        order_id: order.id.to_string(),
        units: lines.iter().map(units).collect(),
    };
    let message = OrderModified {
        order_id: order.id.to_string(),
        terms_version: 2,
        seller_id: shop.seller_id.to_string(),
        lines: left.iter().map(line).collect(),
        split_off: split_off.iter().map(part).collect(),
        ..OrderModified::default()
    };
    Event::new("orders", "order", order.id.uuid(), 2, &message)
}

fn released(event: &messaging::Envelope) -> Vec<(String, i64)> {
    let modified: wire::ReservationModified = event.decode().unwrap();
    modified.released.into_iter().map(|allocation| (allocation.sku, allocation.quantity)).collect()
}

#[tokio::test]
async fn an_order_that_is_modified_holds_less_and_the_rest_is_on_sale_again() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 3), ("POT", 1)]).await;
    let order = Order::new(&shop, &[("CUP", 3), ("POT", 1)]);
    market.publish_and_wait(&[&order.created()]).await;
    let less = modified(&order, &shop, &[("CUP", 2)], &[]);
    market.publish_and_wait(&[&less, &less]).await;
    let told = market.told(&order, &["InventoryReserved", "ReservationModified"]).await;
    assert_eq!(released(&told[1]), [("POT".to_owned(), 1), ("CUP".to_owned(), 1)]);
    assert_eq!(market.levels(&shop, "CUP").await, levels(3, 2, 0));
    // What is on sale again is somebody else's.
    let another = Order::new(&shop, &[("CUP", 1), ("POT", 1)]);
    market.publish_and_wait(&[&another.created(), &order.authorized()]).await;
    market.becomes(&another, Status::Active).await;
    let told = market.told(&order, &["InventoryReserved", "ReservationModified", "InventoryCommitted"]).await;
    let committed: wire::InventoryCommitted = told[2].decode().unwrap();
    assert_eq!((committed.terms_version, committed.allocations.len()), (2, 1));
    assert_eq!(market.levels(&shop, "CUP").await, levels(3, 1, 2));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_that_is_modified_after_its_stock_was_committed_says_what_is_left_of_that() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 3)]).await;
    let order = market.committed_order(&shop, &[("CUP", 3)]).await;
    market.publish_and_wait(&[&modified(&order, &shop, &[("CUP", 1)], &[])]).await;
    let told = market.told(&order, &["InventoryReserved", "InventoryCommitted", "ReservationModified"]).await;
    let modified: wire::ReservationModified = told[2].decode().unwrap();
    assert!(modified.committed);
    assert_eq!((modified.allocations[0].quantity, modified.released[0].quantity), (1, 2));
    assert_eq!(market.levels(&shop, "CUP").await, levels(3, 0, 1));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn what_is_split_off_an_order_stays_held_for_the_new_one() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 3)]).await;
    let (order, part) = (Order::new(&shop, &[("CUP", 3)]), Order::new(&shop, &[("CUP", 2)]));
    market.publish_and_wait(&[&order.created()]).await;
    // Its own creation may be heard of before, and reserves nothing.
    let message = OrderCreated {
        order_id: part.id.to_string(),
        split_from_order_id: order.id.to_string(),
        ..OrderCreated::default()
    };
    let created = Event::new("orders", "order", part.id.uuid(), 1, &message);
    market.publish(&[&created]).await;
    market.publish_and_wait(&[&modified(&order, &shop, &[("CUP", 1)], &[(&part, &[("CUP", 2)])])]).await;
    market.told(&order, &["InventoryReserved", "ReservationModified"]).await;
    let told = market.told(&part, &["InventoryReserved"]).await;
    let reserved: wire::InventoryReserved = told[0].decode().unwrap();
    assert_eq!(reserved.allocations[0].quantity, 2);
    assert_eq!(market.levels(&shop, "CUP").await, levels(3, 3, 0));
    market.publish_and_wait(&[&part.cancelled(), &order.authorized()]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(3, 0, 1));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn of_an_order_that_waits_what_is_there_is_split_off_and_reserved() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 1), ("POT", 1)]).await;
    let change = SkuPolicyChange { backorder_limit: Some(3), ..SkuPolicyChange::default() };
    market.set_policies(shop.seller_id, None, &[("CUP", change)]).await;
    let (order, part) = (Order::new(&shop, &[("CUP", 3), ("POT", 1)]), Order::new(&shop, &[("POT", 1)]));
    market.publish_and_wait(&[&order.created()]).await;
    market.publish_and_wait(&[&modified(&order, &shop, &[("CUP", 2)], &[(&part, &[("POT", 1)])])]).await;
    market.told(&part, &["InventoryReserved"]).await;
    assert_eq!(market.status(&order).await, Some(Status::Backordered));
    // It waits for one less, and so it is given two as soon as there are.
    market.add_stock(&shop, "CUP", 1).await;
    assert_eq!(market.fill().await, 1);
    market.told(&order, &["InventoryBackordered", "InventoryReserved"]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(2, 2, 0));
    market.assert_books_balance().await;
}
