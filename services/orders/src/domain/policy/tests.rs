use super::*;
use crate::domain::status::{FulfilmentStatus as F, PaymentStatus as P};

/// Every way in which an order can stand once it is confirmed, as the walk allows it.
fn standings() -> Vec<(&'static str, Walk, Standing)> {
    let at = |status, payment, fulfilment| Standing { status, payment, fulfilment };
    vec![
        ("prepaid CREATED", Walk::Prepaid, Standing::CREATED),
        ("prepaid CONFIRMED", Walk::Prepaid, at(Status::Confirmed, P::Authorized, F::Allocated)),
        ("prepaid PAID", Walk::Prepaid, at(Status::Paid, P::Captured, F::Allocated)),
        ("prepaid PAID, partly shipped", Walk::Prepaid, at(Status::Paid, P::Captured, F::PartlyShipped)),
        ("prepaid SHIPPED", Walk::Prepaid, at(Status::Shipped, P::Captured, F::Shipped)),
        ("prepaid DELIVERED", Walk::Prepaid, at(Status::Delivered, P::Captured, F::Delivered)),
        ("prepaid REFUNDED", Walk::Prepaid, at(Status::Refunded, P::Refunded, F::Delivered)),
        ("prepaid CLOSED", Walk::Prepaid, at(Status::Closed, P::Captured, F::Delivered)),
        ("cash CONFIRMED", Walk::CashOnDelivery, at(Status::Confirmed, P::Authorized, F::Allocated)),
        ("cash SHIPPED", Walk::CashOnDelivery, at(Status::Shipped, P::Authorized, F::Shipped)),
        ("cash DELIVERED", Walk::CashOnDelivery, at(Status::Delivered, P::Authorized, F::Delivered)),
        ("cash PAID", Walk::CashOnDelivery, at(Status::Paid, P::Captured, F::Delivered)),
        ("cash CLOSED", Walk::CashOnDelivery, at(Status::Closed, P::Captured, F::Delivered)),
    ]
}

#[test]
fn a_refund_may_be_asked_for_where_it_makes_sense_and_nowhere_else() {
    let granted = |kind| -> Vec<&str> {
        let is_granted = |(_, walk, standing): &(&str, Walk, Standing)| is_refundable(kind, *standing, *walk);
        standings().iter().filter(|at| is_granted(at)).map(|(name, ..)| *name).collect()
    };
    assert_eq!(granted(RefundKind::BeforeDispatch), ["prepaid PAID"]);
    assert_eq!(granted(RefundKind::AfterReturn), ["prepaid DELIVERED", "cash PAID"]);
    assert_eq!(granted(RefundKind::Goodwill), ["prepaid SHIPPED", "prepaid DELIVERED", "cash PAID"]);
    assert_eq!(granted(RefundKind::ParcelFailed), [""; 0]);
}

#[test]
fn deadlines_count_from_what_begins_them() {
    let policy = Policy { unpaid_after: Duration::from_mins(16), return_window: Duration::from_hours(24 * 30) };
    let noon = Timestamp::from_unix_micros(1_800_000_000_000_000);
    assert_eq!(policy.unpaid_deadline(noon), noon + Duration::from_mins(16));
    assert_eq!(policy.close_deadline(noon), noon + Duration::from_hours(720));
}
