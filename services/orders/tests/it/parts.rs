//! Parts of an order that are asked back before they leave: over Kafka, to their end.

use contracts::orders::v1 as wire;
use kernel::Classified as _;
use orders::domain::refund::{RefundRequest, RefundStatus};
use orders::domain::status::{FulfilmentStatus, Milestone, PaymentStatus};

use crate::back_office::BackOffice;
use crate::others::{
    delivered, dispatched, part_not_stopped, part_stopped, refunded_part, released, released_in_part, stopped,
};

const GOING_ON: (bool, bool) = (false, false);

fn part(lines: &[(&str, i64)]) -> RefundRequest {
    RefundRequest::PartBeforeDispatch(lines.iter().map(|(sku, units)| (sku.parse().unwrap(), *units)).collect())
}

#[tokio::test]
async fn an_order_of_which_a_part_is_stopped_goes_on_with_the_rest() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.paid_order().await;
    let mug = &[("MUG-BLUE", 1)];
    office.ask_back(order_id, part(mug)).await.unwrap();
    let stopped = part_stopped(order_id, 1, mug, GOING_ON);
    // Inventory has heard from shipping before us.
    office
        .hear(&[released_in_part(order_id, true), stopped.clone(), stopped, refunded_part(order_id, 1, 1_487, 1_487)])
        .await;
    let here = FulfilmentStatus::Allocated;
    office.assert_stands(order_id, Milestone::Paid, PaymentStatus::Captured, here).await;
    assert_eq!(office.refunds(order_id).await, [(RefundStatus::Refunded, 1_487)]);
    office.hear(&[dispatched(order_id, true), delivered(order_id, true)]).await;
    let arrived = FulfilmentStatus::Delivered;
    office.assert_stands(order_id, Milestone::Delivered, PaymentStatus::Captured, arrived).await;
    let expected = [
        "OrderCreated",
        "OrderConfirmed",
        "OrderPaid",
        "RefundRequested",
        "RefundApproved",
        "RefundCompleted",
        "OrderShipped",
        "OrderDelivered",
    ];
    let told = office.told(order_id, &expected).await;
    let requested: wire::RefundRequested = told[3].decode().unwrap();
    assert_eq!((requested.kind(), requested.refund_number), (wire::RefundKind::BeforeDispatch, 1));
    assert_eq!((requested.lines[0].sku.as_str(), requested.lines[0].quantity), ("MUG-BLUE", 1));
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn an_order_that_is_stopped_part_by_part_is_refunded_like_a_whole_one() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.paid_order().await;
    office.ask_back(order_id, part(&[("MUG-BLUE", 1)])).await.unwrap();
    office.ask_back(order_id, part(&[("MUG-BLUE", 1), ("SPOON", 1)])).await.unwrap();
    // Nothing is left to ask for.
    assert_eq!(office.request_refund(order_id).await.unwrap().refunds.len(), 2);
    office.hear(&[part_stopped(order_id, 1, &[("MUG-BLUE", 1)], GOING_ON)]).await;
    office.hear(&[released_in_part(order_id, true), refunded_part(order_id, 1, 1_487, 1_487)]).await;
    let last = part_stopped(order_id, 2, &[("MUG-BLUE", 1), ("SPOON", 1)], GOING_ON);
    office.hear(&[released(order_id), last]).await;
    // The odd cent and the shipping go with the last unit.
    assert_eq!(
        office.refunds(order_id).await,
        [(RefundStatus::Refunded, 1_487), (RefundStatus::Approved, 4_060 - 1_487)]
    );
    office.hear(&[refunded_part(order_id, 2, 4_060 - 1_487, 4_060)]).await;
    let back = FulfilmentStatus::Released;
    office.assert_stands(order_id, Milestone::Refunded, PaymentStatus::Refunded, back).await;
    assert_eq!(office.close().await, 1);
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn after_a_part_all_the_rest_can_be_stopped() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.paid_order().await;
    office.ask_back(order_id, part(&[("SPOON", 1)])).await.unwrap();
    office.request_refund(order_id).await.unwrap();
    // What is asked back as a whole has no units left for others.
    let refusal = office.ask_back(order_id, part(&[("MUG-BLUE", 1)])).await.unwrap_err();
    assert_eq!(refusal.reason(), "MORE_THAN_ORDERED");
    office.hear(&[part_stopped(order_id, 1, &[("SPOON", 1)], GOING_ON), stopped(order_id), released(order_id)]).await;
    assert_eq!(office.refunds(order_id).await, [(RefundStatus::Approved, 595), (RefundStatus::Approved, 4_060 - 595)]);
    office.hear(&[refunded_part(order_id, 1, 595, 595), refunded_part(order_id, 2, 4_060 - 595, 4_060)]).await;
    let back = FulfilmentStatus::Released;
    office.assert_stands(order_id, Milestone::Refunded, PaymentStatus::Refunded, back).await;
    assert!(office.parked().await.is_empty());
}

#[tokio::test]
async fn a_part_that_has_left_is_rejected_and_may_be_asked_for_no_more() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.paid_order().await;
    office.ask_back(order_id, part(&[("MUG-BLUE", 2)])).await.unwrap();
    office.hear(&[dispatched(order_id, false), part_not_stopped(order_id), part_not_stopped(order_id)]).await;
    assert_eq!(office.refunds(order_id).await, [(RefundStatus::Rejected, 2_975)]);
    // One mug and the spoon are still here; the spoon is stopped while the mugs arrive, and so the order has arrived.
    office.ask_back(order_id, part(&[("SPOON", 1)])).await.unwrap();
    office.hear(&[delivered(order_id, false), part_stopped(order_id, 2, &[("SPOON", 1)], (true, true))]).await;
    let arrived = FulfilmentStatus::Delivered;
    office.assert_stands(order_id, Milestone::Delivered, PaymentStatus::Captured, arrived).await;
    let refusal = office.ask_back(order_id, part(&[("MUG-BLUE", 1)])).await.unwrap_err();
    assert_eq!(refusal.reason(), "ORDER_NOT_REFUNDABLE");
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn units_that_are_not_in_the_order_or_asked_back_already_are_refused() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.paid_order().await;
    let unpaid = office.confirmed_order().await;
    let ask =
        async |order_id, lines: &[(&str, i64)]| office.ask_back(order_id, part(lines)).await.unwrap_err().reason();
    assert_eq!(ask(unpaid, &[("SPOON", 1)]).await, "ORDER_NOT_REFUNDABLE");
    assert_eq!(ask(order_id, &[("POT", 1)]).await, "NOT_IN_ORDER");
    assert_eq!(ask(order_id, &[("MUG-BLUE", 3)]).await, "MORE_THAN_ORDERED");
    office.ask_back(order_id, part(&[("MUG-BLUE", 1)])).await.unwrap();
    assert_eq!(ask(order_id, &[("MUG-BLUE", 2)]).await, "MORE_THAN_ORDERED");
    // What was not granted may be asked for again, as far as it is still there.
    office.hear(&[part_not_stopped(order_id)]).await;
    office.ask_back(order_id, part(&[("MUG-BLUE", 2)])).await.unwrap();
    assert!(office.parked().await.is_empty());
}

#[tokio::test]
async fn a_part_that_nobody_asked_back_is_parked() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.paid_order().await;
    office.ask_back(order_id, part(&[("MUG-BLUE", 1)])).await.unwrap();
    office
        .hear(&[
            part_stopped(order_id, 1, &[("MUG-BLUE", 2)], GOING_ON),
            part_stopped(order_id, 2, &[("SPOON", 1)], GOING_ON),
        ])
        .await;
    assert_eq!(office.parked().await.len(), 2);
    assert_eq!(office.refunds(order_id).await, [(RefundStatus::Requested, 1_487)]);
}

/// The second half of a race: both are asked for at once, by two requests.
#[tokio::test(flavor = "multi_thread")]
async fn of_parts_that_are_asked_for_at_once_no_unit_is_asked_for_twice() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.paid_order().await;
    let ask = || office.ask_back(order_id, part(&[("MUG-BLUE", 1)]));
    let answers = futures::future::join_all((0..6).map(|_| ask())).await;
    let (granted, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((granted.len(), refused.len()), (2, 4));
    assert!(refused.into_iter().all(|refused| refused.unwrap_err().reason() == "MORE_THAN_ORDERED"));
    assert_eq!(office.refunds(order_id).await, [(RefundStatus::Requested, 1_487), (RefundStatus::Requested, 1_488)]);
}
