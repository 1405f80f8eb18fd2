//! Every pair of state and fact of a payment by exchange: what was set aside is there from the beginning, and goes back however the order ends.

use kernel::{Currency, Decision, Money};

use super::states::{AMOUNT_MINOR, CHARGED, PART_MINOR, after, apply, assert_refused, check_cells, world_in};
use crate::domain::{Event, OperationKey, OrderId};

/// The facts, in the order of the table's columns.
const FACTS: [&str; 11] = [
    "created by exchange",
    "reserved",
    "reserved too late",
    "confirmed",
    "ended",
    "modified",
    "expired",
    "delivered",
    "cash",
    "part approved",
    "refund ok",
];

#[rustfmt::skip]
const TABLE: &[(&str, [&str; 11])] = &[
    ("nothing",                     ["exchange pending", "hold", "hold", "!", "tombstone", "!", "-", "!", "!", "!", "!"]),
    ("hold",                        ["exchange authorized +PaymentAuthorized", "=", "=", "!", "tombstone", "!", "-", "!", "!", "!", "!"]),
    ("tombstone",                   ["exchange refunding ?refund", "-", "-", "-", "=", "-", "-", "!", "!", "!", "!"]),
    ("exchange pending",            ["=", "exchange authorized +PaymentAuthorized", "exchange declined +PaymentDeclined", "!", "exchange refunding ?refund", "!", "-", "!", "!", "!", "!"]),
    ("exchange declined",           ["=", "=", "=", "!", "exchange refunding ?refund", "-", "-", "!", "!", "!", "!"]),
    ("exchange authorized",         ["=", "=", "=", "exchange captured +PaymentCaptured", "exchange refunding ?refund", "!", "-", "!", "!", "!", "!"]),
    ("exchange captured",           ["=", "=", "=", "=", "exchange refunding ?refund", "!", "-", "exchange captured, released", "!", "exchange refunding, in part ?refund", "!"]),
    ("exchange captured, released", ["=", "=", "=", "=", "exchange refunding, released ?refund", "!", "-", "=", "!", "exchange refunding, in part, released ?refund", "!"]),
    ("exchange refunding",          ["=", "=", "=", "=", "=", "-", "-", "exchange refunding, released", "!", "!", "exchange refunded +PaymentRefunded"]),
    ("exchange refunding, failed",  ["=", "=", "=", "=", "=", "-", "-", "exchange refunding, failed, released", "!", "!", "exchange refunded +PaymentRefunded"]),
    ("exchange refunding, in part", ["=", "=", "=", "=", "exchange refunding ?refund", "!", "-", "exchange refunding, in part, released", "!", "=", "exchange captured, in part +PaymentRefunded"]),
    ("exchange refunded",           ["=", "=", "=", "=", "=", "-", "-", "-", "!", "!", "="]),
];

#[test]
fn every_fact_in_every_state_does_what_the_table_says() {
    check_cells(TABLE, FACTS);
}

#[test]
fn what_is_set_aside_is_asked_of_nobody() {
    let order_id = OrderId::generate();
    let mut world = world_in(order_id, "captured");
    let decision = apply(&mut world, order_id, "part set aside");
    let part = Money::from_minor(PART_MINOR, Currency::EUR);
    let set_aside =
        Event::PaymentRefunded { order_id, amount: part, refunded: part, number: 1, whole: false, to_credit: true };
    assert_eq!(decision, Decision::Applied(vec![set_aside]));
    assert_eq!(world.asked, []);
}

#[test]
fn what_goes_back_is_asked_of_the_order_whose_card_was_charged() {
    let order_id = OrderId::generate();
    for facts in [
        &["created by exchange", "ended"][..],
        &["ended", "created by exchange"],
        &["created by exchange", "reserved", "ended"],
        &["created by exchange", "reserved too late", "ended"],
        &["created by exchange", "reserved", "confirmed", "ended"],
    ] {
        let (world, _) = after(order_id, "nothing", facts);
        let [asked] = world.asked[..] else { panic!("{:?} after {facts:?}", world.asked) };
        assert_eq!((asked.key, asked.amount.minor()), (OperationKey::refund(order_id, 1), AMOUNT_MINOR), "{facts:?}");
        assert_eq!(asked.charged_order_id.uuid().as_u128(), CHARGED);
    }
}

#[test]
fn of_an_order_that_was_paid_in_cash_it_becomes_credit_again() {
    let order_id = OrderId::generate();
    let (world, told) = after(order_id, "nothing", &["created by exchange of cash", "ended"]);
    let amount = Money::from_minor(AMOUNT_MINOR, Currency::EUR);
    let back = Event::PaymentRefunded { order_id, amount, refunded: amount, number: 0, whole: true, to_credit: true };
    assert_eq!((world.asked.len(), told), (0, vec![back]));
}

#[test]
fn an_order_that_is_paid_by_exchange_is_not_modified() {
    assert_refused("exchange pending", "modified", "MODIFIED_TOO_LATE");
    assert_refused("exchange authorized", "modified", "MODIFIED_TOO_LATE");
}
