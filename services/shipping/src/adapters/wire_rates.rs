//! Profiles, goods and quotes on the wire.

use std::collections::HashSet;

use chassis::Fields;
use contracts::convert::{
    InvalidField, id_from_wire, money_from_wire, money_to_wire, optional_id_from_wire, timestamp_to_wire,
};
use contracts::google::r#type::{Money as WireMoney, PostalAddress};
use contracts::shipping::v1 as wire;
use kernel::Money;

use crate::domain::ids::SellerId;
use crate::domain::rates::offers::{Goods, Offer, Place, Quote};
use crate::domain::rates::{Owner, PostalPrefix, Profile, RateRule, Region, ServiceName, Zone, ZoneName};

/// Names every country.
const EVERYWHERE: &str = "*";

/// More sellers than any cart holds goods of.
const CONSIGNMENTS_MAX: usize = 100;

/// The seller that a profile names and its zones, if each part is valid by itself. Those that are not are noted.
pub(super) fn profile_from_wire(
    fields: &mut Fields,
    profile: Option<wire::ShippingProfile>,
) -> Option<(Option<SellerId>, Vec<Zone>)> {
    let Some(profile) = profile else {
        fields.violation("profile", "is required");
        return None;
    };
    let seller_id = fields.take(optional_id_from_wire("profile.seller_id", &profile.seller_id));
    let zones = all(profile.zones, |index, given| zone(fields, &format!("profile.zones[{index}]"), given));
    Some((seller_id?, zones?))
}

fn zone(fields: &mut Fields, path: &str, given: wire::ShippingZone) -> Option<Zone> {
    let name = fields.check(&format!("{path}.name"), ZoneName::new(given.name));
    let regions = all(given.regions, |index, given| region(fields, &format!("{path}.regions[{index}]"), given));
    let rates = all(given.rates, |index, given| rate(fields, &format!("{path}.rates[{index}]"), given));
    Some(Zone { name: name?, regions: regions?, rates: rates? })
}

fn region(fields: &mut Fields, path: &str, given: wire::ShippingRegion) -> Option<Region> {
    let country = match given.region_code.as_str() {
        EVERYWHERE => Some(None),
        code => fields.check(&format!("{path}.region_code"), code.parse()).map(Some),
    };
    let postal_code_prefixes = all(given.postal_code_prefixes, |index, prefix| {
        fields.check(&format!("{path}.postal_code_prefixes[{index}]"), PostalPrefix::try_from(prefix))
    });
    Some(Region { country: country?, postal_code_prefixes: postal_code_prefixes? })
}

fn rate(fields: &mut Fields, path: &str, given: wire::RateRule) -> Option<RateRule> {
    let service = fields.check(&format!("{path}.service"), ServiceName::new(given.service));
    let price = fields.take(money_from_wire(&format!("{path}.price"), given.price.as_ref()));
    let per_kilogram = fields.take(optional_money(&format!("{path}.per_kilogram"), given.per_kilogram.as_ref()));
    let free_from = fields.take(optional_money(&format!("{path}.free_from"), given.free_from.as_ref()));
    Some(RateRule {
        service: service?,
        price: price?,
        per_kilogram: per_kilogram?,
        weight_grams_min: given.weight_grams_min,
        weight_grams_max: (given.weight_grams_max != 0).then_some(given.weight_grams_max),
        free_from: free_from?,
        days_min: given.days_min,
        days_max: given.days_max,
    })
}

fn optional_money(field: &str, money: Option<&WireMoney>) -> Result<Option<Money>, InvalidField> {
    money.map(|money| money_from_wire(field, Some(money))).transpose()
}

pub(super) fn profile_to_wire(profile: &Profile) -> wire::ShippingProfile {
    wire::ShippingProfile {
        seller_id: match profile.owner {
            Owner::Marketplace => String::new(),
            Owner::Seller(seller_id) => seller_id.to_string(),
        },
        zones: profile.zones.iter().map(zone_to_wire).collect(),
        version: profile.version,
    }
}

fn zone_to_wire(zone: &Zone) -> wire::ShippingZone {
    let region = |region: &Region| wire::ShippingRegion {
        region_code: region.country.as_ref().map_or(EVERYWHERE, |country| country.as_str()).to_owned(),
        postal_code_prefixes: region.postal_code_prefixes.iter().map(|prefix| prefix.as_str().to_owned()).collect(),
    };
    wire::ShippingZone {
        name: zone.name.to_string(),
        regions: zone.regions.iter().map(region).collect(),
        rates: zone.rates.iter().map(rate_to_wire).collect(),
    }
}

fn rate_to_wire(rate: &RateRule) -> wire::RateRule {
    wire::RateRule {
        service: rate.service.to_string(),
        price: Some(money_to_wire(rate.price)),
        per_kilogram: rate.per_kilogram.map(money_to_wire),
        weight_grams_min: rate.weight_grams_min,
        weight_grams_max: rate.weight_grams_max.unwrap_or_default(),
        free_from: rate.free_from.map(money_to_wire),
        days_min: rate.days_min,
        days_max: rate.days_max,
    }
}

/// Where goods are to go: all that matters of an address is the country and the postal code.
pub(super) fn place_from_wire(fields: &mut Fields, ship_to: Option<PostalAddress>) -> Option<Place> {
    let Some(ship_to) = ship_to else {
        fields.violation("ship_to", "is required");
        return None;
    };
    let country = fields.check("ship_to.region_code", ship_to.region_code.parse());
    Some(Place::new(country?, &ship_to.postal_code))
}

/// What each seller is to send, each seller once.
pub(super) fn goods_from_wire(fields: &mut Fields, consignments: &[wire::Consignment]) -> Option<Vec<Goods>> {
    if !(1..=CONSIGNMENTS_MAX).contains(&consignments.len()) {
        let problem = format!("must be 1 to {CONSIGNMENTS_MAX}, not {}", consignments.len());
        fields.violation("consignments", problem);
        return None;
    }
    let mut sellers = HashSet::new();
    all(consignments, |index, given| {
        let path = format!("consignments[{index}]");
        let seller_id = fields.take(id_from_wire(&format!("{path}.seller_id"), &given.seller_id));
        let subtotal = fields.take(money_from_wire(&format!("{path}.subtotal"), given.subtotal.as_ref()));
        if given.weight_grams < 0 {
            fields.violation(&format!("{path}.weight_grams"), "must not be below 0");
            return None;
        }
        let goods = Goods { seller_id: seller_id?, weight_grams: given.weight_grams, subtotal: subtotal? };
        if sellers.insert(goods.seller_id) {
            return Some(goods);
        }
        fields.violation(&format!("{path}.seller_id"), "is asked about before");
        None
    })
}

pub(super) fn quote_to_wire(quote: &Quote) -> wire::ShippingQuote {
    let offer = |offer: &Offer| wire::ShippingOffer {
        service: offer.service.to_string(),
        price: Some(money_to_wire(offer.price)),
        days_min: offer.days_min,
        days_max: offer.days_max,
    };
    wire::ShippingQuote {
        quote_id: quote.id.to_string(),
        seller_id: quote.seller_id.to_string(),
        offers: quote.offers.iter().map(offer).collect(),
        expire_time: Some(timestamp_to_wire(quote.expires_at)),
    }
}

/// Reads every item, also after one that is not valid, so that all faults are noted; `None` if there was one.
fn all<G, T>(given: impl IntoIterator<Item = G>, mut read: impl FnMut(usize, G) -> Option<T>) -> Option<Vec<T>> {
    let read: Vec<Option<T>> = given.into_iter().enumerate().map(|(index, item)| read(index, item)).collect();
    read.into_iter().collect()
}
