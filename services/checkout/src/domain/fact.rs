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
    /// Stock is committed, and the buyer pays in cash on delivery: that is the outcome. A prepaid order has yet to be paid, so its
    /// confirmation is no news.
    CashOrderConfirmed,
    /// The payment was captured.
    Paid,
    /// It could not be had.
    Failed(Reason),
    /// It was cancelled.
    Cancelled(Reason),
}
