use kernel::Currency;
use proptest::prelude::*;

use super::*;
use crate::domain::rates::Profile;
use crate::domain::rates::tests::{eur, rate, region, zone};

fn place(country: &str, postal_code: &str) -> Place {
    Place::new(country.parse().unwrap(), postal_code)
}

fn goods(weight_grams: i64, subtotal: Money) -> Goods {
    Goods { seller_id: SellerId::generate(), weight_grams, subtotal }
}

/// The services and prices that are offered for half a kilogram for twenty euro.
fn offered(zones: &Zones, place: &Place) -> Vec<(String, i64)> {
    priced(zones, place, goods(500, eur(2_000)))
}

fn priced(zones: &Zones, place: &Place, goods: Goods) -> Vec<(String, i64)> {
    let offers = zones.offers(place, &goods).into_iter();
    offers.map(|offer| (offer.service.to_string(), offer.price.minor())).collect()
}

fn everywhere(rates: Vec<RateRule>) -> Zones {
    Zones::new(vec![zone(vec![region("*", &[])], rates)]).unwrap()
}

fn standard(minor: i64) -> Vec<(String, i64)> {
    vec![("standard".to_owned(), minor)]
}

#[test]
fn the_first_zone_that_a_place_lies_in_decides() {
    let zones = Zones::new(vec![
        zone(vec![region("DE", &["18565", "274"]), region("GB", &["BT", "SW1A1"])], vec![rate("standard", 1)]),
        zone(vec![region("DE", &[]), region("AT", &[])], vec![rate("standard", 2)]),
        zone(vec![region("*", &[])], vec![rate("standard", 3)]),
        zone(vec![region("US", &[])], vec![rate("standard", 4)]),
    ])
    .unwrap();
    for (country, postal_code, price) in [
        ("DE", "18565", 1),
        ("DE", "27498", 1),
        ("DE", "20457", 2),
        ("DE", "", 2),
        ("AT", "27498", 2),
        ("GB", "BT1 5GS", 1),
        // As people write it.
        ("GB", "bt1-5gs", 1),
        ("GB", " sw1a 1aa", 1),
        ("GB", "SW1A 2AA", 3),
        ("US", "10001", 3),
    ] {
        assert_eq!(offered(&zones, &place(country, postal_code)), standard(price), "{country} {postal_code}");
    }
}

#[test]
fn a_zone_that_offers_nothing_for_the_goods_decides_as_well() {
    let light = RateRule { weight_grams_max: Some(100), ..rate("standard", 1) };
    let first = zone(vec![region("DE", &[])], vec![light]);
    let zones = Zones::new(vec![first, zone(vec![region("*", &[])], vec![rate("standard", 2)])]).unwrap();
    assert_eq!(offered(&zones, &place("DE", "")), []);
    assert_eq!(offered(&zones, &place("FR", "")), standard(2));
}

#[test]
fn nothing_is_offered_where_no_zone_lies() {
    let zones = Zones::new(vec![zone(vec![region("DE", &["2"])], vec![rate("standard", 1)])]).unwrap();
    assert_eq!(offered(&zones, &place("DE", "10115")), []);
    assert_eq!(offered(&zones, &place("FR", "2")), []);
}

#[test]
fn a_rate_holds_for_goods_in_its_currency_and_of_its_weight() {
    let zones = everywhere(vec![
        RateRule { weight_grams_max: Some(999), ..rate("standard", 1) },
        RateRule { weight_grams_min: 1_000, weight_grams_max: Some(2_000), ..rate("standard", 2) },
        RateRule { price: Money::from_minor(3, Currency::USD), ..rate("standard", 0) },
    ]);
    let here = place("DE", "");
    for (grams, price) in [(0, Some(1)), (999, Some(1)), (1_000, Some(2)), (2_000, Some(2)), (2_001, None)] {
        let expected = price.map(standard).unwrap_or_default();
        assert_eq!(priced(&zones, &here, goods(grams, eur(0))), expected, "{grams} g");
    }
    assert_eq!(priced(&zones, &here, goods(9_999, Money::zero(Currency::USD))), standard(3));
    assert_eq!(priced(&zones, &here, goods(1, Money::zero(Currency::GBP))), []);
}

#[test]
fn each_kilogram_that_is_begun_is_charged() {
    let zones = everywhere(vec![RateRule { per_kilogram: Some(eur(100)), ..rate("standard", 499) }]);
    for (grams, price) in [(0, 499), (1, 599), (1_000, 599), (1_001, 699), (2_000, 699)] {
        assert_eq!(priced(&zones, &place("DE", ""), goods(grams, eur(1))), standard(price), "{grams} g");
    }
}

#[test]
fn nothing_is_charged_from_a_sum_on() {
    let zones = everywhere(vec![RateRule {
        per_kilogram: Some(eur(100)),
        free_from: Some(eur(5_000)),
        ..rate("standard", 499)
    }]);
    let price = |minor| priced(&zones, &place("DE", ""), goods(500, eur(minor)));
    assert_eq!((price(4_999), price(5_000), price(5_001)), (standard(599), standard(0), standard(0)));
}

#[test]
fn the_cheapest_is_first_and_of_equal_prices_the_service_decides() {
    let zones = everywhere(vec![rate("standard", 500), rate("express", 900), rate("pickup", 0), rate("eco", 500)]);
    let offers = offered(&zones, &place("DE", ""));
    let services: Vec<_> = offers.iter().map(|(service, _)| service.as_str()).collect();
    assert_eq!(services, ["pickup", "eco", "standard", "express"]);
}

#[test]
fn a_price_that_does_not_fit_is_not_offered() {
    let dear = RateRule { per_kilogram: Some(eur(i64::MAX)), ..rate("by camel", 1) };
    let zones = everywhere(vec![dear, rate("standard", 499)]);
    assert_eq!(offered(&zones, &place("DE", "")), standard(499));
}

#[test]
fn a_quote_is_made_of_the_profile_that_holds_and_without_one_offers_nothing() {
    let goods = goods(500, eur(2_000));
    let profile = |owner, price| Profile { owner, zones: everywhere(vec![rate("standard", price)]), version: 1 };
    let quote = |profiles: &[Profile]| {
        let profiles = Profiles::new(profiles.iter().cloned());
        Quote::make(QuoteId::generate(), &profiles, &place("DE", ""), &goods, Timestamp::MIN).offers
    };
    let prices = |offers: Vec<Offer>| offers.iter().map(|offer| offer.price.minor()).collect::<Vec<_>>();
    let (own, marketplace) = (profile(Owner::Seller(goods.seller_id), 1), profile(Owner::Marketplace, 2));
    assert_eq!(prices(quote(&[marketplace.clone(), own])), [1]);
    assert_eq!(prices(quote(&[marketplace])), [2]);
    assert_eq!(prices(quote(&[profile(Owner::Seller(SellerId::generate()), 3)])), [0_i64; 0]);
}

/// A rate in euro, and the range of weights that it holds for, up to 100 kg.
fn any_rate() -> impl Strategy<Value = RateRule> {
    let amounts = (0..10_000_i64, prop::option::of(0..1_000_i64), prop::option::of(0..20_000_i64));
    (amounts, 0..50_000_i64, prop::option::of(0..50_000_i64)).prop_map(|(amounts, min, more)| {
        let (price, per_kilogram, free_from) = amounts;
        RateRule {
            per_kilogram: per_kilogram.map(eur),
            weight_grams_min: min,
            weight_grams_max: more.map(|more| min + more),
            free_from: free_from.map(eur),
            ..rate("standard", price)
        }
    })
}

fn price_of(rate: &RateRule, grams: i64, subtotal: i64) -> Option<i64> {
    rate.offer(&goods(grams, eur(subtotal))).map(|offer| offer.price.minor())
}

proptest! {
    #[test]
    fn no_price_is_below_zero_and_free_means_zero(rate in any_rate(), grams in 0..100_000_i64, subtotal in 0..20_000_i64) {
        if let Some(price) = price_of(&rate, grams, subtotal) {
            prop_assert!(price >= 0);
            let is_free = rate.free_from.is_some_and(|from| subtotal >= from.minor());
            prop_assert!((is_free && price == 0) || (!is_free && price >= rate.price.minor()));
        }
    }

    #[test]
    fn more_weight_never_costs_less_by_one_rate(
        rate in any_rate(),
        weights in (0..100_000_i64, 0..100_000_i64),
        subtotal in 0..20_000_i64,
    ) {
        let (light, heavy) = (weights.0.min(weights.1), weights.0.max(weights.1));
        let prices = (price_of(&rate, light, subtotal), price_of(&rate, heavy, subtotal));
        if let (Some(light), Some(heavy)) = prices {
            prop_assert!(light <= heavy);
        }
    }

    #[test]
    fn a_dearer_sum_of_goods_never_costs_more_to_send(rate in any_rate(), sums in (0..20_000_i64, 0..20_000_i64)) {
        let grams = rate.weight_grams_min;
        let [less, more] = [sums.0.min(sums.1), sums.0.max(sums.1)].map(|sum| price_of(&rate, grams, sum));
        prop_assert!(less >= more);
    }

    #[test]
    fn every_offer_is_of_a_rate_that_holds_and_they_are_sorted(
        prices in prop::collection::vec((0..5_i64, 0..3_000_i64), 1..20),
        grams in 0..3_000_i64,
    ) {
        let rates: Vec<_> = (0..)
            .zip(&prices)
            .map(|(number, (price, max))| RateRule {
                weight_grams_max: Some(*max),
                ..rate(&format!("service {number}"), *price)
            })
            .collect();
        let offers = offered_for(&rates, grams);
        prop_assert!(offers.is_sorted_by_key(|offer| (offer.price.minor(), offer.service.clone())));
        prop_assert_eq!(offers.len(), prices.iter().filter(|(_, max)| grams <= *max).count());
    }
}

fn offered_for(rates: &[RateRule], grams: i64) -> Vec<Offer> {
    everywhere(rates.to_vec()).offers(&place("DE", ""), &goods(grams, eur(1)))
}
