use super::*;
use crate::domain::fixtures::{NOON, cash_on_delivery, order_id, snapshot};
use crate::domain::order::{Cancellation, Standing};
use crate::domain::policy::Policy;
use crate::domain::status::{CancelReason, FailureReason};

const STUCK_AFTER: Duration = Duration::from_mins(1);
const POLICY: Policy = Policy { unpaid_after: Duration::from_mins(16), return_window: Duration::from_hours(24 * 30) };

fn standing_at(status: Status, payment: PaymentStatus, fulfilment: FulfilmentStatus) -> Order {
    let (mut order, _) = Order::create(&snapshot(order_id(5)), None, &POLICY, NOON);
    order.standing = Standing { status, payment, fulfilment };
    order
}

fn in_cash(status: Status, payment: PaymentStatus, fulfilment: FulfilmentStatus) -> Order {
    let (mut order, _) = Order::create(&cash_on_delivery(order_id(5)), None, &POLICY, NOON);
    order.standing = Standing { status, payment, fulfilment };
    order
}

fn to_be_cancelled(mut order: Order) -> Order {
    order.cancellation = Some(Cancellation { reason: CancelReason::ByBuyer, note: String::new() });
    order
}

/// Paid by what was set aside of another order.
fn by_exchange(order: Order) -> Order {
    Order { exchange_for: Some(order_id(4)), ..order }
}

fn with_refunds(mut order: Order, refunds: &[(RefundKind, RefundStatus)]) -> Order {
    for (number, (kind, status)) in (1..).zip(refunds) {
        let (amount, lines) = (order.total, Vec::new());
        order.refunds.push(Refund {
            number,
            kind: *kind,
            status: *status,
            amount,
            lines,
            parcel_id: None,
            reason: None,
            exchange_order_id: None,
        });
    }
    order
}

#[test]
fn each_order_waits_for_whoever_owns_its_next_step() {
    use FulfilmentStatus::{Allocated, Delivered, Failed, PartlyShipped, Released, Shipped, Unallocated};
    use PaymentStatus::{Authorized, CaptureFailed, Captured, Declined, Refunded, Unpaid, Voided};
    let unpaid = Status::Cancelled(CancelReason::Unpaid);
    let declined = Status::Failed(FailureReason::PaymentDeclined);
    let expired = Status::Failed(FailureReason::ReservationExpired);
    let not_arrived = Status::Cancelled(CancelReason::DeliveryFailed);
    let paid = || standing_at(Status::Paid, Captured, Allocated);
    let delivered = || standing_at(Status::Delivered, Captured, Delivered);
    let asked_before_dispatch = (RefundKind::BeforeDispatch, RefundStatus::Requested);
    let cases: Vec<(Order, &[(&str, Said)])> = vec![
        (standing_at(Status::Created, Unpaid, Unallocated), &[("inventory and payments", Said::Created)]),
        (standing_at(Status::Created, Authorized, Unallocated), &[("inventory and payments", Said::Created)]),
        (standing_at(Status::Confirmed, Authorized, Allocated), &[("payments", Said::Confirmed)]),
        (in_cash(Status::Confirmed, Authorized, Allocated), &[]),
        (in_cash(Status::Confirmed, Authorized, PartlyShipped), &[]),
        (
            to_be_cancelled(in_cash(Status::Confirmed, Authorized, Allocated)),
            &[("shipping", Said::CancellationRequested)],
        ),
        (to_be_cancelled(in_cash(Status::Shipped, Authorized, Shipped)), &[("shipping", Said::CancellationRequested)]),
        (paid(), &[]),
        (with_refunds(paid(), &[asked_before_dispatch]), &[("shipping", Said::RefundRequested(1))]),
        (
            with_refunds(paid(), &[(RefundKind::BeforeDispatch, RefundStatus::Approved)]),
            &[("payments", Said::RefundApproved(1))],
        ),
        (with_refunds(paid(), &[(RefundKind::BeforeDispatch, RefundStatus::Rejected)]), &[]),
        (standing_at(Status::Shipped, Captured, Shipped), &[]),
        (in_cash(Status::Shipped, Authorized, Shipped), &[]),
        (delivered(), &[]),
        (with_refunds(delivered(), &[(RefundKind::AfterReturn, RefundStatus::Requested)]), &[]),
        (with_refunds(delivered(), &[(RefundKind::Goodwill, RefundStatus::Failed)]), &[]),
        (
            with_refunds(
                delivered(),
                &[
                    (RefundKind::ParcelFailed, RefundStatus::Approved),
                    (RefundKind::AfterReturn, RefundStatus::Refunded),
                    (RefundKind::Goodwill, RefundStatus::Approved),
                    (RefundKind::AfterReturn, RefundStatus::Waived),
                ],
            ),
            &[("payments", Said::RefundApproved(1)), ("payments", Said::RefundApproved(3))],
        ),
        (in_cash(Status::Paid, Captured, Delivered), &[]),
        (standing_at(Status::Refunded, Refunded, Allocated), &[("inventory", Said::Refunded)]),
        (standing_at(Status::Refunded, Refunded, Released), &[]),
        (standing_at(Status::Refunded, Refunded, Delivered), &[]),
        (standing_at(Status::Closed, Captured, Delivered), &[]),
        (standing_at(declined, Declined, Unallocated), &[]),
        (standing_at(expired, Authorized, Unallocated), &[("payments", Said::Failed)]),
        (standing_at(expired, Voided, Unallocated), &[]),
        (standing_at(declined, Declined, Allocated), &[("inventory", Said::Failed)]),
        (standing_at(unpaid, Unpaid, Unallocated), &[]),
        (standing_at(unpaid, Authorized, Allocated), &[("payments", Said::Cancelled), ("inventory", Said::Cancelled)]),
        (standing_at(unpaid, CaptureFailed, Released), &[("payments", Said::Cancelled)]),
        (standing_at(unpaid, Captured, Released), &[("payments", Said::Cancelled)]),
        (standing_at(unpaid, Refunded, Released), &[]),
        (in_cash(not_arrived, Authorized, Failed), &[("payments", Said::Cancelled)]),
        (in_cash(not_arrived, Voided, Failed), &[]),
        (with_refunds(delivered(), &[(RefundKind::Exchange, RefundStatus::Requested)]), &[]),
        (
            with_refunds(delivered(), &[(RefundKind::Exchange, RefundStatus::Approved)]),
            &[("payments", Said::RefundApproved(1))],
        ),
        (by_exchange(standing_at(declined, Declined, Unallocated)), &[("payments", Said::Failed)]),
        (by_exchange(standing_at(unpaid, Unpaid, Unallocated)), &[("payments", Said::Cancelled)]),
        (by_exchange(standing_at(unpaid, Refunded, Unallocated)), &[]),
    ];
    for (order, expected) in cases {
        let waits_for: Vec<_> = awaited(&order).iter().map(|awaited| (awaited.from, awaited.said)).collect();
        assert_eq!(waits_for, expected, "{}, {:?}", order.standing, order.refunds);
    }
}

/// A minute of silence each, from a change at noon on.
fn after(minutes: u64) -> Timestamp {
    NOON + STUCK_AFTER * u32::try_from(minutes).unwrap()
}

fn silence(times_sent: i32, last_sent_at: Timestamp) -> Silence {
    Silence { since: NOON, times_sent, last_sent_at, is_told: false }
}

#[test]
fn a_silent_order_is_asked_for_three_times_a_period_apart_and_then_told_once() {
    let step = |before: Option<Silence>, now| step(true, NOON, before.as_ref(), STUCK_AFTER, now);
    let almost = |now: Timestamp| now - Duration::from_micros(1);
    assert_eq!(step(None, almost(after(1))), Step::Wait);
    assert_eq!(step(None, after(1)), Step::SendAgain(1));
    for times in 1..SENDS_MAX {
        let before = silence(times, after(2));
        assert_eq!(step(Some(before), almost(after(3))), Step::Wait);
        assert_eq!(step(Some(before), after(3)), Step::SendAgain(times + 1));
    }
    let before = silence(SENDS_MAX, after(3));
    assert_eq!(step(Some(before), almost(after(4))), Step::Wait);
    assert_eq!(step(Some(before), after(4)), Step::Tell);
    assert_eq!(step(Some(Silence { is_told: true, ..before }), after(900)), Step::Wait);
}

#[test]
fn an_order_that_moved_on_is_forgotten_and_its_next_silence_counts_from_one() {
    let before = silence(SENDS_MAX, after(3));
    let step = |is_waiting, changed_at, now| step(is_waiting, changed_at, Some(&before), STUCK_AFTER, now);
    assert_eq!(step(false, NOON, after(4)), Step::MovedOn);
    assert_eq!(step(false, after(4), after(9)), Step::MovedOn);
    assert_eq!(step(true, after(4), after(4)), Step::MovedOn);
    assert_eq!(step(true, after(4), after(5)), Step::SendAgain(1));
}
