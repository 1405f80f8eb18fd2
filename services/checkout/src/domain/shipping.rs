//! What shipping costs: a flat rate per seller, in each currency that it is offered in.

use std::str::FromStr;

use kernel::{Currency, Money};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// The flat rate in one currency; written `USD=4.99`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlatRate(Money);

/// The text is not a currency and an amount in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a currency and an amount of at least 0 in whole minor units, such as USD=4.99")]
pub struct InvalidFlatRate;

impl FromStr for FlatRate {
    type Err = InvalidFlatRate;

    fn from_str(text: &str) -> Result<Self, InvalidFlatRate> {
        let (currency, amount) = text.split_once('=').ok_or(InvalidFlatRate)?;
        let currency: Currency = currency.parse().map_err(|_| InvalidFlatRate)?;
        let amount = Decimal::from_str_exact(amount).map_err(|_| InvalidFlatRate)?;
        let minor = amount.checked_mul(Decimal::from(10_u64.pow(currency.minor_digits()))).ok_or(InvalidFlatRate)?;
        if minor < Decimal::ZERO || !minor.is_integer() {
            return Err(InvalidFlatRate);
        }
        minor.to_i64().map(|minor| Self(Money::from_minor(minor, currency))).ok_or(InvalidFlatRate)
    }
}

/// The flat rates, at most one for each currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlatRates(Vec<Money>);

/// A currency has two flat rates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are two flat rates for shipping in {0}")]
pub struct TwoFlatRates(Currency);

impl FlatRates {
    /// Takes the rates.
    ///
    /// # Errors
    /// Two for one currency.
    pub fn new(rates: impl IntoIterator<Item = FlatRate>) -> Result<Self, TwoFlatRates> {
        let mut known = Self(Vec::new());
        for FlatRate(rate) in rates {
            if known.rate(rate.currency()).is_some() {
                return Err(TwoFlatRates(rate.currency()));
            }
            known.0.push(rate);
        }
        Ok(known)
    }

    /// What shipping costs for each seller, before tax; `None` if nothing is shipped for that currency.
    pub fn rate(&self, currency: Currency) -> Option<Money> {
        self.0.iter().copied().find(|rate| rate.currency() == currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(text: &str) -> Result<i64, InvalidFlatRate> {
        text.parse().map(|FlatRate(rate)| rate.minor())
    }

    #[test]
    fn a_flat_rate_is_read_in_the_minor_units_of_its_currency() {
        assert_eq!(minor("USD=4.99"), Ok(499));
        assert_eq!(minor("USD=5"), Ok(500));
        assert_eq!(minor("JPY=500"), Ok(500));
        assert_eq!(minor("KWD=1.250"), Ok(1_250));
        assert_eq!(minor("EUR=0"), Ok(0));
    }

    #[test]
    fn a_flat_rate_that_cannot_be_charged_is_refused() {
        for text in [
            "",
            "USD",
            "USD=",
            "4.99",
            "USD=4.999",
            "JPY=0.5",
            "USD=-1",
            "XXX=1",
            "USD=1e3",
            "USD=92233720368547758.08",
        ] {
            assert_eq!(minor(text), Err(InvalidFlatRate), "{text}");
        }
    }

    #[test]
    fn a_currency_has_one_flat_rate_or_none() {
        let rates = |texts: &[&str]| FlatRates::new(texts.iter().map(|text| text.parse().unwrap()));
        let known = rates(&["USD=4.99", "EUR=3.99"]).unwrap();
        assert_eq!(known.rate(Currency::EUR), Some(Money::from_minor(399, Currency::EUR)));
        assert_eq!(known.rate(Currency::GBP), None);
        assert_eq!(rates(&["USD=4.99", "USD=4.99"]), Err(TwoFlatRates(Currency::USD)));
    }
}
