//! A SKU is low, gone and back: each told once for each crossing, in the history of its stock.

use contracts::inventory::v1 as wire;
use futures::future::join_all;
use inventory::domain::strategy::Strategy;

use crate::marketplace::{INVENTORY, Marketplace, Order, TTL, levels, short_name};

#[tokio::test]
async fn a_sku_that_sells_out_is_told_as_low_and_gone_and_back_once_it_can_be_promised_again() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5), ("POT", 5)]).await;
    market.set_policy(shop.seller_id, Strategy::Priority, &[("CUP", 2)]).await;
    let orders = [3, 1, 1].map(|cups| Order::new(&shop, &[("CUP", cups), ("POT", 1)]));
    for order in &orders {
        market.publish_and_wait(&[&order.created()]).await;
    }
    assert_eq!(market.stock_history(&shop, "CUP").await, ["StockAdded", "LowStock", "OutOfStock"]);
    // Its reservation passes, another order takes the unit, and goods come in.
    market.clock.advance(TTL);
    market.publish_and_wait(&[&orders[0].authorized()]).await;
    market.publish_and_wait(&[&orders[1].authorized()]).await;
    assert_eq!(market.sweep().await, 1);
    let last = Order::new(&shop, &[("CUP", 1)]);
    market.publish_and_wait(&[&last.created()]).await;
    market.add_stock(&shop, "CUP", 4).await;
    let history = ["StockAdded", "LowStock", "OutOfStock", "BackInStock", "OutOfStock", "StockAdded", "BackInStock"];
    assert_eq!(market.stock_history(&shop, "CUP").await, history);
    // Nobody asked to be told of pots that are low.
    assert_eq!(market.stock_history(&shop, "POT").await, ["StockAdded"]);

    let of_cups = |name: &'static str| move |event: &&messaging::Envelope| short_name(&event.event_type) == name;
    let all = |events: &[messaging::Envelope]| events.iter().filter(of_cups("BackInStock")).count() == 2;
    let events = market.kafka.wait_for(INVENTORY, "the second time that cups are back", all).await;
    let low: wire::LowStock = events.iter().find(of_cups("LowStock")).unwrap().decode().unwrap();
    let stock = low.stock_item.unwrap();
    assert_eq!((low.threshold, stock.available, stock.reserved, stock.sku.as_str()), (2, 2, 3, "CUP"));
    let gone = events.iter().find(of_cups("OutOfStock")).unwrap();
    let stock = gone.decode::<wire::OutOfStock>().unwrap().stock_item.unwrap();
    assert_eq!((stock.available, stock.stock_item_id), (0, gone.aggregate_id.to_string()));
    market.assert_books_balance().await;
}

/// Many replicas take the last units at once: it is gone once.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_sell_the_last_units_at_once_tell_once_that_they_are_gone() {
    let market = Marketplace::closed().await;
    let shop = market.seller_with(&[("CUP", 20)]).await;
    market.set_policy(shop.seller_id, Strategy::Priority, &[("CUP", 10)]).await;
    let _replicas = market.start_five_replicas().await;
    let orders: Vec<_> = (0..40).map(|_| Order::new(&shop, &[("CUP", 1)])).collect();
    let created: Vec<_> = orders.iter().map(Order::created).collect();
    join_all(created.iter().map(|event| market.kafka.publish(event))).await;
    for event in &created {
        market.taken(event).await;
    }
    assert_eq!(market.levels(&shop, "CUP").await, levels(20, 20, 0));
    assert_eq!(market.stock_history(&shop, "CUP").await, ["StockAdded", "LowStock", "OutOfStock"]);
    market.assert_books_balance().await;
}
