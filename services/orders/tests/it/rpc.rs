//! The RPCs, over a real server: who may ask what, and what is answered to a wrong question.

mod modification;
mod refund;
mod views;

use std::future::Future;

use contracts::access::Role;
use contracts::orders::v1::orders_service_client::OrdersServiceClient;
use contracts::orders::v1::{
    CancelOrderRequest, GetOrderHistoryRequest, GetOrderRequest, ListOrdersRequest, Order, OrderFulfilmentStatus,
    OrderPaymentStatus, OrderStatus,
};
use kernel::Id;
use orders::domain::ids::{BuyerId, OrderId};
use testkit::{Bearer, Tokens};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;

use crate::back_office::{BackOffice, Checkout};
use crate::others::{authorized, captured, committed};

type Client = OrdersServiceClient<Channel>;

/// The code, the stable reason, and the fields at fault.
async fn refusal<T: std::fmt::Debug>(
    answer: impl Future<Output = Result<Response<T>, Status>>,
) -> (Code, String, Vec<String>) {
    let status = answer.await.expect_err("it is refused");
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
    let violations = details.bad_request().map(|request| request.field_violations.clone()).unwrap_or_default();
    (status.code(), reason, violations.into_iter().map(|violation| violation.field).collect())
}

fn refused(code: Code, reason: &str, fields: &[&str]) -> (Code, String, Vec<String>) {
    (code, reason.to_owned(), fields.iter().map(|field| (*field).to_owned()).collect())
}

fn get(order_id: OrderId) -> GetOrderRequest {
    GetOrderRequest { order_id: order_id.to_string(), terms_version: 0 }
}

fn history(order_id: OrderId) -> GetOrderHistoryRequest {
    GetOrderHistoryRequest { order_id: order_id.to_string() }
}

fn cancel(order_id: OrderId, request_id: &str) -> CancelOrderRequest {
    CancelOrderRequest { request_id: request_id.to_owned(), order_id: order_id.to_string(), note: String::new() }
}

fn of_buyer(buyer_id: BuyerId) -> ListOrdersRequest {
    ListOrdersRequest { buyer_id: buyer_id.to_string(), ..ListOrdersRequest::default() }
}

/// An office with one order and a client.
struct Desk {
    office: BackOffice,
    checkout: Checkout,
    order_id: OrderId,
    buyer: Bearer,
    seller: Bearer,
    tokens: Tokens,
    client: Client,
    _running: (crate::back_office::Replica, tokio_util::sync::DropGuard),
}

impl Desk {
    async fn open() -> Self {
        let (office, replica) = BackOffice::open().await;
        let checkout = Checkout::new(1);
        office.hear(&[checkout.submitted()]).await;
        let (client, server) = office.serve().await;
        let tokens = Tokens::new();
        Self {
            order_id: checkout.order_ids[0],
            buyer: tokens.buyer(checkout.buyer_id.uuid()),
            seller: tokens.seller(checkout.seller_ids[0].uuid()),
            tokens,
            office,
            checkout,
            client,
            _running: (replica, server),
        }
    }

    fn client(&self) -> Client {
        self.client.clone()
    }

    /// A buyer and a seller who have nothing to do with the order.
    fn strangers(&self) -> [Bearer; 2] {
        [self.tokens.buyer(Id::<Bearer>::generate().uuid()), self.tokens.seller(Id::<Bearer>::generate().uuid())]
    }

    async fn get(&self) -> Order {
        let answer = self.client().get_order(self.buyer.request(get(self.order_id))).await;
        answer.unwrap().into_inner().order.unwrap()
    }
}

#[tokio::test]
async fn an_order_is_read_by_its_buyer_its_seller_operators_and_services() {
    let desk = Desk::open().await;
    for bearer in [&desk.buyer, &desk.seller, &desk.tokens.operator(), &desk.tokens.service()] {
        let answer = desk.client().get_order(bearer.request(get(desk.order_id))).await.unwrap();
        let order = answer.into_inner().order.unwrap();
        assert_eq!(order.order_id, desk.order_id.to_string());
        assert_eq!(order.checkout_id, desk.checkout.id.to_string());
        assert_eq!((order.status(), order.payment_status()), (OrderStatus::Created, OrderPaymentStatus::Unpaid));
        assert_eq!(order.fulfilment_status(), OrderFulfilmentStatus::Unallocated);
        let submitted = &desk.checkout.message().orders[0];
        assert_eq!((&order.subtotal, &order.shipping), (&submitted.subtotal, &submitted.shipping));
        assert_eq!((&order.tax, &order.total), (&submitted.tax, &submitted.total));
        assert_eq!(order.ship_to, desk.checkout.message().ship_to);
        assert_eq!(order.lines.len(), 2);
        assert_eq!((order.lines[0].sku.as_str(), order.lines[0].tax_rate.as_str()), ("MUG-BLUE", "0.19"));
        assert_eq!((order.version, order.reason.as_str(), order.cash_on_delivery), (1, "", false));
        assert_eq!(order.snapshot_hash.len(), 64);
        assert_eq!(order.create_time, order.update_time);
    }
}

#[tokio::test]
async fn somebody_elses_order_is_not_found_like_one_that_does_not_exist() {
    let desk = Desk::open().await;
    let not_found = refused(Code::NotFound, "ORDER_NOT_FOUND", &[]);
    for stranger in desk.strangers() {
        assert_eq!(refusal(desk.client().get_order(stranger.request(get(desk.order_id)))).await, not_found);
        assert_eq!(refusal(desk.client().get_order_history(stranger.request(history(desk.order_id)))).await, not_found);
    }
    let [other_buyer, _] = desk.strangers();
    let request = other_buyer.request(cancel(desk.order_id, "1"));
    assert_eq!(refusal(desk.client().cancel_order(request)).await, not_found);

    let unknown = OrderId::generate();
    for bearer in [&desk.buyer, &desk.tokens.operator()] {
        assert_eq!(refusal(desk.client().get_order(bearer.request(get(unknown)))).await, not_found);
        assert_eq!(refusal(desk.client().get_order_history(bearer.request(history(unknown)))).await, not_found);
        assert_eq!(refusal(desk.client().cancel_order(bearer.request(cancel(unknown, "1")))).await, not_found);
    }
    assert_eq!(desk.get().await.status(), OrderStatus::Created);
}

#[tokio::test]
async fn a_malformed_or_missing_id_is_named_as_the_field_at_fault() {
    let desk = Desk::open().await;
    for order_id in ["", "17", "{01890a5d-ac96-774b-bcce-b302099a8057}", &"x".repeat(10_000)] {
        let order_id = order_id.to_owned();
        let at_fault = refused(Code::InvalidArgument, "INVALID_REQUEST", &["order_id"]);
        let request = desk.buyer.request(GetOrderRequest { order_id: order_id.clone(), terms_version: 0 });
        assert_eq!(refusal(desk.client().get_order(request)).await, at_fault);
        let request = desk.buyer.request(GetOrderHistoryRequest { order_id: order_id.clone() });
        assert_eq!(refusal(desk.client().get_order_history(request)).await, at_fault);
        let request = CancelOrderRequest { order_id, ..cancel(desk.order_id, "1") };
        assert_eq!(refusal(desk.client().cancel_order(desk.buyer.request(request))).await, at_fault);
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_good_token() {
    let desk = Desk::open().await;
    let request = Request::new(get(desk.order_id));
    assert_eq!(refusal(desk.client().get_order(request)).await, refused(Code::Unauthenticated, "TOKEN_MISSING", &[]));
    let buyer_id = desk.checkout.buyer_id.uuid();
    let expired = desk.tokens.expired(Role::Buyer, buyer_id).request(get(desk.order_id));
    assert_eq!(refusal(desk.client().get_order(expired)).await, refused(Code::Unauthenticated, "TOKEN_EXPIRED", &[]));
    let forged = Tokens::forger().buyer(buyer_id).request(cancel(desk.order_id, "1"));
    assert_eq!(refusal(desk.client().cancel_order(forged)).await, refused(Code::Unauthenticated, "TOKEN_INVALID", &[]));
    assert_eq!(desk.get().await.status(), OrderStatus::Created);
}

#[tokio::test]
async fn a_seller_or_a_service_may_not_cancel() {
    let desk = Desk::open().await;
    for bearer in [&desk.seller, &desk.tokens.service()] {
        let request = bearer.request(cancel(desk.order_id, "1"));
        let answer = refusal(desk.client().cancel_order(request)).await;
        assert_eq!(answer, refused(Code::PermissionDenied, "ROLE_MISSING", &[]));
    }
    let request = desk.tokens.service().request(history(desk.order_id));
    let answer = refusal(desk.client().get_order_history(request)).await;
    assert_eq!(answer, refused(Code::PermissionDenied, "ROLE_MISSING", &[]));
}

#[tokio::test]
async fn a_buyer_cancels_and_the_history_tells_who_and_why() {
    let desk = Desk::open().await;
    let request = CancelOrderRequest { note: "Changed my mind".to_owned(), ..cancel(desk.order_id, "first") };
    let answer = desk.client().cancel_order(desk.buyer.request(request.clone())).await.unwrap();
    let cancelled = answer.into_inner().order.unwrap();
    assert_eq!((cancelled.status(), cancelled.reason.as_str()), (OrderStatus::Cancelled, "CANCELLED_BY_BUYER"));
    assert_eq!(cancelled.version, 2);

    // The same request, and another one, which finds it cancelled.
    let again = desk.client().cancel_order(desk.buyer.request(request)).await.unwrap();
    assert_eq!(again.into_inner().order.unwrap(), cancelled);
    let another = desk.client().cancel_order(desk.buyer.request(cancel(desk.order_id, "second"))).await.unwrap();
    assert_eq!(another.into_inner().order.unwrap(), cancelled);

    let told = desk.office.told(desk.order_id, &["OrderCreated", "OrderCancelled"]).await;
    let event: contracts::orders::v1::OrderCancelled = told[1].decode().unwrap();
    assert_eq!((event.reason.as_str(), event.note.as_str()), ("CANCELLED_BY_BUYER", "Changed my mind"));
    assert_eq!((told[1].correlation_id, told[1].causation_id), (desk.checkout.id.uuid(), None));

    let answer = desk.client().get_order_history(desk.buyer.request(history(desk.order_id))).await.unwrap();
    let entries = answer.into_inner().entries;
    let steps: Vec<_> = entries.iter().map(|entry| (entry.version, entry.status())).collect();
    assert_eq!(steps, [(1, OrderStatus::Created), (2, OrderStatus::Cancelled)]);
    assert_eq!(entries[0].actor, "service:orders");
    assert_eq!(entries[1].actor, format!("buyer:{}", desk.checkout.buyer_id));
    assert_eq!((entries[0].causation_id.len(), entries[1].causation_id.as_str()), (36, ""));
    assert_eq!(entries[1].event_type, "tradewind.orders.v1.OrderCancelled");
    assert_eq!((entries[1].event_id.clone(), &entries[1].payload), (told[1].id.to_string(), &told[1].payload));
    assert_eq!(
        entries[1].hash,
        desk.office.order(desk.order_id).await.head.hash.map(|byte| format!("{byte:02x}")).concat()
    );
}

#[tokio::test]
async fn a_seller_reads_the_history_without_how_the_buyer_pays() {
    let desk = Desk::open().await;
    let read = async |bearer: &Bearer| {
        let answer = desk.client().get_order_history(bearer.request(history(desk.order_id))).await;
        answer.unwrap().into_inner().entries
    };
    let (for_seller, for_buyer) = (read(&desk.seller).await, read(&desk.buyer).await);
    assert!(for_buyer[0].payload.windows(12).any(|bytes| bytes == b"tok_approved"));
    assert_eq!(for_seller[0].payload, b"");
    assert_eq!(for_seller[0].hash, for_buyer[0].hash);
    assert_eq!(read(&desk.tokens.operator()).await, for_buyer);
}

#[tokio::test]
async fn an_operator_cancels_in_their_own_name() {
    let desk = Desk::open().await;
    let request = desk.tokens.operator().request(cancel(desk.order_id, "1"));
    let order = desk.client().cancel_order(request).await.unwrap().into_inner().order.unwrap();
    assert_eq!(order.reason, "CANCELLED_BY_OPERATOR");
    let answer = desk.client().get_order_history(desk.buyer.request(history(desk.order_id))).await.unwrap();
    assert!(answer.into_inner().entries[1].actor.starts_with("operator:"));
}

#[tokio::test]
async fn a_confirmed_order_can_be_cancelled_and_a_paid_one_cannot() {
    let desk = Desk::open().await;
    let confirmed = desk.order_id;
    desk.office.hear(&[authorized(confirmed), committed(confirmed)]).await;
    let answer = desk.client().cancel_order(desk.buyer.request(cancel(confirmed, "1"))).await.unwrap();
    assert_eq!(answer.into_inner().order.unwrap().fulfilment_status(), OrderFulfilmentStatus::Allocated);

    let mut checkout = Checkout::new(1);
    checkout.buyer_id = desk.checkout.buyer_id;
    let paid = checkout.order_ids[0];
    desk.office.hear(&[checkout.submitted(), authorized(paid), committed(paid), captured(paid)]).await;
    let not_cancellable = refused(Code::FailedPrecondition, "ORDER_NOT_CANCELLABLE", &[]);
    // Refusals are not stored: the same request_id may be tried again.
    for _ in 0..2 {
        let request = desk.buyer.request(cancel(paid, "2"));
        assert_eq!(refusal(desk.client().cancel_order(request)).await, not_cancellable);
    }
    desk.office.told(paid, &["OrderCreated", "OrderConfirmed", "OrderPaid"]).await;
}

#[tokio::test]
async fn a_request_id_names_one_request_and_has_1_to_64_characters() {
    let desk = Desk::open().await;
    desk.client().cancel_order(desk.buyer.request(cancel(desk.order_id, "mine"))).await.unwrap();
    let other_body = CancelOrderRequest { note: "another".to_owned(), ..cancel(desk.order_id, "mine") };
    let answer = refusal(desk.client().cancel_order(desk.buyer.request(other_body))).await;
    assert_eq!(answer, refused(Code::InvalidArgument, "REQUEST_ID_REUSED", &["request_id"]));
    for request_id in [String::new(), "x".repeat(65)] {
        let request = desk.buyer.request(cancel(desk.order_id, &request_id));
        let answer = refusal(desk.client().cancel_order(request)).await;
        assert_eq!(answer, refused(Code::InvalidArgument, "INVALID_REQUEST", &["request_id"]));
    }
}

#[tokio::test]
async fn every_field_at_fault_of_a_cancellation_is_named_at_once() {
    let desk = Desk::open().await;
    let request = CancelOrderRequest { request_id: String::new(), order_id: "?".to_owned(), note: "x".repeat(501) };
    let answer = refusal(desk.client().cancel_order(desk.buyer.request(request))).await;
    assert_eq!(answer, refused(Code::InvalidArgument, "INVALID_REQUEST", &["request_id", "order_id", "note"]));

    let longest = CancelOrderRequest { note: "ü".repeat(500), ..cancel(desk.order_id, "1") };
    desk.client().cancel_order(desk.buyer.request(longest)).await.unwrap();
}

#[tokio::test]
async fn a_page_token_of_another_list_is_refused() {
    let desk = Desk::open().await;
    let mut checkout = Checkout::new(1);
    checkout.buyer_id = desk.checkout.buyer_id;
    desk.office.hear(&[checkout.submitted()]).await;
    desk.office.viewed(0).await;
    let first = ListOrdersRequest { page_size: 1, ..of_buyer(desk.checkout.buyer_id) };
    let answer = desk.client().list_orders(desk.buyer.request(first.clone())).await.unwrap().into_inner();
    let page_token = answer.next_page_token;
    assert!(!page_token.is_empty());

    let refused = refused(Code::InvalidArgument, "PAGE_TOKEN_INVALID", &["page_token"]);
    let other_filter =
        ListOrdersRequest { statuses: vec![OrderStatus::Paid.into()], page_token: page_token.clone(), ..first.clone() };
    assert_eq!(refusal(desk.client().list_orders(desk.buyer.request(other_filter))).await, refused);
    let made_up = ListOrdersRequest { page_token: "made-up".to_owned(), ..first.clone() };
    assert_eq!(refusal(desk.client().list_orders(desk.buyer.request(made_up))).await, refused);
    // Another size is the same list.
    let wider = ListOrdersRequest { page_token, page_size: 50, ..first };
    desk.client().list_orders(desk.buyer.request(wider)).await.unwrap();
}

#[tokio::test]
async fn a_list_is_of_exactly_one_buyer_or_seller() {
    let desk = Desk::open().await;
    let (buyer_id, seller_id) = (desk.checkout.buyer_id.to_string(), desk.checkout.seller_ids[0].to_string());
    let ask = async |request: ListOrdersRequest| {
        refusal(desk.client().list_orders(desk.tokens.operator().request(request))).await
    };
    let invalid = |fields: &[&str]| refused(Code::InvalidArgument, "INVALID_REQUEST", fields);
    assert_eq!(ask(ListOrdersRequest::default()).await, invalid(&["buyer_id"]));
    let both = ListOrdersRequest { buyer_id, seller_id, ..ListOrdersRequest::default() };
    assert_eq!(ask(both).await, invalid(&["seller_id"]));
    let all_wrong = ListOrdersRequest {
        seller_id: "?".to_owned(),
        statuses: vec![3, 99],
        page_size: 101,
        sort: 9,
        sku: "a mug".to_owned(),
        ..ListOrdersRequest::default()
    };
    assert_eq!(ask(all_wrong).await, invalid(&["seller_id", "statuses[1]", "page_size", "sort", "sku"]));
    let negative = ListOrdersRequest { page_size: -1, ..of_buyer(desk.checkout.buyer_id) };
    assert_eq!(ask(negative).await, invalid(&["page_size"]));
}

#[tokio::test]
async fn somebody_elses_list_is_denied() {
    let desk = Desk::open().await;
    let buyers = of_buyer(desk.checkout.buyer_id);
    let sellers =
        ListOrdersRequest { seller_id: desk.checkout.seller_ids[0].to_string(), ..ListOrdersRequest::default() };
    for stranger in desk.strangers() {
        let answer = refusal(desk.client().list_orders(stranger.request(buyers.clone()))).await;
        assert_eq!(answer, refused(Code::PermissionDenied, "NOT_YOURS", &["buyer_id"]));
        let answer = refusal(desk.client().list_orders(stranger.request(sellers.clone()))).await;
        assert_eq!(answer, refused(Code::PermissionDenied, "NOT_YOURS", &["seller_id"]));
    }
    // The order's own seller does not see what else its buyer buys.
    let answer = refusal(desk.client().list_orders(desk.seller.request(buyers))).await;
    assert_eq!(answer, refused(Code::PermissionDenied, "NOT_YOURS", &["buyer_id"]));
}
