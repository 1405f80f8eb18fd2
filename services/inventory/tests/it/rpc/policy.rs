//! SetStockPolicy.

use std::time::Duration;

use contracts::inventory::v1::{AllocationStrategy, SetStockPolicyRequest, SetStockPolicyResponse, SkuPolicy};
use tonic::{Code, Request};

use super::{Rpc, invalid, new_id, refusal, refused};

fn setting(strategy: Option<AllocationStrategy>, thresholds: &[(&str, i64)]) -> SetStockPolicyRequest {
    let threshold = |(sku, threshold): &(&str, i64)| SkuPolicy {
        sku: (*sku).to_owned(),
        low_stock_threshold: Some(*threshold),
        ..SkuPolicy::default()
    };
    SetStockPolicyRequest {
        request_id: new_id(),
        seller_id: String::new(),
        allocation_strategy: strategy.map(i32::from),
        sku_policies: thresholds.iter().map(threshold).collect(),
    }
}

async fn set(rpc: &Rpc, strategy: Option<AllocationStrategy>, thresholds: &[(&str, i64)]) -> SetStockPolicyResponse {
    let request = rpc.seller.request(setting(strategy, thresholds));
    rpc.client().set_stock_policy(request).await.unwrap().into_inner()
}

fn policy(strategy: AllocationStrategy, thresholds: &[(&str, i64)]) -> SetStockPolicyResponse {
    SetStockPolicyResponse {
        allocation_strategy: strategy.into(),
        sku_policies: thresholds.iter().map(|(sku, threshold)| says(sku, [*threshold, 0, 0], 0)).collect(),
    }
}

/// All that is said of a SKU: when it is low, its safety stock and order limit, and for how many seconds it is held.
fn says(sku: &str, [low_stock_threshold, safety_stock, order_limit]: [i64; 3], seconds: u64) -> SkuPolicy {
    SkuPolicy {
        sku: sku.to_owned(),
        low_stock_threshold: Some(low_stock_threshold),
        safety_stock: Some(safety_stock),
        order_limit: Some(order_limit),
        reservation_ttl: Duration::from_secs(seconds).try_into().ok(),
        backorder_limit: Some(0),
    }
}

#[tokio::test]
async fn what_is_not_set_of_a_sku_stays_and_each_figure_is_set_alone() {
    let rpc = Rpc::open().await;
    let set = async |policies: Vec<SkuPolicy>| {
        let request = SetStockPolicyRequest { sku_policies: policies, ..setting(None, &[]) };
        let answer = rpc.client().set_stock_policy(rpc.seller.request(request)).await;
        answer.unwrap().into_inner().sku_policies
    };
    let (cup, pot) = (|| says("CUP", [3, 2, 5], 300), || says("POT", [0, 1, 0], 0));
    assert_eq!(set(vec![pot(), cup()]).await, [cup(), pot()]);
    let nothing = SkuPolicy { sku: "CUP".to_owned(), ..SkuPolicy::default() };
    assert_eq!(set(vec![nothing.clone()]).await, [cup(), pot()]);
    for (change, after) in [
        (SkuPolicy { low_stock_threshold: Some(4), ..nothing.clone() }, says("CUP", [4, 2, 5], 300)),
        (SkuPolicy { safety_stock: Some(0), ..nothing.clone() }, says("CUP", [4, 0, 5], 300)),
        (SkuPolicy { order_limit: Some(1), ..nothing.clone() }, says("CUP", [4, 0, 1], 300)),
        (SkuPolicy { reservation_ttl: cup().reservation_ttl, ..nothing.clone() }, says("CUP", [4, 0, 1], 300)),
        (SkuPolicy { reservation_ttl: Duration::ZERO.try_into().ok(), ..nothing.clone() }, says("CUP", [4, 0, 1], 0)),
        (
            SkuPolicy { backorder_limit: Some(1_000_000), ..nothing.clone() },
            SkuPolicy { backorder_limit: Some(1_000_000), ..says("CUP", [4, 0, 1], 0) },
        ),
        (SkuPolicy { backorder_limit: Some(0), ..nothing }, says("CUP", [4, 0, 1], 0)),
    ] {
        assert_eq!(set(vec![change.clone()]).await, [after, pot()], "{change:?}");
    }
    // The widest figures there are; and of a SKU of which nothing is said, nothing is answered.
    let widest = says("CUP", [1_000_000; 3], 900);
    assert_eq!(set(vec![widest.clone(), says("POT", [0; 3], 0)]).await, [widest]);
    assert_eq!(set(vec![says("CUP", [0, 0, 0], 120)]).await, [says("CUP", [0; 3], 120)]);
}

#[tokio::test]
async fn what_is_not_set_stays_and_a_threshold_of_none_is_forgotten() {
    use AllocationStrategy::{FewestSplits, Nearest, Priority, Unspecified};
    let rpc = Rpc::open().await;
    assert_eq!(set(&rpc, None, &[]).await, policy(Priority, &[]));
    assert_eq!(set(&rpc, Some(Nearest), &[("POT", 4)]).await, policy(Nearest, &[("POT", 4)]));
    assert_eq!(set(&rpc, None, &[("CUP", 1_000_000)]).await, policy(Nearest, &[("CUP", 1_000_000), ("POT", 4)]));
    assert_eq!(set(&rpc, Some(FewestSplits), &[]).await, policy(FewestSplits, &[("CUP", 1_000_000), ("POT", 4)]));
    assert_eq!(set(&rpc, None, &[("POT", 0), ("CUP", 2)]).await, policy(FewestSplits, &[("CUP", 2)]));
    assert_eq!(set(&rpc, Some(Unspecified), &[]).await, policy(Priority, &[("CUP", 2)]));

    // Another seller has a policy of its own, which an operator may set.
    let theirs = SetStockPolicyRequest { seller_id: rpc.other_seller_id.to_string(), ..setting(Some(Nearest), &[]) };
    let answer = rpc.client().set_stock_policy(rpc.tokens.operator().request(theirs)).await.unwrap().into_inner();
    assert_eq!(answer, policy(Nearest, &[]));
    assert_eq!(set(&rpc, None, &[]).await, policy(Priority, &[("CUP", 2)]));
}

#[tokio::test]
async fn a_repeated_request_is_answered_as_before_and_another_under_its_id_is_refused() {
    let rpc = Rpc::open().await;
    let request = setting(Some(AllocationStrategy::Nearest), &[("CUP", 3)]);
    let first = rpc.client().set_stock_policy(rpc.seller.request(request.clone())).await.unwrap().into_inner();
    set(&rpc, Some(AllocationStrategy::Priority), &[]).await;
    // A repeat is answered also while products cannot be asked, and changes nothing back.
    let (mut without_products, _stop) = rpc.without_products().await;
    let again = without_products.set_stock_policy(rpc.seller.request(request.clone())).await.unwrap().into_inner();
    assert_eq!(first, again);
    assert_eq!(set(&rpc, None, &[]).await, policy(AllocationStrategy::Priority, &[("CUP", 3)]));
    let other = SetStockPolicyRequest { allocation_strategy: None, ..request };
    let answer = rpc.client().set_stock_policy(rpc.seller.request(other)).await;
    assert_eq!(refusal(answer), refused(Code::InvalidArgument, "REQUEST_ID_REUSED", &["request_id"]));
}

#[tokio::test]
async fn a_policy_that_cannot_be_set_is_refused_and_nothing_is_stored() {
    let rpc = Rpc::open().await;
    let rows = rpc.rows().await;
    let unknown = refused(Code::NotFound, "SKU_UNKNOWN", &["sku"]);
    for sku in ["NOBODYS", "PLATE"] {
        let request = rpc.seller.request(setting(None, &[("CUP", 1), (sku, 1)]));
        assert_eq!(refusal(rpc.client().set_stock_policy(request).await), unknown);
    }
    let not_yours = refused(Code::PermissionDenied, "NOT_YOUR_SELLER", &["seller_id"]);
    let theirs = SetStockPolicyRequest { seller_id: rpc.other_seller_id.to_string(), ..setting(None, &[]) };
    assert_eq!(refusal(rpc.client().set_stock_policy(rpc.seller.request(theirs)).await), not_yours);
    let unnamed = rpc.client().set_stock_policy(rpc.tokens.operator().request(setting(None, &[]))).await;
    assert_eq!(refusal(unnamed), invalid(&["seller_id"]));

    let all_wrong = SetStockPolicyRequest {
        request_id: String::new(),
        allocation_strategy: Some(9),
        ..setting(None, &[("cup", -1), ("CUP", 1_000_001), ("CUP", 1)])
    };
    let answer = rpc.client().set_stock_policy(rpc.seller.request(all_wrong)).await;
    let fields = [
        "request_id",
        "allocation_strategy",
        "sku_policies[0].low_stock_threshold",
        "sku_policies[0].sku",
        "sku_policies[1].low_stock_threshold",
        "sku_policies[2].sku",
    ];
    assert_eq!(refusal(answer), invalid(&fields));
    let ttl = "sku_policies[0].reservation_ttl";
    let half_a_second = Duration::from_millis(180_500).try_into().ok();
    for (policy, fields) in [
        (SkuPolicy { backorder_limit: Some(-1), ..says("CUP", [0; 3], 0) }, vec!["sku_policies[0].backorder_limit"]),
        (says("CUP", [0; 3], 119), vec![ttl]),
        (says("CUP", [0; 3], 901), vec![ttl]),
        (SkuPolicy { reservation_ttl: half_a_second, ..says("CUP", [0; 3], 0) }, vec![ttl]),
        (says("CUP", [0, -1, 1_000_001], 1), vec!["sku_policies[0].safety_stock", "sku_policies[0].order_limit", ttl]),
    ] {
        let request = SetStockPolicyRequest { sku_policies: vec![policy], ..setting(None, &[]) };
        assert_eq!(refusal(rpc.client().set_stock_policy(rpc.seller.request(request)).await), invalid(&fields));
    }
    let too_many = rpc.seller.request(setting(None, &[("CUP", 1); 201]));
    assert_eq!(refusal(rpc.client().set_stock_policy(too_many).await), invalid(&["sku_policies"]));

    let (mut without_products, _stop) = rpc.without_products().await;
    let answer = without_products.set_stock_policy(rpc.seller.request(setting(None, &[("CUP", 1)]))).await;
    assert_eq!(refusal(answer), refused(Code::Unavailable, "PEER_UNAVAILABLE", &[]));
    let by_buyer = rpc.tokens.buyer(rpc.seller_id.uuid()).request(setting(None, &[]));
    let role_missing = refused(Code::PermissionDenied, "ROLE_MISSING", &[]);
    assert_eq!(refusal(rpc.client().set_stock_policy(by_buyer).await), role_missing);
    let token_missing = refused(Code::Unauthenticated, "TOKEN_MISSING", &[]);
    assert_eq!(refusal(rpc.client().set_stock_policy(Request::new(setting(None, &[]))).await), token_missing);
    assert_eq!(rpc.rows().await, rows);
}

#[tokio::test]
async fn a_seller_has_policies_of_at_most_ten_thousand_skus() {
    let rpc = Rpc::open().await;
    set(&rpc, None, &[("POT", 1)]).await;
    sqlx::query(
        "INSERT INTO sku_policy SELECT seller_id, 'SKU-' || n, 1, 0, 0, 0, 0 FROM stock_policy, generate_series(1, 9999) AS n",
    )
    .execute(rpc.store.pool())
    .await
    .unwrap();
    let one_more = rpc.client().set_stock_policy(rpc.seller.request(setting(None, &[("CUP", 1)]))).await;
    assert_eq!(refusal(one_more), refused(Code::FailedPrecondition, "SKU_POLICY_LIMIT", &[]));
    assert_eq!(set(&rpc, None, &[("POT", 2)]).await.sku_policies.len(), 10_000);
}
