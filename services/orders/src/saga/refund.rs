//! The refund saga: money goes back. So far the whole amount of a prepaid order, before anything has left.
//!
//! The parcels are stopped first: shipping says whether a parcel or the wish came first, and that decides. Then payments gives the money
//! back, and inventory what was committed; orders hears of the two on two topics, in any order.

use kernel::{Decision, Money, Mutant};

use crate::domain::error::OrderError;
use crate::domain::order::{Answer, Order, Refund};
use crate::domain::status::{FulfilmentStatus, PaymentStatus, Status};

/// Somebody wants the money back. Before anything has left that is granted to anyone, if the parcels can be stopped.
pub(super) fn on_refund_requested(order: &mut Order) -> Answer {
    match order.standing.status {
        Status::Paid if order.refund.is_some() => Decision::AlreadyApplied,
        Status::Paid if Mutant::RefundWithoutStopping.is_active() => Decision::applied(order.approve_refund()),
        Status::Paid if order.standing.fulfilment == FulfilmentStatus::Allocated => {
            Decision::applied(order.request_refund())
        }
        Status::Refunded => Decision::AlreadyApplied,
        status @ (Status::Created
        | Status::Confirmed
        | Status::Paid
        | Status::Shipped
        | Status::Delivered
        | Status::Failed(_)
        | Status::Cancelled(_)) => {
            Decision::Refused(OrderError::NotRefundable { order_id: order.id, milestone: status.milestone() })
        }
    }
}

/// The parcels of a paid order are stopped: the refund is granted.
pub(super) fn on_parcels_stopped(order: &mut Order) -> Answer {
    match order.refund {
        Some(Refund::Requested) => Decision::applied(order.approve_refund()),
        Some(Refund::Approved) => Decision::AlreadyApplied,
        None => order.contradicted(),
    }
}

/// A parcel had left: the refund is not granted.
pub(super) fn on_parcels_not_stopped(order: &mut Order) -> Answer {
    match order.refund {
        Some(Refund::Requested) => Decision::applied(order.reject_refund()),
        Some(Refund::Approved) => order.contradicted(),
        None => Decision::AlreadyApplied,
    }
}

/// Payments gives money back for a refund that was granted, and for an order that was cancelled while its capture was under way.
/// FAILED comes before the pivot: nothing was taken.
pub(super) fn on_payment_refunded(order: &mut Order, refunded: Money) -> Answer {
    let is_whole = refunded == order.total;
    match order.standing.status {
        Status::Paid if order.refund == Some(Refund::Approved) && is_whole => Decision::applied(order.refunded()),
        Status::Refunded if is_whole => Decision::AlreadyApplied,
        Status::Cancelled(_) if is_whole => order.note_payment(PaymentStatus::Refunded),
        Status::Cancelled(_) => Decision::Ignored("only a part of the money was given back so far"),
        Status::Created
        | Status::Confirmed
        | Status::Paid
        | Status::Shipped
        | Status::Delivered
        | Status::Refunded
        | Status::Failed(_) => order.contradicted(),
    }
}

/// Inventory releases only for an order that we ended, or whose refund we granted; after an expiry it says so first, on the same
/// topic.
pub(super) fn on_inventory_released(order: &mut Order) -> Answer {
    match order.standing.status {
        Status::Paid if order.refund == Some(Refund::Approved) => order.note_fulfilment(FulfilmentStatus::Released),
        Status::Refunded | Status::Failed(_) | Status::Cancelled(_) => {
            order.note_fulfilment(FulfilmentStatus::Released)
        }
        Status::Created | Status::Confirmed | Status::Paid | Status::Shipped | Status::Delivered => {
            order.contradicted()
        }
    }
}

#[cfg(test)]
mod tests;
