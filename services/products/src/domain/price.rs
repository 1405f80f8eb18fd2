//! What one unit of a variant costs, and since when.

use kernel::{Currency, Money, Timestamp};

/// The price of one unit, before tax: above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitPrice(Money);

impl UnitPrice {
    /// Takes an amount.
    ///
    /// # Errors
    /// Zero or below.
    pub fn new(amount: Money) -> Result<Self, NotPositive> {
        if amount.is_positive() { Ok(Self(amount)) } else { Err(NotPositive(amount)) }
    }

    /// The amount.
    pub const fn money(self) -> Money {
        self.0
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.0.currency()
    }
}

/// An amount of zero or below is no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a price must be above zero, not {0}")]
pub struct NotPositive(Money);

/// A price that was in force from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// The price of one unit.
    pub amount: UnitPrice,
    /// 1 for a variant's first price in a currency, one more with each change.
    pub version: i64,
    /// When it came into force.
    pub effective_at: Timestamp,
}

impl Price {
    /// A variant's first price in a currency.
    pub const fn first(amount: UnitPrice, now: Timestamp) -> Self {
        Self { amount, version: 1, effective_at: now }
    }

    /// The price that replaces this one.
    #[must_use]
    pub const fn followed_by(&self, amount: UnitPrice, now: Timestamp) -> Self {
        Self { amount, version: self.version + 1, effective_at: now }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_amount_above_zero_is_a_price() {
        for (minor, is_price) in [(1, true), (0, false), (-1, false)] {
            assert_eq!(UnitPrice::new(Money::from_minor(minor, Currency::EUR)).is_ok(), is_price, "{minor}");
        }
    }
}
