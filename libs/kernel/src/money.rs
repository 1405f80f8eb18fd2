use std::cmp::{Ordering, Reverse};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Currency, Rate, Rounding};

/// Digits of `google.type.Money.nanos`: a billionth of the unit.
const NANO_DIGITS: u32 = 9;
const NANOS_MAX: i32 = 999_999_999;

/// An amount in whole minor units (cents, yen, fils) of one currency; negative where something is owed or given back.
///
/// There is no rounding except where [`Rounding`] is named, and no operator that could overflow or mix currencies: each
/// operation that can fail says so in its type.
///
/// ```
/// use kernel::{Currency, Money};
///
/// let price = Money::from_minor(1_234, Currency::EUR);
/// assert_eq!(price.checked_mul(3)?.to_string(), "37.02 EUR");
/// # Ok::<(), kernel::MoneyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why an operation on money has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result does not fit into 64 bits of minor units.
    #[error("the amount is too large")]
    Overflow,
    /// Two currencies met in one operation.
    #[error("{left} and {right} cannot be combined")]
    CurrencyMismatch {
        /// The currency of the amount that was asked.
        left: Currency,
        /// The currency of the other amount.
        right: Currency,
    },
    /// Weights are missing or all zero, so that nobody can be given anything.
    #[error("an amount needs at least one weight above zero to be spread over")]
    NoWeights,
    /// The nanos are outside -999,999,999 to 999,999,999.
    #[error("nanos must be from -999999999 to 999999999, not {nanos}")]
    NanosOutOfRange {
        /// Billionths of the unit, as given.
        nanos: i32,
    },
    /// Units and nanos have opposite signs.
    #[error("units ({units}) and nanos ({nanos}) must have the same sign")]
    MixedSigns {
        /// Whole units, as given.
        units: i64,
        /// Billionths of the unit, as given.
        nanos: i32,
    },
    /// The nanos hold a fraction of the minor unit. It is refused, never rounded.
    #[error("{nanos} nanos are not a whole number of minor units of {currency}")]
    FinerThanMinorUnit {
        /// Billionths of the unit, as given.
        nanos: i32,
        /// The currency whose minor unit is coarser.
        currency: Currency,
    },
}

impl Money {
    /// That many minor units: 1,234 with the euro is EUR 12.34.
    pub const fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self::from_minor(0, currency)
    }

    /// Reads the fields of a `google.type.Money`: whole units and billionths of the unit, both of the same sign.
    ///
    /// # Errors
    /// Nanos out of range, mixed signs, a fraction finer than the minor unit, or overflow.
    pub fn from_units_nanos(units: i64, nanos: i32, currency: Currency) -> Result<Self, MoneyError> {
        if nanos.unsigned_abs() > NANOS_MAX.unsigned_abs() {
            return Err(MoneyError::NanosOutOfRange { nanos });
        }
        if units.signum() * i64::from(nanos.signum()) < 0 {
            return Err(MoneyError::MixedSigns { units, nanos });
        }
        let (minor_per_unit, nanos_per_minor) = scales(currency);
        let nanos_wide = i64::from(nanos);
        if nanos_wide % nanos_per_minor != 0 {
            return Err(MoneyError::FinerThanMinorUnit { nanos, currency });
        }
        Self::from_wide(
            i128::from(units) * i128::from(minor_per_unit) + i128::from(nanos_wide / nanos_per_minor),
            currency,
        )
    }

    /// Whole units and billionths of the unit, both of the same sign, as `google.type.Money` wants them.
    pub fn to_units_nanos(self) -> (i64, i32) {
        let (minor_per_unit, nanos_per_minor) = scales(self.currency);
        let nanos = self.minor % minor_per_unit * nanos_per_minor;
        (self.minor / minor_per_unit, i32::try_from(nanos).expect("less than one unit is less than 10^9 nanos"))
    }

    /// The amount in minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Below zero.
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// Exactly zero.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Above zero.
    pub const fn is_positive(self) -> bool {
        self.minor > 0
    }

    /// Which of the two is more. There is no `PartialOrd`, because `<` would answer "no" for two currencies.
    ///
    /// # Errors
    /// Two currencies.
    pub fn checked_cmp(self, other: Self) -> Result<Ordering, MoneyError> {
        self.require_same_currency(other)?;
        Ok(self.minor.cmp(&other.minor))
    }

    /// The sum.
    ///
    /// # Errors
    /// Two currencies, or overflow.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.require_same_currency(other)?;
        Self::from_wide(i128::from(self.minor) + i128::from(other.minor), self.currency)
    }

    /// The difference.
    ///
    /// # Errors
    /// Two currencies, or overflow.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.require_same_currency(other)?;
        Self::from_wide(i128::from(self.minor) - i128::from(other.minor), self.currency)
    }

    /// That many times the amount; a [`Quantity`](crate::Quantity) is a factor too.
    ///
    /// # Errors
    /// Overflow.
    pub fn checked_mul(self, factor: impl Into<i64>) -> Result<Self, MoneyError> {
        Self::from_wide(i128::from(self.minor) * i128::from(factor.into()), self.currency)
    }

    /// The opposite amount: a credit for a debit.
    ///
    /// # Errors
    /// Overflow: 64 bits hold one negative number more than positive ones.
    pub fn checked_neg(self) -> Result<Self, MoneyError> {
        Self::from_wide(-i128::from(self.minor), self.currency)
    }

    /// The sum of all; zero if there are none. Only the total must fit, so the order of the amounts does not matter.
    ///
    /// # Errors
    /// An amount in another currency than `currency`, or overflow.
    pub fn sum(amounts: impl IntoIterator<Item = Self>, currency: Currency) -> Result<Self, MoneyError> {
        let mut total = 0_i128;
        for amount in amounts {
            Self::zero(currency).require_same_currency(amount)?;
            total += i128::from(amount.minor);
        }
        Self::from_wide(total, currency)
    }

    /// A share of the amount, rounded once, to the minor unit: `apply_rate(19 %)` is the tax, not the gross amount.
    ///
    /// # Errors
    /// Overflow.
    pub fn apply_rate(self, rate: Rate, rounding: Rounding) -> Result<Self, MoneyError> {
        self.with_magnitude(rate.of_magnitude(self.minor.unsigned_abs(), rounding))
    }

    /// Spreads the amount over `weights` by the largest remainder: one share each, in their order, that sum exactly to
    /// the amount.
    ///
    /// Each share is within one minor unit of its exact proportion, a larger weight never gets the smaller magnitude, a
    /// weight of zero gets nothing, and of equal remainders the earlier is served first. A negative amount is spread as
    /// the exact mirror of the positive one, so a refund undoes a charge line by line.
    ///
    /// # Errors
    /// No weight above zero.
    pub fn allocate(self, weights: &[u64]) -> Result<Vec<Self>, MoneyError> {
        let weight_total: u128 = weights.iter().copied().map(u128::from).sum();
        if weight_total == 0 {
            return Err(MoneyError::NoWeights);
        }
        let magnitude = u128::from(self.minor.unsigned_abs());
        // At most 2^63 * 2^64 = 2^127: the products fit.
        let exact: Vec<u128> = weights.iter().map(|&weight| magnitude * u128::from(weight)).collect();
        let mut shares: Vec<u128> = exact.iter().map(|product| product / weight_total).collect();

        // The remainders sum to `left` times the total and each is below the total, so `left` of them are above zero.
        let left = usize::try_from(magnitude - shares.iter().sum::<u128>()).expect("fewer units are left than weights");
        let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
        by_remainder.sort_by_key(|&line| Reverse(exact[line] % weight_total)); // stable: the earlier line wins a tie
        for &line in &by_remainder[..left] {
            shares[line] += 1;
        }
        shares.into_iter().map(|share| self.with_magnitude(share)).collect()
    }

    /// What the first `units` of `of` equal units cost if all of them cost the amount, rounded towards zero. So what lies between two such
    /// sums is the share of the units between them, and the shares of all units sum exactly to the amount, however they are grouped.
    ///
    /// # Panics
    /// `of` is not above zero, or `units` is not from 0 to `of`: a caller that counts units knows how many there are.
    #[must_use]
    pub fn of_first_units(self, units: i64, of: i64) -> Self {
        assert!((0..=of).contains(&units) && of > 0, "{units} of {of} units");
        let minor = i128::from(self.minor) * i128::from(units) / i128::from(of);
        Self { minor: i64::try_from(minor).expect("a part is not more than the whole"), ..self }
    }

    fn require_same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
        }
    }

    /// The same sign and currency with another magnitude.
    fn with_magnitude(self, magnitude: u128) -> Result<Self, MoneyError> {
        let magnitude = i128::try_from(magnitude).map_err(|_| MoneyError::Overflow)?;
        Self::from_wide(if self.is_negative() { -magnitude } else { magnitude }, self.currency)
    }

    fn from_wide(minor: i128, currency: Currency) -> Result<Self, MoneyError> {
        let minor = i64::try_from(minor).map_err(|_| MoneyError::Overflow)?;
        Ok(Self { minor, currency })
    }
}

/// Minor units per unit and nanos per minor unit; their product is 10^9.
fn scales(currency: Currency) -> (i64, i64) {
    let digits = currency.minor_digits();
    (10_i64.pow(digits), 10_i64.pow(NANO_DIGITS - digits))
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative() { "-" } else { "" };
        let digits = self.currency.minor_digits();
        let minor_per_unit = 10_u64.pow(digits);
        let (units, rest) = (self.minor.unsigned_abs() / minor_per_unit, self.minor.unsigned_abs() % minor_per_unit);
        match digits {
            0 => write!(f, "{sign}{units} {}", self.currency),
            _ => write!(f, "{sign}{units}.{rest:0width$} {}", self.currency, width = digits as usize),
        }
    }
}

#[cfg(test)]
mod tests;
