//! Every way in which an order can stand, for the tables of the policies.

use crate::domain::order::Standing;
use crate::domain::status::{
    CancelReason, FailureReason, FulfilmentStatus as F, PaymentStatus as P, Status, Walk, Walk::CashOnDelivery,
    Walk::Prepaid,
};

/// Every way in which an order can stand, as its walk allows it.
pub(super) fn standings() -> Vec<(&'static str, Walk, Standing)> {
    let at = |status, payment, fulfilment| Standing { status, payment, fulfilment };
    vec![
        ("prepaid CREATED", Prepaid, Standing::CREATED),
        ("prepaid CONFIRMED", Prepaid, at(Status::Confirmed, P::Authorized, F::Allocated)),
        ("prepaid PAID", Prepaid, at(Status::Paid, P::Captured, F::Allocated)),
        ("prepaid PAID, partly shipped", Prepaid, at(Status::Paid, P::Captured, F::PartlyShipped)),
        ("prepaid PAID, released", Prepaid, at(Status::Paid, P::Captured, F::Released)),
        ("prepaid SHIPPED", Prepaid, at(Status::Shipped, P::Captured, F::Shipped)),
        ("prepaid SHIPPED, all failed", Prepaid, at(Status::Shipped, P::Captured, F::Failed)),
        ("prepaid DELIVERED", Prepaid, at(Status::Delivered, P::Captured, F::Delivered)),
        ("prepaid REFUNDED, released", Prepaid, at(Status::Refunded, P::Refunded, F::Released)),
        ("prepaid REFUNDED, shipped", Prepaid, at(Status::Refunded, P::Refunded, F::Shipped)),
        ("prepaid REFUNDED", Prepaid, at(Status::Refunded, P::Refunded, F::Delivered)),
        ("prepaid CLOSED", Prepaid, at(Status::Closed, P::Captured, F::Delivered)),
        ("prepaid FAILED", Prepaid, at(Status::Failed(FailureReason::OutOfStock), P::Unpaid, F::Unallocated)),
        ("prepaid CANCELLED", Prepaid, at(Status::Cancelled(CancelReason::ByBuyer), P::Unpaid, F::Unallocated)),
        ("prepaid CANCELLED, unpaid", Prepaid, at(Status::Cancelled(CancelReason::Unpaid), P::Unpaid, F::Unallocated)),
        ("cash CREATED", CashOnDelivery, Standing::CREATED),
        ("cash CONFIRMED", CashOnDelivery, at(Status::Confirmed, P::Authorized, F::Allocated)),
        ("cash CONFIRMED, partly shipped", CashOnDelivery, at(Status::Confirmed, P::Authorized, F::PartlyShipped)),
        ("cash SHIPPED", CashOnDelivery, at(Status::Shipped, P::Authorized, F::Shipped)),
        ("cash DELIVERED", CashOnDelivery, at(Status::Delivered, P::Authorized, F::Delivered)),
        ("cash PAID", CashOnDelivery, at(Status::Paid, P::Captured, F::Delivered)),
        ("cash CLOSED", CashOnDelivery, at(Status::Closed, P::Captured, F::Delivered)),
    ]
}

/// The names of those where it is so.
pub(super) fn where_it_is(is_so: impl Fn(Standing, Walk) -> bool) -> Vec<&'static str> {
    let all = standings().into_iter();
    all.filter(|(_, walk, standing)| is_so(*standing, *walk)).map(|(name, ..)| name).collect()
}
