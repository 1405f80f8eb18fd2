//! BatchGetAvailability.

use contracts::inventory::v1::{BatchGetAvailabilityRequest, SetStockPolicyRequest, SkuPolicy, UpdateWarehouseRequest};
use tonic::{Request, Status};

use super::{Rpc, invalid, refusal};

/// What a caller without a token is told.
async fn ask(rpc: &Rpc, skus: &[&str]) -> Result<Vec<(String, i64)>, Status> {
    let skus = skus.iter().map(|sku| (*sku).to_owned()).collect();
    let answer = rpc.client().batch_get_availability(Request::new(BatchGetAvailabilityRequest { skus })).await?;
    Ok(answer.into_inner().availabilities.into_iter().map(|entry| (entry.sku, entry.available)).collect())
}

#[tokio::test]
async fn anybody_is_told_what_can_be_bought_in_the_order_asked_each_once() {
    let rpc = Rpc::open().await;
    let (main, second) = (rpc.warehouse("MAIN").await, rpc.warehouse("SECOND").await);
    rpc.add(&main, "CUP", 5).await;
    rpc.add(&second, "CUP", 2).await;
    rpc.add(&main, "POT", 3).await;
    sqlx::query("UPDATE stock_item SET reserved = 1, committed = 2 WHERE sku = 'POT'")
        .execute(rpc.store.pool())
        .await
        .unwrap();
    let answer = ask(&rpc, &["POT", "NEVER-STOCKED", "CUP", "POT"]).await.unwrap();
    let expected = [("POT", 0), ("NEVER-STOCKED", 0), ("CUP", 7)].map(|(sku, units)| (sku.to_owned(), units));
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn what_is_in_a_warehouse_that_is_closed_cannot_be_bought() {
    let rpc = Rpc::open().await;
    let (main, second) = (rpc.warehouse("MAIN").await, rpc.warehouse("SECOND").await);
    rpc.add(&main, "CUP", 5).await;
    rpc.add(&second, "CUP", 2).await;
    for (closed, available) in [(true, 5), (false, 7)] {
        let request = UpdateWarehouseRequest {
            request_id: super::new_id(),
            warehouse_id: second.clone(),
            closed: Some(closed),
            ..UpdateWarehouseRequest::default()
        };
        rpc.client().update_warehouse(rpc.seller.request(request)).await.unwrap();
        assert_eq!(ask(&rpc, &["CUP"]).await.unwrap(), [("CUP".to_owned(), available)]);
        // Goods can still be put in.
        rpc.add(&second, "POT", 1).await;
    }
    assert_eq!(ask(&rpc, &["POT"]).await.unwrap(), [("POT".to_owned(), 2)]);
}

#[tokio::test]
async fn from_one_to_two_hundred_well_formed_skus_are_asked_for() {
    let rpc = Rpc::open().await;
    assert_eq!(refusal(ask(&rpc, &[]).await), invalid(&["skus"]));
    assert_eq!(refusal(ask(&rpc, &["X"; 201]).await), invalid(&["skus"]));
    let long = "X".repeat(65);
    let answer = ask(&rpc, &["cup", "CUP", "", &long]).await;
    assert_eq!(refusal(answer), invalid(&["skus[0]", "skus[2]", "skus[3]"]));
    let codes: Vec<_> = (0..200).map(|number| format!("SKU-{number}")).collect();
    let answer = ask(&rpc, &codes.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(answer, codes.into_iter().map(|code| (code, 0)).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_can_be_bought_is_what_one_order_may_have() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    for (sku, units) in [("CUP", 5), ("POT", 3)] {
        rpc.add(&main, sku, units).await;
    }
    let says = |sku: &str, safety_stock, order_limit| SkuPolicy {
        sku: sku.to_owned(),
        safety_stock: Some(safety_stock),
        order_limit: Some(order_limit),
        ..SkuPolicy::default()
    };
    for (cups, pots, available) in [((2, 0), (0, 1), [3, 1]), ((2, 2), (4, 0), [2, 0]), ((0, 9), (0, 0), [5, 3])] {
        let request = SetStockPolicyRequest {
            request_id: super::new_id(),
            sku_policies: vec![says("CUP", cups.0, cups.1), says("POT", pots.0, pots.1)],
            ..SetStockPolicyRequest::default()
        };
        rpc.client().set_stock_policy(rpc.seller.request(request)).await.unwrap();
        let expected = [("CUP", available[0]), ("POT", available[1])].map(|(sku, units)| (sku.to_owned(), units));
        assert_eq!(ask(&rpc, &["CUP", "POT"]).await.unwrap(), expected);
    }
}
