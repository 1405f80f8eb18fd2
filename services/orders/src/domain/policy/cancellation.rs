//! Cancellation: what becomes of the wish of a buyer or an operator to cancel an order.

use kernel::Mutant;

use crate::domain::fact::Canceller;
use crate::domain::order::Standing;
use crate::domain::status::{CancelReason, FulfilmentStatus, Status, Walk};

/// What becomes of the wish to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelling {
    /// It is cancelled at once: nothing of it can have left.
    AtOnce,
    /// Its parcels are stopped first, if they still can be.
    OnceStopped,
    /// It is cancelled, or about to be, as was asked.
    AskedBefore,
    /// It is too late, or there is nothing to cancel.
    Refused,
}

/// What becomes of the wish to cancel an order that stands there; `is_asked`: whether its parcels are being stopped because somebody wants to.
///
/// A CONFIRMED order may still be cancelled: if its capture is under way, payments gives the money back. In cash its goods may leave from
/// then on, so its parcels are stopped first. Once PAID it is a refund.
pub fn cancelling(standing: Standing, walk: Walk, is_asked: bool) -> Cancelling {
    match standing.status {
        Status::Created => Cancelling::AtOnce,
        Status::Confirmed if is_asked => Cancelling::AskedBefore,
        Status::Confirmed => match walk {
            Walk::Prepaid => Cancelling::AtOnce,
            Walk::CashOnDelivery if Mutant::CancelWithoutStopping.is_active() => Cancelling::AtOnce,
            Walk::CashOnDelivery => match standing.fulfilment {
                FulfilmentStatus::Allocated => Cancelling::OnceStopped,
                FulfilmentStatus::Unallocated
                | FulfilmentStatus::Released
                | FulfilmentStatus::PartlyShipped
                | FulfilmentStatus::Shipped
                | FulfilmentStatus::Delivered
                | FulfilmentStatus::Failed => Cancelling::Refused,
            },
        },
        // Whoever asked and whatever ended it: it is cancelled, as was asked.
        Status::Cancelled(_) => Cancelling::AskedBefore,
        Status::Paid | Status::Shipped | Status::Delivered | Status::Refunded | Status::Closed | Status::Failed(_) => {
            Cancelling::Refused
        }
    }
}

/// The reason that is told of an order that somebody cancelled. Both may, in the same states.
pub const fn reason_of(by: Canceller) -> CancelReason {
    match by {
        Canceller::Buyer => CancelReason::ByBuyer,
        Canceller::Operator => CancelReason::ByOperator,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::where_it_is;
    use super::*;

    #[test]
    fn an_order_is_cancelled_at_once_or_once_its_parcels_are_stopped_or_not_at_all() {
        let becomes = |wanted| where_it_is(|standing, walk| cancelling(standing, walk, false) == wanted);
        assert_eq!(becomes(Cancelling::AtOnce), ["prepaid CREATED", "prepaid CONFIRMED", "cash CREATED"]);
        assert_eq!(becomes(Cancelling::OnceStopped), ["cash CONFIRMED"]);
        assert_eq!(becomes(Cancelling::AskedBefore), ["prepaid CANCELLED", "prepaid CANCELLED, unpaid"]);
        let refused = [
            "prepaid PAID",
            "prepaid PAID, partly shipped",
            "prepaid PAID, released",
            "prepaid SHIPPED",
            "prepaid SHIPPED, all failed",
            "prepaid DELIVERED",
            "prepaid REFUNDED, released",
            "prepaid REFUNDED, shipped",
            "prepaid REFUNDED",
            "prepaid CLOSED",
            "prepaid FAILED",
            "cash CONFIRMED, partly shipped",
            "cash SHIPPED",
            "cash DELIVERED",
            "cash PAID",
            "cash CLOSED",
        ];
        assert_eq!(becomes(Cancelling::Refused), refused);
    }

    #[test]
    fn whoever_waits_for_parcels_to_be_stopped_does_not_have_them_stopped_again() {
        let asked_before = where_it_is(|standing, walk| {
            let first = cancelling(standing, walk, false);
            first == Cancelling::OnceStopped && cancelling(standing, walk, true) == Cancelling::AskedBefore
        });
        assert_eq!(asked_before, ["cash CONFIRMED"]);
    }

    #[test]
    fn the_reason_says_who_cancelled() {
        assert_eq!(
            [Canceller::Buyer, Canceller::Operator].map(reason_of),
            [CancelReason::ByBuyer, CancelReason::ByOperator]
        );
    }
}
