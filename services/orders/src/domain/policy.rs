//! What the marketplace may choose about orders, and which refunds it grants.

use std::time::Duration;

use kernel::Timestamp;

use super::order::Standing;
use super::refund::RefundKind;
use super::status::{FulfilmentStatus, Status, Walk};

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// An order that is not confirmed by then is cancelled. It is longer than a reservation lasts, so that an order that
    /// lost its stock is cancelled for that reason.
    pub unpaid_after: Duration,
    /// How long after its delivery goods may be sent back. The law of the European Union gives consumers at least 14 days
    /// (Directive 2011/83/EU, article 9).
    pub return_window: Duration,
}

impl Policy {
    /// When an order created at `created_at` is cancelled if it is still unpaid. It counts from the creation, not from the
    /// submission: an order that was created late still gets all of its time.
    pub fn unpaid_deadline(&self, created_at: Timestamp) -> Timestamp {
        created_at + self.unpaid_after
    }

    /// When an order that ended well at `delivered_at` is closed.
    pub fn close_deadline(&self, delivered_at: Timestamp) -> Timestamp {
        delivered_at + self.return_window
    }
}

/// Whether a refund of a kind may be asked for of an order that stands there. Before dispatch shipping has the last word, after a return
/// whoever receives it. The time in which goods may be sent back, and amounts and units, are looked at apart.
pub fn is_refundable(kind: RefundKind, standing: Standing, walk: Walk) -> bool {
    let is_paid_and_arrived = match walk {
        Walk::Prepaid => standing.status == Status::Delivered,
        Walk::CashOnDelivery => standing.status == Status::Paid,
    };
    match kind {
        RefundKind::BeforeDispatch => {
            walk == Walk::Prepaid
                && standing.status == Status::Paid
                && standing.fulfilment == FulfilmentStatus::Allocated
        }
        RefundKind::AfterReturn => is_paid_and_arrived,
        // Before everything has left, whoever wants to be kind cancels or gives all of it back.
        RefundKind::Goodwill => is_paid_and_arrived || (walk == Walk::Prepaid && standing.status == Status::Shipped),
        // Nobody asks for it: it follows from what the carrier says.
        RefundKind::ParcelFailed => false,
    }
}

#[cfg(test)]
mod tests;
