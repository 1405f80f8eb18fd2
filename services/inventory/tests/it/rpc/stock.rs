//! AddStock, AdjustStock and WriteOffStock.

use contracts::inventory::v1::{
    AddStockRequest, AdjustStockRequest, StockAdded, StockAdjusted, StockItem, StockWrittenOff, WriteOffStockRequest,
};
use futures::future::join_all;
use messaging::journal::{self, Record};
use prost::Message as _;
use tonic::{Code, Request};

use super::{Rpc, invalid, new_id, refusal, refused};
use crate::marketplace::short_name;

fn addition(warehouse_id: &str, sku: &str, quantity: i64) -> AddStockRequest {
    AddStockRequest {
        request_id: new_id(),
        warehouse_id: warehouse_id.to_owned(),
        sku: sku.to_owned(),
        quantity,
        reason: String::new(),
    }
}

fn adjustment(warehouse_id: &str, sku: &str, delta: i64) -> AdjustStockRequest {
    AdjustStockRequest {
        request_id: new_id(),
        warehouse_id: warehouse_id.to_owned(),
        sku: sku.to_owned(),
        delta,
        reason: "counted".to_owned(),
    }
}

fn write_off(warehouse_id: &str, sku: &str, quantity: i64) -> WriteOffStockRequest {
    WriteOffStockRequest {
        request_id: new_id(),
        warehouse_id: warehouse_id.to_owned(),
        sku: sku.to_owned(),
        quantity,
        reason: "DAMAGED".to_owned(),
    }
}

fn units(item: &StockItem) -> [i64; 4] {
    [item.total, item.reserved, item.committed, item.available]
}

async fn history(rpc: &Rpc, item: &StockItem) -> Vec<Record> {
    let mut connection = rpc.store.pool().acquire().await.unwrap();
    journal::read(&mut connection, item.stock_item_id.parse().unwrap()).await.unwrap()
}

/// Promises units to nobody in particular.
async fn promise(rpc: &Rpc, item: &StockItem, reserved: i64, committed: i64) {
    sqlx::query("UPDATE stock_item SET reserved = $2, committed = $3 WHERE stock_item_id = $1::uuid")
        .bind(&item.stock_item_id)
        .bind(reserved)
        .bind(committed)
        .execute(rpc.store.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn goods_come_in_and_a_count_is_put_right_and_both_are_told() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    let item = rpc.add(&main, "CUP", 5).await;
    assert_eq!((units(&item), item.version), ([5, 0, 0, 5], 1));
    assert_eq!((item.sku.as_str(), &item.warehouse_id), ("CUP", &main));
    let item = rpc.add(&main, "CUP", 1_000_000).await;
    assert_eq!((units(&item), item.version), ([1_000_005, 0, 0, 1_000_005], 2));

    let answer = rpc.client().adjust_stock(rpc.seller.request(adjustment(&main, "CUP", -1_000_000))).await.unwrap();
    let item = answer.into_inner().stock_item.unwrap();
    assert_eq!((units(&item), item.version), ([5, 0, 0, 5], 3));
    // An operator may too; the first stock of a SKU may be a count.
    let request = rpc.tokens.operator().request(adjustment(&main, "POT", 2));
    assert_eq!(
        units(&rpc.client().adjust_stock(request).await.unwrap().into_inner().stock_item.unwrap()),
        [2, 0, 0, 2]
    );

    let history = history(&rpc, &item).await;
    let names: Vec<_> = history.iter().map(|record| short_name(&record.event_type)).collect();
    assert_eq!(names, ["StockAdded", "StockAdded", "StockAdjusted"]);
    assert!(history.iter().all(|record| record.actor.starts_with("seller:")), "{history:?}");
    let added = StockAdded::decode(history[0].payload.as_slice()).unwrap();
    assert_eq!(
        (added.quantity, added.reason.as_str(), units(&added.stock_item.unwrap())),
        (5, "delivery", [5, 0, 0, 5])
    );
    let adjusted = StockAdjusted::decode(history[2].payload.as_slice()).unwrap();
    assert_eq!((adjusted.delta, adjusted.reason.as_str()), (-1_000_000, "counted"));
}

#[tokio::test]
async fn a_repeated_request_adds_once_and_another_under_its_id_is_refused() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    let request = addition(&main, "CUP", 5);
    let first = rpc.client().add_stock(rpc.seller.request(request.clone())).await.unwrap().into_inner();
    let rows = rpc.rows().await;
    // A repeat is answered also while products cannot be asked.
    let (mut without_products, _stop) = rpc.without_products().await;
    let again = without_products.add_stock(rpc.seller.request(request.clone())).await.unwrap().into_inner();
    assert_eq!(first, again);
    let other = AddStockRequest { quantity: 6, ..request };
    let reused = refused(Code::InvalidArgument, "REQUEST_ID_REUSED", &["request_id"]);
    assert_eq!(refusal(rpc.client().add_stock(rpc.seller.request(other)).await), reused);
    assert_eq!(rpc.rows().await, rows);

    let request = adjustment(&main, "CUP", -1);
    let first = rpc.client().adjust_stock(rpc.seller.request(request.clone())).await.unwrap().into_inner();
    let again = rpc.client().adjust_stock(rpc.seller.request(request.clone())).await.unwrap().into_inner();
    assert_eq!((&first, units(first.stock_item.as_ref().unwrap())), (&again, [4, 0, 0, 4]));
    let other = AdjustStockRequest { delta: -2, ..request };
    assert_eq!(refusal(rpc.client().adjust_stock(rpc.seller.request(other)).await), reused);
}

#[tokio::test]
async fn first_deliveries_of_a_sku_at_once_make_one_stock_item() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    let items = join_all((1..=20).map(|units| rpc.add(&main, "CUP", units))).await;
    assert!(items.iter().all(|item| item.stock_item_id == items[0].stock_item_id));
    let item = rpc.add(&main, "CUP", 1).await;
    assert_eq!((units(&item), item.version), ([211, 0, 0, 211], 21));
    assert_eq!(history(&rpc, &item).await.len(), 21);
}

#[tokio::test]
async fn every_wrong_field_of_a_change_is_named() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    let rows = rpc.rows().await;
    let long = "x".repeat(201);
    let all_wrong = AddStockRequest {
        request_id: "two words".to_owned(),
        warehouse_id: "main".to_owned(),
        sku: "cup".to_owned(),
        quantity: 0,
        reason: long.clone(),
    };
    let answer = rpc.client().add_stock(rpc.seller.request(all_wrong)).await;
    assert_eq!(refusal(answer), invalid(&["request_id", "warehouse_id", "sku", "quantity", "reason"]));
    let good = addition(&main, "CUP", 1);
    for (request, field) in [
        (AddStockRequest { request_id: String::new(), ..good.clone() }, "request_id"),
        (AddStockRequest { warehouse_id: String::new(), ..good.clone() }, "warehouse_id"),
        (AddStockRequest { warehouse_id: main.replace('-', ""), ..good.clone() }, "warehouse_id"),
        (AddStockRequest { sku: String::new(), ..good.clone() }, "sku"),
        (AddStockRequest { sku: "X".repeat(65), ..good.clone() }, "sku"),
        (AddStockRequest { quantity: -1, ..good.clone() }, "quantity"),
        (AddStockRequest { quantity: 1_000_001, ..good.clone() }, "quantity"),
        (AddStockRequest { quantity: i64::MAX, ..good.clone() }, "quantity"),
        (AddStockRequest { reason: "two\nlines".to_owned(), ..good.clone() }, "reason"),
    ] {
        assert_eq!(refusal(rpc.client().add_stock(rpc.seller.request(request)).await), invalid(&[field]));
    }

    let all_wrong = AdjustStockRequest { delta: 0, ..AdjustStockRequest::default() };
    let answer = rpc.client().adjust_stock(rpc.seller.request(all_wrong)).await;
    assert_eq!(refusal(answer), invalid(&["request_id", "warehouse_id", "sku", "delta", "reason"]));
    let good = adjustment(&main, "CUP", 1);
    for (request, field) in [
        (AdjustStockRequest { delta: 1_000_001, ..good.clone() }, "delta"),
        (AdjustStockRequest { delta: -1_000_001, ..good.clone() }, "delta"),
        (AdjustStockRequest { delta: i64::MIN, ..good.clone() }, "delta"),
        (AdjustStockRequest { reason: long, ..good.clone() }, "reason"),
    ] {
        assert_eq!(refusal(rpc.client().adjust_stock(rpc.seller.request(request)).await), invalid(&[field]));
    }
    assert_eq!(rpc.rows().await, rows);
}

#[tokio::test]
async fn a_warehouse_that_is_unknown_or_another_sellers_is_not_found() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    rpc.add(&main, "CUP", 5).await;
    let rows = rpc.rows().await;
    let not_found = refused(Code::NotFound, "WAREHOUSE_NOT_FOUND", &["warehouse_id"]);
    for (bearer, warehouse_id) in [(&rpc.seller, &new_id()), (&rpc.other_seller, &main)] {
        let request = bearer.request(addition(warehouse_id, "CUP", 1));
        assert_eq!(refusal(rpc.client().add_stock(request).await), not_found);
        let request = bearer.request(adjustment(warehouse_id, "CUP", 1));
        assert_eq!(refusal(rpc.client().adjust_stock(request).await), not_found);
    }
    assert_eq!(rpc.rows().await, rows);
}

#[tokio::test]
async fn only_skus_of_the_warehouses_seller_are_stocked() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    let rows = rpc.rows().await;
    let unknown = refused(Code::NotFound, "SKU_UNKNOWN", &["sku"]);
    for sku in ["NOBODYS", "PLATE"] {
        assert_eq!(refusal(rpc.client().add_stock(rpc.seller.request(addition(&main, sku, 1))).await), unknown);
        assert_eq!(refusal(rpc.client().adjust_stock(rpc.seller.request(adjustment(&main, sku, 1))).await), unknown);
    }
    assert_eq!(rpc.rows().await, rows);
}

#[tokio::test]
async fn a_warehouse_holds_at_most_a_thousand_million_units_of_a_sku() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    let item = rpc.add(&main, "CUP", 1).await;
    sqlx::query("UPDATE stock_item SET total = 999999999 WHERE stock_item_id = $1::uuid")
        .bind(&item.stock_item_id)
        .execute(rpc.store.pool())
        .await
        .unwrap();
    let rows = rpc.rows().await;
    let limit = refused(Code::FailedPrecondition, "STOCK_LIMIT", &[]);
    assert_eq!(refusal(rpc.client().add_stock(rpc.seller.request(addition(&main, "CUP", 2))).await), limit);
    assert_eq!(refusal(rpc.client().adjust_stock(rpc.seller.request(adjustment(&main, "CUP", 2))).await), limit);
    assert_eq!(rpc.rows().await, rows);
    assert_eq!(rpc.add(&main, "CUP", 1).await.total, 1_000_000_000);
}

#[tokio::test]
async fn a_count_below_what_is_promised_is_refused() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    let item = rpc.add(&main, "CUP", 5).await;
    promise(&rpc, &item, 1, 2).await;
    let rows = rpc.rows().await;
    let below = refused(Code::FailedPrecondition, "STOCK_BELOW_PROMISED", &[]);
    for (sku, delta) in [("CUP", -3), ("CUP", -1_000_000), ("POT", -1)] {
        let request = rpc.seller.request(adjustment(&main, sku, delta));
        assert_eq!(refusal(rpc.client().adjust_stock(request).await), below);
    }
    assert_eq!(rpc.rows().await, rows);
    let answer = rpc.client().adjust_stock(rpc.seller.request(adjustment(&main, "CUP", -2))).await.unwrap();
    assert_eq!(units(&answer.into_inner().stock_item.unwrap()), [3, 1, 2, 0]);
}

#[tokio::test]
async fn nothing_is_stored_while_products_is_down_and_the_same_request_succeeds_later() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    let rows = rpc.rows().await;
    let (mut without_products, _stop) = rpc.without_products().await;
    let unavailable = refused(Code::Unavailable, "PEER_UNAVAILABLE", &[]);
    let (add, adjust) = (addition(&main, "CUP", 5), adjustment(&main, "CUP", -1));
    let answer = without_products.add_stock(rpc.seller.request(add.clone())).await;
    assert!(!answer.as_ref().unwrap_err().message().contains("127.0.0.1"));
    assert_eq!(refusal(answer), unavailable);
    assert_eq!(refusal(without_products.adjust_stock(rpc.seller.request(adjust.clone())).await), unavailable);
    assert_eq!(rpc.rows().await, rows);

    rpc.client().add_stock(rpc.seller.request(add)).await.unwrap();
    let answer = rpc.client().adjust_stock(rpc.seller.request(adjust)).await.unwrap();
    assert_eq!(units(&answer.into_inner().stock_item.unwrap()), [4, 0, 0, 4]);
}

#[tokio::test]
async fn stock_is_changed_by_sellers_and_operators_only() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    let rows = rpc.rows().await;
    let role_missing = refused(Code::PermissionDenied, "ROLE_MISSING", &[]);
    for bearer in [rpc.tokens.buyer(rpc.seller_id.uuid()), rpc.tokens.service()] {
        assert_eq!(refusal(rpc.client().add_stock(bearer.request(addition(&main, "CUP", 1))).await), role_missing);
        assert_eq!(refusal(rpc.client().adjust_stock(bearer.request(adjustment(&main, "CUP", 1))).await), role_missing);
    }
    let token_missing = refused(Code::Unauthenticated, "TOKEN_MISSING", &[]);
    assert_eq!(refusal(rpc.client().add_stock(Request::new(addition(&main, "CUP", 1))).await), token_missing);
    assert_eq!(refusal(rpc.client().adjust_stock(Request::new(adjustment(&main, "CUP", 1))).await), token_missing);
    assert_eq!(rpc.rows().await, rows);
}

#[tokio::test]
async fn what_cannot_be_sold_any_more_is_written_off_once_and_told() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    rpc.add(&main, "CUP", 5).await;
    let request = write_off(&main, "CUP", 2);
    let first = rpc.client().write_off_stock(rpc.seller.request(request.clone())).await.unwrap().into_inner();
    // A repeat is answered also while products cannot be asked.
    let (mut without_products, _stop) = rpc.without_products().await;
    let again = without_products.write_off_stock(rpc.seller.request(request.clone())).await.unwrap().into_inner();
    assert_eq!(first, again);
    let item = first.stock_item.unwrap();
    assert_eq!((units(&item), item.version), ([3, 0, 0, 3], 2));
    let history = history(&rpc, &item).await;
    let written_off = StockWrittenOff::decode(history[1].payload.as_slice()).unwrap();
    assert_eq!(short_name(&history[1].event_type), "StockWrittenOff");
    assert_eq!((written_off.quantity, written_off.reason.as_str(), written_off.order_id.as_str()), (2, "DAMAGED", ""));
    assert_eq!(units(&written_off.stock_item.unwrap()), [3, 0, 0, 3]);
    let other = WriteOffStockRequest { quantity: 1, ..request };
    let reused = refused(Code::InvalidArgument, "REQUEST_ID_REUSED", &["request_id"]);
    assert_eq!(refusal(rpc.client().write_off_stock(rpc.seller.request(other)).await), reused);
}

#[tokio::test]
async fn what_is_promised_or_not_there_or_not_ones_own_is_not_written_off() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    let item = rpc.add(&main, "CUP", 5).await;
    promise(&rpc, &item, 1, 2).await;
    let rows = rpc.rows().await;
    let below = refused(Code::FailedPrecondition, "STOCK_BELOW_PROMISED", &[]);
    let not_found = refused(Code::NotFound, "WAREHOUSE_NOT_FOUND", &["warehouse_id"]);
    let unknown = refused(Code::NotFound, "SKU_UNKNOWN", &["sku"]);
    let role_missing = refused(Code::PermissionDenied, "ROLE_MISSING", &[]);
    let good = write_off(&main, "CUP", 1);
    let all_wrong = WriteOffStockRequest::default();
    for (bearer, request, answer) in [
        (&rpc.seller, write_off(&main, "CUP", 3), below.clone()),
        (&rpc.seller, write_off(&main, "POT", 1), below),
        (&rpc.seller, write_off(&new_id(), "CUP", 1), not_found.clone()),
        (&rpc.other_seller, good.clone(), not_found),
        (&rpc.seller, write_off(&main, "PLATE", 1), unknown),
        (&rpc.tokens.service(), good.clone(), role_missing),
        (&rpc.seller, all_wrong, invalid(&["request_id", "warehouse_id", "sku", "quantity", "reason"])),
        (&rpc.seller, WriteOffStockRequest { quantity: 1_000_001, ..good.clone() }, invalid(&["quantity"])),
        (&rpc.seller, WriteOffStockRequest { reason: "two\nlines".to_owned(), ..good.clone() }, invalid(&["reason"])),
    ] {
        assert_eq!(refusal(rpc.client().write_off_stock(bearer.request(request)).await), answer);
    }
    let answer = rpc.client().write_off_stock(Request::new(good.clone())).await;
    assert_eq!(refusal(answer), refused(Code::Unauthenticated, "TOKEN_MISSING", &[]));
    assert_eq!(rpc.rows().await, rows);
    let request = rpc.tokens.operator().request(WriteOffStockRequest { quantity: 2, ..good });
    let answer = rpc.client().write_off_stock(request).await.unwrap();
    assert_eq!(units(&answer.into_inner().stock_item.unwrap()), [3, 1, 2, 0]);
}
