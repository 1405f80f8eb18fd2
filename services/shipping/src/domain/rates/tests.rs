use kernel::{Currency, InvalidRegionCode, RegionCode};

use super::*;

pub(super) fn eur(minor: i64) -> Money {
    Money::from_minor(minor, Currency::EUR)
}

/// A rate for any weight, in euro.
pub(super) fn rate(service: &str, minor: i64) -> RateRule {
    RateRule {
        service: service.parse().unwrap(),
        price: eur(minor),
        per_kilogram: None,
        weight_grams_min: 0,
        weight_grams_max: None,
        free_from: None,
        days_min: 2,
        days_max: 4,
    }
}

pub(super) fn region(country: &str, prefixes: &[&str]) -> Region {
    let prefix = |text: &&str| PostalPrefix::try_from((*text).to_owned()).unwrap();
    let country = (country != "*").then(|| country.parse().unwrap());
    Region { country, postal_code_prefixes: prefixes.iter().map(prefix).collect() }
}

pub(super) fn zone(regions: Vec<Region>, rates: Vec<RateRule>) -> Zone {
    Zone { name: "A zone".parse().unwrap(), regions, rates }
}

fn everywhere(rates: Vec<RateRule>) -> Vec<Zone> {
    vec![zone(vec![region("*", &[])], rates)]
}

/// Fields at fault of a profile that is not valid.
fn at_fault(zones: Vec<Zone>) -> Vec<String> {
    match Zones::new(zones) {
        Err(RatesError::InvalidProfile(violations)) => violations.into_iter().map(|each| each.field).collect(),
        other => panic!("expected an invalid profile, got {other:?}"),
    }
}

/// The fields at fault of the only rate of a profile, without its path.
fn at_fault_in(rate: RateRule) -> Vec<String> {
    let fields = at_fault(everywhere(vec![rate]));
    fields.iter().map(|field| field.strip_prefix("profile.zones[0].rates[0].").unwrap().to_owned()).collect()
}

#[test]
fn a_profile_has_1_to_50_zones() {
    let zones = |count| vec![everywhere(vec![rate("standard", 499)]).remove(0); count];
    assert_eq!(at_fault(zones(0)), ["profile.zones"]);
    assert_eq!(Zones::new(zones(50)).unwrap().iter().len(), 50);
    assert_eq!(at_fault(zones(51)), ["profile.zones"]);
}

#[test]
fn a_zone_has_1_to_300_regions_and_1_to_20_rates() {
    let of = |regions, rates: usize| {
        let rates = (0..rates).map(|number| rate(&format!("service {number}"), 499)).collect();
        vec![zone(vec![region("DE", &[]); regions], rates)]
    };
    assert!(Zones::new(of(1, 1)).is_ok() && Zones::new(of(300, 20)).is_ok());
    assert_eq!(at_fault(of(0, 0)), ["profile.zones[0].regions", "profile.zones[0].rates"]);
    assert_eq!(at_fault(of(301, 21)), ["profile.zones[0].regions", "profile.zones[0].rates"]);
}

#[test]
fn a_country_has_at_most_100_beginnings_of_postal_codes_and_everywhere_has_none() {
    let of = |region| vec![zone(vec![region], vec![rate("standard", 499)])];
    let field = ["profile.zones[0].regions[0].postal_code_prefixes"];
    assert!(Zones::new(of(region("DE", &["1"; 100]))).is_ok());
    assert_eq!(at_fault(of(region("DE", &["1"; 101]))), field);
    assert_eq!(at_fault(of(region("*", &["1"]))), field);
}

#[test]
fn no_amount_is_below_0_or_in_another_currency_than_the_price() {
    let free = RateRule { per_kilogram: Some(eur(0)), free_from: Some(eur(0)), ..rate("standard", 0) };
    assert!(Zones::new(everywhere(vec![free])).is_ok());
    assert_eq!(at_fault_in(rate("standard", -1)), ["price"]);
    for amount in [eur(-1), Money::from_minor(1, Currency::USD)] {
        let odd = RateRule { per_kilogram: Some(amount), free_from: Some(amount), ..rate("standard", 499) };
        assert_eq!(at_fault_in(odd), ["per_kilogram", "free_from"]);
    }
}

#[test]
fn weights_and_days_do_not_end_before_they_begin() {
    let weight = |weight_grams_min, max| {
        Zones::new(everywhere(vec![RateRule { weight_grams_min, weight_grams_max: max, ..rate("standard", 499) }]))
    };
    let days =
        |days_min, days_max| Zones::new(everywhere(vec![RateRule { days_min, days_max, ..rate("standard", 499) }]));
    for valid in [weight(0, None), weight(5, Some(5)), days(0, 0), days(365, 365)] {
        assert!(valid.is_ok(), "{valid:?}");
    }
    let weights = RateRule { weight_grams_min: -1, weight_grams_max: Some(-2), ..rate("standard", 499) };
    assert_eq!(at_fault_in(weights), ["weight_grams_min", "weight_grams_max"]);
    let weights = RateRule { weight_grams_min: 6, weight_grams_max: Some(5), ..rate("standard", 499) };
    assert_eq!(at_fault_in(weights), ["weight_grams_max"]);
    for (days_min, days_max, fields) in
        [(-1, 1, &["days_min"][..]), (366, 366, &["days_min", "days_max"]), (3, 2, &["days_max"])]
    {
        assert_eq!(at_fault_in(RateRule { days_min, days_max, ..rate("standard", 499) }), fields);
    }
}

#[test]
fn no_two_rates_of_a_zone_hold_for_the_same_service_currency_and_weight() {
    let between =
        |min, max, price| RateRule { weight_grams_min: min, weight_grams_max: max, price, ..rate("standard", 0) };
    let dollars = Money::from_minor(1, Currency::USD);
    let apart = vec![
        between(0, Some(999), eur(1)),
        between(1_000, None, eur(2)),
        between(0, None, dollars),
        rate("express", 3),
    ];
    assert!(Zones::new(everywhere(apart)).is_ok());
    for (first, second) in [
        (between(0, None, eur(1)), between(0, None, eur(2))),
        (between(0, Some(1_000), eur(1)), between(1_000, None, eur(2))),
        (between(1_000, Some(2_000), eur(1)), between(0, Some(1_000), eur(2))),
        (between(0, None, dollars), between(7, Some(7), dollars)),
    ] {
        let zones = [everywhere(vec![rate("standard", 1)]), everywhere(vec![rate("express", 1), first, second])];
        let refused = Zones::new(zones.concat()).unwrap_err();
        assert_eq!(refused, RatesError::RatesOverlap { zone: 1, rate: 2, other: 1 });
    }
}

#[test]
fn a_profile_with_a_thousand_faults_hears_of_the_first_twenty() {
    let zones = vec![zone(vec![region("DE", &[])], vec![rate("standard", -1); 20]); 50];
    assert_eq!(at_fault(zones).len(), VIOLATIONS_MAX);
}

#[test]
fn the_marketplaces_profile_holds_for_sellers_without_their_own() {
    let profile = |owner| Profile { owner, zones: Zones(Vec::new()), version: 1 };
    let [own, other] = [SellerId::generate(), SellerId::generate()].map(Owner::Seller);
    let profiles = Profiles::new([profile(Owner::Marketplace), profile(own)]);
    for (asked, holds) in [(own, own), (other, Owner::Marketplace), (Owner::Marketplace, Owner::Marketplace)] {
        assert_eq!(profiles.holding_for(asked).unwrap().owner, holds);
    }
    let profiles = Profiles::new([profile(own)]);
    assert!(profiles.holding_for(other).is_none() && profiles.holding_for(Owner::Marketplace).is_none());
}

#[test]
fn a_country_is_two_capital_letters_and_a_beginning_of_postal_codes_letters_and_digits() {
    assert_eq!("DE".parse::<RegionCode>().unwrap().as_str(), "DE");
    for wrong in ["", "D", "de", "DEU", "*", "D1", "ß"] {
        assert_eq!(wrong.parse::<RegionCode>(), Err(InvalidRegionCode), "{wrong}");
    }
    let prefix = |text: &str| PostalPrefix::try_from(text.to_owned());
    assert!(prefix("SW1A").is_ok() && prefix("2").is_ok() && prefix("1234567890").is_ok());
    for wrong in ["", "sw1", "SW 1", "1-", "12345678901", "Ä"] {
        assert_eq!(prefix(wrong), Err(InvalidPostalPrefix), "{wrong}");
    }
}

#[test]
fn a_stored_profile_reads_back_as_itself() {
    let rates = vec![RateRule {
        per_kilogram: Some(eur(100)),
        weight_grams_max: Some(5_000),
        free_from: Some(eur(5_000)),
        ..rate("standard", 499)
    }];
    let zones = Zones::new(vec![zone(vec![region("DE", &["2", "SW1A"]), region("*", &[])], rates)]).unwrap();
    let json = serde_json::to_string(&zones).unwrap();
    assert!(json.starts_with(r#"[{"name":"A zone","regions":[{"country":"DE","postal_code_prefixes":["2","SW1A"]}"#));
    assert_eq!(serde_json::from_str::<Zones>(&json).unwrap(), zones);
}
