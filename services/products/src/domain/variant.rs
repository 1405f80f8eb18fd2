//! One thing that can be bought.

use std::collections::BTreeMap;

use kernel::{Currency, Sku};

use super::{OptionValue, Price};

/// One thing that can be bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its stock-keeping unit, unique in the marketplace.
    pub sku: Sku,
    /// One value for each of the product's options, in the order of the options.
    pub option_values: Vec<OptionValue>,
    /// Its weight.
    pub weight: Weight,
    /// The price in force in each currency that it is offered in.
    pub prices: BTreeMap<Currency, Price>,
}

/// A weight of 1 g to 1 t, in whole grams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight {
    grams: i32,
}

impl Weight {
    /// The heaviest, in grams.
    pub const GRAMS_MAX: i32 = 1_000_000;

    /// Takes a number of grams.
    ///
    /// # Errors
    /// Below 1 or above [`Self::GRAMS_MAX`].
    pub fn from_grams(grams: i32) -> Result<Self, InvalidWeight> {
        if (1..=Self::GRAMS_MAX).contains(&grams) { Ok(Self { grams }) } else { Err(InvalidWeight { grams }) }
    }

    /// The number of grams.
    pub const fn grams(self) -> i32 {
        self.grams
    }
}

/// A weight is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be from 1 to {max} grams, not {grams}", max = Weight::GRAMS_MAX)]
pub struct InvalidWeight {
    grams: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_lies_between_a_gram_and_a_tonne() {
        for (grams, is_weight) in [(i32::MIN, false), (0, false), (1, true), (1_000_000, true), (1_000_001, false)] {
            assert_eq!(Weight::from_grams(grams).is_ok(), is_weight, "{grams}");
        }
    }
}
