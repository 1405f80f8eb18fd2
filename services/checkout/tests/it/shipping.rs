//! What sending costs: asked of shipping, chosen by the buyer, honoured at submission.

use std::time::Duration;

use contracts::checkout::v1::{CheckoutSubmitted, CreateQuoteRequest, Quote, SellerQuote, ShippingChoice};
use contracts::convert::timestamp_to_wire;
use tonic::Code;

use crate::desk::{Desk, Refused, euro, new_uuid, submission};

impl Desk {
    /// A quote for the cart as it is, with these choices.
    async fn quote_choosing(&self, choices: &[(&str, &str)]) -> Result<Quote, Refused> {
        let choice = |(seller_id, service): &(&str, &str)| ShippingChoice {
            seller_id: (*seller_id).to_owned(),
            service: (*service).to_owned(),
        };
        let shipping_choices = choices.iter().map(choice).collect();
        self.create_quote(CreateQuoteRequest { shipping_choices, ..self.quote_request() }).await
    }

    /// Who sells a SKU.
    fn seller_of(&self, sku: &str) -> String {
        let answers = self.peers.answers();
        let offer = answers.offers.iter().find(|offer| offer.variant.as_ref().unwrap().sku == sku);
        offer.unwrap().seller_id.clone()
    }
}

fn of<'a>(quote: &'a Quote, seller_id: &str) -> &'a SellerQuote {
    quote.sellers.iter().find(|seller| seller.seller_id == seller_id).unwrap()
}

/// The service, and what it costs in cents.
fn service(seller: &SellerQuote) -> (&str, i64) {
    let price = seller.shipping.as_ref().unwrap();
    (&seller.shipping_service, price.units * 100 + i64::from(price.nanos) / 10_000_000)
}

#[tokio::test]
async fn shipping_is_asked_once_for_all_sellers_where_to_how_heavy_and_how_dear() {
    let desk = Desk::open_with_a_cart().await;
    desk.quote().await;
    let (mug, tea) = (desk.seller_of("MUG-1"), desk.seller_of("TEA-1"));
    let answers = desk.peers.answers();
    assert_eq!(answers.asked().iter().filter(|rpc| **rpc == "QuoteShipping").count(), 1);
    let (ship_to, consignments) = &answers.to_be_sent;
    assert_eq!((ship_to.region_code.as_str(), ship_to.postal_code.as_str()), ("DE", "20457"));
    // Who lives there is nobody else's business.
    assert!(ship_to.recipients.is_empty() && ship_to.address_lines.is_empty() && ship_to.locality.is_empty());
    let mut asked: Vec<_> =
        consignments.iter().map(|each| (&each.seller_id, each.weight_grams, each.subtotal.clone())).collect();
    asked.sort_by_key(|(_, weight_grams, _)| *weight_grams);
    assert_eq!(asked, [(&tea, 300, Some(euro(5, 0))), (&mug, 600, Some(euro(20, 0)))]);
}

#[tokio::test]
async fn the_cheapest_is_taken_and_every_offer_is_told() {
    let desk = Desk::open_with_a_cart().await;
    let quote = desk.quote().await;
    for seller in &quote.sellers {
        assert_eq!(service(seller), ("standard", 499));
        let offers: Vec<_> = seller.shipping_offers.iter().map(|offer| offer.service.as_str()).collect();
        assert_eq!(offers, ["standard", "express"]);
        let express = &seller.shipping_offers[1];
        assert_eq!((express.price.clone(), express.days_min, express.days_max), (Some(euro(9, 990_000_000)), 2, 4));
    }
}

#[tokio::test]
async fn the_buyer_chooses_how_a_seller_is_to_send() {
    let desk = Desk::open_with_a_cart().await;
    let (mug, tea) = (desk.seller_of("MUG-1"), desk.seller_of("TEA-1"));
    let cheapest = desk.quote().await;
    let quote = desk.quote_choosing(&[(&mug, "express")]).await.unwrap();
    assert_eq!((service(of(&quote, &mug)), service(of(&quote, &tea))), (("express", 999), ("standard", 499)));
    assert_eq!(quote.shipping, Some(euro(14, 980_000_000)));
    assert_eq!((quote.total, cheapest.total), (Some(euro(44, 730_000_000)), Some(euro(39, 730_000_000))));
    assert_ne!(quote.hash, cheapest.hash);
}

#[tokio::test]
async fn what_a_seller_does_not_offer_cannot_be_chosen() {
    let desk = Desk::open_with_a_cart().await;
    let (mug, tea) = (desk.seller_of("MUG-1"), desk.seller_of("TEA-1"));
    let refused = desk.quote_choosing(&[(&tea, "standard"), (&mug, "pigeon")]).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::FailedPrecondition, "SHIPPING_SERVICE_UNKNOWN"));
    assert_eq!(refused.fields, ["shipping_choices[1].service"]);

    let stranger = new_uuid().to_string();
    let refused = desk.quote_choosing(&[(&tea, "standard"), (&stranger, "standard")]).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::InvalidArgument, "INVALID_REQUEST"));
    assert_eq!(refused.fields, ["shipping_choices[1].seller_id"]);

    let everybody: Vec<_> = (0..101).map(|_| (stranger.as_str(), "standard")).collect();
    let refused = desk.quote_choosing(&everybody).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::InvalidArgument, "INVALID_REQUEST"));
    assert_eq!(refused.fields, ["shipping_choices"]);
    assert_eq!(desk.count("quote").await, 0);
}

#[tokio::test]
async fn a_seller_who_does_not_send_there_is_named() {
    let desk = Desk::open_with_a_cart().await;
    let tea = desk.seller_of("TEA-1");
    desk.peers.answers().senders_of_nothing.push(tea.clone());
    let refused = desk.create_quote(desk.quote_request()).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::FailedPrecondition, "SHIPPING_NOT_OFFERED"));
    assert_eq!(refused.fields, ["ship_to"]);
    assert!(refused.words.contains(&tea), "{}", refused.words);
    assert_eq!(desk.count("quote").await, 0);
}

#[tokio::test]
async fn nothing_to_be_sent_is_nothing_to_ask_about() {
    let desk = Desk::open().await;
    desk.peers.answers().put_into_cart("GONE-1", 1, 10);
    let quote = desk.quote().await;
    assert!(!quote.submittable && quote.sellers.is_empty());
    assert!(!desk.peers.answers().asked().contains(&"QuoteShipping"));
}

#[tokio::test]
async fn a_quote_is_honoured_at_submission_after_the_sellers_raised_their_rates() {
    let desk = Desk::open_with_a_cart().await;
    desk.relay().await;
    let mug = desk.seller_of("MUG-1");
    let quote = desk.quote_choosing(&[(&mug, "express")]).await.unwrap();
    {
        let mut answers = desk.peers.answers();
        answers.rates = vec![("freight", 90, 0)];
        answers.tokens.clear();
    }
    desk.clock.advance(Duration::from_mins(14));
    let checkout = desk.submit(submission(&quote)).await.unwrap();
    assert_eq!(checkout.total, quote.total);
    assert!(desk.peers.answers().asked().is_empty());

    let events = desk.kafka.wait_for("tradewind.checkout.v1", "the submission", |events| !events.is_empty()).await;
    let submitted: CheckoutSubmitted = events[0].decode().unwrap();
    let shipping: Vec<_> = submitted.orders.iter().map(|order| &order.shipping).collect();
    assert_eq!(shipping, quote.sellers.iter().map(|seller| &seller.shipping).collect::<Vec<_>>());
    // A new quote has the new rates, and the service that was chosen is not offered any more.
    let refused = desk.quote_choosing(&[(&mug, "express")]).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::FailedPrecondition, "SHIPPING_SERVICE_UNKNOWN"));
    assert_eq!(desk.quote().await.shipping, Some(euro(180, 0)));
}

#[tokio::test]
async fn a_quote_binds_no_longer_than_shipping_honours_its_own() {
    let desk = Desk::open_with_a_cart().await;
    let soon = desk.clock.shown() + Duration::from_mins(5);
    desk.peers.answers().shipping_expires_at = soon;
    let quote = desk.quote().await;
    assert_eq!(quote.expire_time, Some(timestamp_to_wire(soon)));
    desk.clock.advance(Duration::from_mins(5));
    let refused = desk.submit(submission(&quote)).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::FailedPrecondition, "QUOTE_EXPIRED"));
}

#[tokio::test]
async fn the_price_of_a_service_that_was_tampered_with_in_the_database_is_not_accepted() {
    let desk = Desk::open_with_a_cart().await;
    let quote = desk.quote().await;
    for path in ["{sellers,0,shipping_offers,1,price,minor}", "{sellers,1,shipping_offers,0,days_max}"] {
        let tampered = "UPDATE quote SET offer = jsonb_set(offer, $1::text[], '1')";
        let before: serde_json::Value =
            sqlx::query_scalar("SELECT offer FROM quote").fetch_one(desk.store.pool()).await.unwrap();
        sqlx::query(tampered).bind(path).execute(desk.store.pool()).await.unwrap();
        let refused = desk.submit(submission(&quote)).await.unwrap_err();
        assert_eq!(refused.code_and_reason(), (Code::FailedPrecondition, "QUOTE_ALTERED"), "{path}");
        sqlx::query("UPDATE quote SET offer = $1").bind(before).execute(desk.store.pool()).await.unwrap();
    }
    assert!(desk.submit(submission(&quote)).await.is_ok());
}

#[tokio::test]
async fn an_offer_that_shipping_may_not_make_is_our_fault_and_is_not_shown() {
    let desk = Desk::open_with_a_cart().await;
    desk.peers.answers().rates = vec![("standard", -4, 0)];
    let refused = desk.create_quote(desk.quote_request()).await.unwrap_err();
    assert_eq!(refused.code_and_reason(), (Code::Internal, "INTERNAL"));
    assert_eq!(desk.count("quote").await, 0);
}
