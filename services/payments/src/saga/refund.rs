//! The refund saga, as payments takes part in it: what was paid is given back, in the parts in which orders approves it.
//!
//! All that is given back, or is to be, is together at most what was captured. A refund that the provider refuses still is to be: it
//! counts, and is asked for again by the same key when an operator wants that.

use kernel::{Decision, Money, Mutant};

use super::{Answer, Expectation};
use crate::domain::{
    Entry, Event, OperationKey, OrderId, Outcome, Payment, Refund, RefundStanding, Refusal, Status, World,
};

/// A refund is approved. What was paid by card the provider is asked to give back; what was paid in cash, or is set aside for an order that sends
/// anew what came back, becomes the buyer's credit at once.
/// Orders approves no more than it heard was captured; whatever else it says, an operator has to look, for money would be given back that
/// is not there.
pub(super) fn on_refund_approved(
    world: &mut World,
    order_id: OrderId,
    number: i32,
    amount: Money,
    set_aside: bool,
) -> Answer {
    let nothing_captured = Decision::Refused(Refusal::NothingCaptured { order_id });
    let mut payment = match world.entries.get(&order_id) {
        Some(Entry::Payment(payment)) => payment.clone(),
        None | Some(Entry::Hold { .. } | Entry::Tombstone) => return nothing_captured,
    };
    match payment.status {
        Status::Captured | Status::Refunding | Status::Refunded => {}
        Status::Pending
        | Status::Authorizing
        | Status::Authorized
        | Status::Capturing
        | Status::CaptureFailed
        | Status::Declined
        | Status::Voiding
        | Status::Voided
        | Status::Closed => return nothing_captured,
    }
    if let Some(known) = payment.refund(number) {
        let asked = known.amount;
        // By this, or by the end of the order, which gives back all that was left.
        return if asked == amount {
            Decision::AlreadyApplied
        } else {
            Decision::Refused(Refusal::RefundMismatch { order_id, number, asked, approved: amount })
        };
    }
    let left = if Mutant::RefundWithoutCounting.is_active() { payment.captured } else { payment.left() };
    if !amount.checked_cmp(left).is_ok_and(std::cmp::Ordering::is_le) {
        return Decision::Refused(Refusal::RefundTooLarge { order_id, left, approved: amount });
    }
    let is_set_aside = set_aside && !Mutant::RefundExchanged.is_active();
    let events = give_back(world, &mut payment, Refund { is_set_aside, ..Refund::new(number, amount) });
    world.put(order_id, Entry::Payment(payment));
    Decision::Applied(events)
}

/// The order ended after its money was taken, but not in cash: gives back all that is not given back, or to be, by now.
pub(super) fn give_back_what_is_left(world: &mut World, payment: &mut Payment) -> Vec<Event> {
    let number = payment.refunds.iter().map(|refund| refund.number).max().unwrap_or(0) + 1;
    let left = payment.left();
    give_back(world, payment, Refund { follows_from_end: true, ..Refund::new(number, left) })
}

fn give_back(world: &mut World, payment: &mut Payment, refund: Refund) -> Vec<Event> {
    payment.refunds.push(refund);
    match payment.charged_order_id() {
        Some(charged_order_id) if !refund.is_set_aside => {
            payment.status = payment.status_by_refunds();
            world.ask_refund(payment.order_id, &refund, charged_order_id);
            Vec::new()
        }
        Some(_) | None => vec![done(world, payment, refund.number)],
    }
}

/// The money of a refund is back.
fn done(world: &mut World, payment: &mut Payment, number: i32) -> Event {
    let refund = change(payment, number, |refund| refund.standing = RefundStanding::Done);
    world.post_refund(payment, &refund);
    payment.refunded = payment.refunded.checked_add(refund.amount).expect("at most what was captured goes back");
    payment.status = payment.status_by_refunds();
    Event::PaymentRefunded {
        order_id: payment.order_id,
        amount: refund.amount,
        refunded: payment.refunded,
        number: refund.told_number(),
        whole: payment.refunded == payment.captured,
        to_credit: payment.goes_to_credit(&refund),
    }
}

/// An operator wants a refund that was refused to be asked for again.
pub(super) fn on_refund_retried(world: &mut World, order_id: OrderId, number: i32) -> Answer {
    let not_failed = Decision::Refused(Refusal::RefundNotFailed { order_id, number });
    let mut payment = match world.entries.get(&order_id) {
        Some(Entry::Payment(payment)) => payment.clone(),
        None | Some(Entry::Hold { .. } | Entry::Tombstone) => return not_failed,
    };
    let Some(refund) = payment.refunds.iter().find(|refund| refund.told_number() == number).copied() else {
        return not_failed;
    };
    match refund.standing {
        RefundStanding::Failed => {
            change(&mut payment, refund.number, |refund| refund.standing = RefundStanding::Asked);
            world.ask_again(OperationKey::refund(order_id, refund.number));
            world.put(order_id, Entry::Payment(payment));
            Decision::noted()
        }
        RefundStanding::Asked if refund.refused_attempt > 0 => Decision::AlreadyApplied,
        RefundStanding::Asked | RefundStanding::Done => not_failed,
    }
}

/// How an answer to a refund finds it. That the provider gave the money back is so, whatever it said before; of refusals only one counts for
/// each time that it is asked.
pub(super) fn expectation(payment: &Payment, key: OperationKey, attempt: i32, outcome: &Outcome) -> Expectation {
    let Some(refund) = payment.refund(key.number) else { return Expectation::NeverAsked };
    match (refund.standing, outcome) {
        (RefundStanding::Done, Outcome::Succeeded | Outcome::Declined(_))
        | (RefundStanding::Failed, Outcome::Declined(_)) => Expectation::Known,
        (RefundStanding::Asked, Outcome::Declined(_)) if attempt <= refund.refused_attempt => Expectation::Known,
        (RefundStanding::Asked, Outcome::Succeeded | Outcome::Declined(_))
        | (RefundStanding::Failed, Outcome::Succeeded) => Expectation::Awaited,
    }
}

/// The provider gave the money back, or refused to. A refusal is told each time, for whoever waits for the money.
pub(super) fn on_refund_answered(
    world: &mut World,
    payment: &mut Payment,
    key: OperationKey,
    attempt: i32,
    outcome: &Outcome,
) -> Vec<Event> {
    match outcome {
        Outcome::Succeeded => vec![done(world, payment, key.number)],
        Outcome::Declined(reason) => {
            let refund = change(payment, key.number, |refund| {
                (refund.standing, refund.refused_attempt) = (RefundStanding::Failed, attempt);
            });
            vec![Event::RefundFailed {
                order_id: payment.order_id,
                number: refund.told_number(),
                amount: refund.amount,
                reason: reason.clone(),
            }]
        }
    }
}

/// Changes one of the refunds of a payment, and answers it as it is then.
fn change(payment: &mut Payment, number: i32, how: impl FnOnce(&mut Refund)) -> Refund {
    let refund = payment.refunds.iter_mut().find(|refund| refund.number == number);
    let refund = refund.expect("whoever changes a refund has found it");
    how(refund);
    *refund
}
