//! `RequestRefund`: who may ask, and what is answered.

use contracts::google::r#type::Money;
use contracts::orders::v1::{
    GetOrderRequest, Order, OrderHistoryEntry, OrderStatus, RefundKind, RefundStatus, RequestRefundRequest, ReturnLine,
};
use orders::domain::ids::OrderId;
use testkit::Bearer;
use tonic::Code;

use super::{Desk, history, refusal, refused};
use crate::others::{
    authorized, captured, committed, delivered, dispatched, refunded, refunded_part, returned, stopped,
};

fn refund(order_id: OrderId, request_id: &str) -> RequestRefundRequest {
    let request_id = request_id.to_owned();
    RequestRefundRequest { request_id, order_id: order_id.to_string(), ..RequestRefundRequest::default() }
}

async fn asked(desk: &Desk, bearer: &Bearer, request_id: &str) -> Order {
    let answer = desk.client().request_refund(bearer.request(refund(desk.order_id, request_id))).await;
    answer.unwrap().into_inner().order.unwrap()
}

fn refund_of(order: &Order) -> RefundStatus {
    order.refunds[0].status()
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
    assert_eq!((order.status(), refund_of(&order), order.version), (OrderStatus::Paid, RefundStatus::Requested, 4));
    // The same request is answered as before, and another one finds it under way.
    assert_eq!(asked(&desk, &desk.buyer, "once").await, order);
    assert_eq!(asked(&desk, &desk.tokens.operator(), "twice").await, order);
    desk.office.hear(&[stopped(desk.order_id), refunded(desk.order_id)]).await;
    assert_eq!(asked(&desk, &desk.buyer, "once").await, order);
    let order = asked(&desk, &desk.buyer, "again").await;
    assert_eq!((order.status(), refund_of(&order), order.version), (OrderStatus::Refunded, RefundStatus::Refunded, 7));

    let answer = desk.client().get_order_history(desk.buyer.request(history(desk.order_id))).await.unwrap();
    let entries = answer.into_inner().entries;
    let statuses: Vec<_> = entries.iter().map(OrderHistoryEntry::status).collect();
    let paid = OrderStatus::Paid;
    let expected = [OrderStatus::Created, OrderStatus::Confirmed, paid, paid, paid, paid, OrderStatus::Refunded];
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
async fn each_may_ask_for_what_is_theirs_to_ask_for() {
    let desk = paid().await;
    let goodwill = RequestRefundRequest {
        kind: RefundKind::Goodwill.into(),
        amount: Some(Money { currency_code: "EUR".to_owned(), units: 1, nanos: 0 }),
        ..refund(desk.order_id, "2")
    };
    for (bearer, request) in [(&desk.seller, refund(desk.order_id, "1")), (&desk.buyer, goodwill.clone())] {
        let (code, reason, _) = refusal(desk.client().request_refund(bearer.request(request))).await;
        assert_eq!((code, reason.as_str()), (Code::PermissionDenied, "NOT_YOURS_TO_GRANT"));
    }
    // The seller may, but not before everything has left.
    let (code, reason, _) = refusal(desk.client().request_refund(desk.seller.request(goodwill))).await;
    assert_eq!((code, reason.as_str()), (Code::FailedPrecondition, "ORDER_NOT_REFUNDABLE"));
    let [stranger, _] = desk.strangers();
    let request = stranger.request(refund(desk.order_id, "1"));
    let (code, reason, _) = refusal(desk.client().request_refund(request)).await;
    assert_eq!((code, reason.as_str()), (Code::NotFound, "ORDER_NOT_FOUND"));
    desk.office.told(desk.order_id, &["OrderCreated", "OrderConfirmed", "OrderPaid"]).await;
}

#[tokio::test]
async fn goods_are_sent_back_and_the_order_says_how_far_that_is() {
    let desk = paid().await;
    desk.office.hear(&[dispatched(desk.order_id, true), delivered(desk.order_id, true)]).await;
    let back = |sku: &str, quantity, request_id| RequestRefundRequest {
        kind: RefundKind::AfterReturn.into(),
        lines: vec![ReturnLine { sku: sku.to_owned(), quantity }],
        note: "it is chipped".to_owned(),
        ..refund(desk.order_id, request_id)
    };
    for (request, expected) in [(back("POT", 1, "1"), "NOT_IN_ORDER"), (back("SPOON", 2, "1"), "MORE_THAN_DELIVERED")] {
        let (code, reason, _) = refusal(desk.client().request_refund(desk.buyer.request(request))).await;
        assert_eq!((code, reason.as_str()), (Code::FailedPrecondition, expected));
    }
    let answer = desk.client().request_refund(desk.buyer.request(back("SPOON", 1, "1"))).await.unwrap();
    let order = answer.into_inner().order.unwrap();
    let asked = &order.refunds[0];
    let expected = (1, RefundKind::AfterReturn, RefundStatus::Requested);
    assert_eq!((asked.refund_number, asked.kind(), asked.status()), expected);
    let money = |money: &Option<Money>| money.as_ref().map(|money| (money.units, money.nanos));
    assert_eq!(money(&asked.amount), Some((5, 950_000_000)));
    assert_eq!((asked.lines[0].sku.as_str(), asked.lines[0].quantity), ("SPOON", 1));
    assert!(order.close_time.is_some());
}

#[tokio::test]
async fn goods_are_exchanged_and_both_orders_say_so() {
    let desk = paid().await;
    desk.office.hear(&[dispatched(desk.order_id, true), delivered(desk.order_id, true)]).await;
    let exchange = |sku: &str, quantity| RequestRefundRequest {
        kind: RefundKind::Exchange.into(),
        lines: vec![ReturnLine { sku: sku.to_owned(), quantity }],
        note: "it is chipped".to_owned(),
        ..refund(desk.order_id, "1")
    };
    let request = desk.seller.request(exchange("SPOON", 1));
    let (code, reason, _) = refusal(desk.client().request_refund(request)).await;
    assert_eq!((code, reason.as_str()), (Code::PermissionDenied, "NOT_YOURS_TO_GRANT"));
    for (request, expected) in [(exchange("POT", 1), "NOT_IN_ORDER"), (exchange("SPOON", 2), "MORE_THAN_DELIVERED")] {
        let (code, reason, _) = refusal(desk.client().request_refund(desk.buyer.request(request))).await;
        assert_eq!((code, reason.as_str()), (Code::FailedPrecondition, expected));
    }
    let without_lines = RequestRefundRequest { lines: Vec::new(), ..exchange("SPOON", 1) };
    let (code, ..) = refusal(desk.client().request_refund(desk.buyer.request(without_lines))).await;
    assert_eq!(code, Code::InvalidArgument);

    let ask = async || {
        let answer = desk.client().request_refund(desk.buyer.request(exchange("SPOON", 1))).await.unwrap();
        answer.into_inner().order.unwrap()
    };
    let order = ask().await;
    assert_eq!(ask().await, order, "the same request");
    let asked = &order.refunds[0];
    assert_eq!((asked.kind(), asked.status()), (RefundKind::Exchange, RefundStatus::Requested));
    assert_eq!(asked.exchange_order_id, "", "there is no such order yet");
    let (spoon, id) = (&[("SPOON", 1)], desk.order_id);
    desk.office.hear(&[returned(id, spoon, true), refunded_part(id, 1, 595, 595)]).await;
    let order = desk.get().await;
    let new_id = &order.refunds[0].exchange_order_id;
    assert_eq!(refund_of(&order), RefundStatus::Refunded);
    let request = GetOrderRequest { order_id: new_id.clone(), ..GetOrderRequest::default() };
    let answer = desk.client().get_order(desk.buyer.request(request)).await.unwrap();
    let new = answer.into_inner().order.unwrap();
    assert_eq!((new.status(), &new.exchange_for_order_id), (OrderStatus::Created, &order.order_id));
    assert_eq!((new.cash_on_delivery, new.lines[0].sku.as_str()), (false, "SPOON"));
}

#[tokio::test]
async fn units_are_asked_back_before_they_leave_once_for_each_request() {
    let desk = paid().await;
    let part = |lines: &[(&str, i64)], request_id| RequestRefundRequest {
        kind: RefundKind::BeforeDispatch.into(),
        lines: lines.iter().map(|(sku, quantity)| ReturnLine { sku: (*sku).to_owned(), quantity: *quantity }).collect(),
        ..refund(desk.order_id, request_id)
    };
    for (lines, expected) in [
        (&[("POT", 1)][..], "NOT_IN_ORDER"),
        (&[("MUG-BLUE", 3)], "MORE_THAN_ORDERED"),
        (&[("MUG-BLUE", 1), ("SPOON", 2)], "MORE_THAN_ORDERED"),
    ] {
        let (code, reason, _) = refusal(desk.client().request_refund(desk.buyer.request(part(lines, "1")))).await;
        assert_eq!((code, reason.as_str()), (Code::FailedPrecondition, expected));
    }
    let (code, reason, _) =
        refusal(desk.client().request_refund(desk.seller.request(part(&[("SPOON", 1)], "1")))).await;
    assert_eq!((code, reason.as_str()), (Code::PermissionDenied, "NOT_YOURS_TO_GRANT"));

    let ask = async |request: RequestRefundRequest| {
        desk.client().request_refund(desk.buyer.request(request)).await.unwrap().into_inner().order.unwrap()
    };
    let order = ask(part(&[("MUG-BLUE", 1)], "1")).await;
    let asked = &order.refunds[0];
    assert_eq!((asked.kind(), asked.status()), (RefundKind::BeforeDispatch, RefundStatus::Requested));
    assert_eq!((asked.lines[0].sku.as_str(), asked.lines[0].quantity), ("MUG-BLUE", 1));
    // An answer that was lost is given again; another request asks for another mug, of which there is one more.
    assert_eq!(ask(part(&[("MUG-BLUE", 1)], "1")).await, order);
    assert_eq!(ask(part(&[("MUG-BLUE", 1)], "2")).await.refunds.len(), 2);
    let (_, reason, _) = refusal(desk.client().request_refund(desk.buyer.request(part(&[("MUG-BLUE", 1)], "3")))).await;
    assert_eq!(reason, "MORE_THAN_ORDERED");
}

#[tokio::test]
async fn every_field_at_fault_of_a_refund_is_named_at_once() {
    let desk = Desk::open().await;
    let request = RequestRefundRequest {
        request_id: "x".repeat(65),
        order_id: "?".to_owned(),
        note: "x".repeat(501),
        ..RequestRefundRequest::default()
    };
    let answer = refusal(desk.client().request_refund(desk.buyer.request(request))).await;
    assert_eq!(answer, refused(Code::InvalidArgument, "INVALID_REQUEST", &["request_id", "order_id", "note"]));

    let line = |sku: &str, quantity| ReturnLine { sku: sku.to_owned(), quantity };
    let ask = |kind: RefundKind| RequestRefundRequest { kind: kind.into(), ..refund(desk.order_id, "1") };
    let after_return = |lines| RequestRefundRequest { lines, ..ask(RefundKind::AfterReturn) };
    let before_dispatch = |lines| RequestRefundRequest { lines, ..ask(RefundKind::BeforeDispatch) };
    let of = |cents: i64| {
        let nanos = i32::try_from(cents * 10_000_000).unwrap();
        Some(Money { currency_code: "EUR".to_owned(), units: 0, nanos })
    };
    for (request, field) in [
        (RequestRefundRequest { kind: 99, ..refund(desk.order_id, "1") }, "kind"),
        (ask(RefundKind::ParcelFailed), "kind"),
        (after_return(vec![]), "lines"),
        (after_return(vec![line("", 1)]), "lines[0].sku"),
        (after_return(vec![line("SPOON", 0)]), "lines[0].quantity"),
        (after_return(vec![line("SPOON", 1), line("SPOON", 1)]), "lines[1].sku"),
        (before_dispatch(vec![line("SPOON", 0)]), "lines[0].quantity"),
        (before_dispatch(vec![line("SPOON", -1)]), "lines[0].quantity"),
        (before_dispatch(vec![line("SPOON", 1), line("?", 1)]), "lines[1].sku"),
        (before_dispatch(vec![line("SPOON", 1), line("SPOON", 1)]), "lines[1].sku"),
        (RequestRefundRequest { lines: vec![line("SPOON", 1)], amount: of(1), ..ask(RefundKind::Goodwill) }, "lines"),
        (RequestRefundRequest { amount: of(1), ..ask(RefundKind::BeforeDispatch) }, "amount"),
        (ask(RefundKind::Goodwill), "amount"),
        (RequestRefundRequest { amount: of(0), ..ask(RefundKind::Goodwill) }, "amount"),
        (RequestRefundRequest { amount: of(-1), ..ask(RefundKind::Goodwill) }, "amount"),
    ] {
        let answer = refusal(desk.client().request_refund(desk.tokens.operator().request(request))).await;
        assert_eq!(answer, refused(Code::InvalidArgument, "INVALID_REQUEST", &[field]));
    }
}
