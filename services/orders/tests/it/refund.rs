//! The refund saga: facts of shipping, payments and inventory come in over Kafka, and orders draw the conclusion.

use contracts::orders::v1 as wire;
use kernel::Classified;
use orders::domain::refund::{RefundRequest, RefundStatus, Units};
use orders::domain::status::{FulfilmentStatus, Milestone, PaymentStatus};

use crate::back_office::{BackOffice, euro};
use crate::others::{
    captured, dispatched, lost, not_stopped, refund_failed, refunded, refunded_part, released, returned, stopped,
};

/// Everything that is ordered in these tests: two mugs for 29.75, a spoon for 5.95, and 4.90 for shipping.
const ALL: &[(&str, i64)] = &[("MUG-BLUE", 2), ("SPOON", 1)];

fn sent_back(lines: &[(&str, i64)]) -> RefundRequest {
    let units: Units = lines.iter().map(|(sku, quantity)| (sku.parse().unwrap(), *quantity)).collect();
    RefundRequest::AfterReturn(units)
}

#[tokio::test]
async fn a_paid_order_is_refunded_once_its_parcels_are_stopped() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.confirmed_order().await;
    office.hear(&[captured(order_id)]).await;
    assert_eq!(office.request_refund(order_id).await.unwrap().refunds.len(), 1);
    // Once more, while it is under way.
    assert_eq!(office.request_refund(order_id).await.unwrap().refunds.len(), 1);
    office.hear(&[stopped(order_id), stopped(order_id), released(order_id)]).await;
    let back = FulfilmentStatus::Released;
    office.assert_stands(order_id, Milestone::Paid, PaymentStatus::Captured, back).await;
    office.hear(&[refunded(order_id), refunded(order_id)]).await;
    office.assert_stands(order_id, Milestone::Refunded, PaymentStatus::Refunded, back).await;
    assert_eq!(office.request_refund(order_id).await.unwrap().refunds[0].status, RefundStatus::Refunded);

    let expected = [
        "OrderCreated",
        "OrderConfirmed",
        "OrderPaid",
        "RefundRequested",
        "RefundApproved",
        "RefundCompleted",
        "OrderRefunded",
    ];
    let told = office.told(order_id, &expected).await;
    let created: wire::OrderCreated = told[0].decode().unwrap();
    assert_eq!(told[3].decode::<wire::RefundRequested>().unwrap().amount, created.total);
    assert_eq!(told[4].decode::<wire::RefundApproved>().unwrap().amount, created.total);
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn a_refund_that_comes_too_late_is_rejected_and_the_order_goes_on() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.confirmed_order().await;
    office.hear(&[captured(order_id)]).await;
    office.request_refund(order_id).await.unwrap();
    office.hear(&[dispatched(order_id, true), not_stopped(order_id), not_stopped(order_id)]).await;
    let shipped = FulfilmentStatus::Shipped;
    office.assert_stands(order_id, Milestone::Shipped, PaymentStatus::Captured, shipped).await;
    let expected = ["OrderCreated", "OrderConfirmed", "OrderPaid", "RefundRequested", "OrderShipped", "RefundRejected"];
    let told = office.told(order_id, &expected).await;
    assert_eq!(told[5].decode::<wire::RefundRejected>().unwrap().reason, "ALREADY_DISPATCHED");
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn what_was_not_paid_or_has_left_is_not_refunded() {
    let (office, _replica) = BackOffice::open().await;
    let (unpaid, shipped) = (office.new_order().await, office.confirmed_order().await);
    office.hear(&[captured(shipped), dispatched(shipped, false)]).await;
    let in_cash = office.confirmed_order_in_cash().await;
    for order_id in [unpaid, shipped, in_cash] {
        let refusal = office.request_refund(order_id).await.unwrap_err();
        assert_eq!(refusal.reason(), "ORDER_NOT_REFUNDABLE");
    }
}

#[tokio::test]
async fn several_refunds_of_parts_come_to_all_that_was_paid() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.delivered_order().await;
    office.ask_back(order_id, sent_back(&[("MUG-BLUE", 1)])).await.unwrap();
    office.ask_back(order_id, RefundRequest::Goodwill(euro(300))).await.unwrap();
    let expected = [(RefundStatus::Requested, 1_487), (RefundStatus::Approved, 300)];
    assert_eq!(office.refunds(order_id).await, expected);
    let more = office.ask_back(order_id, RefundRequest::Goodwill(euro(4_060 - 1_487 - 300 + 1))).await;
    assert_eq!(more.unwrap_err().reason(), "MORE_THAN_PAID");
    office.hear(&[refunded_part(order_id, 2, 300, 300), returned(order_id, &[("MUG-BLUE", 1)], true)]).await;
    office.hear(&[refunded_part(order_id, 1, 1_487, 1_787)]).await;
    let arrived = FulfilmentStatus::Delivered;
    office.assert_stands(order_id, Milestone::Delivered, PaymentStatus::Captured, arrived).await;
    let rest = RefundRequest::Goodwill(euro(4_060 - 1_787));
    office.ask_back(order_id, rest).await.unwrap();
    office.hear(&[refunded_part(order_id, 3, 4_060 - 1_787, 4_060)]).await;
    office.assert_stands(order_id, Milestone::Refunded, PaymentStatus::Refunded, arrived).await;
    let history = office.history(order_id).await;
    let told = |what| history.iter().filter(|event| *event == what).count();
    assert_eq!((told("RefundCompleted"), told("OrderRefunded")), (3, 1));
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn goods_that_are_sent_back_are_paid_back_as_far_as_they_are_accepted() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.delivered_order().await;
    office.ask_back(order_id, sent_back(ALL)).await.unwrap();
    assert_eq!(office.refunds(order_id).await, [(RefundStatus::Requested, 4_060)]);
    let received = [returned(order_id, &[("SPOON", 1)], false), returned(order_id, &[("SPOON", 1)], true)];
    office.hear(&received).await;
    office.hear(&[returned(order_id, &[("SPOON", 1)], true)]).await;
    assert_eq!(office.refunds(order_id).await, [(RefundStatus::Approved, 595)]);
    let approvals = office.history(order_id).await.into_iter().filter(|event| event == "RefundApproved").count();
    assert_eq!(approvals, 1);
    assert!(office.parked().await.is_empty());
}

#[tokio::test]
async fn a_return_that_is_not_accepted_is_rejected() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.delivered_order().await;
    office.ask_back(order_id, sent_back(ALL)).await.unwrap();
    office.hear(&[returned(order_id, &[], true)]).await;
    assert_eq!(office.refunds(order_id).await, [(RefundStatus::Rejected, 4_060)]);
    let refund = office.order(order_id).await.refunds.remove(0);
    assert_eq!(refund.reason.as_deref(), Some("RETURN_NOT_ACCEPTED"));
}

#[tokio::test]
async fn a_lost_parcel_is_paid_back_and_the_rest_is_delivered() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.paid_order().await;
    office.hear(&[dispatched(order_id, true), lost(order_id, &[("SPOON", 1)], true)]).await;
    assert_eq!(office.refunds(order_id).await, [(RefundStatus::Approved, 595)]);
    office.hear(&[refunded_part(order_id, 1, 595, 595)]).await;
    let arrived = FulfilmentStatus::Delivered;
    office.assert_stands(order_id, Milestone::Delivered, PaymentStatus::Captured, arrived).await;
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn a_refund_that_the_provider_refuses_is_shown_until_it_is_done() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.paid_order().await;
    office.request_refund(order_id).await.unwrap();
    office.hear(&[stopped(order_id), refund_failed(order_id), refund_failed(order_id)]).await;
    assert_eq!(office.refunds(order_id).await, [(RefundStatus::Failed, 4_060)]);
    office.hear(&[released(order_id), refunded(order_id)]).await;
    assert_eq!(office.refunds(order_id).await, [(RefundStatus::Refunded, 4_060)]);
    assert!(office.parked().await.is_empty());
}
