//! Payment timeout: when an order that is not paid for is cancelled.

use kernel::Timestamp;

use super::Policy;
use crate::domain::status::{CancelReason, Status, Walk};

/// What becomes of an order that is found unpaid after its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// It is cancelled.
    Cancels,
    /// It was cancelled for that before.
    CancelledBefore,
    /// It stays as it is, because.
    Stays(&'static str),
}

impl Policy {
    /// When an order created at `created_at` is cancelled if it is still unpaid. It counts from the creation, not from the
    /// submission: an order that was created late still gets all of its time.
    pub fn unpaid_deadline(&self, created_at: Timestamp) -> Timestamp {
        created_at + self.unpaid_after
    }
}

/// What becomes of an order of that status whose deadline is said to have passed. Whoever says so may have a clock that runs ahead, or speak
/// of an order that moved on since it looked. An order that is CONFIRMED has until its authorization ends, which is payments' to see to.
pub fn after_unpaid_deadline(status: Status, walk: Walk, deadline: Timestamp, now: Timestamp) -> Timeout {
    match status {
        Status::Created if now < deadline => Timeout::Stays("the deadline has not passed yet"),
        Status::Created => Timeout::Cancels,
        Status::Confirmed => match walk {
            Walk::CashOnDelivery => Timeout::Stays("it is paid at the door"),
            Walk::Prepaid => Timeout::Stays("the payment is authorized and its capture is under way"),
        },
        Status::Paid | Status::Shipped | Status::Delivered | Status::Refunded | Status::Closed => {
            Timeout::Stays("the order was confirmed in time")
        }
        Status::Cancelled(CancelReason::Unpaid) => Timeout::CancelledBefore,
        Status::Failed(_)
        | Status::Cancelled(
            CancelReason::ByBuyer
            | CancelReason::ByOperator
            | CancelReason::ReservationExpired
            | CancelReason::CaptureFailed
            | CancelReason::DeliveryFailed,
        ) => Timeout::Stays("the order ended before its deadline"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::fixtures::{standings, where_it_is};
    use super::*;

    const NOON: Timestamp = Timestamp::from_unix_micros(1_800_000_000_000_000);

    #[test]
    fn only_what_was_never_confirmed_is_cancelled_when_its_time_is_over() {
        let becomes =
            |wanted| where_it_is(|standing, walk| after_unpaid_deadline(standing.status, walk, NOON, NOON) == wanted);
        assert_eq!(becomes(Timeout::Cancels), ["prepaid CREATED", "cash CREATED"]);
        assert_eq!(becomes(Timeout::CancelledBefore), ["prepaid CANCELLED, unpaid"]);
        let ended = becomes(Timeout::Stays("the order ended before its deadline"));
        assert_eq!(ended, ["prepaid FAILED", "prepaid CANCELLED"]);
        let at_the_door = becomes(Timeout::Stays("it is paid at the door"));
        assert_eq!(at_the_door, ["cash CONFIRMED", "cash CONFIRMED, partly shipped"]);
        assert_eq!(
            becomes(Timeout::Stays("the payment is authorized and its capture is under way")),
            ["prepaid CONFIRMED"]
        );
        assert_eq!(becomes(Timeout::Stays("the order was confirmed in time")).len(), standings().len() - 8);
    }

    #[test]
    fn the_deadline_counts_from_the_creation_and_a_moment_before_it_nothing_is_cancelled() {
        let policy = Policy { unpaid_after: Duration::from_mins(16), return_window: Duration::ZERO };
        let deadline = policy.unpaid_deadline(NOON);
        assert_eq!(deadline, NOON + Duration::from_mins(16));
        let at = |now| after_unpaid_deadline(Status::Created, Walk::Prepaid, deadline, now);
        assert_eq!(at(NOON), Timeout::Stays("the deadline has not passed yet"));
        assert_eq!(at(deadline), Timeout::Cancels);
    }
}
