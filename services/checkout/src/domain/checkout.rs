//! An accepted offer, and what becomes of its orders.
//!
//! ```text
//! PENDING -> CONFIRMED -> PAID      cash on delivery: paid when the carrier hands over the money
//! PENDING -> PAID                   prepaid
//! PENDING -> FAILED
//! PENDING | CONFIRMED -> CANCELLED
//! PENDING -> BACKORDERED -> whatever PENDING leads to     it waits for stock
//! PENDING | BACKORDERED: may cost less, and orders may be split off it, which are PENDING
//! ```
//! Which news leads where is decided in `saga/checkout.rs`.

use kernel::{Currency, Money, MoneyError, Timestamp};

use super::fact::Reason;
use super::ids::{BuyerId, CheckoutId, OrderId, QuoteId, SellerId};
use super::quote::Quote;

/// A submitted checkout.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Checkout {
    /// Its id.
    pub id: CheckoutId,
    /// The quote that was accepted.
    pub quote_id: QuoteId,
    /// The buyer.
    pub buyer_id: BuyerId,
    /// One order for each seller, those that were split off them, and those that take the place of goods that came back. In the order of their ids.
    pub orders: Vec<CheckoutOrder>,
    /// What it is paid in.
    pub currency: Currency,
    /// When it was submitted.
    pub submitted_at: Timestamp,
}

/// One order of a checkout.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CheckoutOrder {
    /// Its id.
    pub id: OrderId,
    /// The seller.
    pub seller_id: SellerId,
    /// What the buyer pays for it. Zero as long as it is only known from the order that it was split off, which does not say, and for what takes the place
    /// of goods that came back.
    pub total: Money,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an order; `at` is when that became known here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the only field that needs words is explained above")]
pub enum Outcome {
    /// Not known yet.
    Pending,
    /// It waits for stock, and nothing of it is paid.
    Backordered { at: Timestamp },
    /// To be paid in cash on delivery.
    Confirmed { at: Timestamp },
    /// Paid. Final here: a refund is an order's business.
    Paid { at: Timestamp },
    /// It could not be had. Final.
    Failed { reason: Reason, at: Timestamp },
    /// Cancelled. Final.
    Cancelled { reason: Reason, at: Timestamp },
}

impl Outcome {
    /// The outcome's name, as the contract and the database spell it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Backordered { .. } => "BACKORDERED",
            Self::Confirmed { .. } => "CONFIRMED",
            Self::Paid { .. } => "PAID",
            Self::Failed { .. } => "FAILED",
            Self::Cancelled { .. } => "CANCELLED",
        }
    }

    /// Why the order failed or was cancelled.
    pub const fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Pending | Self::Backordered { .. } | Self::Confirmed { .. } | Self::Paid { .. } => None,
            Self::Failed { reason, .. } | Self::Cancelled { reason, .. } => Some(reason),
        }
    }

    /// When the outcome became known here.
    pub const fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Pending => None,
            Self::Backordered { at }
            | Self::Confirmed { at }
            | Self::Paid { at }
            | Self::Failed { at, .. }
            | Self::Cancelled { at, .. } => Some(*at),
        }
    }
}

impl Checkout {
    /// The checkout that accepts a quote, with one order for each seller. Whether the quote may be accepted is
    /// [`Quote::check_acceptance`]'s to say. `new_order_id` is asked once for each order.
    pub fn of_quote(quote: &Quote, id: CheckoutId, mut new_order_id: impl FnMut() -> OrderId, now: Timestamp) -> Self {
        let orders = quote.sellers.iter().map(|seller| CheckoutOrder {
            id: new_order_id(),
            seller_id: seller.seller_id,
            total: seller.amounts.total,
            outcome: Outcome::Pending,
        });
        Self {
            id,
            quote_id: quote.id,
            buyer_id: quote.buyer_id,
            orders: orders.collect(),
            currency: quote.amounts.total.currency(),
            submitted_at: now,
        }
    }

    /// What the buyer pays when every order goes through: the sum of the orders' totals.
    pub fn total(&self) -> Money {
        let total = self.total_with(Money::zero(self.currency));
        total.expect("a quote's totals add up, and no order is taken in whose total does not")
    }

    /// The same, and that much for another order.
    ///
    /// # Errors
    /// It is in another currency, or together they are too much.
    pub fn total_with(&self, another: Money) -> Result<Money, MoneyError> {
        Money::sum(self.orders.iter().map(|order| order.total).chain([another]), self.currency)
    }

    /// Whether every order has its outcome.
    pub fn is_complete(&self) -> bool {
        self.orders.iter().all(|order| order.outcome != Outcome::Pending)
    }
}
