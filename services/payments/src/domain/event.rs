use kernel::Money;

use super::OrderId;

/// What became true of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The amount is held for us, or will be collected in cash.
    PaymentAuthorized {
        /// The order.
        order_id: OrderId,
        /// The amount that was asked for. By now less may be due.
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
        /// The amount that is held no longer; of cash, that will not be collected.
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
        /// Which of the order's refunds; 0 when it follows from the end of the order.
        number: i32,
        /// Whether all that was taken has been given back.
        whole: bool,
        /// Whether it was put to the buyer's credit, because it was paid in cash or is set aside.
        to_credit: bool,
    },
    /// The provider refused to give money back.
    RefundFailed {
        /// The order.
        order_id: OrderId,
        /// Which of the order's refunds; 0 when it follows from the end of the order.
        number: i32,
        /// The amount that was asked for.
        amount: Money,
        /// A stable reason.
        reason: String,
    },
}
