//! What checkout reacts to.

use std::collections::BTreeSet;

use kernel::{Money, Text};

use super::ids::{CheckoutId, OrderId, SellerId};

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
    /// It became another order of the checkout: it was split off one, or takes the place of goods that came back.
    Another {
        /// The seller.
        seller_id: SellerId,
        /// What the buyer pays for it; nothing for what takes the place of goods that came back.
        to_pay: Money,
    },
    /// Units of it were taken away, or became orders of their own.
    Modified {
        /// What the buyer pays for it from now on.
        total: Money,
        /// The orders that were split off it. Each is told as [`News::Another`] too, by a key of its own: sooner or later.
        split_off: BTreeSet<OrderId>,
    },
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
