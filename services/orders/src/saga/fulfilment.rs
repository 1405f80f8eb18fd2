//! The fulfilment saga: the goods leave and arrive, or fail to. Shipping counts the units and says when it was the last; orders draw the
//! conclusion.
//!
//! Shipping acts on `OrderPaid`, or in cash on `OrderConfirmed`, so what it says never comes before that. What it says comes in the
//! order in which it happened, and a delivery also says that the goods have left.

use kernel::{Decision, Timestamp};

use super::refund;
use crate::domain::event::Event;
use crate::domain::fact::{FailedParcel, StoppedPart};
use crate::domain::order::{Answer, Cancellation, Order, Wanted};
use crate::domain::policy::Policy;
use crate::domain::policy::shipment::{
    AfterDelivery, AfterDispatch, AfterFailure, Transit, after_delivery, after_dispatch, after_failure, transit,
};
use crate::domain::refund::{Counting, Refund, RefundKind, RefundNumber, RefundStatus};
use crate::domain::status::{CancelReason, FulfilmentStatus, PaymentStatus, Status};

/// SHIPPED, or partly.
pub(super) fn on_shipment_dispatched(order: &mut Order, order_dispatched: bool) -> Answer {
    match after_dispatch(transit_of(order), order_dispatched) {
        AfterDispatch::Ships => Decision::applied(order.ship()),
        AfterDispatch::ShipsPartly => order.note_fulfilment(FulfilmentStatus::PartlyShipped),
        AfterDispatch::Known => Decision::AlreadyApplied,
        AfterDispatch::Contradiction => order.contradicted(),
    }
}

/// DELIVERED with the last parcel, and PAID if it was cash that was heard of before.
pub(super) fn on_shipment_delivered(
    order: &mut Order,
    order_delivered: bool,
    policy: &Policy,
    now: Timestamp,
) -> Answer {
    match after_delivery(transit_of(order), order_delivered) {
        AfterDelivery::Delivers => arrived(order, policy, now).map_or_else(|| order.contradicted(), Decision::Applied),
        AfterDelivery::Waits => Decision::Ignored("more parcels are on their way"),
        AfterDelivery::Notes => order.note_fulfilment(FulfilmentStatus::Delivered),
        AfterDelivery::Known => Decision::AlreadyApplied,
        AfterDelivery::Contradiction => order.contradicted(),
    }
}

/// Every unit has arrived, but for those that failed. In cash the carrier must have passed on what is due, or nothing yet.
fn arrived(order: &mut Order, policy: &Policy, now: Timestamp) -> Option<Vec<Event>> {
    let is_cash_here = order.cash_on_delivery && order.standing.payment == PaymentStatus::Captured;
    if is_cash_here && order.captured != Some(order.due()) {
        return None;
    }
    let mut events = Vec::with_capacity(3);
    if order.standing.status != Status::Shipped {
        events.push(order.ship());
    }
    events.push(order.deliver(policy, now));
    if is_cash_here {
        events.push(order.pay(policy, now));
    }
    Some(events)
}

/// A parcel was lost, refused or returned to its sender: the money for its units goes back, or less is due at the door. If it was the last
/// that was awaited, the order is DELIVERED; if nothing arrived, in cash it is CANCELLED, and prepaid all of its money goes back.
pub(super) fn on_shipment_failed(order: &mut Order, parcel: &FailedParcel, policy: &Policy, now: Timestamp) -> Answer {
    let is_known = |refund: &Refund| refund.parcel_id == Some(parcel.parcel_id);
    if order.refunds.iter().any(is_known) {
        return Decision::AlreadyApplied;
    }
    match after_failure(transit_of(order)) {
        AfterFailure::Counts => {
            let mut after = order.clone();
            match failed(&mut after, parcel, policy, now) {
                Some(events) => {
                    *order = after;
                    Decision::Applied(events)
                }
                None => order.contradicted(),
            }
        }
        AfterFailure::Notes if parcel.order_failed => order.note_fulfilment(FulfilmentStatus::Failed),
        AfterFailure::Notes if parcel.order_delivered => order.note_fulfilment(FulfilmentStatus::Delivered),
        AfterFailure::Notes => Decision::AlreadyApplied,
        AfterFailure::Contradiction => order.contradicted(),
    }
}

/// What follows from it; nothing if it holds more than was ordered, or the carrier passed on another sum.
fn failed(order: &mut Order, parcel: &FailedParcel, policy: &Policy, now: Timestamp) -> Option<Vec<Event>> {
    let lines = order.price(&parcel.units, Counting::Taken).ok()?;
    let amount = order.worth(&lines, Counting::Taken);
    let wanted = Wanted { parcel_id: Some(parcel.parcel_id), ..Wanted::new(RefundKind::ParcelFailed, amount, lines) };
    let mut events = refund::for_failed_parcel(order, wanted);
    if parcel.order_delivered {
        events.extend(arrived(order, policy, now)?);
    }
    if parcel.order_failed {
        events.extend(nothing_arrived(order));
    }
    Some(events)
}

/// Everything has failed that was not stopped.
fn nothing_arrived(order: &mut Order) -> Vec<Event> {
    let mut events = Vec::new();
    if order.standing.status != Status::Shipped {
        events.push(order.ship());
    }
    order.standing.fulfilment = FulfilmentStatus::Failed;
    if order.cash_on_delivery {
        events.push(order.cancelled(CancelReason::DeliveryFailed, ""));
    }
    events
}

/// A part is stopped: its refund is granted. If no more was awaited than that part, the order is SHIPPED or DELIVERED by it.
pub(super) fn on_part_stopped(order: &mut Order, part: &StoppedPart, policy: &Policy, now: Timestamp) -> Answer {
    let mut after = order.clone();
    let mut events = match refund::for_stopped_part(&mut after, part.number, &part.units) {
        Ok(events) => events,
        Err(answer) => return answer,
    };
    let has_the_rest_left = part.order_dispatched || part.order_delivered || part.order_failed;
    if has_the_rest_left && transit_of(order) == Transit::Nowhere {
        // Inventory gave all of it back, so nothing can have left.
        return order.contradicted();
    }
    if part.order_delivered {
        let Some(arrived) = arrived(&mut after, policy, now) else { return order.contradicted() };
        events.extend(arrived);
    } else if part.order_failed {
        events.extend(nothing_arrived(&mut after));
    } else if part.order_dispatched {
        events.push(after.ship());
    }
    *order = after;
    Decision::Applied(events)
}

/// The parcels are stopped: an order that waited for that is cancelled, or its refund is granted.
pub(super) fn on_shipment_cancelled(order: &mut Order) -> Answer {
    match order.standing.status {
        Status::Confirmed => match order.cancellation.take() {
            Some(Cancellation { reason, note }) => order.cancel(reason, &note),
            None => order.contradicted(),
        },
        Status::Cancelled(_) | Status::Refunded | Status::Closed => Decision::AlreadyApplied,
        Status::Paid => refund::on_parcels_stopped(order),
        Status::Created | Status::Shipped | Status::Delivered | Status::Failed(_) => order.contradicted(),
    }
}

/// A parcel left before it could be stopped: the order goes on.
pub(super) fn on_shipment_cancel_refused(order: &mut Order, number: Option<RefundNumber>) -> Answer {
    if let Some(number) = number {
        return refund::on_not_stopped(order, number);
    }
    match order.standing.status {
        Status::Confirmed | Status::Paid if is_stopped(order) => order.contradicted(),
        // It may have come to its end by then, of itself.
        Status::Confirmed
        | Status::Shipped
        | Status::Delivered
        | Status::Paid
        | Status::Refunded
        | Status::Closed
        | Status::Cancelled(CancelReason::DeliveryFailed)
            if order.cancellation.is_some() =>
        {
            order.cancellation = None;
            Decision::noted()
        }
        Status::Paid | Status::Shipped | Status::Delivered | Status::Refunded | Status::Closed => {
            refund::on_parcels_not_stopped(order)
        }
        Status::Confirmed | Status::Cancelled(CancelReason::DeliveryFailed) => Decision::AlreadyApplied,
        Status::Created | Status::Failed(_) | Status::Cancelled(_) => order.contradicted(),
    }
}

/// Nothing more may happen to it: the time in which goods may be sent back has passed, or all of the money went back, and no refund and no
/// parcel is under way.
pub(super) fn on_close_deadline_passed(order: &mut Order, now: Timestamp) -> Answer {
    match order.standing.status {
        Status::Paid | Status::Delivered | Status::Refunded
            if order.close_at.is_some_and(|close_at| close_at <= now) =>
        {
            if order.refunds.iter().any(Refund::is_open) {
                return Decision::Ignored("a refund is under way");
            }
            match order.standing.fulfilment {
                FulfilmentStatus::Released | FulfilmentStatus::Delivered | FulfilmentStatus::Failed => {
                    Decision::applied(order.close())
                }
                FulfilmentStatus::Unallocated
                | FulfilmentStatus::Allocated
                | FulfilmentStatus::PartlyShipped
                | FulfilmentStatus::Shipped => Decision::Ignored("its goods are under way, or their release is"),
            }
        }
        Status::Closed => Decision::AlreadyApplied,
        Status::Created
        | Status::Confirmed
        | Status::Paid
        | Status::Shipped
        | Status::Delivered
        | Status::Refunded
        | Status::Failed(_)
        | Status::Cancelled(_) => Decision::Ignored("its time has not come"),
    }
}

/// Whether its parcels were stopped, so that none can leave: shipping has said so, or inventory has heard of it.
fn is_stopped(order: &Order) -> bool {
    order.standing.fulfilment == FulfilmentStatus::Released || order.is_stopped_by(RefundStatus::was_granted)
}

/// Where its goods are.
fn transit_of(order: &Order) -> Transit {
    transit(order.standing, order.walk(), is_stopped(order))
}

#[cfg(test)]
mod tests;
