//! The checkout saga: what becomes of an order. Orders alone decides that; everyone else obeys.
//!
//! Facts come on three topics, so those of different services overtake each other; those of one service about one order do not.
//! What follows from that is said at each pair where it matters. Where a pair cannot be, because one service would have said
//! two things that exclude each other, or did something that only a decision of ours allows, the fact is refused: it is
//! parked, and an operator looks.

use kernel::{Decision, Money, Mutant, Timestamp};

use crate::domain::error::OrderError;
use crate::domain::fact::{Canceller, Commitment, Note};
use crate::domain::ids::CheckoutId;
use crate::domain::order::{Answer, Cancellation, Order};
use crate::domain::policy::Policy;
use crate::domain::policy::cancellation::{self, Cancelling, cancelling};
use crate::domain::policy::payment_timeout::{Timeout, after_unpaid_deadline};
use crate::domain::snapshot::Snapshot;
use crate::domain::status::{CancelReason, FailureReason, FulfilmentStatus, PaymentStatus, Status};
use crate::domain::world::World;

/// Creates the orders of a checkout.
pub(super) fn on_checkout_submitted(
    world: &mut World,
    checkout_id: CheckoutId,
    snapshots: &[Snapshot],
    policy: &Policy,
    now: Timestamp,
) -> Answer {
    let existing = || snapshots.iter().filter_map(|snapshot| world.order(snapshot.terms().order_id));
    if let Some(another) = existing().find(|order| order.checkout_id != checkout_id) {
        return Decision::Refused(OrderError::AlreadyExists(another.id));
    }
    // They are created together, so that finding one means that all are there.
    if existing().next().is_some() {
        return Decision::AlreadyApplied;
    }
    let mut events = Vec::with_capacity(snapshots.len());
    for snapshot in snapshots {
        let (order, created) = Order::create(snapshot, None, policy, now);
        world.create(order, snapshot.clone());
        events.push(created);
    }
    Decision::Applied(events)
}

/// The authorization alone confirms nothing: inventory answers it first. After CONFIRMED it may come late, because inventory's
/// answer overtook it; after a cancellation payments gives it up by itself.
pub(super) fn on_payment_authorized(order: &mut Order) -> Answer {
    match order.standing.status {
        Status::Created
        | Status::Confirmed
        | Status::Paid
        | Status::Shipped
        | Status::Delivered
        | Status::Refunded
        | Status::Closed
        | Status::Failed(_)
        | Status::Cancelled(_) => order.note_payment(PaymentStatus::Authorized),
    }
}

pub(super) fn on_payment_declined(order: &mut Order, issuer_reason: &str) -> Answer {
    match (order.standing.status, order.standing.payment) {
        (Status::Created, PaymentStatus::Unpaid) => order.fail(FailureReason::PaymentDeclined, issuer_reason),
        // Nothing is decided any more; that no money is held is still good to know.
        (Status::Failed(_) | Status::Cancelled(_), _) => order.note_payment(PaymentStatus::Declined),
        // Authorized before, or so inventory believed: payments says one or the other.
        (
            Status::Created
            | Status::Confirmed
            | Status::Paid
            | Status::Shipped
            | Status::Delivered
            | Status::Refunded
            | Status::Closed,
            _,
        ) => order.contradicted(),
    }
}

/// Money is taken only after `OrderConfirmed`, so a capture never comes before it. Cash is taken at the door: then the money may
/// be heard of before the parcel that it was paid for, and the order is PAID once that has arrived; how much is due is known then, too.
pub(super) fn on_payment_captured(order: &mut Order, amount: Money, policy: &Policy, now: Timestamp) -> Answer {
    match order.standing.status {
        Status::Confirmed | Status::Shipped if order.cash_on_delivery => {
            order.captured = Some(amount);
            order.note_payment(PaymentStatus::Captured)
        }
        Status::Confirmed | Status::Delivered if amount != order.due() => order.contradicted(),
        Status::Confirmed => {
            order.captured = Some(amount);
            Decision::applied(order.pay(policy, now))
        }
        Status::Delivered if order.cash_on_delivery => {
            order.captured = Some(amount);
            Decision::applied(order.pay(policy, now))
        }
        Status::Paid | Status::Shipped | Status::Delivered | Status::Refunded | Status::Closed => {
            Decision::AlreadyApplied
        }
        // The cancellation met a capture under way. Payments gives the money back by itself when it hears of the cancellation.
        Status::Cancelled(_) => order.note_payment(PaymentStatus::Captured),
        Status::Created | Status::Failed(_) => order.contradicted(),
    }
}

pub(super) fn on_capture_failed(order: &mut Order) -> Answer {
    match order.standing.status {
        // Nobody is asked to capture cash.
        Status::Confirmed if order.cash_on_delivery => order.contradicted(),
        Status::Confirmed => order.cancel(CancelReason::CaptureFailed, ""),
        Status::Cancelled(_) => order.note_payment(PaymentStatus::CaptureFailed),
        Status::Created
        | Status::Paid
        | Status::Shipped
        | Status::Delivered
        | Status::Refunded
        | Status::Closed
        | Status::Failed(_) => order.contradicted(),
    }
}

/// Payments gives an authorization up only for an order that we ended.
pub(super) fn on_payment_voided(order: &mut Order) -> Answer {
    match order.standing.status {
        Status::Failed(_) | Status::Cancelled(_) => order.note_payment(PaymentStatus::Voided),
        Status::Created
        | Status::Confirmed
        | Status::Paid
        | Status::Shipped
        | Status::Delivered
        | Status::Refunded
        | Status::Closed => order.contradicted(),
    }
}

/// The pivot. What is committed for what was agreed before is more than the order is to have: inventory gives the rest back as soon as it
/// hears of the modification, and says so.
pub(super) fn on_inventory_committed(order: &mut Order, commitment: &Commitment) -> Answer {
    let is_older = commitment.terms_version < order.terms_version && !Mutant::ConfirmWithOlderTerms.is_active();
    match order.standing.status {
        Status::Created if commitment.terms_version > order.terms_version => order.contradicted(),
        Status::Created if is_older => Decision::Ignored("it is for what was agreed before"),
        Status::Created => order.confirm(&commitment.allocations),
        Status::Confirmed | Status::Paid | Status::Shipped | Status::Delivered | Status::Refunded | Status::Closed => {
            Decision::AlreadyApplied
        }
        // Somebody cancelled meanwhile. Inventory gives the stock back when it hears of it.
        Status::Cancelled(_) => order.note_fulfilment(FulfilmentStatus::Allocated),
        // Each way to fail excludes it: rejected or refused by inventory itself, or declined, so that nothing was to be committed.
        Status::Failed(_) => order.contradicted(),
    }
}

pub(super) fn on_inventory_rejected(order: &mut Order) -> Answer {
    match order.standing.status {
        Status::Created => order.fail(FailureReason::OutOfStock, ""),
        Status::Failed(FailureReason::OutOfStock) => Decision::AlreadyApplied,
        Status::Cancelled(_) => Decision::Ignored("the order was cancelled before; nothing is held for it"),
        Status::Confirmed
        | Status::Paid
        | Status::Shipped
        | Status::Delivered
        | Status::Refunded
        | Status::Closed
        | Status::Failed(FailureReason::PaymentDeclined | FailureReason::ReservationExpired) => order.contradicted(),
    }
}

pub(super) fn on_inventory_commit_refused(order: &mut Order) -> Answer {
    match order.standing.status {
        Status::Created => order.fail(FailureReason::ReservationExpired, ""),
        Status::Failed(FailureReason::ReservationExpired) => Decision::AlreadyApplied,
        // The usual way: the reservation expired, the order was cancelled for it, and the authorization came too late.
        Status::Cancelled(_) => {
            Decision::Ignored("the order was cancelled before; payments gives the authorization up")
        }
        Status::Confirmed
        | Status::Paid
        | Status::Shipped
        | Status::Delivered
        | Status::Refunded
        | Status::Closed
        | Status::Failed(FailureReason::OutOfStock | FailureReason::PaymentDeclined) => order.contradicted(),
    }
}

/// Expiry is final, and a committed reservation never expires.
pub(super) fn on_reservation_expired(order: &mut Order) -> Answer {
    match order.standing.status {
        Status::Created => order.cancel(CancelReason::ReservationExpired, ""),
        Status::Cancelled(CancelReason::ReservationExpired) => Decision::AlreadyApplied,
        Status::Failed(FailureReason::PaymentDeclined | FailureReason::ReservationExpired) | Status::Cancelled(_) => {
            Decision::Ignored("the order ended before its reservation expired")
        }
        Status::Confirmed
        | Status::Paid
        | Status::Shipped
        | Status::Delivered
        | Status::Refunded
        | Status::Closed
        | Status::Failed(FailureReason::OutOfStock) => order.contradicted(),
    }
}

/// Cancels at once, or has the parcels stopped first.
pub(super) fn on_cancel_requested(order: &mut Order, by: Canceller, note: Option<&Note>) -> Answer {
    let (reason, note) = (cancellation::reason_of(by), note.map_or("", Note::as_str));
    match cancelling(order.standing, order.walk(), order.cancellation.is_some()) {
        Cancelling::AtOnce => order.cancel(reason, note),
        Cancelling::OnceStopped => order.request_cancellation(Cancellation { reason, note: note.to_owned() }),
        Cancelling::AskedBefore => Decision::AlreadyApplied,
        Cancelling::Refused => {
            let milestone = order.standing.status.milestone();
            Decision::Refused(OrderError::NotCancellable { order_id: order.id, milestone })
        }
    }
}

/// Cancels what is not paid for in time.
pub(super) fn on_unpaid_deadline_passed(order: &mut Order, now: Timestamp) -> Answer {
    match after_unpaid_deadline(order.standing.status, order.walk(), order.unpaid_deadline, now) {
        Timeout::Cancels => order.cancel(CancelReason::Unpaid, ""),
        Timeout::CancelledBefore => Decision::AlreadyApplied,
        Timeout::Stays(why) => Decision::Ignored(why),
    }
}

#[cfg(test)]
mod tests;
