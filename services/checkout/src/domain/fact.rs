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
    /// It waits for stock.
    Backordered,
    /// An order to be paid in cash on delivery is confirmed, which is its outcome. A prepaid one has yet to be paid.
    Confirmed,
    /// The payment was captured.
    Paid,
    /// It could not be had.
    Failed(Reason),
    /// It was cancelled.
    Cancelled(Reason),
}
