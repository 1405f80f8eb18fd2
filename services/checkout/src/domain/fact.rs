//! What checkout reacts to.

use kernel::Text;

use super::ids::{CheckoutId, OrderId};

/// A stable reason that orders gives, such as OUT_OF_STOCK.
pub type Reason = Text<64>;

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The checkout that it came from.
    pub checkout_id: CheckoutId,
    /// The order.
    pub order_id: OrderId,
    /// What happened.
    pub news: News,
}

/// What happened to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Stock is committed and payment authorized. For cash on delivery that is the outcome; a prepaid order has yet to be paid.
    Confirmed {
        /// Whether it is paid in cash on delivery.
        cash_on_delivery: bool,
    },
    /// The payment was captured.
    Paid,
    /// It could not be had.
    Failed(Reason),
    /// It was cancelled.
    Cancelled(Reason),
}
