//! The fulfilment saga, as payments takes part in it: the cash that was due at the door is in; what was paid for arrived and is the seller's.

use std::cmp::Ordering;

use kernel::{Decision, Money};

use super::{Answer, checkout};
use crate::domain::{Entry, OrderId, Payment, Policy, Refusal, Status, World};

/// A carrier passed on what it collected. Nobody is asked for it: it is captured. A carrier collects at most what is due, less for parcels
/// that did not arrive, and only for what it delivered; whatever else it says it did, an operator has to look, for the money is there.
pub(super) fn on_cash_collected(world: &mut World, order_id: OrderId, amount: Money, policy: Policy) -> Answer {
    let not_due = Decision::Refused(Refusal::CashNotDue { order_id });
    let mut payment = match world.entries.get(&order_id) {
        Some(Entry::Payment(payment)) if payment.is_cash_on_delivery() => payment.clone(),
        None | Some(Entry::Hold { .. } | Entry::Tombstone | Entry::Payment(_)) => return not_due,
    };
    let mismatch = |due| Decision::Refused(Refusal::CashMismatch { order_id, due, collected: amount });
    match payment.status {
        Status::Authorized if !amount.checked_cmp(payment.due).is_ok_and(Ordering::is_le) => mismatch(payment.due),
        Status::Authorized => {
            let captured = checkout::captured(world, &mut payment, amount);
            if payment.delivered {
                release(world, &mut payment, policy);
            }
            world.put(order_id, Entry::Payment(payment));
            Decision::applied(captured)
        }
        Status::Captured | Status::Refunded if amount != payment.captured => mismatch(payment.captured),
        Status::Captured | Status::Refunded => Decision::AlreadyApplied,
        // Not authorized, so that nothing was to leave; or the order has ended. The others are none of cash: no provider is asked.
        Status::Pending
        | Status::Declined
        | Status::Voided
        | Status::Closed
        | Status::Authorizing
        | Status::Capturing
        | Status::CaptureFailed
        | Status::Voiding
        | Status::Refunding => not_due,
    }
}

/// The order arrived: what was taken for it and not given back is the seller's, less the commission. In cash the money may come later. Nothing
/// leaves before it is paid for or to be paid at the door, so whatever else was delivered, an operator has to look.
pub(super) fn on_order_delivered(world: &mut World, order_id: OrderId, policy: Policy) -> Answer {
    let unpaid = Decision::Refused(Refusal::DeliveredUnpaid { order_id });
    let mut payment = match world.entries.get(&order_id) {
        Some(Entry::Payment(payment)) if payment.delivered => return Decision::AlreadyApplied,
        Some(Entry::Payment(payment)) => payment.clone(),
        None | Some(Entry::Hold { .. } | Entry::Tombstone) => return unpaid,
    };
    match payment.status {
        Status::Authorized if payment.is_cash_on_delivery() => payment.delivered = true,
        Status::Captured | Status::Refunding => {
            payment.delivered = true;
            release(world, &mut payment, policy);
        }
        Status::Refunded => return Decision::Ignored("all of the money went back"),
        Status::Pending
        | Status::Authorizing
        | Status::Authorized
        | Status::Capturing
        | Status::CaptureFailed
        | Status::Declined
        | Status::Voiding
        | Status::Voided
        | Status::Closed => return unpaid,
    }
    world.put(order_id, Entry::Payment(payment));
    Decision::noted()
}

/// The rate that holds now holds for every later refund of the order as well, or its postings would not add up.
fn release(world: &mut World, payment: &mut Payment, policy: Policy) {
    payment.commission_rate = Some(policy.commission_rate);
    world.post_release(payment);
}
