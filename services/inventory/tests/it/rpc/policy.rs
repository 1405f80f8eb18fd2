//! SetStockPolicy.

use contracts::inventory::v1::{AllocationStrategy, LowStockThreshold, SetStockPolicyRequest, SetStockPolicyResponse};
use tonic::{Code, Request};

use super::{Rpc, invalid, new_id, refusal, refused};

fn setting(strategy: Option<AllocationStrategy>, thresholds: &[(&str, i64)]) -> SetStockPolicyRequest {
    let threshold =
        |(sku, threshold): &(&str, i64)| LowStockThreshold { sku: (*sku).to_owned(), threshold: *threshold };
    SetStockPolicyRequest {
        request_id: new_id(),
        seller_id: String::new(),
        allocation_strategy: strategy.map(i32::from),
        low_stock_thresholds: thresholds.iter().map(threshold).collect(),
    }
}

async fn set(rpc: &Rpc, strategy: Option<AllocationStrategy>, thresholds: &[(&str, i64)]) -> SetStockPolicyResponse {
    let request = rpc.seller.request(setting(strategy, thresholds));
    rpc.client().set_stock_policy(request).await.unwrap().into_inner()
}

fn policy(strategy: AllocationStrategy, thresholds: &[(&str, i64)]) -> SetStockPolicyResponse {
    SetStockPolicyResponse {
        allocation_strategy: strategy.into(),
        low_stock_thresholds: setting(None, thresholds).low_stock_thresholds,
    }
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
        "low_stock_thresholds[0].threshold",
        "low_stock_thresholds[0].sku",
        "low_stock_thresholds[1].threshold",
        "low_stock_thresholds[2].sku",
    ];
    assert_eq!(refusal(answer), invalid(&fields));
    let too_many = rpc.seller.request(setting(None, &[("CUP", 1); 201]));
    assert_eq!(refusal(rpc.client().set_stock_policy(too_many).await), invalid(&["low_stock_thresholds"]));

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
async fn a_seller_watches_at_most_ten_thousand_skus() {
    let rpc = Rpc::open().await;
    set(&rpc, None, &[("POT", 1)]).await;
    sqlx::query(
        "INSERT INTO low_stock_threshold SELECT seller_id, 'SKU-' || n, 1 FROM stock_policy, generate_series(1, 9999) AS n",
    )
    .execute(rpc.store.pool())
    .await
    .unwrap();
    let one_more = rpc.client().set_stock_policy(rpc.seller.request(setting(None, &[("CUP", 1)]))).await;
    assert_eq!(refusal(one_more), refused(Code::FailedPrecondition, "THRESHOLD_LIMIT", &[]));
    assert_eq!(set(&rpc, None, &[("POT", 2)]).await.low_stock_thresholds.len(), 10_000);
}
