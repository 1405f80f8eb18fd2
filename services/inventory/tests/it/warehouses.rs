//! From which warehouse stock is taken.

use contracts::inventory::v1 as wire;
use inventory::domain::ids::SellerId;
use inventory::domain::reservation::Status;
use inventory::domain::strategy::Strategy;
use inventory::domain::warehouse::Warehouse;
use kernel::Id;
use testkit::Event;

use crate::marketplace::{Marketplace, Order, levels};

/// What is reserved where for an order, as SKU, warehouse and units.
async fn reserved(market: &Marketplace, order: &Order, created: &Event) -> Vec<(String, String, i64)> {
    market.publish(&[created]).await;
    let told = market.told(order, &["InventoryReserved"]).await;
    let reserved: wire::InventoryReserved = told[0].decode().unwrap();
    reserved.allocations.into_iter().map(|a| (a.sku, a.warehouse_id, a.quantity)).collect()
}

fn taken(allocations: &[(&str, &Warehouse, i64)]) -> Vec<(String, String, i64)> {
    let owned =
        |(sku, warehouse, units): &(&str, &Warehouse, i64)| ((*sku).to_owned(), warehouse.id.to_string(), *units);
    allocations.iter().map(owned).collect()
}

#[tokio::test]
async fn a_seller_has_stock_taken_from_the_nearest_warehouse_to_where_the_parcels_go() {
    let (market, _replica) = Marketplace::open().await;
    let seller_id: SellerId = Id::generate();
    let nowhere = market.open_warehouse(seller_id, "NOWHERE", 0, &[("CUP", 9)]).await;
    let south = market.open_warehouse(seller_id, "SOUTH", 1, &[("CUP", 9)]).await;
    let north = market.open_warehouse(seller_id, "NORTH", 2, &[("CUP", 9)]).await;
    market.change_warehouse(&south, false, Some(("DE", "80331"))).await;
    market.change_warehouse(&north, false, Some(("DE", "22767"))).await;
    let order = || Order::new(&south, &[("CUP", 1)]);

    // By priority, as long as the seller says nothing else.
    let first = order();
    assert_eq!(reserved(&market, &first, &first.created_for("DE", "22765")).await, taken(&[("CUP", &nowhere, 1)]));
    market.set_policy(seller_id, Strategy::Nearest, &[]).await;
    for (region_code, postal_code, nearest) in
        [("DE", "22765", &north), ("DE", "80999", &south), ("DE", "10115", &south), ("FR", "22765", &nowhere)]
    {
        let order = order();
        let created = order.created_for(region_code, postal_code);
        assert_eq!(
            reserved(&market, &order, &created).await,
            taken(&[("CUP", nearest, 1)]),
            "{region_code} {postal_code}"
        );
    }
    market.assert_books_balance().await;
}

#[tokio::test]
async fn a_seller_has_an_order_taken_from_as_few_warehouses_as_hold_it() {
    let (market, _replica) = Marketplace::open().await;
    let seller_id: SellerId = Id::generate();
    let first = market.open_warehouse(seller_id, "FIRST", 0, &[("CUP", 9)]).await;
    let second = market.open_warehouse(seller_id, "SECOND", 1, &[("POT", 9)]).await;
    let both = market.open_warehouse(seller_id, "BOTH", 2, &[("CUP", 2), ("POT", 1)]).await;
    market.set_policy(seller_id, Strategy::FewestSplits, &[]).await;
    let order = || Order::new(&both, &[("CUP", 2), ("POT", 1)]);
    let one = order();
    assert_eq!(reserved(&market, &one, &one.created()).await, taken(&[("CUP", &both, 2), ("POT", &both, 1)]));
    let two = order();
    assert_eq!(reserved(&market, &two, &two.created()).await, taken(&[("CUP", &first, 2), ("POT", &second, 1)]));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn nothing_more_is_promised_from_a_closed_warehouse_and_what_was_promised_still_leaves() {
    let (market, _replica) = Marketplace::open().await;
    let first = market.seller_with(&[("CUP", 9)]).await;
    let second = market.open_warehouse(first.seller_id, "SECOND", 1, &[("CUP", 2)]).await;
    let before = Order::new(&first, &[("CUP", 3)]);
    assert_eq!(reserved(&market, &before, &before.created()).await, taken(&[("CUP", &first, 3)]));
    market.change_warehouse(&first, true, None).await;

    let late = Order::new(&first, &[("CUP", 2)]);
    assert_eq!(reserved(&market, &late, &late.created()).await, taken(&[("CUP", &second, 2)]));
    let too_late = Order::new(&first, &[("CUP", 1)]);
    market.publish(&[&too_late.created()]).await;
    let told = market.told(&too_late, &["InventoryRejected"]).await;
    let rejected: wire::InventoryRejected = told[0].decode().unwrap();
    assert_eq!(rejected.shortages, [wire::Shortage { sku: "CUP".to_owned(), requested: 1, available: 0 }]);

    market.publish_and_wait(&[&before.authorized()]).await;
    market.publish_and_wait(&[&before.dispatched(&before.parcel(&first, &[("CUP", 3)]))]).await;
    market.add_stock(&first, "CUP", 1).await;
    assert_eq!(market.levels(&first, "CUP").await, levels(7, 0, 0));
    market.change_warehouse(&first, false, None).await;
    let reopened = Order::new(&first, &[("CUP", 7)]);
    assert_eq!(reserved(&market, &reopened, &reopened.created()).await, taken(&[("CUP", &first, 7)]));
    assert_eq!(market.status(&before).await, Some(Status::Committed));
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}
