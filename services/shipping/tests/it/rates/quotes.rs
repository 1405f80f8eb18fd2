//! QuoteShipping.

use contracts::convert::timestamp_to_wire;
use contracts::google::r#type::{Money, PostalAddress};
use contracts::shipping::v1 as wire;
use shipping::adapters::postgres;
use shipping::domain::ids::SellerId;
use shipping::domain::rates::Owner;
use testkit::Reads;
use tonic::{Code, Request};

use super::{Rates, VALIDITY, consignment, euro, everywhere, hamburg, new_uuid, offers, profile, question, rate, zone};
use crate::rpc::{invalid, refusal, refused};

async fn refusal_of(rates: &Rates, question: wire::QuoteShippingRequest) -> (Code, String, Vec<String>) {
    refusal(rates.client().quote_shipping(rates.tokens.service().request(question))).await
}

#[tokio::test]
async fn each_seller_is_quoted_by_its_own_profile_or_the_marketplaces_in_the_order_asked() {
    let rates = Rates::open().await;
    rates.set_marketplaces(euro(5)).await;
    let express = wire::RateRule { days_min: 1, days_max: 2, ..rate("express", euro(9)) };
    rates.set(&rates.seller, profile("", vec![everywhere(vec![express, rate("standard", euro(3))])])).await;
    let (another, one_more) = (SellerId::generate(), SellerId::generate());
    let quotes = rates.quotes(&[another, rates.seller_id, one_more]).await;
    let sellers: Vec<_> = quotes.iter().map(|quote| quote.seller_id.clone()).collect();
    assert_eq!(sellers, [another, rates.seller_id, one_more].map(|id| id.to_string()));
    assert_eq!(offers(&quotes[0]), [("standard", 5)]);
    assert_eq!(offers(&quotes[1]), [("standard", 3), ("express", 9)]);
    assert_eq!((quotes[1].offers[1].days_min, quotes[1].offers[1].days_max), (1, 2));
    assert_eq!(offers(&quotes[2]), [("standard", 5)]);

    let expire_time = Some(timestamp_to_wire(rates.depot.clock.shown() + VALIDITY));
    assert!(quotes.iter().all(|quote| quote.expire_time == expire_time), "{quotes:?}");
    let ids: std::collections::HashSet<_> = quotes.iter().map(|quote| &quote.quote_id).collect();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn zone_weight_currency_and_sum_make_the_price() {
    let rates = Rates::open().await;
    let by_weight = wire::RateRule {
        per_kilogram: Some(euro(1)),
        weight_grams_max: 30_000,
        free_from: Some(euro(100)),
        ..rate("standard", euro(4))
    };
    let islands = zone(&[("DE", &["18565"])], vec![rate("ferry", euro(20))]);
    rates.set(&rates.seller, profile("", vec![islands, zone(&[("DE", &[])], vec![by_weight])])).await;
    let seller_id = rates.seller_id;
    let quoted = async |ship_to: PostalAddress, weight_grams, subtotal| {
        let question = wire::QuoteShippingRequest {
            ship_to: Some(ship_to),
            consignments: vec![consignment(seller_id, weight_grams, subtotal)],
        };
        let quote = rates.quotes_for(question).await.remove(0);
        quote.offers.first().map(|offer| (offer.service.clone(), offer.price.as_ref().unwrap().units))
    };
    let standard = |units| Some(("standard".to_owned(), units));
    assert_eq!(quoted(hamburg(), 1_001, euro(20)).await, standard(6));
    assert_eq!(quoted(hamburg(), 1_001, euro(100)).await, standard(0));
    assert_eq!(quoted(hamburg(), 30_001, euro(20)).await, None);
    let dollars = Money { currency_code: "USD".to_owned(), ..euro(20) };
    assert_eq!(quoted(hamburg(), 500, dollars).await, None);
    let hiddensee = PostalAddress { postal_code: "18 565".to_owned(), ..hamburg() };
    assert_eq!(quoted(hiddensee, 500, euro(20)).await, Some(("ferry".to_owned(), 20)));
    let paris = PostalAddress { region_code: "FR".to_owned(), ..hamburg() };
    assert_eq!(quoted(paris, 500, euro(20)).await, None);
}

#[tokio::test]
async fn without_any_profile_there_are_quotes_without_offers() {
    let rates = Rates::open().await;
    let quotes = rates.quotes(&[rates.seller_id]).await;
    assert!(quotes.len() == 1 && quotes[0].offers.is_empty(), "{quotes:?}");
}

#[tokio::test]
async fn every_wrong_field_of_a_question_is_named() {
    let rates = Rates::open().await;
    assert_eq!(refusal_of(&rates, wire::QuoteShippingRequest::default()).await, invalid(&["ship_to", "consignments"]));
    let nowhere = wire::QuoteShippingRequest { ship_to: Some(PostalAddress::default()), ..question(vec![]) };
    assert_eq!(refusal_of(&rates, nowhere).await, invalid(&["ship_to.region_code", "consignments"]));
    let one = consignment(rates.seller_id, 500, euro(1));
    let of = |index: usize, field: &str| format!("consignments[{index}].{field}");
    let wrong = question(vec![
        one.clone(),
        one.clone(),
        wire::Consignment { seller_id: "the best".to_owned(), subtotal: None, weight_grams: -1 },
    ]);
    let fields = [of(1, "seller_id"), of(2, "seller_id"), of(2, "subtotal"), of(2, "weight_grams")];
    assert_eq!(refusal_of(&rates, wrong).await, invalid(&fields.each_ref().map(String::as_str)));
    let many = (0..101).map(|_| consignment(SellerId::generate(), 1, euro(1)));
    assert_eq!(refusal_of(&rates, question(many.clone().collect())).await, invalid(&["consignments"]));
    assert_eq!(rates.quotes_for(question(many.take(100).collect())).await.len(), 100);
}

#[tokio::test]
async fn only_services_are_quoted() {
    let rates = Rates::open().await;
    let one = || question(vec![consignment(rates.seller_id, 500, euro(1))]);
    let role_missing = refused(Code::PermissionDenied, "ROLE_MISSING", &[]);
    for bearer in [&rates.seller, &rates.operator, &rates.tokens.buyer(new_uuid())] {
        assert_eq!(refusal(rates.client().quote_shipping(bearer.request(one()))).await, role_missing);
    }
    let anonymous = refusal(rates.client().quote_shipping(Request::new(one()))).await;
    assert_eq!(anonymous, refused(Code::Unauthenticated, "TOKEN_MISSING", &[]));
}

#[tokio::test]
async fn a_quote_reads_no_more_rows_the_more_sellers_there_are() {
    let mut depot = crate::depot::Depot::closed().await;
    let mut connection = depot.store.pool().acquire().await.unwrap();
    for statement in [
        "INSERT INTO shipping_profile SELECT md5('seller' || n)::uuid, '[{}]', 1 FROM generate_series(1, 20000) AS n",
        "ANALYZE",
    ] {
        sqlx::query(statement).execute(&mut *connection).await.unwrap();
    }
    drop(connection);
    depot.store.pool().close().await;
    let before = Reads::count(&depot.database, &["shipping_profile"]).await;

    depot.reopen().await;
    let pool = depot.store.pool();
    for _ in 0..10 {
        let sellers: Vec<_> = (0..5).map(|_| Owner::Seller(SellerId::generate())).collect();
        let found = postgres::rates::profiles(pool, &sellers).await.unwrap();
        assert!(found.holding_for(sellers[0]).is_none());
    }
    pool.close().await;
    let after = Reads::count(&depot.database, &["shipping_profile"]).await;
    let read = after.since(&before)["shipping_profile"];
    assert!(read < 200, "{read} rows were read");
}
