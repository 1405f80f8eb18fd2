//! ListShipments.

use contracts::shipping::v1::{ListShipmentsRequest, ListShipmentsResponse, ShipmentStatus};
use testkit::Bearer;
use tonic::Code;

use super::{Rpc, invalid, new_id, parcel, refusal, refused};
use crate::order::Order;

fn of_order(rpc: &Rpc) -> ListShipmentsRequest {
    ListShipmentsRequest { order_id: rpc.order.id.to_string(), ..ListShipmentsRequest::default() }
}

fn of_seller(rpc: &Rpc) -> ListShipmentsRequest {
    ListShipmentsRequest { seller_id: rpc.order.seller_id.to_string(), ..ListShipmentsRequest::default() }
}

async fn list(rpc: &Rpc, bearer: &Bearer, request: ListShipmentsRequest) -> ListShipmentsResponse {
    rpc.client().list_shipments(bearer.request(request)).await.unwrap().into_inner()
}

/// Page by page, with the size of each.
async fn pages(rpc: &Rpc, bearer: &Bearer, mut request: ListShipmentsRequest) -> (Vec<usize>, Vec<String>) {
    let (mut sizes, mut listed) = (Vec::new(), Vec::new());
    loop {
        let page = list(rpc, bearer, request.clone()).await;
        sizes.push(page.shipments.len());
        listed.extend(page.shipments.into_iter().map(|shipment| shipment.shipment_id));
        if page.next_page_token.is_empty() {
            return (sizes, listed);
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn the_shipments_of_an_order_are_listed_by_whoever_may_read_them() {
    let rpc = Rpc::open().await;
    let mut expected: Vec<_> = rpc.order.shipments().iter().map(ToString::to_string).collect();
    expected.sort_unstable();
    for bearer in [&rpc.buyer, &rpc.seller, &rpc.operator, &rpc.tokens.service()] {
        let (sizes, mut listed) = pages(&rpc, bearer, ListShipmentsRequest { page_size: 1, ..of_order(&rpc) }).await;
        listed.sort_unstable();
        assert_eq!((sizes, &listed), (vec![1, 1], &expected));
    }
    rpc.dispatch(parcel(rpc.here(), &[])).await;
    let pending = ListShipmentsRequest { status: ShipmentStatus::Pending.into(), ..of_order(&rpc) };
    let page = list(&rpc, &rpc.buyer, pending).await;
    assert_eq!(page.shipments.len(), 1);
    assert_eq!(page.shipments[0], rpc.get(rpc.elsewhere()).await);
    // A page without any is not an order that does not exist.
    let cancelled = ListShipmentsRequest { status: ShipmentStatus::Cancelled.into(), ..of_order(&rpc) };
    assert!(list(&rpc, &rpc.buyer, cancelled).await.shipments.is_empty());
}

#[tokio::test]
async fn a_sellers_shipments_are_listed_from_the_newest_order_to_the_oldest() {
    let rpc = Rpc::open().await;
    let mut orders = vec![rpc.order.clone()];
    for _ in 0..3 {
        let order = Order { seller_id: rpc.order.seller_id, ..Order::of(&[("CUP", 1)]).and_elsewhere(&[("POT", 1)]) };
        rpc.depot.happen(vec![order.asked()]).await;
        orders.insert(0, order);
    }
    rpc.depot.happen(vec![Order::of(&[("CUP", 1)]).asked()]).await;
    let newest_first = |order: &Order| {
        let mut ids: Vec<_> = order.shipments().iter().map(ToString::to_string).collect();
        ids.sort_unstable_by(|one, other| other.cmp(one));
        ids
    };
    let expected: Vec<_> = orders.iter().flat_map(newest_first).collect();
    for bearer in [&rpc.seller, &rpc.operator, &rpc.tokens.service()] {
        // A page may end between two shipments of one order.
        let by_threes = pages(&rpc, bearer, ListShipmentsRequest { page_size: 3, ..of_seller(&rpc) }).await;
        assert_eq!(by_threes, (vec![3, 3, 2], expected.clone()));
        assert_eq!(pages(&rpc, bearer, of_seller(&rpc)).await, (vec![8], expected.clone()));
    }

    rpc.dispatch(parcel(rpc.here(), &[])).await;
    let only = |status: ShipmentStatus| ListShipmentsRequest { status: status.into(), ..of_seller(&rpc) };
    let dispatched = pages(&rpc, &rpc.seller, only(ShipmentStatus::Dispatched)).await;
    assert_eq!(dispatched, (vec![1], vec![rpc.here().to_string()]));
    assert_eq!(pages(&rpc, &rpc.seller, only(ShipmentStatus::Pending)).await.0, [7]);
    assert_eq!(pages(&rpc, &rpc.seller, only(ShipmentStatus::Delivered)).await.0, [0]);
}

#[tokio::test]
async fn somebody_elses_order_is_not_found_and_somebody_elses_list_is_denied() {
    let rpc = Rpc::open().await;
    let ask = async |bearer: &Bearer, request: ListShipmentsRequest| {
        refusal(rpc.client().list_shipments(bearer.request(request))).await
    };
    let not_found = refused(Code::NotFound, "ORDER_NOT_FOUND", &[]);
    let denied = refused(Code::PermissionDenied, "NOT_YOURS", &["seller_id"]);
    for stranger in rpc.strangers() {
        assert_eq!(ask(&stranger, of_order(&rpc)).await, not_found);
        assert_eq!(ask(&stranger, of_seller(&rpc)).await, denied);
    }
    let unknown = ListShipmentsRequest { order_id: new_id(), ..ListShipmentsRequest::default() };
    for bearer in [&rpc.buyer, &rpc.seller, &rpc.operator] {
        assert_eq!(ask(bearer, unknown.clone()).await, not_found);
    }
    // The order's own buyer does not see what else its seller sends.
    assert_eq!(ask(&rpc.buyer, of_seller(&rpc)).await, denied);
}

#[tokio::test]
async fn a_page_token_of_another_list_is_refused() {
    let rpc = Rpc::open().await;
    let first = ListShipmentsRequest { page_size: 1, ..of_order(&rpc) };
    let page_token = list(&rpc, &rpc.operator, first.clone()).await.next_page_token;
    assert!(!page_token.is_empty());
    let refused = refused(Code::InvalidArgument, "PAGE_TOKEN_INVALID", &["page_token"]);
    let status = ShipmentStatus::Pending.into();
    for request in [
        ListShipmentsRequest { status, page_token: page_token.clone(), ..first.clone() },
        ListShipmentsRequest { page_token: page_token.clone(), ..of_seller(&rpc) },
        ListShipmentsRequest { page_token: "made-up".to_owned(), ..first.clone() },
    ] {
        assert_eq!(refusal(rpc.client().list_shipments(rpc.operator.request(request))).await, refused);
    }
    // Another size is the same list.
    let wider = list(&rpc, &rpc.operator, ListShipmentsRequest { page_token, page_size: 50, ..first }).await;
    assert_eq!((wider.shipments.len(), wider.next_page_token.as_str()), (1, ""));
}

#[tokio::test]
async fn a_list_is_of_exactly_one_order_or_seller() {
    let rpc = Rpc::open().await;
    let ask =
        async |request: ListShipmentsRequest| refusal(rpc.client().list_shipments(rpc.operator.request(request))).await;
    assert_eq!(ask(ListShipmentsRequest::default()).await, invalid(&["order_id"]));
    let both = ListShipmentsRequest { seller_id: rpc.order.seller_id.to_string(), ..of_order(&rpc) };
    assert_eq!(ask(both).await, invalid(&["seller_id"]));
    let all_wrong = ListShipmentsRequest {
        seller_id: "?".to_owned(),
        status: 99,
        page_size: 101,
        ..ListShipmentsRequest::default()
    };
    assert_eq!(ask(all_wrong).await, invalid(&["seller_id", "status", "page_size"]));
    assert_eq!(ask(ListShipmentsRequest { page_size: -1, ..of_order(&rpc) }).await, invalid(&["page_size"]));
    assert_eq!(ask(ListShipmentsRequest { order_id: "17".to_owned(), ..of_order(&rpc) }).await, invalid(&["order_id"]));
}
