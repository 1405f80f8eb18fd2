//! The refund saga: money goes back, all of it or a part.
//!
//! Before dispatch the parcels are stopped first, or the units that are asked for: shipping says whether a parcel or the wish came first, and
//! that decides. After a return it
//! is granted for what is accepted. For a parcel that failed, and out of goodwill, it is granted at once. Then payments gives the money
//! back; what was committed and never left is inventory's, and orders hears of the two on two topics, in any order.

use kernel::{Decision, Money, Mutant, Timestamp};

use super::exchange;
use crate::domain::error::OrderError;
use crate::domain::event::Event;
use crate::domain::fact::Note;
use crate::domain::order::{Answer, Order, Wanted};
use crate::domain::policy::refund_eligibility::{is_refundable, is_refundable_in_part};
use crate::domain::refund::{
    Counting, Refund, RefundKind, RefundNumber, RefundRequest, RefundStatus, Rejection, Units,
};
use crate::domain::snapshot::Snapshot;
use crate::domain::status::{FulfilmentStatus, PaymentStatus, Status};

/// Somebody wants money back.
pub(super) fn on_refund_requested(
    order: &mut Order,
    agreed: Option<&Snapshot>,
    request: &RefundRequest,
    note: Option<&Note>,
    now: Timestamp,
) -> Answer {
    let note = note.map_or("", Note::as_str);
    let answer = match request {
        RefundRequest::BeforeDispatch => return before_dispatch(order, note),
        RefundRequest::PartBeforeDispatch(units) => part_before_dispatch(order, units, note),
        RefundRequest::AfterReturn(units) => {
            sent_back(order, RefundKind::AfterReturn, units, now).map(|wanted| vec![order.request_refund(wanted, note)])
        }
        RefundRequest::Goodwill(amount) => goodwill(order, *amount, note),
        RefundRequest::Exchange { units, order_id } => exchange::ask(order, agreed, units, *order_id, note, now),
    };
    answer.map_or_else(Decision::Refused, Decision::Applied)
}

/// Before anything has left all of it is granted to anyone, if the parcels can be stopped.
fn before_dispatch(order: &mut Order, note: &str) -> Answer {
    let kind = RefundKind::BeforeDispatch;
    if order.is_stopped_by(|status| status != RefundStatus::Rejected) {
        return Decision::AlreadyApplied;
    }
    if !is_refundable(kind, order.standing, order.walk()) {
        return Decision::Refused(not_refundable(order));
    }
    let amount = order.refundable(Counting::Asked);
    let mut events = vec![order.request_refund(Wanted::new(kind, amount, Vec::new()), note)];
    if Mutant::RefundWithoutStopping.is_active() {
        events.extend(approve_last(order));
    }
    Decision::Applied(events)
}

/// Units that have not left are granted to anyone, each once, if they can be stopped. What the last unit takes with it goes back with no other:
/// an order is not paid back as a whole while a part of it is to be sent.
fn part_before_dispatch(order: &mut Order, units: &Units, note: &str) -> Result<Vec<Event>, OrderError> {
    let kind = RefundKind::BeforeDispatch;
    if !is_refundable_in_part(order.standing, order.walk()) {
        return Err(not_refundable(order));
    }
    let lines = order.price(units, Counting::Asked)?;
    let amount = order.worth(&lines, Counting::Asked);
    let is_everything = amount == order.refundable(Counting::Asked);
    if !amount.is_positive() || is_everything != order.is_rest(&lines, Counting::Asked) {
        return Err(not_refundable(order));
    }
    Ok(vec![order.request_refund(Wanted::new(kind, amount, lines), note)])
}

/// What is wanted for units that the buyer sends back within their time, each once.
pub(super) fn sent_back(order: &Order, kind: RefundKind, units: &Units, now: Timestamp) -> Result<Wanted, OrderError> {
    if !is_refundable(kind, order.standing, order.walk()) {
        return Err(not_refundable(order));
    }
    if order.close_at.is_none_or(|close_at| close_at <= now) {
        return Err(OrderError::ReturnWindowClosed(order.id));
    }
    let lines = order.price(units, Counting::Taken)?;
    let amount = order.worth(&lines, Counting::Taken);
    if !amount.is_positive() {
        return Err(not_refundable(order));
    }
    Ok(Wanted::new(kind, amount, lines))
}

fn goodwill(order: &mut Order, amount: Money, note: &str) -> Result<Vec<Event>, OrderError> {
    let kind = RefundKind::Goodwill;
    if !is_refundable(kind, order.standing, order.walk()) {
        return Err(not_refundable(order));
    }
    let left = order.refundable(Counting::Taken);
    if amount.currency() != left.currency() || amount.minor() > left.minor() {
        return Err(OrderError::MoreThanPaid { order_id: order.id, asked: amount, left });
    }
    let asked = order.request_refund(Wanted::new(kind, amount, Vec::new()), note);
    Ok([asked].into_iter().chain(approve_last(order)).collect())
}

/// What is to be done for the units of a parcel that failed. What is paid goes back at once; what is to be paid at the door is less.
pub(super) fn for_failed_parcel(order: &mut Order, wanted: Wanted) -> Vec<Event> {
    if order.cash_on_delivery || !wanted.amount.is_positive() {
        order.waive(wanted);
        return Vec::new();
    }
    let asked = order.request_refund(wanted, "");
    [asked].into_iter().chain(approve_last(order)).collect()
}

fn approve_last(order: &mut Order) -> Option<Event> {
    let number = order.refunds.last()?.number;
    Some(order.approve_refund(number))
}

fn not_refundable(order: &Order) -> OrderError {
    OrderError::NotRefundable { order_id: order.id, milestone: order.standing.status.milestone() }
}

/// The parcels of a paid order are stopped: the refund is granted.
pub(super) fn on_parcels_stopped(order: &mut Order) -> Answer {
    match order.refund_before_dispatch().map(|refund| (refund.number, refund.status)) {
        Some((number, RefundStatus::Requested)) => {
            // All that is left by now: parts that were stopped before have their own.
            let amount = order.refundable(Counting::Taken);
            order.refund_mut(number).expect("it was just found").amount = amount;
            Decision::applied(order.approve_refund(number))
        }
        Some((_, RefundStatus::Approved | RefundStatus::Failed | RefundStatus::Refunded)) => Decision::AlreadyApplied,
        Some((_, RefundStatus::Rejected | RefundStatus::Waived)) | None => order.contradicted(),
    }
}

/// What is granted because units of a paid order are stopped, the refund of that number; nothing, if it was before.
pub(super) fn for_stopped_part(order: &mut Order, number: RefundNumber, units: &Units) -> Result<Vec<Event>, Answer> {
    let found = order.refund(number);
    let is_meant = |refund: &&Refund| refund.kind == RefundKind::BeforeDispatch && refund.units() == *units;
    match found.filter(is_meant).map(|refund| refund.status) {
        Some(RefundStatus::Requested) if order.standing.status == Status::Paid => {
            grant(order, None, number, units).ok_or_else(|| order.contradicted())
        }
        Some(RefundStatus::Approved | RefundStatus::Failed | RefundStatus::Refunded | RefundStatus::Waived) => {
            Err(Decision::AlreadyApplied)
        }
        Some(RefundStatus::Requested | RefundStatus::Rejected) | None => Err(order.contradicted()),
    }
}

/// What a refund was to stop, all parcels or units, had left: it is not granted.
pub(super) fn on_not_stopped(order: &mut Order, number: RefundNumber) -> Answer {
    let found = order.refund(number).map(|refund| (refund.kind, refund.status));
    match found {
        Some((RefundKind::BeforeDispatch, RefundStatus::Requested)) => {
            Decision::applied(order.reject_refund(number, Rejection::AlreadyDispatched))
        }
        Some((RefundKind::BeforeDispatch, RefundStatus::Rejected)) => Decision::AlreadyApplied,
        Some(
            (
                RefundKind::BeforeDispatch,
                RefundStatus::Approved | RefundStatus::Failed | RefundStatus::Refunded | RefundStatus::Waived,
            )
            | (RefundKind::AfterReturn | RefundKind::ParcelFailed | RefundKind::Goodwill | RefundKind::Exchange, _),
        )
        | None => order.contradicted(),
    }
}

/// A parcel had left: the refund is not granted. Facts of before there were parts do not say which refund they are about: it is for all parcels.
pub(super) fn on_parcels_not_stopped(order: &mut Order) -> Answer {
    match order.refund_before_dispatch().map(|refund| (refund.number, refund.status)) {
        Some((number, RefundStatus::Requested)) => {
            Decision::applied(order.reject_refund(number, Rejection::AlreadyDispatched))
        }
        Some((_, RefundStatus::Approved | RefundStatus::Failed | RefundStatus::Refunded)) => order.contradicted(),
        Some((_, RefundStatus::Rejected | RefundStatus::Waived)) | None => Decision::AlreadyApplied,
    }
}

/// Goods that a buyer sent back were received: granted for what is accepted, once nothing more is awaited.
pub(super) fn on_return_received(
    order: &mut Order,
    agreed: Option<&Snapshot>,
    number: Option<RefundNumber>,
    accepted: &Units,
    complete: bool,
) -> Answer {
    let Some(number) = number else { return Decision::Ignored("no refund waits for what a failed parcel held") };
    let found = order.refund(number).map(|refund| (refund.kind, refund.status));
    match found {
        Some((RefundKind::AfterReturn | RefundKind::Exchange, RefundStatus::Requested)) if !complete => {
            Decision::Ignored("more of it is awaited")
        }
        Some((RefundKind::AfterReturn | RefundKind::Exchange, RefundStatus::Requested)) => {
            grant_accepted(order, agreed, number, accepted)
        }
        Some((
            RefundKind::AfterReturn | RefundKind::Exchange,
            RefundStatus::Approved
            | RefundStatus::Rejected
            | RefundStatus::Failed
            | RefundStatus::Refunded
            | RefundStatus::Waived,
        )) => Decision::AlreadyApplied,
        Some((RefundKind::BeforeDispatch | RefundKind::ParcelFailed | RefundKind::Goodwill, _)) | None => {
            order.contradicted()
        }
    }
}

fn grant_accepted(order: &mut Order, agreed: Option<&Snapshot>, number: RefundNumber, accepted: &Units) -> Answer {
    if accepted.is_empty() {
        return Decision::applied(order.reject_refund(number, Rejection::ReturnNotAccepted));
    }
    grant(order, agreed, number, accepted).map_or_else(|| order.contradicted(), Decision::Applied)
}

/// Grants the refund of that number, which exists, for these units; nothing if the order does not have them. They are priced anew without it:
/// fewer units may have come back than were to, and other refunds may have been granted or not since it was asked for.
fn grant(order: &mut Order, agreed: Option<&Snapshot>, number: RefundNumber, units: &Units) -> Option<Vec<Event>> {
    let mut others = order.clone();
    others.refunds.retain(|refund| refund.number != number);
    let lines = others.price(units, Counting::Taken).ok()?;
    let amount = others.worth(&lines, Counting::Taken);
    let refund = order.refund_mut(number).expect("the caller found it");
    (refund.lines, refund.amount) = (lines, amount);
    exchange::settle(refund, agreed);
    if amount.is_positive() {
        return Some(vec![order.approve_refund(number)]);
    }
    refund.status = RefundStatus::Waived;
    Some(Vec::new())
}

/// Payments gives money back for a refund that was granted, and for an order that was cancelled while its capture was under way.
/// FAILED comes before the pivot: nothing was taken, unless it was set aside by an exchange.
pub(super) fn on_payment_refunded(
    order: &mut Order,
    number: Option<RefundNumber>,
    refunded: Money,
    now: Timestamp,
) -> Answer {
    let Some(number) = number else {
        let is_whole = refunded == order.total;
        return if gives_back_by_itself(order) && is_whole {
            order.note_payment(PaymentStatus::Refunded)
        } else {
            order.contradicted()
        };
    };
    match order.refund(number).map(|refund| (refund.status, refund.amount)) {
        Some((RefundStatus::Approved | RefundStatus::Failed, amount)) => {
            let in_all = order.refunded().checked_add(amount);
            if in_all != Ok(refunded) {
                return order.contradicted();
            }
            Decision::Applied(order.complete_refund(number, now))
        }
        Some((RefundStatus::Refunded, _)) => Decision::AlreadyApplied,
        Some((RefundStatus::Requested | RefundStatus::Rejected | RefundStatus::Waived, _)) | None => {
            order.contradicted()
        }
    }
}

/// Whether payments gives money back because of where the order stands alone: what was taken, and what was set aside for it.
const fn gives_back_by_itself(order: &Order) -> bool {
    match order.standing.status {
        Status::Cancelled(_) => true,
        Status::Failed(_) => order.exchange_for.is_some(),
        Status::Created
        | Status::Confirmed
        | Status::Paid
        | Status::Shipped
        | Status::Delivered
        | Status::Refunded
        | Status::Closed => false,
    }
}

/// The provider refused, and is asked again: until then it is shown.
pub(super) fn on_refund_failed(order: &mut Order, number: Option<RefundNumber>, reason: &str) -> Answer {
    let Some(number) = number else {
        return if gives_back_by_itself(order) {
            Decision::Ignored("the order has ended; payments goes on asking")
        } else {
            order.contradicted()
        };
    };
    let Some(refund) = order.refund_mut(number) else { return order.contradicted() };
    match refund.status {
        RefundStatus::Approved => {
            refund.status = RefundStatus::Failed;
            refund.reason = Some(reason.to_owned());
            Decision::noted()
        }
        RefundStatus::Failed | RefundStatus::Refunded => Decision::AlreadyApplied,
        RefundStatus::Requested | RefundStatus::Rejected | RefundStatus::Waived => order.contradicted(),
    }
}

/// Inventory releases only for an order that we ended, or whose parcels shipping has stopped, which we may hear of later, on its own topic; after
/// an expiry it says so first, on the same topic. Where the rest of an order is of which it releases a part, shipping says.
pub(super) fn on_inventory_released(order: &mut Order, partial: bool) -> Answer {
    if partial {
        let is_part = |refund: &Refund| {
            refund.kind == RefundKind::BeforeDispatch
                && refund.status != RefundStatus::Rejected
                && !refund.lines.is_empty()
        };
        return if order.refunds.iter().any(is_part) {
            Decision::Ignored("the rest of it goes on")
        } else {
            order.contradicted()
        };
    }
    let is_wanted_back = order.is_stopped_by(|status| status != RefundStatus::Rejected);
    match order.standing.status {
        Status::Confirmed if order.cancellation.is_some() => order.note_fulfilment(FulfilmentStatus::Released),
        Status::Paid | Status::Refunded | Status::Closed if is_wanted_back => {
            order.note_fulfilment(FulfilmentStatus::Released)
        }
        Status::Failed(_) | Status::Cancelled(_) => order.note_fulfilment(FulfilmentStatus::Released),
        Status::Created
        | Status::Confirmed
        | Status::Paid
        | Status::Shipped
        | Status::Delivered
        | Status::Refunded
        | Status::Closed => order.contradicted(),
    }
}

#[cfg(test)]
mod part_tests;
#[cfg(test)]
mod tests;
