//! What a seller charges for sending: the zones that the world falls into for it, and the rates of each.
//!
//! | what | where |
//! | --- | --- |
//! | a profile, and the rules that its parts must keep between them | here |
//! | what is offered for goods and a place | [`offers`] |
//! | why a profile is not set or not read | [`error`] |

pub mod error;
pub mod offers;

use std::collections::HashMap;
use std::ops::RangeInclusive;

use kernel::{FieldViolation, Money, RegionCode, Text};
use serde::{Deserialize, Serialize};

use super::ids::SellerId;
use error::RatesError;

/// How many zones a profile has.
pub const ZONES: RangeInclusive<usize> = 1..=50;
/// How many regions a zone has.
pub const REGIONS: RangeInclusive<usize> = 1..=300;
/// The most beginnings of postal codes that a region has.
pub const PREFIXES_MAX: usize = 100;
/// How many rates a zone has.
pub const RATES: RangeInclusive<usize> = 1..=20;
/// The longest that a parcel is said to take, in days.
pub const DAYS_MAX: i32 = 365;

/// Enough to correct any profile that a person wrote; a bound because violations travel in a header of a few KiB.
const VIOLATIONS_MAX: usize = 20;

/// A zone's name.
pub type ZoneName = Text<100>;
/// A kind of sending, such as "standard".
pub type ServiceName = Text<50>;

/// Who charges so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The marketplace, for sellers without a profile of their own.
    Marketplace,
    /// A seller.
    Seller(SellerId),
}

/// What somebody charges for sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Who.
    pub owner: Owner,
    /// What it charges where.
    pub zones: Zones,
    /// How often it was set.
    pub version: i64,
}

/// The profiles of some sellers, and that of the marketplace.
#[derive(Clone, Debug, Default)]
pub struct Profiles(HashMap<Owner, Profile>);

impl Profiles {
    /// These, each owner's at most once.
    pub fn new(profiles: impl IntoIterator<Item = Profile>) -> Self {
        Self(profiles.into_iter().map(|profile| (profile.owner, profile)).collect())
    }

    /// The one that holds: the owner's, or that of the marketplace.
    pub fn holding_for(&self, owner: Owner) -> Option<&Profile> {
        self.0.get(&owner).or_else(|| self.0.get(&Owner::Marketplace))
    }
}

/// The zones of a profile, in the order in which they are tried. Its serialised form is what the database keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Zones(Vec<Zone>);

/// Places that cost the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// Its name.
    pub name: ZoneName,
    /// The places.
    pub regions: Vec<Region>,
    /// What is offered there.
    pub rates: Vec<RateRule>,
}

/// A country, or the places in it whose postal codes begin in some way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// The country; none: everywhere.
    pub country: Option<RegionCode>,
    /// Beginnings of postal codes; none: the whole country.
    pub postal_code_prefixes: Vec<PostalPrefix>,
}

/// An offer, and for which goods it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateRule {
    /// The kind of sending.
    pub service: ServiceName,
    /// The price, before tax; it holds for goods in its currency.
    pub price: Money,
    /// On top for each kilogram that is begun.
    pub per_kilogram: Option<Money>,
    /// From which weight on it holds, in grams.
    pub weight_grams_min: i64,
    /// Up to which weight it holds, in grams; none: any.
    pub weight_grams_max: Option<i64>,
    /// From which sum of the goods on nothing is charged; none: never.
    pub free_from: Option<Money>,
    /// Days until it arrives, at the earliest.
    pub days_min: i32,
    /// At the latest.
    pub days_max: i32,
}

impl Zones {
    /// Takes zones whose parts are valid by themselves.
    ///
    /// # Errors
    /// [`RatesError::InvalidProfile`], naming every field at fault: too few or too many zones, regions, beginnings of postal codes or
    /// rates; beginnings of postal codes of everywhere; amounts below zero, or in another currency than the price; ranges that end
    /// before they begin. If there is none of those, [`RatesError::RatesOverlap`] for the first two rates of a zone that hold for the
    /// same service, currency and weight.
    pub fn new(zones: Vec<Zone>) -> Result<Self, RatesError> {
        let mut violations = Violations::default();
        if violations.count("profile.zones", zones.len(), ZONES) {
            for (index, zone) in zones.iter().enumerate() {
                zone.check(&format!("profile.zones[{index}]"), &mut violations);
            }
        }
        violations.finish()?;
        match zones.iter().enumerate().find_map(|(zone, each)| Some((zone, each.overlap()?))) {
            Some((zone, (other, rate))) => Err(RatesError::RatesOverlap { zone, rate, other }),
            None => Ok(Self(zones)),
        }
    }

    /// The zones, in the order in which they are tried.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Zone> {
        self.0.iter()
    }
}

impl Zone {
    fn check(&self, path: &str, violations: &mut Violations) {
        if violations.count(&format!("{path}.regions"), self.regions.len(), REGIONS) {
            for (index, region) in self.regions.iter().enumerate() {
                region.check(&format!("{path}.regions[{index}]"), violations);
            }
        }
        if violations.count(&format!("{path}.rates"), self.rates.len(), RATES) {
            for (index, rate) in self.rates.iter().enumerate() {
                rate.check(&format!("{path}.rates[{index}]"), violations);
            }
        }
    }

    /// The first two rates that hold for the same service, currency and weight.
    fn overlap(&self) -> Option<(usize, usize)> {
        let overlaps = |rate: &RateRule, other: &RateRule| {
            rate.service == other.service
                && rate.price.currency() == other.price.currency()
                && rate.weight_grams_min <= other.weight_grams_max.unwrap_or(i64::MAX)
                && other.weight_grams_min <= rate.weight_grams_max.unwrap_or(i64::MAX)
        };
        let rates = self.rates.iter().enumerate();
        rates.clone().find_map(|(later, rate)| {
            let (earlier, _) = rates.clone().take(later).find(|(_, other)| overlaps(rate, other))?;
            Some((earlier, later))
        })
    }
}

impl Region {
    fn check(&self, path: &str, violations: &mut Violations) {
        let field = format!("{path}.postal_code_prefixes");
        if self.country.is_none() && !self.postal_code_prefixes.is_empty() {
            violations.note(&field, "must be empty: * is everywhere");
        } else {
            violations.count(&field, self.postal_code_prefixes.len(), 0..=PREFIXES_MAX);
        }
    }
}

impl RateRule {
    fn check(&self, path: &str, violations: &mut Violations) {
        let amounts = [("price", Some(self.price)), ("per_kilogram", self.per_kilogram), ("free_from", self.free_from)];
        for (name, amount) in amounts.into_iter().filter_map(|(name, amount)| Some((name, amount?))) {
            if amount.currency() != self.price.currency() {
                let problem = format!("must be in {}, like the price", self.price.currency());
                violations.note(&format!("{path}.{name}"), problem);
            } else if amount.is_negative() {
                violations.note(&format!("{path}.{name}"), "must not be below 0");
            }
        }
        if self.weight_grams_min < 0 {
            violations.note(&format!("{path}.weight_grams_min"), "must not be below 0");
        }
        if self.weight_grams_max.is_some_and(|max| max < self.weight_grams_min) {
            violations.note(&format!("{path}.weight_grams_max"), "must be at least weight_grams_min, or 0: any weight");
        }
        if !(0..=DAYS_MAX).contains(&self.days_min) {
            violations.note(&format!("{path}.days_min"), format!("must be from 0 to {DAYS_MAX}"));
        }
        if !(self.days_min..=DAYS_MAX).contains(&self.days_max) {
            violations.note(&format!("{path}.days_max"), format!("must be from days_min to {DAYS_MAX}"));
        }
    }
}

/// What is wrong with a profile, so far.
#[derive(Default)]
struct Violations(Vec<FieldViolation>);

impl Violations {
    fn note(&mut self, field: &str, problem: impl ToString) {
        if self.0.len() < VIOLATIONS_MAX {
            self.0.push(FieldViolation::new(field, problem.to_string()));
        }
    }

    /// Whether there may be so many of `field`: what are too many is not looked at one by one.
    fn count(&mut self, field: &str, count: usize, allowed: RangeInclusive<usize>) -> bool {
        let is_allowed = allowed.contains(&count);
        if !is_allowed {
            self.note(field, format!("must be {} to {}, not {count}", allowed.start(), allowed.end()));
        }
        is_allowed
    }

    fn finish(self) -> Result<(), RatesError> {
        if self.0.is_empty() { Ok(()) } else { Err(RatesError::InvalidProfile(self.0)) }
    }
}

/// The beginning of a postal code: 1 to [`Self::CHARS_MAX`] capital letters and digits. The spaces and hyphens of a postal code do not
/// count, because half of the people leave them out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PostalPrefix(String);

/// The text is not the beginning of a postal code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {max} capital letters and digits, without spaces and hyphens", max = PostalPrefix::CHARS_MAX)]
pub struct InvalidPostalPrefix;

impl PostalPrefix {
    /// No postal code has more letters and digits.
    pub const CHARS_MAX: usize = 10;

    /// The letters and digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PostalPrefix {
    type Error = InvalidPostalPrefix;

    fn try_from(text: String) -> Result<Self, InvalidPostalPrefix> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if is_plain && (1..=Self::CHARS_MAX).contains(&text.len()) { Ok(Self(text)) } else { Err(InvalidPostalPrefix) }
    }
}

impl From<PostalPrefix> for String {
    fn from(prefix: PostalPrefix) -> Self {
        prefix.0
    }
}

#[cfg(test)]
mod tests;
