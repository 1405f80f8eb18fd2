use std::time::Duration;

use proptest::prelude::*;

use super::super::{BuyerId, Item, ProductId, SellerId};
use super::*;

const OPENED: Timestamp = Timestamp::from_unix_micros(1_700_000_000_000_000);

fn later() -> Timestamp {
    OPENED + Duration::from_mins(5)
}

fn empty() -> Cart {
    Cart::open(CartId::generate(), Owner::Buyer(BuyerId::generate()), Currency::EUR, OPENED).0
}

fn sku(code: &str) -> Sku {
    code.parse().unwrap()
}

fn quantity(units: i32) -> LineQuantity {
    LineQuantity::new(units).unwrap()
}

fn seen(minor: i64, currency: Currency, version: i64) -> SeenPrice {
    SeenPrice { unit_price: Money::from_minor(minor, currency), version }
}

/// On sale at 12.50 EUR, version 3 of that price, and at 2,000 JPY.
fn offer(code: &str) -> Offer {
    Offer {
        item: Item {
            sku: sku(code),
            product_id: ProductId::generate(),
            seller_id: SellerId::generate(),
            title: "Mug".parse().unwrap(),
        },
        is_on_sale: true,
        prices: [(Currency::EUR, seen(1_250, Currency::EUR, 3)), (Currency::JPY, seen(2_000, Currency::JPY, 1))].into(),
    }
}

fn units(units: i32) -> Addition {
    Addition { quantity: quantity(units), seen_version: None, seen_currency: None }
}

fn refusal(decision: Decision<Event, Refusal>) -> Refusal {
    match decision {
        Decision::Refused(refusal) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn cart_with(codes: &[&str]) -> Cart {
    let mut cart = empty();
    for code in codes {
        assert!(matches!(cart.add(&offer(code), units(2), OPENED), Decision::Applied(_)));
    }
    cart
}

#[test]
fn units_that_are_added_make_a_line_at_the_price_that_was_seen() {
    let mut cart = empty();
    let mug = offer("MUG");
    let seen_as_it_is = Addition { quantity: quantity(2), seen_version: Some(3), seen_currency: Some(Currency::EUR) };
    let line = Line::new(mug.item.clone(), quantity(2), seen(1_250, Currency::EUR, 3)).unwrap();
    let event = Event::LineAdded { cart_id: cart.id(), line: line.clone() };
    assert_eq!(cart.add(&mug, seen_as_it_is, later()), Decision::applied(event));
    assert_eq!((cart.lines(), cart.subtotal()), (&[line][..], Money::from_minor(2_500, Currency::EUR)));
    assert_eq!(cart.updated_at(), later());
}

#[test]
fn more_units_of_a_sku_join_its_line_at_the_price_that_is_seen_now() {
    let mut cart = cart_with(&["MUG", "CUP"]);
    let mut dearer = offer("MUG");
    dearer.item = cart.lines()[0].item().clone();
    dearer.prices.insert(Currency::EUR, seen(1_300, Currency::EUR, 4));
    assert!(matches!(cart.add(&dearer, units(3), later()), Decision::Applied(_)));
    let line = &cart.lines()[0];
    assert_eq!((line.quantity(), line.price()), (quantity(5), seen(1_300, Currency::EUR, 4)));
    assert_eq!((cart.lines().len(), cart.subtotal().minor()), (2, 5 * 1_300 + 2 * 1_250));
}

#[test]
fn what_may_not_be_added_changes_nothing() {
    let mut cart = cart_with(&["MUG"]);
    let before = cart.clone();
    let off_sale = Offer { is_on_sale: false, ..offer("MUG") };
    let unpriced = Offer { prices: [(Currency::JPY, seen(2_000, Currency::JPY, 1))].into(), ..offer("MUG") };
    let mut priceless = offer("GEM");
    priceless.prices.insert(Currency::EUR, seen(i64::MAX, Currency::EUR, 1));
    let in_yen = Addition { seen_currency: Some(Currency::JPY), ..units(1) };
    let seen_earlier = Addition { seen_version: Some(2), ..units(1) };
    for (offer, addition, expected) in [
        (offer("MUG"), in_yen, Refusal::CurrencyMismatch { cart: Currency::EUR, asked: Currency::JPY }),
        (off_sale, units(1), Refusal::SkuNotOnSale(sku("MUG"))),
        (unpriced, units(1), Refusal::SkuNotPricedInCurrency { sku: sku("MUG"), currency: Currency::EUR }),
        (offer("MUG"), seen_earlier, Refusal::PriceVersionStale { seen: 2, in_force: 3 }),
        (offer("MUG"), units(998), Refusal::QuantityLimit),
        // One unit fits by itself, and not together with what is in the cart; two do not fit at all.
        (priceless.clone(), units(1), Refusal::SubtotalOverflow),
        (priceless, units(2), Refusal::SubtotalOverflow),
    ] {
        assert_eq!(refusal(cart.add(&offer, addition, later())), expected);
    }
    assert_eq!(cart, before);
}

#[test]
fn a_full_cart_takes_more_units_and_no_more_lines() {
    let codes: Vec<_> = (0..LINES_MAX).map(|number| format!("MUG-{number}")).collect();
    let mut cart = cart_with(&codes.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(refusal(cart.add(&offer("CUP"), units(1), later())), Refusal::CartFull);
    assert!(matches!(cart.add(&offer("MUG-99"), units(997), later()), Decision::Applied(_)));
    assert_eq!(cart.lines().len(), LINES_MAX);
}

#[test]
fn a_quantity_is_set_at_the_price_that_was_seen() {
    let mut cart = cart_with(&["MUG", "CUP"]);
    let Decision::Applied(events) = cart.set_quantity(&sku("CUP"), quantity(999), later()) else {
        panic!("was not applied")
    };
    assert_eq!(events, [Event::LineQuantitySet { cart_id: cart.id(), line: cart.lines()[1].clone() }]);
    assert_eq!(cart.lines()[1].price().version, 3);
    assert_eq!(cart.subtotal().minor(), 2 * 1_250 + 999 * 1_250);
    assert_eq!(cart.set_quantity(&sku("CUP"), quantity(999), later()), Decision::AlreadyApplied);
}

#[test]
fn a_quantity_that_cannot_be_set_changes_nothing() {
    let mut cart = cart_with(&["MUG"]);
    let mut gem = offer("GEM");
    gem.prices.insert(Currency::EUR, seen(i64::MAX / 2 - 2_500, Currency::EUR, 1));
    assert!(matches!(cart.add(&gem, units(1), OPENED), Decision::Applied(_)));
    let before = cart.clone();
    assert_eq!(refusal(cart.set_quantity(&sku("CUP"), quantity(1), later())), Refusal::LineNotFound(sku("CUP")));
    // Three gems are too much by themselves; two are, together with 999 mugs.
    assert_eq!(refusal(cart.set_quantity(&sku("GEM"), quantity(3), later())), Refusal::SubtotalOverflow);
    assert_eq!(cart, before);
    assert!(matches!(cart.set_quantity(&sku("GEM"), quantity(2), later()), Decision::Applied(_)));
    assert_eq!(refusal(cart.set_quantity(&sku("MUG"), quantity(999), later())), Refusal::SubtotalOverflow);
}

#[test]
fn a_line_is_taken_out_once() {
    let mut cart = cart_with(&["MUG", "CUP"]);
    let event = Event::LineRemoved { cart_id: cart.id(), sku: sku("MUG") };
    assert_eq!(cart.remove(&sku("MUG"), later()), Decision::applied(event));
    assert_eq!((cart.lines().len(), cart.subtotal().minor()), (1, 2_500));
    let before = cart.clone();
    assert_eq!(cart.remove(&sku("MUG"), later() + Duration::from_secs(1)), Decision::AlreadyApplied);
    assert_eq!(cart, before);
}

#[test]
fn a_cart_is_cleared_once() {
    let mut cart = cart_with(&["MUG", "CUP"]);
    assert_eq!(cart.clear(later()), Decision::applied(Event::Cleared { cart_id: cart.id() }));
    assert_eq!((cart.lines(), cart.subtotal()), (&[][..], Money::zero(Currency::EUR)));
    assert_eq!(cart.clear(later()), Decision::AlreadyApplied);
}

#[derive(Clone, Debug)]
enum Step {
    Add(u8, i32, i64),
    Set(u8, i32),
    Remove(u8),
    Clear,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..120_u8, 1..=999_i32, prop_oneof![1..10_000_i64, Just(i64::MAX / 500)])
            .prop_map(|(code, units, minor)| Step::Add(code, units, minor)),
        4 => (0..120_u8, 1..=999_i32).prop_map(|(code, units)| Step::Set(code, units)),
        2 => (0..120_u8).prop_map(Step::Remove),
        1 => Just(Step::Clear),
    ]
}

fn take(cart: &mut Cart, step: &Step) -> Decision<Event, Refusal> {
    let code = |number: u8| format!("MUG-{number}");
    match *step {
        Step::Add(number, count, minor) => {
            let mut offer = offer(&code(number));
            offer.prices.insert(Currency::EUR, seen(minor, Currency::EUR, 1));
            cart.add(&offer, units(count), later())
        }
        Step::Set(number, count) => cart.set_quantity(&sku(&code(number)), quantity(count), later()),
        Step::Remove(number) => cart.remove(&sku(&code(number)), later()),
        Step::Clear => cart.clear(later()),
    }
}

proptest! {
    #[test]
    fn whatever_is_done_to_a_cart_it_keeps_its_limits_and_its_sum(steps in prop::collection::vec(any_step(), 1..200)) {
        let mut cart = empty();
        for step in &steps {
            let before = cart.clone();
            if !matches!(take(&mut cart, step), Decision::Applied(_)) {
                prop_assert_eq!(&cart, &before);
            }
            prop_assert!(cart.lines().len() <= LINES_MAX);
            let sum: i128 = cart
                .lines()
                .iter()
                .map(|line| i128::from(line.price().unit_price.minor()) * i128::from(line.quantity().units()))
                .sum();
            prop_assert_eq!(i128::from(cart.subtotal().minor()), sum);
            let mut skus: Vec<_> = cart.lines().iter().map(|line| &line.item().sku).collect();
            skus.sort();
            skus.dedup();
            prop_assert_eq!(skus.len(), cart.lines().len());
        }
    }
}
