//! What the marketplace may choose about orders.

use std::time::Duration;

use kernel::Timestamp;

/// How long a checkout may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckoutPolicy {
    /// An order that is not confirmed by then is cancelled. It is longer than a reservation lasts, so that an order that
    /// lost its stock is cancelled for that reason.
    pub unpaid_after: Duration,
}

impl CheckoutPolicy {
    /// When an order created at `created_at` is cancelled if it is still unpaid. It counts from the creation, not from the
    /// submission: an order that was created late still gets all of its time.
    pub fn unpaid_deadline(&self, created_at: Timestamp) -> Timestamp {
        created_at + self.unpaid_after
    }
}
