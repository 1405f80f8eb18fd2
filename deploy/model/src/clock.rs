//! Time, as far as decisions know it: a moment at which everything is in time, and for each deadline a moment at which it has
//! passed. Deadlines pass in any order, so a service whose clock is wrong is covered.

use std::time::Duration;

use kernel::Timestamp;

/// When everything happens that happens in time.
pub const NOON: Timestamp = Timestamp::from_unix_micros(1_772_366_400_000_000);

/// How long stock is held for an order.
pub const RESERVATION_TTL: Duration = Duration::from_mins(15);

/// How long an order waits for stock.
pub const BACKORDER_WAIT: Duration = Duration::from_hours(14 * 24);

/// How long before its reservation expires a payment is no longer authorized.
pub const AUTHORIZATION_MARGIN: Duration = Duration::from_mins(1);

/// After how long an order that is not confirmed is cancelled.
pub const UNPAID_AFTER: Duration = Duration::from_mins(16);

/// How long after an authorization the provider still captures it.
pub const AUTHORIZATION_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// How long after its delivery an order's goods may be sent back.
pub const RETURN_WINDOW: Duration = Duration::from_hours(30 * 24);

/// A moment within the last minute of a reservation that was made at [`NOON`].
pub fn last_minute() -> Timestamp {
    NOON + RESERVATION_TTL - AUTHORIZATION_MARGIN
}
