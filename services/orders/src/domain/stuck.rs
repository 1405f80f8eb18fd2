//! What an order waits for that a service is to do by itself, and what becomes of it when that does not come.
//!
//! What people do, such as sending parcels or goods back, takes as long as it takes.

use std::time::Duration;

use kernel::Timestamp;

use super::order::Order;
use super::refund::{Refund, RefundKind, RefundNumber, RefundStatus};
use super::status::{FulfilmentStatus, PaymentStatus, Status};

/// After so many times an operator is told instead.
pub const SENDS_MAX: i32 = 3;

/// What an order waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// What is to happen.
    pub what: &'static str,
    /// Which service is to do it.
    pub from: &'static str,
    /// What orders said, so that it would.
    pub said: Said,
}

/// A decision of orders that others act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the events of these names explain each")]
pub enum Said {
    Created,
    Modified,
    Confirmed,
    CancellationRequested,
    RefundRequested(RefundNumber),
    RefundApproved(RefundNumber),
    Failed,
    Cancelled,
    Refunded,
}

/// Everything that an order waits for; nothing if the next step is a person's, or there is none.
pub fn awaited(order: &Order) -> Vec<Awaited> {
    let mut awaited = match order.standing.status {
        // The seller is to restock. What comes then has deadlines of its own.
        Status::Created if order.waits_until.is_some() => Vec::new(),
        Status::Created => {
            let awaits = |said| Awaited { what: "stock and an authorization", from: "inventory and payments", said };
            let modified = (order.terms_version > 1).then(|| awaits(Said::Modified));
            [awaits(Said::Created)].into_iter().chain(modified).collect()
        }
        Status::Confirmed if !order.cash_on_delivery => {
            vec![Awaited { what: "the capture", from: "payments", said: Said::Confirmed }]
        }
        Status::Confirmed | Status::Paid | Status::Shipped | Status::Delivered => {
            let stopped = Awaited {
                what: "whether its parcels are stopped",
                from: "shipping",
                said: Said::CancellationRequested,
            };
            order.cancellation.iter().map(|_| stopped).collect()
        }
        Status::Failed(_) => {
            money_held(order, Said::Failed).into_iter().chain(stock_held(order, Said::Failed)).collect()
        }
        Status::Cancelled(_) => {
            money_held(order, Said::Cancelled).into_iter().chain(stock_held(order, Said::Cancelled)).collect()
        }
        Status::Refunded => stock_held(order, Said::Refunded).into_iter().collect(),
        Status::Closed => Vec::new(),
    };
    awaited.extend(order.refunds.iter().filter_map(of_refund));
    awaited
}

/// Money of an order that has ended.
fn money_held(order: &Order, said: Said) -> Option<Awaited> {
    let what = match order.standing.payment {
        PaymentStatus::Unpaid | PaymentStatus::Declined | PaymentStatus::Authorized if order.exchange_for.is_some() => {
            "that what was set aside for it is given back"
        }
        PaymentStatus::Authorized | PaymentStatus::CaptureFailed => "that the authorization is given up",
        PaymentStatus::Captured => "that the money is given back",
        PaymentStatus::Unpaid | PaymentStatus::Declined | PaymentStatus::Voided | PaymentStatus::Refunded => {
            return None;
        }
    };
    Some(Awaited { what, from: "payments", said })
}

/// Stock of an order that has ended.
fn stock_held(order: &Order, said: Said) -> Option<Awaited> {
    match order.standing.fulfilment {
        FulfilmentStatus::Allocated => Some(Awaited { what: "that the stock is released", from: "inventory", said }),
        FulfilmentStatus::Unallocated
        | FulfilmentStatus::Released
        | FulfilmentStatus::PartlyShipped
        | FulfilmentStatus::Shipped
        | FulfilmentStatus::Delivered
        | FulfilmentStatus::Failed => None,
    }
}

fn of_refund(refund: &Refund) -> Option<Awaited> {
    match (refund.status, refund.kind) {
        (RefundStatus::Requested, RefundKind::BeforeDispatch) => Some(Awaited {
            what: "whether its parcels are stopped",
            from: "shipping",
            said: Said::RefundRequested(refund.number),
        }),
        (
            RefundStatus::Approved,
            RefundKind::BeforeDispatch
            | RefundKind::AfterReturn
            | RefundKind::ParcelFailed
            | RefundKind::Goodwill
            | RefundKind::Exchange,
        ) => Some(Awaited {
            what: "that the money of a refund is given back",
            from: "payments",
            said: Said::RefundApproved(refund.number),
        }),
        // The goods are on their way back, or it is granted at once. Of one that failed an operator knows, and has it asked for again.
        (
            RefundStatus::Requested,
            RefundKind::AfterReturn | RefundKind::ParcelFailed | RefundKind::Goodwill | RefundKind::Exchange,
        )
        | (RefundStatus::Rejected | RefundStatus::Failed | RefundStatus::Refunded | RefundStatus::Waived, _) => None,
    }
}

/// What is known of an order that was silent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// When the order last changed.
    pub since: Timestamp,
    /// How often what it waits for was asked for again.
    pub times_sent: i32,
    /// When that was done last.
    pub last_sent_at: Timestamp,
    /// Whether an operator was told.
    pub is_told: bool,
}

/// What is to be done about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is not silent, or not for long enough since something was done about it.
    Wait,
    /// It was silent and is no longer.
    MovedOn,
    /// What it waits for is asked for again, for the time that is told.
    SendAgain(i32),
    /// An operator has to look.
    Tell,
}

/// What is to be done about an order that last changed at `changed_at`, and was silent before or not.
pub fn step(
    is_waiting: bool,
    changed_at: Timestamp,
    before: Option<&Silence>,
    stuck_after: Duration,
    now: Timestamp,
) -> Step {
    let is_silent = is_waiting && changed_at + stuck_after <= now;
    match before {
        Some(before) if is_silent && before.since == changed_at => {
            if before.is_told || before.last_sent_at + stuck_after > now {
                Step::Wait
            } else if before.times_sent < SENDS_MAX {
                Step::SendAgain(before.times_sent + 1)
            } else {
                Step::Tell
            }
        }
        Some(_) | None if is_silent => Step::SendAgain(1),
        Some(_) => Step::MovedOn,
        None => Step::Wait,
    }
}

#[cfg(test)]
mod tests;
