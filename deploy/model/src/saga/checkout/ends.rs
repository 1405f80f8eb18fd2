//! How an order may end. A scenario names those that it must meet.

use inventory::domain::reservation::Status as ReservationStatus;
use kernel::Id;
use orders::domain::order::Order;
use orders::domain::status::{CancelReason, FailureReason, PaymentStatus as PaymentAxis, Status};
use payments::domain::Entry;

use super::{is_with_operator, reservation};
use crate::fleet::Fleet;
use crate::saga::{any_ended, is_at_rest, payment};
use crate::scenario::End;
use crate::state::State;

/// Charged, and the stock is its own.
pub const PAID: End = End { name: "PAID", is_met: |fleet, state| has_ended(fleet, state, Status::Paid) };

/// Two orders are paid.
pub const BOTH_PAID: End = End {
    name: "both PAID",
    is_met: |fleet, state| {
        state.orders.orders().filter(|order| order.standing.status == Status::Paid).count() == 2
            && is_at_rest(fleet, state)
    },
};

/// To be paid at the door.
pub const CONFIRMED_IN_CASH: End =
    End { name: "CONFIRMED, to be paid in cash", is_met: |fleet, state| has_ended(fleet, state, Status::Confirmed) };

/// Too little stock.
pub const OUT_OF_STOCK: End = End {
    name: "FAILED (OUT_OF_STOCK)",
    is_met: |fleet, state| has_ended(fleet, state, Status::Failed(FailureReason::OutOfStock)),
};

/// The provider said no.
pub const DECLINED: End = End {
    name: "FAILED (PAYMENT_DECLINED)",
    is_met: |fleet, state| has_ended(fleet, state, Status::Failed(FailureReason::PaymentDeclined)),
};

/// Never asked, because the reservation was in its last minute.
pub const WINDOW_CLOSED: End = End {
    name: "FAILED (PAYMENT_DECLINED), because the authorization window was closed",
    is_met: |fleet, state| {
        let is_closed = |order: &Order| {
            let reason = payment(state, order).and_then(|payment| payment.reason.as_deref());
            reason == Some("AUTHORIZATION_WINDOW_CLOSED")
        };
        any_ended(fleet, state, is_closed)
    },
};

/// The buyer changed her mind.
pub const BY_BUYER: End = End {
    name: "CANCELLED (CANCELLED_BY_BUYER)",
    is_met: |fleet, state| has_ended(fleet, state, Status::Cancelled(CancelReason::ByBuyer)),
};

/// Nobody paid in time.
pub const UNPAID: End = End {
    name: "CANCELLED (UNPAID)",
    is_met: |fleet, state| has_ended(fleet, state, Status::Cancelled(CancelReason::Unpaid)),
};

/// The reservation ran out.
pub const EXPIRED: End = End {
    name: "CANCELLED (RESERVATION_EXPIRED)",
    is_met: |fleet, state| has_ended(fleet, state, Status::Cancelled(CancelReason::ReservationExpired)),
};

/// The money could not be taken.
pub const CAPTURE_FAILED: End = End {
    name: "CANCELLED (CAPTURE_FAILED)",
    is_met: |fleet, state| has_ended(fleet, state, Status::Cancelled(CancelReason::CaptureFailed)),
};

/// The authorization was given up.
pub const VOIDED: End = End {
    name: "ended, and the authorization was voided",
    is_met: |fleet, state| any_ended(fleet, state, |order| order.standing.payment == PaymentAxis::Voided),
};

/// The money was given back.
pub const REFUNDED: End = End {
    name: "ended, and the money was refunded",
    is_met: |fleet, state| any_ended(fleet, state, |order| order.standing.payment == PaymentAxis::Refunded),
};

/// The provider refuses to give back.
pub const WITH_OPERATOR: End = End {
    name: "ended, and what the provider refuses to give back is with an operator",
    is_met: |fleet, state| any_ended(fleet, state, |order| is_with_operator(state, order)),
};

/// The payment came after the reservation had expired.
pub const COMMIT_REFUSED: End = End {
    name: "ended, and the late payment was refused",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| reservation(state, order) == Some(ReservationStatus::CommitRefused))
    },
};

/// The payment came after the reservation had expired, and orders heard that before it heard of the expiry.
pub const FAILED_LATE: End = End {
    name: "FAILED (RESERVATION_EXPIRED)",
    is_met: |fleet, state| has_ended(fleet, state, Status::Failed(FailureReason::ReservationExpired)),
};

/// Inventory or payments heard of the end before it heard of the order.
pub const TOMBSTONE: End = End {
    name: "ended before inventory or payments had heard of it: a tombstone",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| {
            let entry = state.payments.entry(Id::from_uuid(order.id.uuid()));
            reservation(state, order) == Some(ReservationStatus::Tombstone) || entry == Some(&Entry::Tombstone)
        })
    },
};

fn has_ended(fleet: &Fleet, state: &State, status: Status) -> bool {
    any_ended(fleet, state, |order| order.standing.status == status)
}
