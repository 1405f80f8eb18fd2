//! Making quotes.

use std::collections::BTreeMap;

use checkout::adapters::peers::PeerUrls;
use checkout::domain::quote_hash::QuoteHash;
use contracts::checkout::v1::{CreateQuoteRequest, DriftKind, LineDrift, ShippingChoice};
use contracts::google::r#type::{Money, PostalAddress};
use contracts::products::v1::ProductStatus;
use tonic::Code;

use crate::desk::{Desk, address, euro, new_request_id, new_uuid};
use crate::peers::{FakePeers, nobody};

#[tokio::test]
async fn a_quote_is_made_of_what_cart_products_inventory_and_shipping_answer() {
    let desk = Desk::open_with_a_cart().await;
    let quote = desk.quote().await;

    assert_eq!(quote.buyer_id, desk.buyer_id.to_string());
    assert_eq!(quote.cart_id, desk.peers.answers().cart.cart_id);
    assert_eq!(quote.ship_to, Some(address()));
    let sellers: Vec<_> = quote.sellers.iter().map(|seller| seller.seller_id.as_str()).collect();
    assert!(sellers.len() == 2 && sellers.is_sorted(), "{sellers:?}");
    let lines: BTreeMap<_, _> =
        quote.sellers.iter().flat_map(|seller| &seller.lines).map(|line| (line.sku.as_str(), line)).collect();
    let mug = lines["MUG-1"];
    assert_eq!((mug.quantity, mug.unit_price.clone(), mug.price_version), (2, Some(euro(10, 0)), 2));
    assert_eq!((mug.line_subtotal.clone(), mug.tax_rate.as_str()), (Some(euro(20, 0)), "0.19"));
    assert_eq!((mug.tax.clone(), mug.weight_grams), (Some(euro(3, 800_000_000)), 600));
    assert_eq!((quote.subtotal, quote.shipping), (Some(euro(25, 0)), Some(euro(9, 980_000_000))));
    assert_eq!((quote.tax, quote.total), (Some(euro(4, 750_000_000)), Some(euro(39, 730_000_000))));

    assert!(quote.submittable && quote.drifts.is_empty());
    assert!(quote.hash.parse::<QuoteHash>().is_ok(), "{}", quote.hash);
    assert_eq!(quote.expire_time.unwrap().seconds - quote.create_time.unwrap().seconds, 15 * 60);
}

#[tokio::test]
async fn cart_is_asked_in_the_buyers_name_shipping_in_our_own_and_the_others_in_nobodys() {
    let desk = Desk::open_with_a_cart().await;
    desk.quote().await;
    let tokens: BTreeMap<_, _> = desk.peers.answers().tokens.iter().cloned().collect();
    assert_eq!(tokens["GetCart"], Some(format!("Bearer {}", desk.buyer.token())));
    assert_eq!((&tokens["BatchGetVariants"], &tokens["BatchGetAvailability"]), (&None, &None));
    assert_eq!(tokens["QuoteShipping"], Some(format!("Bearer {}", desk.service.token())));
}

#[tokio::test]
async fn the_same_request_answers_the_same_quote_and_asks_nobody_again() {
    let desk = Desk::open_with_a_cart().await;
    let request = desk.quote_request();
    let quote = desk.create_quote(request.clone()).await.unwrap();
    assert_eq!(desk.create_quote(request).await.unwrap(), quote);
    assert_eq!(desk.peers.answers().asked().len(), 4);
    assert_eq!(desk.count("quote").await, 1);
}

#[tokio::test]
async fn the_same_request_id_with_another_body_is_refused() {
    let desk = Desk::open_with_a_cart().await;
    let request = desk.quote_request();
    desk.create_quote(request.clone()).await.unwrap();
    let elsewhere = PostalAddress { locality: "Altona".to_owned(), ..address() };
    let refused = desk.create_quote(CreateQuoteRequest { ship_to: Some(elsewhere), ..request }).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::InvalidArgument, "REQUEST_ID_REUSED"));
    assert_eq!(refused.fields, ["request_id"]);
    assert_eq!(desk.count("quote").await, 1);
}

#[tokio::test]
async fn drift_against_the_cart_is_told_line_by_line() {
    let desk = Desk::open().await;
    let seller_id = new_uuid();
    {
        let mut answers = desk.peers.answers();
        for sku in ["A-DEARER", "B-SCARCE", "C-GONE", "D-UNKNOWN", "E-SAME"] {
            answers.put_into_cart(sku, 2, 10);
        }
        answers.offer("A-DEARER", seller_id, 12, 9);
        answers.offer("B-SCARCE", seller_id, 10, 1);
        answers.offer("C-GONE", seller_id, 10, 9);
        answers.offers.last_mut().unwrap().status = ProductStatus::Unpublished.into();
        answers.offer("E-SAME", seller_id, 10, 9);
    }
    let quote = desk.quote().await;
    let drift = |sku: &str, kind: DriftKind, current_euro: Option<i64>, available_quantity, blocks| LineDrift {
        sku: sku.to_owned(),
        kind: kind.into(),
        seen_price: Some(euro(10, 0)),
        current_price: current_euro.map(|units| euro(units, 0)),
        requested_quantity: 2,
        available_quantity,
        blocks,
    };
    assert_eq!(
        quote.drifts,
        [
            drift("A-DEARER", DriftKind::PriceChanged, Some(12), 9, false),
            drift("B-SCARCE", DriftKind::InsufficientStock, Some(10), 1, true),
            drift("C-GONE", DriftKind::NotOnSale, Some(10), 9, true),
            drift("D-UNKNOWN", DriftKind::NotOnSale, None, 0, true),
        ]
    );
    assert!(!quote.submittable);
    let skus: Vec<_> = quote.sellers[0].lines.iter().map(|line| line.sku.as_str()).collect();
    assert_eq!(skus, ["A-DEARER", "B-SCARCE", "E-SAME"]);
}

#[tokio::test]
async fn two_lines_that_share_a_sku_draw_on_the_same_stock() {
    let desk = Desk::open().await;
    {
        let mut answers = desk.peers.answers();
        answers.put_into_cart("MUG-1", 2, 10);
        answers.put_into_cart("MUG-1", 2, 10);
        answers.offer("MUG-1", new_uuid(), 10, 3);
    }
    let quote = desk.quote().await;
    assert_eq!(quote.sellers[0].lines[0].quantity, 4);
    assert_eq!((quote.drifts[0].requested_quantity, quote.drifts[0].available_quantity), (4, 3));
    assert!(!quote.submittable);
}

#[tokio::test]
async fn an_empty_cart_is_refused() {
    let desk = Desk::open().await;
    let refused = desk.create_quote(desk.quote_request()).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::FailedPrecondition, "CART_EMPTY"));
    assert_eq!(desk.peers.answers().asked(), ["GetCart"]);
}

#[tokio::test]
async fn a_cart_that_is_unknown_or_of_somebody_else_is_not_found() {
    let desk = Desk::open_with_a_cart().await;
    let unknown = CreateQuoteRequest { cart_id: new_uuid().to_string(), ..desk.quote_request() };
    let refused = desk.create_quote(unknown).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::NotFound, "CART_NOT_FOUND"));
    for owner in [new_uuid().to_string(), String::new()] {
        desk.peers.answers().cart.buyer_id = owner;
        let refused = desk.create_quote(desk.quote_request()).await.unwrap_err();
        assert_eq!(refused.code_and_reason(), (Code::NotFound, "CART_NOT_FOUND"));
    }
    assert_eq!(desk.count("quote").await, 0);
}

#[tokio::test]
async fn shipping_is_not_offered_where_tax_is_not_known() {
    let desk = Desk::open_with_a_cart().await;
    let to_antarctica = PostalAddress { region_code: "AQ".to_owned(), ..address() };
    let request = CreateQuoteRequest { ship_to: Some(to_antarctica), ..desk.quote_request() };
    let refused = desk.create_quote(request).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::FailedPrecondition, "SHIPPING_NOT_OFFERED"));
    assert_eq!(refused.fields, ["ship_to.region_code"]);
}

#[tokio::test]
async fn a_cart_whose_worth_does_not_fit_is_refused() {
    let desk = Desk::open().await;
    {
        let mut answers = desk.peers.answers();
        answers.put_into_cart("YACHT", 999, 10);
        answers.offer("YACHT", new_uuid(), 90_000_000_000_000_000, 999);
    }
    let refused = desk.create_quote(desk.quote_request()).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::FailedPrecondition, "CART_TOO_LARGE"));
}

#[tokio::test]
async fn a_peer_that_is_down_makes_quotes_unavailable_and_nothing_is_stored() {
    for down in 0..4 {
        let buyer_id = new_uuid();
        let peers = FakePeers::start(buyer_id).await;
        let (up, (nobody, _socket)) = (peers.url.clone(), nobody());
        let url = |peer| if peer == down { nobody.as_str() } else { up.as_str() };
        let urls = PeerUrls { cart: url(0), products: url(1), inventory: url(2), shipping: url(3) };
        let desk = Desk::open_with(buyer_id, peers, urls).await;
        desk.fill_cart();
        let refused = desk.create_quote(desk.quote_request()).await.unwrap_err();
        assert_eq!(refused.code_and_reason(), (Code::Unavailable, "PEER_UNAVAILABLE"), "{down}");
        assert!(!refused.words.contains("127.0.0.1"), "{}", refused.words);
        assert_eq!((desk.count("quote").await, desk.count("idempotency_key").await), (0, 0));
    }
}

#[tokio::test]
async fn an_answer_that_a_peer_may_not_give_is_our_fault_and_is_not_shown() {
    let desk = Desk::open_with_a_cart().await;
    desk.peers.answers().offers[0].seller_id = "the-secret-seller".to_owned();
    let refused = desk.create_quote(desk.quote_request()).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::Internal, "INTERNAL"));
    assert!(!refused.words.contains("secret"), "{}", refused.words);
    assert_eq!(desk.count("quote").await, 0);
}

#[tokio::test]
async fn every_field_at_fault_is_named_at_once() {
    let desk = Desk::open_with_a_cart().await;
    let ship_to = PostalAddress {
        region_code: "Germany".to_owned(),
        locality: "x".repeat(201),
        organization: "two\nlines".to_owned(),
        address_lines: vec![String::new(), "y".repeat(200), "z".repeat(201)],
        recipients: vec!["Ada".to_owned(); 6],
        ..PostalAddress::default()
    };
    let choice = |seller_id: &str, service: &str| ShippingChoice {
        seller_id: seller_id.to_owned(),
        service: service.to_owned(),
    };
    let seller_id = new_uuid().to_string();
    let request = CreateQuoteRequest {
        request_id: "x".repeat(65),
        cart_id: "cart-17".to_owned(),
        ship_to: Some(ship_to),
        shipping_choices: vec![choice("the best", ""), choice(&seller_id, "express"), choice(&seller_id, "bike")],
    };
    let refused = desk.create_quote(request).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::InvalidArgument, "INVALID_REQUEST"));
    assert_eq!(
        refused.fields,
        [
            "request_id",
            "cart_id",
            "ship_to.region_code",
            "ship_to.locality",
            "ship_to.address_lines[0]",
            "ship_to.address_lines[2]",
            "ship_to.recipients",
            "ship_to.organization",
            "shipping_choices[0].seller_id",
            "shipping_choices[0].service",
            "shipping_choices[2].seller_id",
        ]
    );
    assert!(desk.peers.answers().asked().is_empty());
}

#[tokio::test]
async fn an_address_is_required_with_its_region_lines_and_recipients() {
    let desk = Desk::open_with_a_cart().await;
    let fields = async |ship_to| {
        let request = CreateQuoteRequest { ship_to, ..desk.quote_request() };
        desk.create_quote(request).await.unwrap_err().fields
    };
    assert_eq!(fields(None).await, ["ship_to"]);
    let required = ["ship_to.region_code", "ship_to.address_lines", "ship_to.recipients"];
    assert_eq!(fields(Some(PostalAddress::default())).await, required);
    assert_eq!(fields(Some(PostalAddress { revision: 1, ..address() })).await, ["ship_to.revision"]);
}

#[tokio::test]
async fn an_oversized_message_is_refused() {
    let desk = Desk::open_with_a_cart().await;
    let ship_to = PostalAddress { address_lines: vec!["x".repeat(2_000_000)], ..address() };
    let request = CreateQuoteRequest { request_id: new_request_id(), ship_to: Some(ship_to), ..desk.quote_request() };
    let refused = desk.create_quote(request).await.unwrap_err();
    assert!(matches!(refused.code, Code::OutOfRange | Code::ResourceExhausted), "{refused:?}");
    assert_eq!(desk.count("quote").await, 0);
}

#[tokio::test]
async fn a_cart_is_quoted_in_its_own_currency() {
    let desk = Desk::open_with_a_cart().await;
    {
        let mut answers = desk.peers.answers();
        let dollars = |units| Some(Money { currency_code: "USD".to_owned(), units, nanos: 990_000_000 });
        answers.cart.currency_code = "USD".to_owned();
        answers.cart.lines.truncate(1);
        answers.cart.lines[0].unit_price = dollars(10);
        answers.offers[0].variant.as_mut().unwrap().prices[0].amount = dollars(10);
    }
    let to_portland = PostalAddress { region_code: "US".to_owned(), ..address() };
    let request = CreateQuoteRequest { ship_to: Some(to_portland), ..desk.quote_request() };
    let quote = desk.create_quote(request).await.unwrap();
    let total = Money { currency_code: "USD".to_owned(), units: 26, nanos: 970_000_000 };
    assert_eq!((quote.total, quote.tax.unwrap().units), (Some(total), 0));
}
