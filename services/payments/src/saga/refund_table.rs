//! Every pair of state and fact of a refund.

use kernel::{Currency, Decision, Money};

use super::checkout_table;
use super::states::{AMOUNT_MINOR, PART_MINOR, after, answer, apply, assert_refused, check, world_in};
use crate::domain::{Event, OperationKey, OrderId, World};

/// The facts, in the order of the table's columns: what is to be given back by the first refund, against what was to be paid, and by a
/// second; and that an operator wants one to be asked for again, the first or that of the order's end.
const FACTS: [&str; 8] = [
    "approved",
    "part approved",
    "more approved",
    "other approved",
    "rest approved",
    "whole again approved",
    "retried",
    "end retried",
];

/// What each fact does in each state. What was captured is given back once, in whichever parts, and no more than that; anything else is for an
/// operator.
#[rustfmt::skip]
const TABLE: &[(&str, [&str; 8])] = &[
    ("nothing",                       ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("hold",                          ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("tombstone",                     ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("pending",                       ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("closed",                        ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("authorizing",                   ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("authorizing, ended",            ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("declined",                      ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("declined, ended",               ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("authorized",                    ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("capturing",                     ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("capturing, ended",              ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("captured",                      ["refunding ?refund", "refunding, in part ?refund", "!", "!", "refunding, in part ?refund", "refunding ?refund", "!", "!"]),
    ("captured, in part",             ["!", "=", "!", "!", "refunding ?refund", "!", "!", "!"]),
    ("captured, released",            ["refunding, released ?refund", "refunding, in part, released ?refund", "!", "!", "refunding, in part, released ?refund", "refunding, released ?refund", "!", "!"]),
    ("capture_failed",                ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("voiding",                       ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("voiding, stuck",                ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("voided",                        ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("refunding",                     ["=", "!", "!", "!", "!", "!", "!", "!"]),
    ("refunding, failed",             ["=", "!", "!", "!", "!", "!", "!", "refunding, again ?refund"]),
    ("refunding, again",              ["=", "!", "!", "!", "!", "!", "!", "="]),
    ("refunding, in part",            ["!", "=", "!", "!", "refunding ?refund", "!", "!", "!"]),
    ("refunding, in part, released",  ["!", "=", "!", "!", "refunding, released ?refund", "!", "!", "!"]),
    ("refunded",                      ["=", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash pending",                  ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash closed",                   ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash declined",                 ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash declined, ended",          ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash authorized",               ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash authorized, delivered",    ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash voided",                   ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash captured",                 ["cash refunded +PaymentRefunded", "cash captured, in part +PaymentRefunded", "!", "!", "cash captured, in part +PaymentRefunded", "cash refunded +PaymentRefunded", "!", "!"]),
    ("cash captured, in part",        ["!", "=", "!", "!", "cash refunded +PaymentRefunded", "!", "!", "!"]),
    ("cash captured, released",       ["cash refunded, released +PaymentRefunded", "cash captured, in part, released +PaymentRefunded", "!", "!", "cash captured, in part, released +PaymentRefunded", "cash refunded, released +PaymentRefunded", "!", "!"]),
    ("cash refunded",                 ["=", "!", "!", "!", "!", "!", "!", "!"]),
    ("pending, modified",             ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("authorizing, modified",         ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("authorized, modified",          ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("capturing, modified",           ["!", "!", "!", "!", "!", "!", "!", "!"]),
    // What was due at first is more than was captured.
    ("captured, modified",            ["!", "refunding, in part, modified ?refund", "!", "!", "!", "!", "!", "!"]),
    ("voiding, modified",             ["!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash authorized, modified",     ["!", "!", "!", "!", "!", "!", "!", "!"]),
];

#[test]
fn every_fact_in_every_state_does_what_the_table_says() {
    check(TABLE, FACTS);
}

#[test]
fn a_refusal_says_what_is_wrong_with_the_refund() {
    for (state, fact, reason) in [
        ("nothing", "approved", "NOTHING_CAPTURED"),
        ("authorized", "approved", "NOTHING_CAPTURED"),
        ("capturing", "approved", "NOTHING_CAPTURED"),
        ("capture_failed", "approved", "NOTHING_CAPTURED"),
        ("cash authorized", "approved", "NOTHING_CAPTURED"),
        ("captured", "more approved", "REFUND_TOO_LARGE"),
        ("captured", "other approved", "REFUND_TOO_LARGE"),
        ("captured, modified", "approved", "REFUND_TOO_LARGE"),
        ("captured, in part", "whole again approved", "REFUND_TOO_LARGE"),
        ("refunding, in part", "whole again approved", "REFUND_TOO_LARGE"),
        ("cash refunded", "rest approved", "REFUND_TOO_LARGE"),
        ("refunding, in part", "approved", "REFUND_MISMATCH"),
        ("refunded", "more approved", "REFUND_MISMATCH"),
        ("captured", "retried", "REFUND_NOT_FAILED"),
        ("refunding, in part", "retried", "REFUND_NOT_FAILED"),
        ("refunded", "end retried", "REFUND_NOT_FAILED"),
        ("nothing", "retried", "REFUND_NOT_FAILED"),
    ] {
        assert_refused(state, fact, reason);
    }
}

fn euros(minor: i64) -> Money {
    Money::from_minor(minor, Currency::EUR)
}

#[test]
fn a_refund_is_told_with_its_number_and_what_went_back_in_all() {
    let order_id = OrderId::generate();
    let refunded = |minor, sum, number, whole, to_credit| Event::PaymentRefunded {
        order_id,
        amount: euros(minor),
        refunded: euros(sum),
        number,
        whole,
        to_credit,
    };
    let rest = AMOUNT_MINOR - PART_MINOR;
    let (world, told) = after(order_id, "captured", &["part approved", "refund ok", "rest approved"]);
    assert_eq!(told, [refunded(PART_MINOR, PART_MINOR, 1, false, false)]);
    let asked: Vec<_> = world.asked.iter().map(|asked| (asked.key, asked.amount.minor())).collect();
    assert_eq!(asked, [(OperationKey::refund(order_id, 1), PART_MINOR), (OperationKey::refund(order_id, 2), rest)]);

    let (_, told) = after(order_id, "cash captured", &["part approved", "rest approved"]);
    let second = refunded(rest, AMOUNT_MINOR, 2, true, true);
    assert_eq!(told, [refunded(PART_MINOR, PART_MINOR, 1, false, true), second]);

    // Nobody approved what follows from the end of the order.
    let (world, told) = after(order_id, "refunding", &["refund ok"]);
    assert_eq!(told, [refunded(AMOUNT_MINOR, AMOUNT_MINOR, 0, true, false)]);
    assert_eq!(world.answered[0].key.to_string(), format!("{order_id}:refund:1"));
}

#[test]
fn each_refusal_is_told_once_and_the_refund_asked_for_again_under_its_key() {
    let order_id = OrderId::generate();
    let failed =
        |number| Event::RefundFailed { order_id, number, amount: euros(AMOUNT_MINOR), reason: "SAID_NO".to_owned() };
    let (world, told) = after(order_id, "captured", &["approved", "refund no", "retried", "refund no again"]);
    assert_eq!(told, [failed(1), failed(1)]);
    assert_eq!((world.answered.len(), world.asked_again.len()), (1, 0), "the last word holds");
    let (world, _) = after(order_id, "captured", &["approved", "refund no", "retried"]);
    assert_eq!((world.answered.len(), world.asked_again), (0, vec![world.asked[0].key]));
    let (_, told) = after(order_id, "refunding", &["refund no"]);
    assert_eq!(told, [failed(0)]);
}

#[test]
fn what_the_provider_refuses_to_give_back_still_counts_as_asked_back() {
    let order_id = OrderId::generate();
    let (mut world, _) = after(order_id, "captured", &["part approved", "refund no"]);
    assert!(matches!(apply(&mut world, order_id, "whole again approved"), Decision::Refused(_)));
    assert!(matches!(apply(&mut world, order_id, "rest approved"), Decision::Applied(_)));
}

/// The states of the tables are those of an order that ended.
#[test]
fn a_refund_that_was_approved_goes_on_like_that_of_an_order_that_ended() {
    let order_id = OrderId::generate();
    for (facts, state) in [
        (&["approved"][..], "refunding"),
        (&["approved", "refund no"][..], "refunding, failed"),
        (&["approved", "refund no", "retried"][..], "refunding, again"),
        (&["approved", "refund ok"][..], "refunded"),
    ] {
        for fact in checkout_table::FACTS.into_iter().chain(FACTS).chain(["cash", "delivered"]) {
            let [of_approved, of_ended] = [(true, fact), (false, fact)].map(|(is_approved, fact)| {
                let mut world = if is_approved {
                    let (world, _) = after(order_id, "captured", facts);
                    World { entries: world.entries, ..World::default() }
                } else {
                    world_in(order_id, state)
                };
                // Each is asked for again by its own name.
                let fact = match fact {
                    "retried" | "end retried" if is_approved => "retried",
                    "retried" | "end retried" => "end retried",
                    other => other,
                };
                let decision = apply(&mut world, order_id, fact);
                answer(&world, order_id, &decision)
            });
            assert_eq!(of_approved, of_ended, "{fact} after {facts:?}");
        }
    }
}
