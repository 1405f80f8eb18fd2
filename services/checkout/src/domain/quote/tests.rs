use kernel::{Id, RegionCode};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::address::{AddressText, Lines};
use crate::domain::market::CartLine;
use crate::domain::shipping::{Consignment, ShippingQuote, consignments};

const NOW: Timestamp = Timestamp::from_unix_micros(1_772_352_000_000_000);
const VALIDITY: Duration = Duration::from_mins(15);

/// Tax is known of one region only.
#[derive(Debug)]
struct OneRate(RegionCode, Rate);

impl TaxRates for OneRate {
    fn rate(&self, region: RegionCode) -> Option<Rate> {
        (region == self.0).then_some(self.1)
    }
}

fn terms(tax_rate: &str) -> Terms {
    Terms { tax_rates: Arc::new(OneRate("DE".parse().unwrap(), tax_rate.parse().unwrap())), validity: VALIDITY }
}

fn eur(minor: i64) -> Money {
    Money::from_minor(minor, Currency::EUR)
}

fn id<T>(number: u128) -> Id<T> {
    Id::from_uuid(Uuid::from_u128(number))
}

fn sku(number: u32) -> Sku {
    Sku::new(&format!("SKU-{number:03}")).unwrap()
}

fn quantity(pieces: i64) -> Quantity {
    Quantity::new(pieces).unwrap()
}

fn cart(lines: Vec<CartLine>) -> Cart {
    Cart { id: id(1), buyer_id: Some(id(2)), currency: Currency::EUR, lines }
}

fn line(number: u32, pieces: i64, seen_minor: i64) -> CartLine {
    CartLine { sku: sku(number), quantity: quantity(pieces), seen_price: eur(seen_minor) }
}

fn variant(number: u32, seller: u128, price_minor: i64) -> (Sku, Variant) {
    let variant = Variant {
        product_id: id(1_000 + u128::from(number)),
        seller_id: id(seller),
        title: Title::new(format!("Product {number}")).unwrap(),
        is_on_sale: true,
        price: Some(Price { amount: eur(price_minor), version: 3 }),
        weight_grams: 250,
    };
    (sku(number), variant)
}

/// A market whose sellers all send for 4.99, or express for 9.99.
fn market(variants: impl IntoIterator<Item = (Sku, Variant)>, available: i64) -> Market {
    let variants: BTreeMap<_, _> = variants.into_iter().collect();
    let available = variants.keys().map(|sku| (sku.clone(), available)).collect();
    let shipping =
        variants.values().map(|variant| (variant.seller_id, shipping(&[("standard", 499), ("express", 999)])));
    Market { shipping: shipping.collect(), variants, available, backorder_available: BTreeMap::new() }
}

/// Offers of a seller, honoured for longer than ours.
fn shipping(offers: &[(&str, i64)]) -> ShippingQuote {
    let offer = |(service, minor): &(&str, i64)| {
        let (days_min, days_max) = if *service == "express" { (1, 2) } else { (2, 4) };
        ShippingOffer { service: service.parse().unwrap(), price: eur(*minor), days_min, days_max }
    };
    ShippingQuote { offers: offers.iter().map(offer).collect(), expires_at: NOW + 2 * VALIDITY }
}

fn choice(seller: u128, service: &str) -> ShippingChoice {
    ShippingChoice { seller_id: id(seller), service: service.parse().unwrap() }
}

fn address() -> Address {
    let lines = |text: &str| Lines::new(vec![AddressText::new(text).unwrap()]).unwrap();
    Address {
        region: "DE".parse().unwrap(),
        language_code: None,
        postal_code: Some(AddressText::new("20457").unwrap()),
        sorting_code: None,
        administrative_area: None,
        locality: Some(AddressText::new("Hamburg").unwrap()),
        sublocality: None,
        address_lines: lines("Am Sandtorkai 1"),
        recipients: lines("Ada Byron"),
        organization: None,
    }
}

fn request(cart: Cart) -> QuoteRequest {
    QuoteRequest { id: id(3), buyer_id: id(2), ship_to: address(), cart, shipping_choices: Vec::new() }
}

fn make(cart: Cart, market: &Market) -> Result<Quote, Refusal> {
    Quote::make(request(cart), market, &terms("0.19"), NOW)
}

/// An offer of two sellers with three lines.
pub(crate) fn some_quote() -> Quote {
    let cart = cart(vec![line(3, 1, 1_000), line(1, 2, 1_050), line(2, 5, 333)]);
    let market = market([variant(1, 20, 1_050), variant(2, 10, 333), variant(3, 20, 1_100)], 100);
    make(cart, &market).unwrap()
}

fn kinds(quote: &Quote) -> Vec<(&str, DriftKind)> {
    quote.drifts.iter().map(|drift| (drift.sku.as_str(), drift.kind)).collect()
}

#[test]
fn an_offer_is_made_per_seller_and_line_and_summed_up() {
    let quote = some_quote();
    let sellers: Vec<_> = quote.sellers.iter().map(|seller| seller.seller_id).collect();
    assert_eq!(sellers, [id(10), id(20)]);
    let [first, second] = quote.sellers.as_slice() else { panic!("two sellers") };

    // 5 * 3.33 = 16.65, of which 19 % is 3.1635.
    assert_eq!(first.amounts, Amounts { subtotal: eur(1_665), shipping: eur(499), tax: eur(316), total: eur(2_480) });
    let skus: Vec<_> = second.lines.iter().map(|line| line.sku.as_str()).collect();
    assert_eq!(skus, ["SKU-001", "SKU-003"]);
    // 19 % of 21.00 is 3.99, and of 11.00 it is 2.09.
    assert_eq!(second.amounts, Amounts { subtotal: eur(3_200), shipping: eur(499), tax: eur(608), total: eur(4_307) });
    assert_eq!(second.lines[0].weight_grams, 500);
    assert_eq!((second.lines[0].unit_price, second.lines[0].price_version), (eur(1_050), 3));

    assert_eq!(quote.amounts, Amounts { subtotal: eur(4_865), shipping: eur(998), tax: eur(924), total: eur(6_787) });
    assert_eq!((quote.created_at, quote.expires_at), (NOW, NOW + VALIDITY));
}

#[test]
fn tax_is_rounded_half_to_even_on_each_line() {
    let tax = |price| {
        let market = market([variant(1, 10, price)], 1);
        let quote = Quote::make(request(cart(vec![line(1, 1, price)])), &market, &terms("0.05"), NOW).unwrap();
        quote.amounts.tax.minor()
    };
    assert_eq!((tax(10), tax(30), tax(50)), (0, 2, 2)); // 0.5, 1.5 and 2.5 cents
}

#[test]
fn an_empty_cart_is_offered_nothing() {
    assert_eq!(make(cart(vec![]), &Market::default()), Err(Refusal::CartEmpty));
}

#[test]
fn shipping_is_asked_what_each_seller_is_to_send() {
    let wanted = cart(vec![line(3, 1, 1), line(1, 2, 1), line(2, 5, 1), line(1, 1, 1), line(4, 9, 1), line(5, 9, 1)]);
    let unpublished = |(sku, variant)| (sku, Variant { is_on_sale: false, ..variant });
    let variants =
        [variant(1, 20, 1_050), variant(2, 10, 333), variant(3, 20, 1_100), unpublished(variant(4, 30, 100))];
    let consignment =
        |seller, weight_grams, minor| Consignment { seller_id: id(seller), weight_grams, subtotal: eur(minor) };
    let asked = consignments(&wanted, &variants.into_iter().collect());
    assert_eq!(asked, Ok(vec![consignment(10, 1_250, 1_665), consignment(20, 1_000, 4_250)]));
}

#[test]
fn a_sum_that_does_not_fit_is_not_asked_about() {
    let dear = [variant(1, 10, i64::MAX)].into_iter().collect();
    let asked = consignments(&cart(vec![line(1, 2, 1)]), &dear);
    assert_eq!(asked, Err(Refusal::AmountTooLarge(MoneyError::Overflow)));
}

/// Two sellers, 10 and 20, with these choices.
fn make_choosing(choices: &[ShippingChoice], market: &Market) -> Result<Quote, Refusal> {
    let request = request(cart(vec![line(1, 1, 100), line(2, 1, 100)]));
    Quote::make(QuoteRequest { shipping_choices: choices.to_vec(), ..request }, market, &terms("0.19"), NOW)
}

fn two_sellers() -> Market {
    market([variant(1, 10, 100), variant(2, 20, 100)], 9)
}

/// The service that each seller sends by, and for how much.
fn services(quote: &Quote) -> Vec<(&str, i64)> {
    let taken = |seller: &SellerQuote| seller.amounts.shipping.minor();
    quote.sellers.iter().map(|seller| (seller.shipping_service.as_str(), taken(seller))).collect()
}

#[test]
fn the_cheapest_offer_of_each_seller_is_taken_unless_the_buyer_chose() {
    let mut market = two_sellers();
    let by_bike = shipping(&[("standard", 499), ("bike", 300)]);
    market.shipping.insert(id(20), by_bike.clone());
    assert_eq!(services(&make_choosing(&[], &market).unwrap()), [("standard", 499), ("bike", 300)]);
    let quote = make_choosing(&[choice(10, "express")], &market).unwrap();
    assert_eq!(services(&quote), [("express", 999), ("bike", 300)]);
    assert_eq!(quote.amounts.shipping, eur(1_299));
    assert_eq!(quote.sellers[1].shipping_offers, by_bike.offers);
    let quote = make_choosing(&[choice(20, "standard"), choice(10, "standard")], &market).unwrap();
    assert_eq!(services(&quote), [("standard", 499), ("standard", 499)]);
}

#[test]
fn a_service_that_the_seller_does_not_offer_is_refused() {
    let refused = make_choosing(&[choice(10, "express"), choice(20, "pigeon")], &two_sellers()).unwrap_err();
    assert_eq!(refused, Refusal::ServiceUnknown { choice: 1, service: "pigeon".parse().unwrap() });
}

#[test]
fn a_choice_for_a_seller_of_nothing_in_the_cart_is_refused_but_not_for_one_of_what_is_not_on_sale() {
    let refused = make_choosing(&[choice(10, "express"), choice(30, "express")], &two_sellers());
    assert_eq!(refused, Err(Refusal::SellerNotInCart { choice: 1 }));
    let mut market = two_sellers();
    market.variants.get_mut(&sku(2)).unwrap().is_on_sale = false;
    let quote = make_choosing(&[choice(20, "express")], &market).unwrap();
    assert_eq!(services(&quote), [("standard", 499)]);
}

#[test]
fn a_seller_who_does_not_send_is_named() {
    for nothing in [Some(shipping(&[])), None] {
        let mut market = two_sellers();
        market.shipping.remove(&id(20));
        market.shipping.extend(nothing.map(|nothing| (id(20), nothing)));
        let refused = make_choosing(&[choice(20, "express")], &market).unwrap_err();
        assert_eq!(refused, Refusal::SellerDoesNotSend(id(20)));
        assert!(refused.to_string().contains(&id::<()>(20).to_string()), "{refused}");
    }
}

#[test]
fn an_offer_binds_no_longer_than_shipping_honours_its_own() {
    let mut market = two_sellers();
    assert_eq!(make_choosing(&[], &market).unwrap().expires_at, NOW + VALIDITY);
    market.shipping.get_mut(&id(20)).unwrap().expires_at = NOW + Duration::from_mins(5);
    assert_eq!(make_choosing(&[], &market).unwrap().expires_at, NOW + Duration::from_mins(5));
}

#[test]
fn nothing_is_shipped_to_a_region_whose_tax_is_not_known() {
    let elsewhere = Address { region: "AQ".parse().unwrap(), ..address() };
    let request = QuoteRequest { ship_to: elsewhere, ..request(cart(vec![line(1, 1, 100)])) };
    let quote = Quote::make(request, &market([variant(1, 10, 100)], 1), &terms("0.19"), NOW);
    assert_eq!(quote, Err(Refusal::RegionNotServed("AQ".parse().unwrap())));
}

#[test]
fn a_price_that_changed_is_told_and_can_be_accepted() {
    let quote = make(cart(vec![line(1, 2, 900)]), &market([variant(1, 10, 1_000)], 2)).unwrap();
    let drift = Drift {
        sku: sku(1),
        kind: DriftKind::PriceChanged,
        seen_price: eur(900),
        current_price: Some(eur(1_000)),
        requested: quantity(2),
        available: 2,
    };
    assert_eq!(quote.drifts, [drift]);
    assert!(quote.is_submittable());
    assert_eq!(quote.amounts.subtotal, eur(2_000));
}

#[test]
fn a_line_that_lacks_stock_is_quoted_but_blocks() {
    let quote = make(cart(vec![line(1, 3, 100)]), &market([variant(1, 10, 100)], 2)).unwrap();
    assert_eq!(kinds(&quote), [("SKU-001", DriftKind::InsufficientStock)]);
    assert_eq!((quote.drifts[0].requested, quote.drifts[0].available), (quantity(3), 2));
    assert!(!quote.is_submittable());
    assert_eq!(quote.amounts.subtotal, eur(300));
}

#[test]
fn a_line_that_lacks_stock_and_may_wait_for_it_is_told_so_and_can_be_accepted() {
    for (may_wait, kind, is_submittable) in
        [(2, DriftKind::InsufficientStock, false), (3, DriftKind::Backordered, true), (4, DriftKind::Backordered, true)]
    {
        let market =
            Market { backorder_available: BTreeMap::from([(sku(1), may_wait)]), ..market([variant(1, 10, 100)], 2) };
        let quote = make(cart(vec![line(1, 3, 100)]), &market).unwrap();
        assert_eq!(kinds(&quote), [("SKU-001", kind)], "{may_wait}");
        assert_eq!((quote.drifts[0].available, quote.is_submittable()), (2, is_submittable));
        assert_eq!(make(cart(vec![line(1, 2, 100)]), &market).unwrap().drifts, []);
    }
}

#[test]
fn what_was_never_stocked_lacks_stock() {
    let market = Market { available: BTreeMap::new(), ..market([variant(1, 10, 100)], 5) };
    let quote = make(cart(vec![line(1, 1, 100)]), &market).unwrap();
    assert_eq!(kinds(&quote), [("SKU-001", DriftKind::InsufficientStock)]);
}

#[test]
fn what_is_not_on_sale_has_no_line_and_blocks() {
    let unpublished = |(sku, variant)| (sku, Variant { is_on_sale: false, ..variant });
    let unpriced = |(sku, variant)| (sku, Variant { price: None, ..variant });
    let market = market([variant(1, 10, 100), unpublished(variant(2, 10, 100)), unpriced(variant(3, 20, 100))], 9);
    let quote = make(cart((1..=4).map(|number| line(number, 1, 100)).collect()), &market).unwrap();
    let not_on_sale = DriftKind::NotOnSale;
    assert_eq!(kinds(&quote), [("SKU-002", not_on_sale), ("SKU-003", not_on_sale), ("SKU-004", not_on_sale)]);
    let current: Vec<_> = quote.drifts.iter().map(|drift| drift.current_price).collect();
    assert_eq!(current, [Some(eur(100)), None, None]);
    assert!(!quote.is_submittable());
    assert_eq!((quote.sellers.len(), quote.amounts.total), (1, eur(100 + 499 + 19)));
}

#[test]
fn nothing_that_is_on_sale_makes_an_offer_of_nothing() {
    let quote = make(cart(vec![line(1, 1, 100)]), &Market::default()).unwrap();
    assert!(quote.sellers.is_empty() && quote.amounts.total.is_zero() && !quote.is_submittable());
}

#[test]
fn two_lines_that_share_a_sku_are_added_up() {
    let wanted = cart(vec![line(1, 2, 100), line(1, 2, 90)]);
    let quote = make(wanted, &market([variant(1, 10, 100)], 3)).unwrap();
    assert_eq!(quote.sellers[0].lines.len(), 1);
    assert_eq!(quote.sellers[0].lines[0].quantity, quantity(4));
    assert_eq!(kinds(&quote), [("SKU-001", DriftKind::PriceChanged), ("SKU-001", DriftKind::InsufficientStock)]);
    assert_eq!(quote.drifts[0].seen_price, eur(90));
    assert_eq!(quote.drifts[1].requested, quantity(4));
}

#[test]
fn what_does_not_fit_is_refused() {
    let too_dear = make(cart(vec![line(1, 2, 1)]), &market([variant(1, 10, i64::MAX)], 9));
    assert_eq!(too_dear, Err(Refusal::AmountTooLarge(MoneyError::Overflow)));
    let sum_too_dear = [variant(1, 10, i64::MAX / 2), variant(2, 10, i64::MAX / 2)];
    let sum_too_dear = make(cart(vec![line(1, 1, 1), line(2, 1, 1)]), &market(sum_too_dear, 9));
    assert_eq!(sum_too_dear, Err(Refusal::AmountTooLarge(MoneyError::Overflow)));
    let too_many = make(cart(vec![line(1, 1_000_000, 1), line(1, 1, 1)]), &market([variant(1, 10, 1)], 9));
    assert!(matches!(too_many, Err(Refusal::QuantityTooLarge(_))));
}

#[test]
fn a_quote_binds_until_the_instant_at_which_it_expires() {
    let quote = some_quote();
    let last = quote.expires_at - Duration::from_micros(1);
    assert_eq!(quote.check_acceptance(quote.hash(), last), Ok(()));
    let expired = Err(Refusal::QuoteExpired(quote.expires_at));
    assert_eq!(quote.check_acceptance(quote.hash(), quote.expires_at), expired);
}

#[test]
fn an_altered_quote_and_a_blocked_one_cannot_be_accepted() {
    let quote = some_quote();
    let mut altered = quote.clone();
    altered.amounts.total = eur(1);
    assert_eq!(altered.check_acceptance(quote.hash(), NOW), Err(Refusal::QuoteAltered));
    let blocked = make(cart(vec![line(1, 3, 100)]), &market([variant(1, 10, 100)], 2)).unwrap();
    assert_eq!(blocked.check_acceptance(blocked.hash(), NOW), Err(Refusal::QuoteNotSubmittable));
}

#[test]
fn a_stored_quote_reads_back_as_itself() {
    let stored = serde_json::to_value(some_quote()).unwrap();
    assert_eq!(serde_json::from_value::<Quote>(stored).unwrap(), some_quote());
}

#[test]
fn a_quote_that_an_earlier_release_stored_can_be_read() {
    assert_eq!(serde_json::from_str::<Quote>(include_str!("stored_quote.json")).unwrap(), some_quote());
}

/// A cart of up to twelve lines over eight SKUs of three sellers, and a market that has most of them.
fn any_cart_and_market() -> impl Strategy<Value = (Vec<CartLine>, Market)> {
    let lines = prop::collection::vec((0..8_u32, 1..1_000_i64, 1..10_000_000_i64), 1..12);
    let variants = prop::collection::vec((0..8_u32, 0..3_u128, 1..10_000_000_i64), 1..8);
    (lines, variants, 0..3_000_i64).prop_map(|(lines, variants, available)| {
        let lines = lines.into_iter().map(|(number, pieces, seen)| line(number, pieces, seen));
        let variants = variants.into_iter().map(|(number, seller, price)| variant(number, seller, price));
        (lines.collect(), market(variants, available))
    })
}

fn any_rate() -> impl Strategy<Value = String> {
    (0..=3_000_u32).prop_map(|permyriad| format!("0.{permyriad:04}"))
}

proptest! {
    #[test]
    fn every_total_is_the_sum_of_its_parts((lines, market) in any_cart_and_market(), rate in any_rate()) {
        let quote = Quote::make(request(cart(lines)), &market, &terms(&rate), NOW).unwrap();
        let minor = |amounts: &Amounts| {
            [amounts.subtotal, amounts.shipping, amounts.tax, amounts.total].map(Money::minor)
        };
        for seller in &quote.sellers {
            let subtotal: i64 = seller.lines.iter().map(|line| line.unit_price.minor() * i64::from(line.quantity)).sum();
            let tax: i64 = seller.lines.iter().map(|line| line.tax.minor()).sum();
            prop_assert_eq!(minor(&seller.amounts), [subtotal, 499, tax, subtotal + 499 + tax]);
        }
        let sum = quote.sellers.iter().map(|seller| minor(&seller.amounts)).fold([0; 4], |sum, amounts| {
            std::array::from_fn(|part| sum[part] + amounts[part])
        });
        prop_assert_eq!(minor(&quote.amounts), sum);
    }

    #[test]
    fn every_piece_of_the_cart_is_in_the_offer_or_blocks_it((lines, market) in any_cart_and_market()) {
        let asked: i64 = lines.iter().map(|line| i64::from(line.quantity)).sum();
        let quote = make(cart(lines), &market).unwrap();
        let offered: i64 =
            quote.sellers.iter().flat_map(|seller| &seller.lines).map(|line| i64::from(line.quantity)).sum();
        let missing = quote.drifts.iter().filter(|drift| drift.kind == DriftKind::NotOnSale);
        prop_assert_eq!(offered + missing.map(|drift| i64::from(drift.requested)).sum::<i64>(), asked);
        prop_assert!(offered == asked || !quote.is_submittable());
    }

    #[test]
    fn an_offer_does_not_depend_on_the_order_of_the_cart((lines, market) in any_cart_and_market()) {
        let backwards: Vec<_> = lines.iter().rev().cloned().collect();
        let (one, other) = (make(cart(lines), &market).unwrap(), make(cart(backwards), &market).unwrap());
        prop_assert_eq!(one.hash(), other.hash());
        prop_assert_eq!(one.sellers, other.sellers);
    }
}
