//! The checkout saga, as payments takes part in it: every pair of state and fact has an answer here.
//!
//! Once the order has ended nobody is to act on this payment any more, so only what became of money is told: captured, voided,
//! refunded. An authorization that comes too late is given up without a word of `PaymentAuthorized`, which would have inventory
//! commit stock for nothing; a late refusal changes nothing for anyone and is not announced either.
//!
//! What is due may fall until the money is taken. What is held already stays held: the capture takes what is due by then, and the provider gives
//! up the rest by itself.

use std::cmp::Ordering;

use kernel::{Decision, Money, Mutant, Timestamp};

use super::{Answer, Expectation, refund};
use crate::domain::{
    Entry, Event, Method, OperationKey, OperationKind, OrderId, Outcome, Payment, Policy, Refusal, Status, Terms, World,
};

const WINDOW_CLOSED: &str = "AUTHORIZATION_WINDOW_CLOSED";
const EXPIRED: &str = "AUTHORIZATION_EXPIRED";
const ORDER_ENDED: &str = "the order has ended";

/// The intent is in. With the hold it makes a whole, and the provider is asked.
pub(super) fn on_order_created(
    world: &mut World,
    order_id: OrderId,
    terms: &Terms,
    policy: Policy,
    now: Timestamp,
) -> Answer {
    match world.entries.get(&order_id) {
        None => {
            world.put(order_id, Entry::Payment(Payment::new(order_id, terms.clone())));
            Decision::noted()
        }
        Some(Entry::Hold { expires_at }) => {
            let expires_at = *expires_at;
            authorize(world, Payment::new(order_id, terms.clone()), expires_at, policy, now)
        }
        Some(Entry::Tombstone) => after_its_end(world, Payment::new(order_id, terms.clone())),
        Some(Entry::Payment(_)) => Decision::AlreadyApplied,
    }
}

/// The intent comes after the end of the order: nothing begins. What was set aside for it goes back.
fn after_its_end(world: &mut World, mut payment: Payment) -> Answer {
    if !payment.is_exchange() {
        return Decision::Ignored(ORDER_ENDED);
    }
    payment.order_ended = true;
    let events = give_back_what_was_set_aside(world, &mut payment);
    world.put(payment.order_id, Entry::Payment(payment));
    Decision::Applied(events)
}

/// Less is to be paid for the order than before. Orders tells it after [`on_order_created`], by the same key, and of no order that it has confirmed.
pub(super) fn on_order_modified(world: &mut World, order_id: OrderId, terms_version: i32, amount: Money) -> Answer {
    let mut payment = match world.entries.get(&order_id) {
        None | Some(Entry::Hold { .. }) => return Decision::Refused(Refusal::NothingToModify { order_id }),
        Some(Entry::Tombstone) => return Decision::Ignored(ORDER_ENDED),
        Some(Entry::Payment(payment)) if terms_version <= payment.terms_version => return Decision::AlreadyApplied,
        Some(Entry::Payment(payment)) if payment.order_ended => return Decision::Ignored(ORDER_ENDED),
        Some(Entry::Payment(payment)) => payment.clone(),
    };
    let too_late = Decision::Refused(Refusal::ModifiedTooLate { order_id });
    match payment.status {
        // All of it was set aside, so all of it is to be spent or to go back.
        Status::Pending | Status::Authorized if payment.is_exchange() => too_late,
        // In cash: what has arrived was confirmed.
        Status::Authorized if payment.delivered => too_late,
        Status::Pending | Status::Authorizing | Status::Authorized => {
            if !amount.checked_cmp(payment.due).is_ok_and(Ordering::is_le) {
                let due = payment.due;
                return Decision::Refused(Refusal::ModifiedToMore { order_id, due, modified: amount });
            }
            (payment.due, payment.terms_version) = (amount, terms_version);
            world.put(order_id, Entry::Payment(payment));
            Decision::noted()
        }
        Status::Declined | Status::CaptureFailed => Decision::Ignored("the order is not going to be paid"),
        Status::Capturing | Status::Captured | Status::Refunding | Status::Refunded => too_late,
        // Reached only after the order ended, which was met above.
        Status::Voiding | Status::Voided | Status::Closed => Decision::Ignored(ORDER_ENDED),
    }
}

/// The hold is in. With the intent it makes a whole, and the provider is asked.
pub(super) fn on_inventory_reserved(
    world: &mut World,
    order_id: OrderId,
    expires_at: Timestamp,
    policy: Policy,
    now: Timestamp,
) -> Answer {
    let payment = match world.entries.get(&order_id) {
        None => {
            world.put(order_id, Entry::Hold { expires_at });
            return Decision::noted();
        }
        Some(Entry::Hold { .. }) => return Decision::AlreadyApplied,
        Some(Entry::Tombstone) => return Decision::Ignored(ORDER_ENDED),
        Some(Entry::Payment(payment)) => payment.clone(),
    };
    match payment.status {
        Status::Pending => authorize(world, payment, expires_at, policy, now),
        Status::Closed => Decision::Ignored(ORDER_ENDED),
        Status::Authorizing
        | Status::Authorized
        | Status::Capturing
        | Status::Captured
        | Status::CaptureFailed
        | Status::Declined
        | Status::Voiding
        | Status::Voided
        | Status::Refunding
        | Status::Refunded => Decision::AlreadyApplied,
    }
}

/// Intent and hold are both in: asks the provider, unless the stock would be gone before the answer counts.
fn authorize(world: &mut World, mut payment: Payment, expires_at: Timestamp, policy: Policy, now: Timestamp) -> Answer {
    let (order_id, amount) = (payment.order_id, payment.due);
    payment.hold_expires_at = Some(expires_at);
    let decision = if policy.may_authorize(expires_at, now) {
        payment.authorized = Some(amount);
        match payment.terms.method {
            Method::CashOnDelivery | Method::Exchange(_) => {
                payment.status = Status::Authorized;
                let cash_on_delivery = payment.is_cash_on_delivery();
                Decision::applied(Event::PaymentAuthorized { order_id, amount, cash_on_delivery })
            }
            Method::Card(_) => {
                payment.status = Status::Authorizing;
                world.ask(order_id, OperationKind::Authorize, amount);
                Decision::noted()
            }
        }
    } else {
        payment.status = Status::Declined;
        payment.reason = Some(WINDOW_CLOSED.to_owned());
        Decision::applied(Event::PaymentDeclined { order_id, reason: WINDOW_CLOSED.to_owned() })
    };
    world.put(payment.order_id, Entry::Payment(payment));
    decision
}

/// Stock is committed: the money is taken, from what was set aside at once. Cash comes with the parcel.
pub(super) fn on_order_confirmed(world: &mut World, order_id: OrderId) -> Answer {
    let mut payment = match world.entries.get(&order_id) {
        None | Some(Entry::Hold { .. }) => return Decision::Refused(Refusal::NotAuthorized { order_id }),
        Some(Entry::Tombstone) => return Decision::Ignored(ORDER_ENDED),
        Some(Entry::Payment(payment)) => payment.clone(),
    };
    match payment.status {
        Status::Authorized if payment.is_cash_on_delivery() => {
            Decision::Ignored("cash on delivery is captured when the carrier remits it")
        }
        Status::Authorized if payment.is_exchange() => {
            let amount = payment.due;
            let event = captured(world, &mut payment, amount);
            world.put(order_id, Entry::Payment(payment));
            Decision::applied(event)
        }
        Status::Authorized => {
            capture(world, &mut payment);
            world.put(payment.order_id, Entry::Payment(payment));
            Decision::noted()
        }
        Status::Capturing | Status::Captured | Status::CaptureFailed | Status::Refunding | Status::Refunded => {
            Decision::AlreadyApplied
        }
        Status::Pending | Status::Authorizing | Status::Declined if !payment.order_ended => {
            Decision::Refused(Refusal::NotAuthorized { order_id })
        }
        Status::Pending
        | Status::Authorizing
        | Status::Declined
        | Status::Voiding
        | Status::Voided
        | Status::Closed => Decision::Ignored(ORDER_ENDED),
    }
}

/// The order failed or was cancelled: gives back whatever is held or taken, as soon as it is known what is.
pub(super) fn on_order_ended(world: &mut World, order_id: OrderId) -> Answer {
    let mut payment = match world.entries.get(&order_id) {
        None | Some(Entry::Hold { .. }) => {
            if !Mutant::NoTombstone.is_active() {
                world.put(order_id, Entry::Tombstone);
            }
            return Decision::noted();
        }
        Some(Entry::Tombstone) => return Decision::AlreadyApplied,
        Some(Entry::Payment(payment)) if payment.order_ended => return Decision::AlreadyApplied,
        Some(Entry::Payment(payment)) => payment.clone(),
    };
    if payment.status == Status::Authorizing && Mutant::VoidIgnoredWhileAuthorizing.is_active() {
        return Decision::Ignored("broken on purpose");
    }
    payment.order_ended = true;
    let decision = match payment.status {
        Status::Pending | Status::Authorized | Status::Declined if payment.is_exchange() => {
            Decision::Applied(give_back_what_was_set_aside(world, &mut payment))
        }
        Status::Pending => {
            payment.status = Status::Closed;
            Decision::noted()
        }
        // While the provider has not answered, nobody knows what there is to give back: its answer decides. A declined payment
        // holds nothing.
        Status::Authorizing | Status::Capturing | Status::Declined => Decision::noted(),
        Status::Authorized if payment.is_cash_on_delivery() => {
            payment.status = Status::Voided;
            Decision::applied(Event::PaymentVoided { order_id, amount: payment.due })
        }
        Status::Authorized | Status::CaptureFailed => {
            void(world, &mut payment);
            Decision::noted()
        }
        // It was delivered, and orders ends no order that was.
        Status::Captured if payment.is_cash_on_delivery() => {
            return Decision::Refused(Refusal::CashTaken { order_id });
        }
        // By approved refunds all is given back, or is to be.
        Status::Captured | Status::Refunding if !payment.left().is_positive() => return Decision::AlreadyApplied,
        Status::Captured | Status::Refunding => Decision::Applied(refund::give_back_what_is_left(world, &mut payment)),
        // Reached only after the order ended, which was met above; or by approved refunds, and then all is given back.
        Status::Voiding | Status::Voided | Status::Refunded | Status::Closed => return Decision::AlreadyApplied,
    };
    world.put(payment.order_id, Entry::Payment(payment));
    decision
}

/// What was set aside for an order that is not to be is there all the same, however far its payment got: it is taken, and goes back.
fn give_back_what_was_set_aside(world: &mut World, payment: &mut Payment) -> Vec<Event> {
    if Mutant::KeepExchanged.is_active() {
        (payment.status, payment.authorized) = (Status::Closed, None);
        return Vec::new();
    }
    payment.authorized = Some(payment.due);
    payment.captured = payment.due;
    world.post_capture(payment, payment.captured);
    refund::give_back_what_is_left(world, payment)
}

/// Takes what is due by now, which may be less than is held. No more units are taken away while the provider is asked.
fn capture(world: &mut World, payment: &mut Payment) {
    payment.status = Status::Capturing;
    payment.authorized_at = None;
    let amount = if Mutant::CaptureWhatWasAuthorized.is_active() { payment.held() } else { payment.due };
    world.ask(payment.order_id, OperationKind::Capture, amount);
}

fn void(world: &mut World, payment: &mut Payment) {
    payment.status = Status::Voiding;
    payment.authorized_at = None;
    world.ask(payment.order_id, OperationKind::Void, payment.held());
}

/// An authorization is so old that the provider would not capture it any more: the same as if it had refused to. What is held is given up once
/// orders has cancelled the order.
pub(super) fn on_authorization_expired(world: &mut World, order_id: OrderId, policy: Policy, now: Timestamp) -> Answer {
    let mut payment = match world.entries.get(&order_id) {
        None | Some(Entry::Hold { .. } | Entry::Tombstone) => return Decision::Ignored("nothing is authorized"),
        Some(Entry::Payment(payment)) => payment.clone(),
    };
    match payment.status {
        Status::Authorized if payment.authorized_at.is_some_and(|since| policy.has_expired(since, now)) => {
            payment.status = Status::CaptureFailed;
            payment.authorized_at = None;
            payment.reason = Some(EXPIRED.to_owned());
            world.put(order_id, Entry::Payment(payment));
            Decision::applied(Event::CaptureFailed { order_id, reason: EXPIRED.to_owned() })
        }
        Status::Authorized => Decision::Ignored("the authorization still holds, or it is cash"),
        Status::CaptureFailed => Decision::AlreadyApplied,
        Status::Pending
        | Status::Authorizing
        | Status::Capturing
        | Status::Captured
        | Status::Declined
        | Status::Voiding
        | Status::Voided
        | Status::Refunding
        | Status::Refunded
        | Status::Closed => Decision::Ignored("it is not only authorized"),
    }
}

/// The provider said what became of an operation.
pub(super) fn on_provider_answered(
    world: &mut World,
    key: OperationKey,
    attempt: i32,
    outcome: &Outcome,
    now: Timestamp,
) -> Answer {
    let Some(Entry::Payment(payment)) = world.entries.get(&key.order_id) else {
        return Decision::Refused(Refusal::UnknownOperation { key });
    };
    match expectation(payment, key, attempt, outcome) {
        Expectation::Known => return Decision::AlreadyApplied,
        Expectation::NeverAsked => return Decision::Refused(Refusal::UnknownOperation { key }),
        Expectation::Awaited => {}
    }
    let mut payment = payment.clone();
    world.answer(key, outcome);
    let events = match key.kind {
        OperationKind::Authorize => on_authorize_answered(world, &mut payment, outcome, now),
        OperationKind::Capture => on_capture_answered(world, &mut payment, outcome),
        OperationKind::Void => on_void_answered(&mut payment, outcome),
        OperationKind::Refund => refund::on_refund_answered(world, &mut payment, key, attempt, outcome),
    };
    world.put(payment.order_id, Entry::Payment(payment));
    Decision::Applied(events)
}

fn expectation(payment: &Payment, key: OperationKey, attempt: i32, outcome: &Outcome) -> Expectation {
    if payment.is_cash_on_delivery() {
        return Expectation::NeverAsked;
    }
    match key.kind {
        OperationKind::Authorize => match payment.status {
            Status::Authorizing => Expectation::Awaited,
            Status::Pending | Status::Closed => Expectation::NeverAsked,
            Status::Authorized
            | Status::Capturing
            | Status::Captured
            | Status::CaptureFailed
            | Status::Declined
            | Status::Voiding
            | Status::Voided
            | Status::Refunding
            | Status::Refunded => Expectation::Known,
        },
        OperationKind::Capture => match payment.status {
            Status::Capturing => Expectation::Awaited,
            Status::Captured
            | Status::CaptureFailed
            | Status::Voiding
            | Status::Voided
            | Status::Refunding
            | Status::Refunded => Expectation::Known,
            Status::Pending | Status::Authorizing | Status::Authorized | Status::Declined | Status::Closed => {
                Expectation::NeverAsked
            }
        },
        OperationKind::Void => match payment.status {
            Status::Voiding if payment.needs_operator => Expectation::Known,
            Status::Voiding => Expectation::Awaited,
            Status::Voided => Expectation::Known,
            Status::Pending
            | Status::Authorizing
            | Status::Authorized
            | Status::Capturing
            | Status::Captured
            | Status::CaptureFailed
            | Status::Declined
            | Status::Refunding
            | Status::Refunded
            | Status::Closed => Expectation::NeverAsked,
        },
        OperationKind::Refund => refund::expectation(payment, key, attempt, outcome),
    }
}

fn on_authorize_answered(world: &mut World, payment: &mut Payment, outcome: &Outcome, now: Timestamp) -> Vec<Event> {
    let (order_id, amount) = (payment.order_id, payment.held());
    match outcome {
        Outcome::Succeeded if payment.order_ended => {
            void(world, payment);
            Vec::new()
        }
        Outcome::Succeeded => {
            payment.status = Status::Authorized;
            payment.authorized_at = Some(now);
            if Mutant::CaptureBeforeCommit.is_active() {
                capture(world, payment);
            }
            vec![Event::PaymentAuthorized { order_id, amount, cash_on_delivery: false }]
        }
        Outcome::Declined(reason) => {
            payment.status = Status::Declined;
            payment.authorized = None;
            payment.reason = Some(reason.clone());
            if payment.order_ended {
                return Vec::new();
            }
            vec![Event::PaymentDeclined { order_id, reason: reason.clone() }]
        }
    }
}

/// So much was taken, by whatever method: it is in escrow.
pub(super) fn captured(world: &mut World, payment: &mut Payment, amount: Money) -> Event {
    payment.status = Status::Captured;
    payment.captured = amount;
    world.post_capture(payment, amount);
    Event::PaymentCaptured { order_id: payment.order_id, amount }
}

fn on_capture_answered(world: &mut World, payment: &mut Payment, outcome: &Outcome) -> Vec<Event> {
    let (order_id, amount) = (payment.order_id, payment.due);
    match outcome {
        Outcome::Succeeded => {
            let mut events = vec![captured(world, payment, amount)];
            if payment.order_ended {
                events.extend(refund::give_back_what_is_left(world, payment));
            }
            events
        }
        Outcome::Declined(reason) => {
            payment.reason = Some(reason.clone());
            if payment.order_ended {
                void(world, payment);
                return Vec::new();
            }
            payment.status = Status::CaptureFailed;
            vec![Event::CaptureFailed { order_id, reason: reason.clone() }]
        }
    }
}

fn on_void_answered(payment: &mut Payment, outcome: &Outcome) -> Vec<Event> {
    match outcome {
        Outcome::Succeeded => {
            payment.status = Status::Voided;
            vec![Event::PaymentVoided { order_id: payment.order_id, amount: payment.held() }]
        }
        // The provider will not give it up: the payment stays where it is, because anything else would be a lie.
        Outcome::Declined(reason) => {
            payment.needs_operator = true;
            payment.reason = Some(reason.clone());
            Vec::new()
        }
    }
}
