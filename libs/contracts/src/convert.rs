//! Money, time and ids, from the wire and back.
//!
//! What comes from outside is parsed once, here or in a service's adapter, and is a [`kernel`] value from then on.

use kernel::{Currency, Id, Money, MoneyError, Timestamp};

use crate::google::r#type::Money as WireMoney;

/// A message lacks a field, or a field holds what it may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidField {
    /// Path of the field, such as `lines[2].quantity`.
    pub field: String,
    /// What is wrong with it, in words for the caller.
    pub problem: String,
}

impl InvalidField {
    /// A complaint about `field`.
    pub fn new(field: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self { field: field.into(), problem: problem.to_string() }
    }

    /// The same complaint about a field of `parent`.
    #[must_use]
    pub fn within(self, parent: &str) -> Self {
        Self { field: format!("{parent}.{}", self.field), problem: self.problem }
    }
}

/// Money to the wire. Every amount of the kernel fits.
pub fn money_to_wire(money: Money) -> WireMoney {
    let (units, nanos) = money.to_units_nanos();
    WireMoney { currency_code: money.currency().code().to_owned(), units, nanos }
}

/// Money from the wire. An unknown currency, a fraction finer than the currency's minor unit, mixed signs and an overflow are refused.
pub fn money_from_wire(field: &str, money: Option<&WireMoney>) -> Result<Money, InvalidField> {
    let money = money.ok_or_else(|| InvalidField::new(field, "is required"))?;
    let currency: Currency =
        money.currency_code.parse().map_err(|error| InvalidField::new(format!("{field}.currency_code"), error))?;
    Money::from_units_nanos(money.units, money.nanos, currency)
        .map_err(|error: MoneyError| InvalidField::new(field, error))
}

/// Time to the wire, to the microsecond.
pub fn timestamp_to_wire(timestamp: Timestamp) -> prost_types::Timestamp {
    let micros = timestamp.unix_micros();
    prost_types::Timestamp {
        seconds: micros.div_euclid(1_000_000),
        nanos: (micros.rem_euclid(1_000_000) * 1_000) as i32,
    }
}

/// Time from the wire. What is finer than a microsecond is cut off.
pub fn timestamp_from_wire(field: &str, timestamp: Option<&prost_types::Timestamp>) -> Result<Timestamp, InvalidField> {
    let timestamp = timestamp.ok_or_else(|| InvalidField::new(field, "is required"))?;
    let nanos = i64::from(timestamp.nanos);
    if !(0..1_000_000_000).contains(&nanos) {
        return Err(InvalidField::new(field, "nanos are from 0 to 999,999,999"));
    }
    timestamp
        .seconds
        .checked_mul(1_000_000)
        .and_then(|micros| micros.checked_add(nanos / 1_000))
        .and_then(Timestamp::checked_from_unix_micros)
        .ok_or_else(|| InvalidField::new(field, "is out of range"))
}

/// An id from the wire.
pub fn id_from_wire<T>(field: &str, id: &str) -> Result<Id<T>, InvalidField> {
    if id.is_empty() {
        return Err(InvalidField::new(field, "is required"));
    }
    id.parse().map_err(|error| InvalidField::new(field, error))
}

/// An id from the wire that may be left out.
pub fn optional_id_from_wire<T>(field: &str, id: &str) -> Result<Option<Id<T>>, InvalidField> {
    if id.is_empty() { Ok(None) } else { id_from_wire(field, id).map(Some) }
}
