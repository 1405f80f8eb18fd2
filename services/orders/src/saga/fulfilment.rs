//! The fulfilment saga: the goods leave and arrive. Shipping counts the units and says when it was the last; orders draw the
//! conclusion.
//!
//! Shipping acts on `OrderPaid`, or in cash on `OrderConfirmed`, so what it says never comes before that. What it says comes in the
//! order in which it happened, and a delivery also says that the goods have left.

use kernel::Decision;

use super::refund;
use crate::domain::order::{Answer, Cancellation, Order, Refund};
use crate::domain::status::{FulfilmentStatus, PaymentStatus, Status};

/// SHIPPED with the last parcel. Before that the fulfilment axis says partly.
pub(super) fn on_shipment_dispatched(order: &mut Order, order_dispatched: bool) -> Answer {
    match order.standing.status {
        Status::Confirmed if !order.cash_on_delivery => order.contradicted(),
        Status::Paid if order.refund == Some(Refund::Approved) => order.contradicted(),
        Status::Confirmed | Status::Paid if is_under_way(order) => {
            if order_dispatched {
                Decision::applied(order.ship())
            } else {
                order.note_fulfilment(FulfilmentStatus::PartlyShipped)
            }
        }
        Status::Confirmed | Status::Paid | Status::Shipped | Status::Delivered => Decision::AlreadyApplied,
        Status::Created | Status::Refunded | Status::Failed(_) | Status::Cancelled(_) => order.contradicted(),
    }
}

/// DELIVERED with the last parcel, and PAID if it was cash that was heard of before.
pub(super) fn on_shipment_delivered(order: &mut Order, order_delivered: bool) -> Answer {
    match order.standing.status {
        Status::Confirmed if !order.cash_on_delivery => order.contradicted(),
        Status::Paid if order.refund == Some(Refund::Approved) => order.contradicted(),
        Status::Created | Status::Refunded | Status::Failed(_) | Status::Cancelled(_) => order.contradicted(),
        Status::Confirmed | Status::Paid | Status::Shipped if is_under_way(order) => {
            if !order_delivered {
                return Decision::Ignored("more parcels are on their way");
            }
            let mut events = Vec::with_capacity(3);
            if order.standing.status != Status::Shipped {
                events.push(order.ship());
            }
            events.push(order.deliver());
            if order.cash_on_delivery && order.standing.payment == PaymentStatus::Captured {
                events.push(order.pay());
            }
            Decision::Applied(events)
        }
        Status::Confirmed | Status::Paid | Status::Shipped | Status::Delivered => Decision::AlreadyApplied,
    }
}

/// The parcels are stopped: an order that waited for that is cancelled, or its refund is granted.
pub(super) fn on_shipment_cancelled(order: &mut Order) -> Answer {
    match order.standing.status {
        Status::Confirmed => match order.cancellation.take() {
            Some(Cancellation { reason, note }) => order.cancel(reason, &note),
            None => order.contradicted(),
        },
        Status::Cancelled(_) | Status::Refunded => Decision::AlreadyApplied,
        Status::Paid => refund::on_parcels_stopped(order),
        Status::Created | Status::Shipped | Status::Delivered | Status::Failed(_) => order.contradicted(),
    }
}

/// A parcel left before it could be stopped: the order goes on.
pub(super) fn on_shipment_cancel_refused(order: &mut Order) -> Answer {
    match order.standing.status {
        Status::Confirmed | Status::Shipped | Status::Delivered | Status::Paid if order.cancellation.is_some() => {
            order.cancellation = None;
            Decision::noted()
        }
        Status::Paid | Status::Shipped | Status::Delivered => refund::on_parcels_not_stopped(order),
        Status::Confirmed => Decision::AlreadyApplied,
        Status::Created | Status::Refunded | Status::Failed(_) | Status::Cancelled(_) => order.contradicted(),
    }
}

/// Whether a parcel may still be on its way.
fn is_under_way(order: &Order) -> bool {
    order.standing.fulfilment != FulfilmentStatus::Delivered
}

#[cfg(test)]
mod tests;
