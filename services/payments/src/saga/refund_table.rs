//! Every pair of state and fact of a refund.

use kernel::Decision;

use super::checkout_table;
use super::states::{answer, apply, assert_refused, check, world_in};
use crate::domain::{OrderId, World};

/// The facts, in the order of the table's columns: what is to be given back, against what was to be paid.
const FACTS: [&str; 4] = ["approved", "less approved", "more approved", "other approved"];

/// What each fact does in each state. What was captured by card is given back as a whole, once; anything else is for an operator.
#[rustfmt::skip]
const TABLE: &[(&str, [&str; 4])] = &[
    ("nothing",                ["!", "!", "!", "!"]),
    ("hold",                   ["!", "!", "!", "!"]),
    ("tombstone",              ["!", "!", "!", "!"]),
    ("pending",                ["!", "!", "!", "!"]),
    ("closed",                 ["!", "!", "!", "!"]),
    ("authorizing",            ["!", "!", "!", "!"]),
    ("authorizing, ended",     ["!", "!", "!", "!"]),
    ("declined",               ["!", "!", "!", "!"]),
    ("declined, ended",        ["!", "!", "!", "!"]),
    ("authorized",             ["!", "!", "!", "!"]),
    ("capturing",              ["!", "!", "!", "!"]),
    ("capturing, ended",       ["!", "!", "!", "!"]),
    ("captured",               ["refunding ?refund", "!", "!", "!"]),
    ("capture_failed",         ["!", "!", "!", "!"]),
    ("voiding",                ["!", "!", "!", "!"]),
    ("voiding, stuck",         ["!", "!", "!", "!"]),
    ("voided",                 ["!", "!", "!", "!"]),
    ("refunding",              ["=", "!", "!", "!"]),
    ("refunding, stuck",       ["=", "!", "!", "!"]),
    ("refunded",               ["=", "!", "!", "!"]),
    ("cash pending",           ["!", "!", "!", "!"]),
    ("cash closed",            ["!", "!", "!", "!"]),
    ("cash declined",          ["!", "!", "!", "!"]),
    ("cash declined, ended",   ["!", "!", "!", "!"]),
    ("cash authorized",        ["!", "!", "!", "!"]),
    ("cash voided",            ["!", "!", "!", "!"]),
    ("cash captured",          ["!", "!", "!", "!"]),
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
        ("captured", "less approved", "REFUND_MISMATCH"),
        ("captured", "other approved", "REFUND_MISMATCH"),
        ("refunded", "more approved", "REFUND_MISMATCH"),
        ("cash authorized", "approved", "CASH_NOT_REFUNDABLE"),
        ("cash captured", "approved", "CASH_NOT_REFUNDABLE"),
    ] {
        assert_refused(state, fact, reason);
    }
}

/// What follows once these were heard of a payment that is captured.
fn world_after(order_id: OrderId, facts: &[&str]) -> World {
    let mut world = world_in(order_id, "captured");
    for fact in facts {
        assert!(matches!(apply(&mut world, order_id, fact), Decision::Applied(_)), "{fact} of {facts:?}");
    }
    World { entries: world.entries, ..World::default() }
}

/// The states of the tables are those of an order that ended.
#[test]
fn a_refund_that_was_approved_goes_on_like_that_of_an_order_that_ended() {
    let order_id = OrderId::generate();
    for (facts, state) in [
        (&["approved"][..], "refunding"),
        (&["approved", "refund no"][..], "refunding, stuck"),
        (&["approved", "refund ok"][..], "refunded"),
    ] {
        for fact in checkout_table::FACTS.into_iter().chain(FACTS).chain(["cash"]) {
            let [of_approved, of_ended] = [world_after(order_id, facts), world_in(order_id, state)].map(|mut world| {
                let decision = apply(&mut world, order_id, fact);
                answer(&world, order_id, &decision)
            });
            assert_eq!(of_approved, of_ended, "{fact} after {facts:?}");
        }
    }
}
