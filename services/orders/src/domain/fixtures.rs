//! Orders for unit tests.

use kernel::{Currency, Money, Quantity, Timestamp};
use uuid::Uuid;

use super::ids::{BuyerId, CheckoutId, OrderId, ProductId, SellerId};
use super::snapshot::{Address, Line, PaymentMethod, Snapshot, Terms};

pub(crate) const NOON: Timestamp = Timestamp::from_unix_micros(1_800_000_000_000_000);

/// The id of the order that is told by that number.
pub(crate) fn order_id(number: u128) -> OrderId {
    OrderId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn euro(cents: i64) -> Money {
    Money::from_minor(cents, Currency::EUR)
}

fn line(sku: &str, pieces: i64, unit_cents: i64, tax_cents: i64) -> Line {
    Line {
        sku: sku.parse().unwrap(),
        product_id: ProductId::from_uuid(Uuid::from_u128(4)),
        title: "Blue mug".to_owned(),
        quantity: Quantity::new(pieces).unwrap(),
        unit_price: euro(unit_cents),
        price_version: 7,
        line_subtotal: euro(pieces * unit_cents),
        tax_rate: "0.19".parse().unwrap(),
        tax: euro(tax_cents),
    }
}

/// Two lines, paid by card: 25.00 and 4.90 for shipping and 4.75 tax.
pub(crate) fn terms(id: OrderId) -> Terms {
    Terms {
        order_id: id,
        checkout_id: CheckoutId::from_uuid(Uuid::from_u128(1)),
        buyer_id: BuyerId::from_uuid(Uuid::from_u128(2)),
        seller_id: SellerId::from_uuid(Uuid::from_u128(3)),
        lines: vec![line("MUG-BLUE", 2, 1_000, 380), line("SPOON", 1, 500, 95)],
        ship_to: Address {
            region_code: "DE".to_owned(),
            postal_code: "20457".to_owned(),
            locality: "Hamburg".to_owned(),
            address_lines: vec!["Am Sandtorkai 1".to_owned()],
            recipients: vec!["Ada Lovelace".to_owned()],
            ..Address::default()
        },
        subtotal: euro(2_500),
        shipping: euro(490),
        tax: euro(475),
        total: euro(3_465),
        payment_method: PaymentMethod::Card("tok_approved".parse().unwrap()),
        shipping_service: "express".parse().unwrap(),
    }
}

pub(crate) fn snapshot(id: OrderId) -> Snapshot {
    Snapshot::freeze(terms(id)).unwrap()
}

pub(crate) fn cash_on_delivery(id: OrderId) -> Snapshot {
    Snapshot::freeze(Terms { payment_method: PaymentMethod::CashOnDelivery, ..terms(id) }).unwrap()
}
