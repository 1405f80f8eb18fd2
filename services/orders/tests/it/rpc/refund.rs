//! `RequestRefund`: who may ask, and what is answered.

use contracts::orders::v1::{Order, OrderHistoryEntry, OrderStatus, RequestRefundRequest};
use orders::domain::ids::OrderId;
use testkit::Bearer;
use tonic::Code;

use super::{Desk, history, refusal, refused};
use crate::back_office::{authorized, captured, committed, refunded, stopped};

fn refund(order_id: OrderId, request_id: &str) -> RequestRefundRequest {
    RequestRefundRequest { request_id: request_id.to_owned(), order_id: order_id.to_string() }
}

async fn asked(desk: &Desk, bearer: &Bearer, request_id: &str) -> Order {
    let answer = desk.client().request_refund(bearer.request(refund(desk.order_id, request_id))).await;
    answer.unwrap().into_inner().order.unwrap()
}

async fn paid() -> Desk {
    let desk = Desk::open().await;
    let order_id = desk.order_id;
    desk.office.hear(&[authorized(order_id), committed(order_id), captured(order_id)]).await;
    desk
}

#[tokio::test]
async fn a_buyer_gets_the_money_back_and_the_history_tells_how() {
    let desk = paid().await;
    let order = asked(&desk, &desk.buyer, "once").await;
    assert_eq!((order.status(), order.refund_requested, order.version), (OrderStatus::Paid, true, 4));
    // The same request is answered as before, and another one finds it under way.
    assert_eq!(asked(&desk, &desk.buyer, "once").await, order);
    assert_eq!(asked(&desk, &desk.tokens.operator(), "twice").await, order);
    desk.office.hear(&[stopped(desk.order_id), refunded(desk.order_id)]).await;
    assert_eq!(asked(&desk, &desk.buyer, "once").await, order);
    let order = asked(&desk, &desk.buyer, "again").await;
    assert_eq!((order.status(), order.refund_requested, order.version), (OrderStatus::Refunded, false, 6));

    let answer = desk.client().get_order_history(desk.buyer.request(history(desk.order_id))).await.unwrap();
    let entries = answer.into_inner().entries;
    let statuses: Vec<_> = entries.iter().map(OrderHistoryEntry::status).collect();
    let paid = OrderStatus::Paid;
    let expected = [OrderStatus::Created, OrderStatus::Confirmed, paid, paid, paid, OrderStatus::Refunded];
    assert_eq!(statuses, expected);
    assert_eq!(entries[3].actor, format!("buyer:{}", desk.checkout.buyer_id));
    assert_eq!(entries[4].causation_id.len(), 36);
}

#[tokio::test]
async fn an_order_that_is_not_paid_is_not_refunded() {
    let desk = Desk::open().await;
    let not_refundable = refused(Code::FailedPrecondition, "ORDER_NOT_REFUNDABLE", &[]);
    let ask = async || {
        let request = desk.buyer.request(refund(desk.order_id, "1"));
        refusal(desk.client().request_refund(request)).await
    };
    assert_eq!(ask().await, not_refundable);
    desk.office.hear(&[authorized(desk.order_id), committed(desk.order_id)]).await;
    // Refusals are not stored: the same request_id may be tried again.
    assert_eq!(ask().await, not_refundable);
    desk.office.told(desk.order_id, &["OrderCreated", "OrderConfirmed"]).await;
}

#[tokio::test]
async fn nobody_but_its_buyer_and_operators_may_ask() {
    let desk = paid().await;
    let request = desk.seller.request(refund(desk.order_id, "1"));
    let (code, ..) = refusal(desk.client().request_refund(request)).await;
    assert_eq!(code, Code::PermissionDenied);
    let [stranger, _] = desk.strangers();
    let request = stranger.request(refund(desk.order_id, "1"));
    let (code, reason, _) = refusal(desk.client().request_refund(request)).await;
    assert_eq!((code, reason.as_str()), (Code::NotFound, "ORDER_NOT_FOUND"));
    desk.office.told(desk.order_id, &["OrderCreated", "OrderConfirmed", "OrderPaid"]).await;
}

#[tokio::test]
async fn every_field_at_fault_of_a_refund_is_named_at_once() {
    let desk = Desk::open().await;
    let request = RequestRefundRequest { request_id: "x".repeat(65), order_id: "?".to_owned() };
    let answer = refusal(desk.client().request_refund(desk.buyer.request(request))).await;
    assert_eq!(answer, refused(Code::InvalidArgument, "INVALID_REQUEST", &["request_id", "order_id"]));
}
