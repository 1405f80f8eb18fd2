//! The fulfilment saga, as payments takes part in it: the cash that was due at the door is in.

use kernel::{Decision, Money};

use super::Answer;
use crate::domain::{Entry, Event, OrderId, Refusal, Status, World};

/// A carrier passed on what it collected. Nobody is asked for it: it is captured. A carrier collects only what is due and only for what it
/// delivered; whatever else it says it did, an operator has to look, for the money is there.
pub(super) fn on_cash_collected(world: &mut World, order_id: OrderId, amount: Money) -> Answer {
    let not_due = Decision::Refused(Refusal::CashNotDue { order_id });
    let mut payment = match world.entries.get(&order_id) {
        Some(Entry::Payment(payment)) if payment.is_cash_on_delivery() => payment.clone(),
        None | Some(Entry::Hold { .. } | Entry::Tombstone | Entry::Payment(_)) => return not_due,
    };
    let due = payment.amount();
    match payment.status {
        Status::Authorized | Status::Captured if amount != due => {
            Decision::Refused(Refusal::CashMismatch { order_id, due, collected: amount })
        }
        Status::Authorized => {
            payment.status = Status::Captured;
            payment.captured = due;
            world.collect(&payment);
            world.put(order_id, Entry::Payment(payment));
            Decision::applied(Event::PaymentCaptured { order_id, amount })
        }
        Status::Captured => Decision::AlreadyApplied,
        // Not authorized, so that nothing was to leave; or the order has ended. The others are none of cash: no provider is asked.
        Status::Pending
        | Status::Declined
        | Status::Voided
        | Status::Closed
        | Status::Authorizing
        | Status::Capturing
        | Status::CaptureFailed
        | Status::Voiding
        | Status::Refunding
        | Status::Refunded => not_due,
    }
}
