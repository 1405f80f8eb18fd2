//! How a scenario begins: stock is on hand, and every checkout was just submitted.

use std::sync::Arc;
use std::time::Duration;

use checkout::adapters::events;
use checkout::adapters::tax_table::TaxTable;
use checkout::domain::address::{Address, AddressText, Lines};
use checkout::domain::checkout::Checkout;
use checkout::domain::event::Event;
use checkout::domain::market::{Cart, CartLine, Market, Price, Title, Variant};
use checkout::domain::payment_method::{CardToken, PaymentMethod};
use checkout::domain::quote::{Quote, QuoteRequest, Terms};
use checkout::domain::shipping::{ShippingOffer, ShippingQuote};
use inventory::domain::fact::{Fact, StockChange, StockChangeKind};
use inventory::domain::stock::{Levels, StockItem};
use kernel::{Currency, Id, Money, Quantity, Sku};
use uuid::Uuid;

use crate::clock::NOON;
use crate::network::{Network, Told};
use crate::provider::Book;
use crate::scenario::{Purchase, Scenario};
use crate::services::checkout::CheckoutStore;
use crate::services::inventory::InventoryStore;
use crate::services::kept::Kept;
use crate::services::orders::OrdersStore;
use crate::services::payments::PaymentsStore;
use crate::services::shipping::ShippingStore;
use crate::state::{State, order_id};

const PRICE: Money = Money::from_minor(1_000, Currency::EUR);

/// The state that a scenario begins in.
pub fn open(scenario: &Scenario) -> State {
    let mut orders = 1..;
    let mut network = Network::default();
    let mut checkouts = Vec::new();
    for (number, purchase) in (1..).zip(scenario.checkouts) {
        let quote = quote(number, purchase);
        let new_order_id = || order_id(orders.next().unwrap_or_default());
        let checkout = Checkout::of_quote(&quote, id(Kind::Checkout, number), new_order_id, NOON);
        let payment_method = payment_method(purchase);
        let submitted =
            Event::CheckoutSubmitted { checkout: &checkout, quote: &quote, payment_method: &payment_method };
        network.publish(&Arc::new(Told::new(events::encode(&submitted))));
        checkouts.push(checkout);
    }
    State {
        checkout: Kept::new(CheckoutStore::submitted(checkouts)),
        orders: Kept::new(OrdersStore::default()),
        inventory: Kept::new(InventoryStore::stocked(
            (1..).zip(scenario.stock).map(|(seller, units)| stock(seller, *units)),
            scenario.backorder_limit,
        )),
        payments: Kept::new(PaymentsStore::default()),
        shipping: Kept::new(ShippingStore::default()),
        provider: Arc::new(Book::default()),
        network,
        left: scenario.bounds,
        parked: None,
    }
}

/// What an id names, so that no two things have the same. Orders have the small numbers.
#[derive(Clone, Copy)]
enum Kind {
    Checkout = 1,
    Seller,
    Product,
    Other,
}

fn id<T>(kind: Kind, number: usize) -> Id<T> {
    Id::from_uuid(Uuid::from_u128(((kind as u128) << 64) + number as u128))
}

fn sku(seller: usize) -> Sku {
    Sku::new(&format!("SKU-{seller}")).expect("a valid SKU")
}

fn stock(seller: usize, units: i64) -> StockItem {
    let levels = Levels { total: units, ..Levels::default() };
    StockItem::new(id(Kind::Other, seller), sku(seller), id(Kind::Other, seller), id(Kind::Seller, seller), levels)
}

/// A unit comes in, as one of so many that may.
pub fn restock(item: &StockItem, left: u8) -> Fact {
    Fact::StockChange(StockChange {
        new_stock_item_id: id(Kind::Other, 5_000),
        movement_id: id(Kind::Other, 3_000 + usize::from(left)),
        warehouse_id: item.warehouse_id(),
        seller_id: item.seller_id(),
        sku: item.sku().clone(),
        kind: StockChangeKind::Add(Quantity::ONE),
        reason: String::new(),
        actor: "seller".to_owned(),
    })
}

fn payment_method(purchase: &Purchase) -> PaymentMethod {
    if purchase.in_cash {
        PaymentMethod::CashOnDelivery
    } else {
        PaymentMethod::Card(CardToken::new("tok_approved").expect("a valid token"))
    }
}

/// The offer that the buyer accepts, made as the service makes it.
fn quote(number: usize, purchase: &Purchase) -> Quote {
    let quantity = Quantity::new(purchase.units).expect("a valid quantity");
    let line = |seller: &usize| CartLine { sku: sku(*seller), quantity, seen_price: PRICE };
    let variant = |seller: &usize| Variant {
        product_id: id(Kind::Product, *seller),
        seller_id: id(Kind::Seller, *seller),
        title: Title::new("A thing").expect("a valid title"),
        is_on_sale: true,
        price: Some(Price { amount: PRICE, version: 1 }),
        weight_grams: 100,
    };
    let sellers = purchase.sellers;
    let market = Market {
        variants: sellers.iter().map(|seller| (sku(*seller), variant(seller))).collect(),
        available: sellers.iter().map(|seller| (sku(*seller), purchase.units)).collect(),
        backorder_available: [].into(),
        shipping: sellers.iter().map(|seller| (id(Kind::Seller, *seller), shipping())).collect(),
    };
    let buyer_id = id(Kind::Other, 1_000 + number);
    let cart = Cart {
        id: id(Kind::Other, 2_000 + number),
        buyer_id: Some(buyer_id),
        currency: Currency::EUR,
        lines: sellers.iter().map(line).collect(),
    };
    let terms = Terms { tax_rates: Arc::new(TaxTable::built_in()), validity: Duration::from_mins(15) };
    let request = QuoteRequest {
        id: id(Kind::Other, 3_000 + number),
        buyer_id,
        ship_to: address(),
        cart,
        shipping_choices: Vec::new(),
    };
    Quote::make(request, &market, &terms, NOON).expect("what is on sale can be offered")
}

fn shipping() -> ShippingQuote {
    let offer = ShippingOffer {
        service: "standard".parse().expect("a valid service"),
        price: Money::from_minor(499, Currency::EUR),
        days_min: 2,
        days_max: 4,
    };
    ShippingQuote { offers: vec![offer], expires_at: NOON + Duration::from_mins(30) }
}

fn address() -> Address {
    let lines = |text: &str| Lines::new(vec![AddressText::new(text).expect("a line")]).expect("one line");
    Address {
        region: "DE".parse().expect("a region"),
        language_code: None,
        postal_code: None,
        sorting_code: None,
        administrative_area: None,
        locality: None,
        sublocality: None,
        address_lines: lines("Am Kai 1"),
        recipients: lines("Ada"),
        organization: None,
    }
}
