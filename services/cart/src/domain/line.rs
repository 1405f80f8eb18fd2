//! One SKU in a cart.

use kernel::{Money, MoneyError, Sku, Text};

use super::{ProductId, SellerId};

/// What a line is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The variant.
    pub sku: Sku,
    /// Its product.
    pub product_id: ProductId,
    /// Its seller.
    pub seller_id: SellerId,
    /// The product's title when the line was added.
    pub title: Text<200>,
}

/// The price that a buyer saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenPrice {
    /// The price of one unit.
    pub unit_price: Money,
    /// Its version, from 1.
    pub version: i64,
}

/// How many units a line holds: 1 to 999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineQuantity(i16);

impl LineQuantity {
    /// The most units of one line.
    pub const UNITS_MAX: i16 = 999;

    /// Takes a number of units.
    ///
    /// # Errors
    /// Below 1 or above [`Self::UNITS_MAX`].
    pub fn new(units: i32) -> Result<Self, InvalidLineQuantity> {
        match i16::try_from(units) {
            Ok(units) if (1..=Self::UNITS_MAX).contains(&units) => Ok(Self(units)),
            _ => Err(InvalidLineQuantity { units }),
        }
    }

    /// The number of units.
    pub const fn units(self) -> i16 {
        self.0
    }

    /// Both together, if that is not too many.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::new(i32::from(self.0) + i32::from(other.0)).ok()
    }
}

/// A number of units is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be from 1 to {max}, not {units}", max = LineQuantity::UNITS_MAX)]
pub struct InvalidLineQuantity {
    units: i32,
}

/// One SKU in a cart, with the price that its buyer saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    item: Item,
    quantity: LineQuantity,
    price: SeenPrice,
    total: Money,
}

impl Line {
    /// A line of so many units at that price.
    ///
    /// # Errors
    /// The price of the line overflows.
    pub fn new(item: Item, quantity: LineQuantity, price: SeenPrice) -> Result<Self, MoneyError> {
        let total = price.unit_price.checked_mul(quantity.units())?;
        Ok(Self { item, quantity, price, total })
    }

    /// What it is about.
    pub const fn item(&self) -> &Item {
        &self.item
    }

    /// How many units.
    pub const fn quantity(&self) -> LineQuantity {
        self.quantity
    }

    /// The price that the buyer saw.
    pub const fn price(&self) -> SeenPrice {
        self.price
    }

    /// The price of the line: unit price times quantity.
    pub const fn total(&self) -> Money {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_1_to_999_units() {
        for (units, is_quantity) in [(i32::MIN, false), (-1, false), (0, false), (1, true), (999, true), (1_000, false)]
        {
            assert_eq!(LineQuantity::new(units).is_ok(), is_quantity, "{units}");
        }
        let most = LineQuantity::new(999).unwrap();
        assert_eq!(most.checked_add(LineQuantity::new(1).unwrap()), None);
    }
}
