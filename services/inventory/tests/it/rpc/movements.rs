//! ListMovements.

use contracts::inventory::v1::{AdjustStockRequest, ListMovementsRequest, ListMovementsResponse, MovementType};
use inventory::domain::fact::Fact;
use tonic::{Code, Request};

use super::reservations::{dispatched, happens, order_for};
use super::{Rpc, invalid, new_id, refusal, refused};

fn question(warehouse_id: &str, sku: &str, page_size: i32, page_token: &str) -> ListMovementsRequest {
    ListMovementsRequest {
        warehouse_id: warehouse_id.to_owned(),
        sku: sku.to_owned(),
        page_size,
        page_token: page_token.to_owned(),
    }
}

async fn list(rpc: &Rpc, question: ListMovementsRequest) -> ListMovementsResponse {
    rpc.client().list_movements(rpc.seller.request(question)).await.unwrap().into_inner()
}

#[tokio::test]
async fn movements_are_listed_newest_first_page_by_page_and_add_up_to_the_total() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    for units in 1..=24 {
        rpc.add(&main, "CUP", units).await;
    }
    rpc.add(&main, "POT", 1_000).await;
    let request = AdjustStockRequest {
        request_id: new_id(),
        warehouse_id: main.clone(),
        sku: "CUP".to_owned(),
        delta: -7,
        reason: "seven are broken".to_owned(),
    };
    let item = rpc.client().adjust_stock(rpc.seller.request(request)).await.unwrap().into_inner().stock_item.unwrap();

    let mut movements = Vec::new();
    let mut token = String::new();
    for size in [0, 4, 1] {
        let page = list(&rpc, question(&main, "CUP", size, &token)).await;
        assert_eq!(page.movements.len(), if size == 0 { 20 } else { size as usize });
        movements.extend(page.movements);
        token = page.next_page_token;
    }
    assert_eq!(token, "");
    let units: Vec<_> = movements.iter().map(|movement| movement.quantity).collect();
    assert_eq!(units, [-7].into_iter().chain((1..=24).rev()).collect::<Vec<_>>());
    assert_eq!(units.iter().sum::<i64>(), item.total);

    let (newest, next) = (&movements[0], &movements[1]);
    assert_eq!((newest.r#type(), newest.reason.as_str()), (MovementType::Adjust, "seven are broken"));
    assert_eq!((next.r#type(), next.reason.as_str()), (MovementType::Add, "delivery"));
    assert_eq!((newest.sku.as_str(), &newest.warehouse_id), ("CUP", &main));
    assert_eq!(newest.stock_item_id, item.stock_item_id);
    assert!(newest.actor.starts_with("seller:") && newest.create_time.is_some(), "{newest:?}");
    // The last page may be exactly full.
    let all = list(&rpc, question(&main, "CUP", 25, "")).await;
    assert_eq!((all.movements, all.next_page_token.as_str()), (movements, ""));
}

#[tokio::test]
async fn goods_that_left_are_listed_with_their_parcel() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    rpc.add(&main, "CUP", 5).await;
    let (order_id, created) = order_for(&rpc, 2);
    let parcel = dispatched(order_id, main.parse().unwrap(), 2);
    let Fact::ShipmentDispatched(dispatch) = &parcel else { unreachable!() };
    let reason = format!("parcel {} of shipment {}", dispatch.parcel_id, dispatch.shipment_id);
    for fact in [created, Fact::PaymentAuthorized(order_id), parcel] {
        happens(&rpc.store, fact).await;
    }
    let movements = list(&rpc, question(&main, "CUP", 0, "")).await.movements;
    let removal = &movements[0];
    assert_eq!((removal.r#type(), removal.quantity, &removal.reason), (MovementType::Remove, -2, &reason));
    assert_eq!((movements.len(), removal.actor.as_str()), (2, "service:shipping"));
}

#[tokio::test]
async fn a_page_token_of_another_question_is_refused() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    for sku in ["CUP", "CUP", "POT", "POT"] {
        rpc.add(&main, sku, 1).await;
    }
    let token = list(&rpc, question(&main, "CUP", 1, "")).await.next_page_token;
    let refused = refused(Code::InvalidArgument, "PAGE_TOKEN_INVALID", &["page_token"]);
    for token in [token.as_str(), "nonsense"] {
        let request = rpc.seller.request(question(&main, "POT", 1, token));
        assert_eq!(refusal(rpc.client().list_movements(request).await), refused);
    }
}

#[tokio::test]
async fn a_question_for_movements_that_cannot_be_answered_is_refused() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    rpc.add(&main, "CUP", 1).await;
    let all_wrong = rpc.seller.request(question("main", "cup", -1, ""));
    let answer = rpc.client().list_movements(all_wrong).await;
    assert_eq!(refusal(answer), invalid(&["warehouse_id", "sku", "page_size"]));
    let too_many = rpc.seller.request(question(&main, "CUP", 101, ""));
    assert_eq!(refusal(rpc.client().list_movements(too_many).await), invalid(&["page_size"]));

    let not_found = refused(Code::NotFound, "WAREHOUSE_NOT_FOUND", &["warehouse_id"]);
    for (bearer, warehouse_id) in [(&rpc.seller, &new_id()), (&rpc.other_seller, &main)] {
        let request = bearer.request(question(warehouse_id, "CUP", 0, ""));
        assert_eq!(refusal(rpc.client().list_movements(request).await), not_found);
    }
    let never_stocked = rpc.seller.request(question(&main, "POT", 0, ""));
    let unknown = refused(Code::NotFound, "SKU_UNKNOWN", &["sku"]);
    assert_eq!(refusal(rpc.client().list_movements(never_stocked).await), unknown);

    let by_buyer = rpc.tokens.buyer(rpc.seller_id.uuid()).request(question(&main, "CUP", 0, ""));
    let role_missing = refused(Code::PermissionDenied, "ROLE_MISSING", &[]);
    assert_eq!(refusal(rpc.client().list_movements(by_buyer).await), role_missing);
    let by_nobody = Request::new(question(&main, "CUP", 0, ""));
    let token_missing = refused(Code::Unauthenticated, "TOKEN_MISSING", &[]);
    assert_eq!(refusal(rpc.client().list_movements(by_nobody).await), token_missing);
    assert_eq!(list(&rpc, question(&main, "CUP", 100, "")).await.movements.len(), 1);
}
