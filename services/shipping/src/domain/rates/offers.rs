//! What is offered for goods and a place: the price of each way to send them.

use kernel::{Money, MoneyError, RegionCode, Timestamp};

use super::{Owner, PostalPrefix, Profiles, RateRule, Region, ServiceName, Zone, Zones};
use crate::domain::ids::{QuoteId, SellerId};

/// Grams of a kilogram.
const KILOGRAM: i64 = 1_000;

/// Where goods are to go, as far as the price depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    country: RegionCode,
    /// Its letters and digits.
    postal_code: String,
}

impl Place {
    /// A postal code in a country, as people write it.
    pub fn new(country: RegionCode, postal_code: &str) -> Self {
        let counts = postal_code.chars().filter(char::is_ascii_alphanumeric);
        Self { country, postal_code: counts.map(|c| c.to_ascii_uppercase()).collect() }
    }
}

/// What one seller is to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goods {
    /// The seller.
    pub seller_id: SellerId,
    /// Weight of all of it in grams, not below 0.
    pub weight_grams: i64,
    /// The sum of its prices, before tax.
    pub subtotal: Money,
}

/// One way to send them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The kind of sending.
    pub service: ServiceName,
    /// The price, before tax.
    pub price: Money,
    /// Days until it arrives, at the earliest.
    pub days_min: i32,
    /// At the latest.
    pub days_max: i32,
}

/// What one seller offers for its goods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Its id, by which logs name it.
    pub id: QuoteId,
    /// The seller.
    pub seller_id: SellerId,
    /// The ways to send them, the cheapest first; none: the seller does not send that there.
    pub offers: Vec<Offer>,
    /// Until when it is honoured.
    pub expires_at: Timestamp,
}

impl Quote {
    /// What the profile that holds for the seller of some goods offers for them.
    pub fn make(id: QuoteId, profiles: &Profiles, place: &Place, goods: &Goods, expires_at: Timestamp) -> Self {
        let profile = profiles.holding_for(Owner::Seller(goods.seller_id));
        let offers = profile.map(|profile| profile.zones.offers(place, goods)).unwrap_or_default();
        Self { id, seller_id: goods.seller_id, offers, expires_at }
    }
}

impl Zones {
    /// What is offered for goods to a place, the cheapest first: the first zone that the place lies in decides, even if it offers nothing.
    pub fn offers(&self, place: &Place, goods: &Goods) -> Vec<Offer> {
        let Some(zone) = self.iter().find(|zone| zone.contains(place)) else { return Vec::new() };
        let mut offers: Vec<Offer> = zone.rates.iter().filter_map(|rate| rate.offer(goods)).collect();
        // They are all in the currency of the goods.
        offers.sort_by(|a, b| (a.price.minor(), &a.service).cmp(&(b.price.minor(), &b.service)));
        offers
    }
}

impl Zone {
    fn contains(&self, place: &Place) -> bool {
        self.regions.iter().any(|region| region.contains(place))
    }
}

impl Region {
    fn contains(&self, place: &Place) -> bool {
        let begins_so = |prefix: &PostalPrefix| place.postal_code.starts_with(prefix.as_str());
        match self.country {
            None => true,
            Some(country) => {
                let prefixes = &self.postal_code_prefixes;
                country == place.country && (prefixes.is_empty() || prefixes.iter().any(begins_so))
            }
        }
    }
}

impl RateRule {
    /// What it offers for goods; none if it does not hold for them. A price that does not fit is none that anybody pays, so it is not
    /// offered, rather than that one odd rule fails the quotes of all sellers.
    fn offer(&self, goods: &Goods) -> Option<Offer> {
        let holds = self.price.currency() == goods.subtotal.currency()
            && self.weight_grams_min <= goods.weight_grams
            && self.weight_grams_max.is_none_or(|max| goods.weight_grams <= max);
        let price = if holds { self.price_of(goods).ok()? } else { return None };
        Some(Offer { service: self.service.clone(), price, days_min: self.days_min, days_max: self.days_max })
    }

    fn price_of(&self, goods: &Goods) -> Result<Money, MoneyError> {
        if self.free_from.is_some_and(|free_from| goods.subtotal.minor() >= free_from.minor()) {
            return Ok(Money::zero(self.price.currency()));
        }
        let Some(per_kilogram) = self.per_kilogram else { return Ok(self.price) };
        let begun = goods.weight_grams / KILOGRAM + i64::from(goods.weight_grams % KILOGRAM > 0);
        self.price.checked_add(per_kilogram.checked_mul(begun)?)
    }
}

#[cfg(test)]
mod tests;
