use kernel::Money;

use super::OrderId;

/// What became true of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The amount is held for us, or will be collected in cash.
    PaymentAuthorized {
        /// The order.
        order_id: OrderId,
        /// The amount.
        amount: Money,
        /// Whether it will be collected in cash; then nothing is held.
        cash_on_delivery: bool,
    },
    /// The issuer said no, or the time to ask had passed.
    PaymentDeclined {
        /// The order.
        order_id: OrderId,
        /// A stable reason.
        reason: String,
    },
    /// The money was taken.
    PaymentCaptured {
        /// The order.
        order_id: OrderId,
        /// The amount taken.
        amount: Money,
    },
    /// The provider refused to take the money.
    CaptureFailed {
        /// The order.
        order_id: OrderId,
        /// A stable reason.
        reason: String,
    },
    /// The authorization was given up.
    PaymentVoided {
        /// The order.
        order_id: OrderId,
        /// The amount that is held no longer.
        amount: Money,
    },
    /// Money was given back.
    PaymentRefunded {
        /// The order.
        order_id: OrderId,
        /// The amount given back by this refund.
        amount: Money,
        /// What was given back in all.
        refunded: Money,
    },
}
