//! The refund saga: facts of shipping, payments and inventory come in over Kafka, and orders draw the conclusion.

use contracts::orders::v1 as wire;
use kernel::Classified;
use orders::domain::status::{FulfilmentStatus, Milestone, PaymentStatus};

use crate::back_office::{BackOffice, captured, dispatched, not_stopped, refunded, released, stopped};

#[tokio::test]
async fn a_paid_order_is_refunded_once_its_parcels_are_stopped() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.confirmed_order().await;
    office.hear(&[captured(order_id)]).await;
    assert!(office.request_refund(order_id).await.unwrap().refund_requested);
    // Once more, while it is under way.
    assert!(office.request_refund(order_id).await.unwrap().refund_requested);
    office.hear(&[stopped(order_id), stopped(order_id), released(order_id)]).await;
    let back = FulfilmentStatus::Released;
    office.assert_stands(order_id, Milestone::Paid, PaymentStatus::Captured, back).await;
    office.hear(&[refunded(order_id), refunded(order_id)]).await;
    office.assert_stands(order_id, Milestone::Refunded, PaymentStatus::Refunded, back).await;
    assert!(!office.request_refund(order_id).await.unwrap().refund_requested);

    let expected =
        ["OrderCreated", "OrderConfirmed", "OrderPaid", "RefundRequested", "RefundApproved", "OrderRefunded"];
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
