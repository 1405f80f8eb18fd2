//! The policies of orders: which of several ways an order goes, decided by nothing but where it stands and what is told. A file each, with
//! a table of what it decides beside it. The sagas ask, and do what they are told.
//!
//! | policy | decides |
//! | --- | --- |
//! | [`cancellation`] | what becomes of the wish to cancel |
//! | [`modification`] | until when what was agreed may change |
//! | [`payment_timeout`] | when an order that is not paid for is cancelled |
//! | [`fulfilment`] | what lets the goods leave |
//! | [`shipment`] | what follows from what shipping tells of parcels |
//! | [`refund_eligibility`] | which refunds may be asked for |

pub mod cancellation;
pub mod fulfilment;
pub mod modification;
pub mod payment_timeout;
pub mod refund_eligibility;
pub mod shipment;

use std::time::Duration;

use kernel::Timestamp;

/// How long things may take: what the marketplace may choose.
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
    /// When an order that ended well at `delivered_at` is closed.
    pub fn close_deadline(&self, delivered_at: Timestamp) -> Timestamp {
        delivered_at + self.return_window
    }
}

#[cfg(test)]
mod fixtures;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goods_may_come_back_for_as_long_as_the_return_window_lasts() {
        let policy = Policy { unpaid_after: Duration::from_mins(16), return_window: Duration::from_hours(24 * 30) };
        let noon = Timestamp::from_unix_micros(1_800_000_000_000_000);
        assert_eq!(policy.close_deadline(noon), noon + Duration::from_hours(720));
    }
}
