//! What a seller says of a SKU, in the saga: a safety stock that nobody is promised, the most that one order may have, and for how long it is
//! held.

use std::time::Duration;

use contracts::convert::timestamp_to_wire;
use contracts::inventory::v1 as wire;
use inventory::domain::policy::SkuPolicyChange;
use inventory::domain::reservation::Status;

use crate::marketplace::{Marketplace, Order, levels};

/// What an order is told that it could have had of a SKU, of which it asked for so many.
async fn could_have_had(market: &Marketplace, order: &Order) -> (i64, i64) {
    let told = market.told(order, &["InventoryRejected"]).await;
    let rejected: wire::InventoryRejected = told[0].decode().unwrap();
    let [shortage] = rejected.shortages.as_slice() else { panic!("{rejected:?}") };
    (shortage.requested, shortage.available)
}

#[tokio::test]
async fn a_safety_stock_is_promised_to_nobody_and_counts_over_all_warehouses() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5)]).await;
    let safety = |units| SkuPolicyChange { safety_stock: Some(units), ..SkuPolicyChange::default() };
    market.set_policies(shop.seller_id, None, &[("CUP", safety(2))]).await;
    let orders = [4, 2, 2, 1, 1].map(|units| Order::new(&shop, &[("CUP", units)]));
    let [too_many, first, too_late, last, none_left] = &orders;

    market.publish(&[&too_many.created()]).await;
    assert_eq!(could_have_had(&market, too_many).await, (4, 3));
    market.publish(&[&first.created()]).await;
    market.told(first, &["InventoryReserved"]).await;
    market.publish(&[&too_late.created()]).await;
    assert_eq!(could_have_had(&market, too_late).await, (2, 1));
    market.publish(&[&last.created()]).await;
    market.told(last, &["InventoryReserved"]).await;
    market.publish(&[&none_left.created()]).await;
    assert_eq!(could_have_had(&market, none_left).await, (1, 0));
    assert_eq!(market.levels(&shop, "CUP").await, levels(5, 3, 0));

    // Who holds back less sells the rest.
    market.set_policies(shop.seller_id, None, &[("CUP", safety(0))]).await;
    let rest = Order::new(&shop, &[("CUP", 2)]);
    market.publish(&[&rest.created()]).await;
    market.told(&rest, &["InventoryReserved"]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(5, 5, 0));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn what_is_held_back_is_said_to_be_sold_out_without_waiting_for_anybody_and_can_still_be_added_to() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 2)]).await;
    let safety = SkuPolicyChange { safety_stock: Some(3), ..SkuPolicyChange::default() };
    market.set_policies(shop.seller_id, None, &[("CUP", safety)]).await;
    let mut holder = messaging::begin(&market.database.another_pool().await).await.unwrap();
    sqlx::query("SELECT FROM stock_item WHERE sku = 'CUP' FOR UPDATE").fetch_one(&mut *holder).await.unwrap();
    let order = Order::new(&shop, &[("CUP", 1)]);
    market.publish(&[&order.created()]).await;
    assert_eq!(could_have_had(&market, &order).await, (1, 0));
    holder.rollback().await.unwrap();

    market.add_stock(&shop, "CUP", 2).await;
    let order = Order::new(&shop, &[("CUP", 1)]);
    market.publish(&[&order.created()]).await;
    market.told(&order, &["InventoryReserved"]).await;
    market.assert_books_balance().await;
}

#[tokio::test]
async fn one_order_has_at_most_its_limit_over_all_of_its_lines_and_the_next_has_as_much_again() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 9), ("POT", 9)]).await;
    let limit = SkuPolicyChange { order_limit: Some(2), ..SkuPolicyChange::default() };
    market.set_policies(shop.seller_id, None, &[("CUP", limit)]).await;
    let greedy = Order::new(&shop, &[("CUP", 2), ("POT", 5), ("CUP", 1)]);
    market.publish(&[&greedy.created()]).await;
    assert_eq!(could_have_had(&market, &greedy).await, (3, 2));
    for _ in 0..2 {
        let modest = Order::new(&shop, &[("CUP", 2), ("POT", 4)]);
        market.publish(&[&modest.created()]).await;
        market.told(&modest, &["InventoryReserved"]).await;
    }
    assert_eq!(market.levels(&shop, "CUP").await, levels(9, 4, 0));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_holds_its_skus_for_the_shortest_time_that_is_said_of_any() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 9), ("POT", 9)]).await;
    let held_for =
        |minutes| SkuPolicyChange { reservation_ttl: Some(Duration::from_mins(minutes)), ..SkuPolicyChange::default() };
    market.set_policies(shop.seller_id, None, &[("CUP", held_for(5))]).await;
    let (short, long) = (Order::new(&shop, &[("POT", 1), ("CUP", 1)]), Order::new(&shop, &[("POT", 1)]));
    let five_minutes_on = market.clock.shown() + Duration::from_mins(5);
    market.publish(&[&short.created(), &long.created()]).await;
    let told = market.told(&short, &["InventoryReserved"]).await;
    let reserved: wire::InventoryReserved = told[0].decode().unwrap();
    assert_eq!(reserved.expire_time, Some(timestamp_to_wire(five_minutes_on)));
    market.told(&long, &["InventoryReserved"]).await;

    // What is said later is about later orders.
    market.set_policies(shop.seller_id, None, &[("CUP", held_for(2))]).await;
    market.clock.set(five_minutes_on - Duration::from_micros(1));
    assert_eq!(market.sweep().await, 0);
    market.clock.set(five_minutes_on);
    assert_eq!(market.sweep().await, 1);
    market.becomes(&short, Status::Expired).await;
    market.becomes(&long, Status::Active).await;
    market.assert_books_balance().await;
}
