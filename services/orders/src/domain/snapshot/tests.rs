use kernel::Currency;
use uuid::Uuid;

use super::super::fixtures::{euro, order_id, terms};
use super::*;

/// Changes one thing that was agreed on.
type Change = fn(&mut Terms);

const CHANGES: &[(&str, Change)] = &[
    ("order_id", |terms| terms.order_id = order_id(99)),
    ("checkout_id", |terms| terms.checkout_id = CheckoutId::from_uuid(Uuid::from_u128(99))),
    ("buyer_id", |terms| terms.buyer_id = BuyerId::from_uuid(Uuid::from_u128(99))),
    ("seller_id", |terms| terms.seller_id = SellerId::from_uuid(Uuid::from_u128(99))),
    ("lines, fewer", |terms| drop(terms.lines.pop())),
    ("lines, swapped", |terms| terms.lines.swap(0, 1)),
    ("sku", |terms| terms.lines[0].sku = "MUG-RED".parse().unwrap()),
    ("product_id", |terms| terms.lines[0].product_id = ProductId::from_uuid(Uuid::from_u128(99))),
    ("title", |terms| terms.lines[0].title.push('!')),
    ("quantity", |terms| terms.lines[0].quantity = Quantity::ONE),
    ("unit_price", |terms| terms.lines[0].unit_price = euro(999)),
    ("price_version", |terms| terms.lines[0].price_version += 1),
    ("line_subtotal", |terms| terms.lines[0].line_subtotal = euro(1_999)),
    ("tax_rate", |terms| terms.lines[0].tax_rate = "0.190001".parse().unwrap()),
    ("line tax", |terms| terms.lines[0].tax = euro(379)),
    ("region_code", |terms| terms.ship_to.region_code = "AT".to_owned()),
    ("language_code", |terms| terms.ship_to.language_code = "de".to_owned()),
    ("postal_code", |terms| terms.ship_to.postal_code = "20459".to_owned()),
    ("sorting_code", |terms| terms.ship_to.sorting_code = "1".to_owned()),
    ("administrative_area", |terms| terms.ship_to.administrative_area = "HH".to_owned()),
    ("locality", |terms| terms.ship_to.locality = "Bremen".to_owned()),
    ("sublocality", |terms| terms.ship_to.sublocality = "HafenCity".to_owned()),
    ("address_lines", |terms| terms.ship_to.address_lines.push("c/o".to_owned())),
    ("recipients", |terms| terms.ship_to.recipients.clear()),
    ("organization", |terms| terms.ship_to.organization = "Engine Ltd".to_owned()),
    ("a text that moved into the next field", |terms| {
        terms.ship_to.sublocality = std::mem::take(&mut terms.ship_to.locality);
    }),
    ("subtotal", |terms| terms.subtotal = euro(2_499)),
    ("shipping", |terms| terms.shipping = euro(489)),
    ("tax", |terms| terms.tax = euro(474)),
    ("total", |terms| terms.total = euro(3_464)),
    ("currency", |terms| terms.total = Money::from_minor(3_465, Currency::USD)),
    ("card", |terms| terms.payment_method = PaymentMethod::Card("tok_declined".parse().unwrap())),
    ("payment method", |terms| terms.payment_method = PaymentMethod::CashOnDelivery),
    ("shipping_service", |terms| terms.shipping_service = "standard".parse().unwrap()),
];

#[test]
fn the_encoding_never_changes() {
    let hash = terms(order_id(5)).hash().to_string();
    assert_eq!(hash, "c5977e482e397ae47a72699f43638708c5126644ea9e9b83aec387e8e9f979eb");
}

#[test]
fn whatever_is_changed_the_hash_is_another() {
    let mut hashes = vec![terms(order_id(5)).hash()];
    for (what, change) in CHANGES {
        let mut changed = terms(order_id(5));
        change(&mut changed);
        let hash = changed.hash();
        assert!(!hashes.contains(&hash), "{what} is not hashed");
        hashes.push(hash);
    }
}

#[test]
fn trailing_zeros_of_a_rate_do_not_change_what_was_agreed() {
    let mut same = terms(order_id(5));
    same.lines[0].tax_rate = "0.1900".parse().unwrap();
    assert_eq!(same.hash(), terms(order_id(5)).hash());
}

#[test]
fn terms_that_do_not_add_up_are_no_agreement() {
    let cases: &[(Change, InvalidTerms)] = &[
        (|terms| terms.lines.clear(), InvalidTerms::NoLines),
        (|terms| terms.shipping = euro(-1), InvalidTerms::NegativeAmount),
        (|terms| terms.lines[0].tax = euro(-1), InvalidTerms::NegativeAmount),
        (|terms| terms.lines[1].line_subtotal = euro(499), InvalidTerms::LineSubtotal(1)),
        (|terms| terms.subtotal = euro(2_499), InvalidTerms::Subtotal),
        (|terms| terms.tax = euro(474), InvalidTerms::Tax),
        (|terms| terms.total = euro(3_464), InvalidTerms::Total),
        (
            |terms| terms.total = Money::from_minor(3_465, Currency::USD),
            InvalidTerms::Money(MoneyError::CurrencyMismatch { left: Currency::USD, right: Currency::EUR }),
        ),
        (|terms| terms.lines[0].unit_price = euro(i64::MAX), InvalidTerms::Money(MoneyError::Overflow)),
    ];
    for (change, expected) in cases {
        let mut changed = terms(order_id(5));
        change(&mut changed);
        assert_eq!(Snapshot::freeze(changed).unwrap_err(), *expected);
    }
}
