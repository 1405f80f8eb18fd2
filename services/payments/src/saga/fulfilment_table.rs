//! Every pair of state and fact of fulfilment.

use super::states::{AMOUNT_MINOR, apply, assert_refused, check, world_in};
use crate::domain::ledger::Transaction;
use crate::domain::{Entry, OrderId, World};

/// The facts, in the order of the table's columns: what was collected, against what is due; and that the order arrived.
const FACTS: [&str; 5] = ["cash", "less cash", "more cash", "other cash", "delivered"];

/// What each fact does in each state. Cash is taken where it is due, at most as much as is due, and once; what arrived was paid for, or is to
/// be paid at the door; anything else is for an operator.
#[rustfmt::skip]
const TABLE: &[(&str, [&str; 5])] = &[
    ("nothing",                       ["!", "!", "!", "!", "!"]),
    ("hold",                          ["!", "!", "!", "!", "!"]),
    ("tombstone",                     ["!", "!", "!", "!", "!"]),
    ("pending",                       ["!", "!", "!", "!", "!"]),
    ("closed",                        ["!", "!", "!", "!", "!"]),
    ("authorizing",                   ["!", "!", "!", "!", "!"]),
    ("authorizing, ended",            ["!", "!", "!", "!", "!"]),
    ("declined",                      ["!", "!", "!", "!", "!"]),
    ("declined, ended",               ["!", "!", "!", "!", "!"]),
    ("authorized",                    ["!", "!", "!", "!", "!"]),
    ("capturing",                     ["!", "!", "!", "!", "!"]),
    ("capturing, ended",              ["!", "!", "!", "!", "!"]),
    ("captured",                      ["!", "!", "!", "!", "captured, released"]),
    ("captured, in part",             ["!", "!", "!", "!", "captured, in part, released"]),
    ("captured, released",            ["!", "!", "!", "!", "="]),
    ("capture_failed",                ["!", "!", "!", "!", "!"]),
    ("voiding",                       ["!", "!", "!", "!", "!"]),
    ("voiding, stuck",                ["!", "!", "!", "!", "!"]),
    ("voided",                        ["!", "!", "!", "!", "!"]),
    ("refunding",                     ["!", "!", "!", "!", "refunding, released"]),
    ("refunding, failed",             ["!", "!", "!", "!", "refunding, failed, released"]),
    ("refunding, again",              ["!", "!", "!", "!", "refunding, again, released"]),
    ("refunding, in part",            ["!", "!", "!", "!", "refunding, in part, released"]),
    ("refunding, in part, released",  ["!", "!", "!", "!", "="]),
    ("refunded",                      ["!", "!", "!", "!", "-"]),
    ("cash pending",                  ["!", "!", "!", "!", "!"]),
    ("cash closed",                   ["!", "!", "!", "!", "!"]),
    ("cash declined",                 ["!", "!", "!", "!", "!"]),
    ("cash declined, ended",          ["!", "!", "!", "!", "!"]),
    ("cash authorized",               ["cash captured +PaymentCaptured", "cash captured +PaymentCaptured", "!", "!", "cash authorized, delivered"]),
    ("cash authorized, delivered",    ["cash captured, released +PaymentCaptured", "cash captured, released +PaymentCaptured", "!", "!", "="]),
    ("cash voided",                   ["!", "!", "!", "!", "!"]),
    ("cash captured",                 ["=", "!", "!", "!", "cash captured, released"]),
    ("cash captured, in part",        ["=", "!", "!", "!", "cash captured, in part, released"]),
    ("cash captured, released",       ["=", "!", "!", "!", "="]),
    ("cash refunded",                 ["=", "!", "!", "!", "-"]),
    ("pending, modified",             ["!", "!", "!", "!", "!"]),
    ("authorizing, modified",         ["!", "!", "!", "!", "!"]),
    ("authorized, modified",          ["!", "!", "!", "!", "!"]),
    ("capturing, modified",           ["!", "!", "!", "!", "!"]),
    ("captured, modified",            ["!", "!", "!", "!", "captured, released, modified"]),
    ("voiding, modified",             ["!", "!", "!", "!", "!"]),
    // What was due at first is more than is due now.
    ("cash authorized, modified",     ["!", "!", "!", "!", "cash authorized, delivered, modified"]),
];

#[test]
fn every_fact_in_every_state_does_what_the_table_says() {
    check(TABLE, FACTS);
}

#[test]
fn a_refusal_says_whether_cash_is_due_at_all() {
    for (state, fact, reason) in [
        ("nothing", "cash", "CASH_NOT_DUE"),
        ("authorized", "cash", "CASH_NOT_DUE"),
        ("cash voided", "cash", "CASH_NOT_DUE"),
        ("cash authorized", "more cash", "CASH_MISMATCH"),
        ("cash authorized", "other cash", "CASH_MISMATCH"),
        ("cash authorized, modified", "less cash", "CASH_MISMATCH"),
        ("cash captured", "less cash", "CASH_MISMATCH"),
        ("cash refunded", "less cash", "CASH_MISMATCH"),
        ("cash captured", "ended", "CASH_TAKEN"),
        ("authorized", "delivered", "DELIVERED_UNPAID"),
        ("cash voided", "delivered", "DELIVERED_UNPAID"),
    ] {
        assert_refused(state, fact, reason);
    }
}

/// Account and minor units of each posting that these facts lead to.
fn posted(state: &str, facts: &[&str]) -> (World, Vec<(&'static str, i64)>) {
    let order_id = OrderId::generate();
    let mut world = world_in(order_id, state);
    for fact in facts {
        let _ = apply(&mut world, order_id, fact);
    }
    let legs = world.posted.iter().flat_map(Transaction::postings);
    let legs = legs.map(|leg| (leg.account.as_str(), leg.amount.minor())).collect();
    (world, legs)
}

#[test]
fn cash_is_posted_as_it_came_in_and_nobody_is_asked_for_it() {
    for (fact, minor) in [("cash", AMOUNT_MINOR), ("less cash", AMOUNT_MINOR - 1)] {
        let (world, legs) = posted("cash authorized", &[fact, fact]);
        assert_eq!(legs, [("carrier_clearing", minor), ("escrow", -minor)]);
        assert!(world.asked.is_empty() && world.answered.is_empty());
        let captured = world.entries.values().map(|entry| match entry {
            Entry::Payment(payment) => payment.captured.minor(),
            Entry::Hold { .. } | Entry::Tombstone => 0,
        });
        assert_eq!(captured.collect::<Vec<_>>(), [minor]);
    }
}

#[test]
fn delivery_and_cash_make_it_the_sellers_whichever_comes_second() {
    let capture = [("carrier_clearing", AMOUNT_MINOR), ("escrow", -AMOUNT_MINOR)];
    let release = [("seller_balance", -3_990), ("commission", -210), ("escrow", AMOUNT_MINOR)];
    let expected = [&capture[..], &release[..]].concat();
    for facts in [["cash", "delivered"], ["delivered", "cash"]] {
        assert_eq!(posted("cash authorized", &facts).1, expected, "{facts:?}");
    }
}

#[test]
fn what_goes_back_before_the_delivery_is_not_released() {
    let (_, legs) = posted("captured, in part", &["delivered", "delivered"]);
    assert_eq!(legs, [("seller_balance", -3_040), ("commission", -160), ("escrow", 3_200)]);
}
