//! SetShippingProfile and GetShippingProfile.

use contracts::access::Role;
use contracts::google::r#type::Money;
use contracts::shipping::v1 as wire;
use testkit::{Bearer, Tokens};
use tonic::{Code, Request};

use super::{Rates, euro, everywhere, new_id, new_uuid, profile, rate, setting, zone};
use crate::rpc::{invalid, refusal, refused};

/// Two zones, with everything that a profile can say.
fn rich(seller_id: &str) -> wire::ShippingProfile {
    let by_weight = wire::RateRule {
        per_kilogram: Some(Money { nanos: 500_000_000, ..euro(0) }),
        weight_grams_min: 1_000,
        weight_grams_max: 31_500,
        free_from: Some(euro(50)),
        days_min: 1,
        days_max: 1,
        ..rate("express", euro(9))
    };
    let islands = zone(&[("DE", &["18565", "27498"]), ("GB", &["BT"])], vec![rate("standard", euro(12))]);
    profile(seller_id, vec![islands, everywhere(vec![rate("standard", euro(5)), by_weight])])
}

async fn refusal_of(
    rates: &Rates,
    bearer: &Bearer,
    request: wire::SetShippingProfileRequest,
) -> (Code, String, Vec<String>) {
    refusal(rates.client().set_shipping_profile(bearer.request(request))).await
}

#[tokio::test]
async fn a_profile_reads_back_as_it_was_set_in_its_version() {
    let rates = Rates::open().await;
    let own = rates.seller_id.to_string();
    // A seller need not say who they are.
    let set = rates.set(&rates.seller, rich("")).await;
    assert_eq!(set, wire::ShippingProfile { version: 1, ..rich(&own) });
    assert_eq!(rates.get(&rates.seller, "").await.unwrap(), set);

    let simple = profile(&own, vec![everywhere(vec![rate("standard", euro(3))])]);
    let set = rates.set(&rates.seller, simple.clone()).await;
    assert_eq!(set, wire::ShippingProfile { version: 2, ..simple });
    for bearer in [&rates.seller, &rates.operator, &rates.tokens.service()] {
        assert_eq!(rates.get(bearer, &own).await.unwrap(), set);
    }
}

#[tokio::test]
async fn the_marketplaces_profile_is_read_for_sellers_without_their_own() {
    let rates = Rates::open().await;
    let own = rates.seller_id.to_string();
    let not_found = refused(Code::NotFound, "SHIPPING_PROFILE_NOT_FOUND", &["seller_id"]);
    let get = |seller_id: &str| wire::GetShippingProfileRequest { seller_id: seller_id.to_owned() };
    let request = rates.operator.request(get(&own));
    assert_eq!(refusal(rates.client().get_shipping_profile(request)).await, not_found);

    rates.set_marketplaces(euro(5)).await;
    let marketplaces = profile("", vec![everywhere(vec![rate("standard", euro(5))])]);
    let marketplaces = wire::ShippingProfile { version: 1, ..marketplaces };
    assert_eq!(rates.get(&rates.seller, &own).await.unwrap(), marketplaces);
    assert_eq!(rates.get(&rates.operator, "").await.unwrap(), marketplaces);

    // An operator sets a seller's own, which from then on holds for that seller alone.
    rates.set(&rates.operator, rich(&own)).await;
    assert_eq!(rates.get(&rates.seller, &own).await.unwrap(), wire::ShippingProfile { version: 1, ..rich(&own) });
    assert_eq!(rates.get(&rates.operator, &new_id()).await.unwrap(), marketplaces);
    rates.set_marketplaces(euro(6)).await;
    assert_eq!(rates.get(&rates.operator, "").await.unwrap().version, 2);
}

#[tokio::test]
async fn nobody_sets_or_reads_the_profile_of_another_seller() {
    let rates = Rates::open().await;
    rates.set(&rates.seller, rich("")).await;
    let own = rates.seller_id.to_string();
    let stranger = rates.tokens.seller(new_uuid());
    let answer = refusal_of(&rates, &stranger, setting(rich(&own))).await;
    assert_eq!(answer, refused(Code::PermissionDenied, "NOT_YOURS", &["profile.seller_id"]));
    let get = stranger.request(wire::GetShippingProfileRequest { seller_id: own.clone() });
    let not_found = refused(Code::NotFound, "SHIPPING_PROFILE_NOT_FOUND", &["seller_id"]);
    assert_eq!(refusal(rates.client().get_shipping_profile(get)).await, not_found);
    assert_eq!(rates.get(&rates.seller, &own).await.unwrap().version, 1);
}

#[tokio::test]
async fn a_setting_that_is_repeated_takes_effect_once_and_under_its_name_no_other_does() {
    let rates = Rates::open().await;
    let request = setting(rich(""));
    for _ in 0..2 {
        let answer = rates.client().set_shipping_profile(rates.seller.request(request.clone())).await.unwrap();
        assert_eq!(answer.into_inner().profile.unwrap().version, 1);
    }
    let other = wire::SetShippingProfileRequest { profile: Some(profile("", vec![])), ..request };
    let reused = refused(Code::InvalidArgument, "REQUEST_ID_REUSED", &["request_id"]);
    // Every part of it is valid by itself, so its name is looked at first.
    assert_eq!(refusal_of(&rates, &rates.seller, other).await, reused);
    assert_eq!(rates.get(&rates.seller, "").await.unwrap().version, 1);
}

#[tokio::test]
async fn settings_at_the_same_moment_each_have_a_version() {
    let rates = Rates::open().await;
    let set = |n| rates.set(&rates.operator, profile("", vec![everywhere(vec![rate("standard", euro(n))])]));
    let set = futures::future::join_all((0..10).map(set)).await;
    let mut versions: Vec<_> = set.iter().map(|profile| profile.version).collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=10).collect::<Vec<_>>());
    let stands = rates.get(&rates.operator, "").await.unwrap();
    assert_eq!(&stands, set.iter().max_by_key(|profile| profile.version).unwrap());
}

#[tokio::test]
async fn rates_that_hold_for_the_same_goods_are_refused_by_name() {
    let rates = Rates::open().await;
    let twice = vec![rate("express", euro(9)), rate("standard", euro(5)), rate("standard", euro(6))];
    let zones = vec![zone(&[("DE", &[])], vec![rate("standard", euro(4))]), everywhere(twice)];
    let answer = refusal_of(&rates, &rates.seller, setting(profile("", zones))).await;
    assert_eq!(answer, refused(Code::InvalidArgument, "RATES_OVERLAP", &["profile.zones[1].rates[2]"]));
    assert!(rates.get(&rates.seller, "").await.is_err());
}

#[tokio::test]
async fn every_part_of_a_profile_that_cannot_be_read_is_named() {
    let rates = Rates::open().await;
    let nothing = wire::SetShippingProfileRequest::default();
    assert_eq!(refusal_of(&rates, &rates.seller, nothing).await, invalid(&["request_id", "profile"]));
    let odd = wire::RateRule {
        price: None,
        per_kilogram: Some(Money { currency_code: "XXX".to_owned(), ..euro(1) }),
        free_from: Some(Money { nanos: 1, ..euro(1) }),
        ..rate(&"x".repeat(51), euro(1))
    };
    let zone = wire::ShippingZone { name: String::new(), ..zone(&[("Germany", &["sw1"])], vec![odd]) };
    let answer = refusal_of(&rates, &rates.operator, setting(profile("the best", vec![zone]))).await;
    assert_eq!(
        answer,
        invalid(&[
            "profile.seller_id",
            "profile.zones[0].name",
            "profile.zones[0].regions[0].region_code",
            "profile.zones[0].regions[0].postal_code_prefixes[0]",
            "profile.zones[0].rates[0].service",
            "profile.zones[0].rates[0].price",
            "profile.zones[0].rates[0].per_kilogram.currency_code",
            "profile.zones[0].rates[0].free_from",
        ])
    );
}

#[tokio::test]
async fn parts_of_a_profile_that_do_not_fit_together_are_named() {
    let rates = Rates::open().await;
    let no_zone = refusal_of(&rates, &rates.seller, setting(profile("", vec![]))).await;
    assert_eq!(no_zone, invalid(&["profile.zones"]));
    let odd = wire::RateRule {
        per_kilogram: Some(Money { currency_code: "USD".to_owned(), ..euro(1) }),
        weight_grams_min: 2,
        weight_grams_max: 1,
        days_max: 1,
        ..rate("standard", euro(-1))
    };
    let answer = refusal_of(&rates, &rates.seller, setting(profile("", vec![everywhere(vec![odd])]))).await;
    let of_rate = ["price", "per_kilogram", "weight_grams_max", "days_max"];
    let fields = of_rate.map(|field| format!("profile.zones[0].rates[0].{field}"));
    assert_eq!(answer, invalid(&fields.each_ref().map(String::as_str)));
    assert!(rates.get(&rates.seller, "").await.is_err());
}

#[tokio::test]
async fn profiles_are_set_by_sellers_and_operators_alone() {
    let rates = Rates::open().await;
    let role_missing = refused(Code::PermissionDenied, "ROLE_MISSING", &[]);
    for bearer in [rates.tokens.buyer(new_uuid()), rates.tokens.service()] {
        assert_eq!(refusal_of(&rates, &bearer, setting(rich(""))).await, role_missing);
    }
    let get = wire::GetShippingProfileRequest::default();
    let buyer = rates.tokens.buyer(new_uuid());
    assert_eq!(refusal(rates.client().get_shipping_profile(buyer.request(get.clone()))).await, role_missing);

    let anonymous = rates.client().set_shipping_profile(Request::new(setting(rich("")))).await;
    assert_eq!(refusal(async { anonymous }).await, refused(Code::Unauthenticated, "TOKEN_MISSING", &[]));
    let anonymous = rates.client().get_shipping_profile(Request::new(get)).await;
    assert_eq!(refusal(async { anonymous }).await, refused(Code::Unauthenticated, "TOKEN_MISSING", &[]));
    let expired = rates.tokens.expired(Role::Operator, new_uuid());
    assert_eq!(
        refusal_of(&rates, &expired, setting(rich(""))).await,
        refused(Code::Unauthenticated, "TOKEN_EXPIRED", &[])
    );
    let forged = Tokens::forger().operator();
    assert_eq!(
        refusal_of(&rates, &forged, setting(rich(""))).await,
        refused(Code::Unauthenticated, "TOKEN_INVALID", &[])
    );
}
