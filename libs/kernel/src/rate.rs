use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::excerpt::Excerpt;
use crate::serde_text;

/// A share of an amount as a decimal fraction: 0.19 is 19 %. Taxes, commissions and discounts are rates.
///
/// From 0 to [`Rate::MAX`] with at most [`Rate::DECIMALS_MAX`] decimals. Within these limits its product with any
/// amount is exact in 128 bits, so [`Money::apply_rate`](crate::Money::apply_rate) rounds once and only once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(Decimal);

impl Rate {
    /// 1,000,000, that is 100,000,000 %.
    pub const MAX: Self = Self(Decimal::from_parts(1_000_000, 0, 0, false, 0));

    /// Decimals after the point, trailing zeros not counted.
    pub const DECIMALS_MAX: u32 = 12;

    /// Takes a fraction such as 0.19.
    ///
    /// # Errors
    /// Below 0, above [`Self::MAX`], or finer than [`Self::DECIMALS_MAX`] decimals.
    pub fn new(fraction: Decimal) -> Result<Self, InvalidRate> {
        let fraction = fraction.normalize();
        let is_in_range = Decimal::ZERO <= fraction && fraction <= Self::MAX.0;
        if is_in_range && fraction.scale() <= Self::DECIMALS_MAX {
            Ok(Self(fraction))
        } else {
            Err(InvalidRate(Excerpt::of(&fraction.to_string())))
        }
    }

    /// The fraction, 0.19 for 19 %.
    pub const fn fraction(self) -> Decimal {
        self.0
    }

    /// Multiplies a magnitude exactly, then rounds to a whole number.
    pub(crate) fn of_magnitude(self, magnitude: u64, rounding: Rounding) -> u128 {
        // At most 2^64 * 10^18 < 2^124: the largest rate has 6 + 12 digits.
        let product = u128::from(magnitude) * self.0.mantissa().unsigned_abs();
        let divisor = 10_u128.pow(self.0.scale());
        let (whole, rest) = (product / divisor, product % divisor);
        let rounds_up = match (rest * 2).cmp(&divisor) {
            Ordering::Less => false,
            Ordering::Equal => match rounding {
                Rounding::HalfEven => whole % 2 == 1,
                Rounding::HalfUp => true,
            },
            Ordering::Greater => true,
        };
        whole + u128::from(rounds_up)
    }
}

/// What becomes of an amount that lies exactly between two minor units. Every other amount goes to the nearer one.
///
/// Both look at the magnitude only, so a refund rounds to exactly the opposite of its charge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// To the even neighbour: 0.5 becomes 0, 1.5 becomes 2. The default, because over many amounts it favours nobody.
    #[default]
    HalfEven,
    /// Away from zero: 0.5 becomes 1, -0.5 becomes -1. What many tax laws prescribe.
    HalfUp,
}

/// The fraction is negative, too large, too fine, or not a decimal number at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a rate: expected a fraction from 0 to 1000000 with at most 12 decimals, such as 0.19")]
pub struct InvalidRate(Excerpt);

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let fraction = Decimal::from_str_exact(text).map_err(|_| InvalidRate(Excerpt::of(text)))?;
        Self::new(fraction)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_text::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_fractions_are_equal_rates_with_one_text() {
        let rate: Rate = "0.1900".parse().unwrap();
        assert_eq!(rate, "0.19".parse().unwrap());
        assert_eq!(rate.to_string(), "0.19");
        assert_eq!(serde_json::to_string(&rate).unwrap(), "\"0.19\"");
        assert_eq!(serde_json::from_str::<Rate>("\"0.19\"").unwrap(), rate);
    }

    #[test]
    fn the_limits_themselves_are_rates() {
        assert_eq!("1000000".parse(), Ok(Rate::MAX));
        assert!("0".parse::<Rate>().is_ok());
        assert!("0.000000000001".parse::<Rate>().is_ok());
        assert!("999999.999999999999".parse::<Rate>().is_ok());
    }

    #[test]
    fn what_is_negative_too_large_too_fine_or_no_number_is_refused() {
        for text in ["-0.19", "1000000.01", "0.0000000000001", "", "19 %", "1e-2", "NaN"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        let finer_than_a_decimal_can_hold = format!("0.{}1", "0".repeat(40));
        assert!(finer_than_a_decimal_can_hold.parse::<Rate>().is_err());
    }

    #[test]
    fn the_largest_product_fits() {
        let rate: Rate = "999999.999999999999".parse().unwrap();
        let exact = u128::from(u64::MAX) * 999_999_999_999_999_999 / 1_000_000_000_000;
        assert!(rate.of_magnitude(u64::MAX, Rounding::HalfEven).abs_diff(exact) <= 1);
    }
}
