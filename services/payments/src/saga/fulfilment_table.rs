//! Every pair of state and fact of fulfilment.

use super::states::{apply, assert_refused, check, world_in};
use crate::domain::OrderId;
use crate::domain::ledger::{Account, Transaction};

/// The facts, in the order of the table's columns: what was collected, against what is due.
const FACTS: [&str; 4] = ["cash", "less cash", "more cash", "other cash"];

/// What each fact does in each state. Cash is taken where it is due, as much as is due, and once; anything else is for an operator.
#[rustfmt::skip]
const TABLE: &[(&str, [&str; 4])] = &[
    ("nothing",             ["!", "!", "!", "!"]),
    ("hold",                ["!", "!", "!", "!"]),
    ("tombstone",           ["!", "!", "!", "!"]),
    ("pending",             ["!", "!", "!", "!"]),
    ("closed",              ["!", "!", "!", "!"]),
    ("authorizing",         ["!", "!", "!", "!"]),
    ("authorizing, ended",  ["!", "!", "!", "!"]),
    ("declined",            ["!", "!", "!", "!"]),
    ("declined, ended",     ["!", "!", "!", "!"]),
    ("authorized",          ["!", "!", "!", "!"]),
    ("capturing",           ["!", "!", "!", "!"]),
    ("capturing, ended",    ["!", "!", "!", "!"]),
    ("captured",            ["!", "!", "!", "!"]),
    ("capture_failed",      ["!", "!", "!", "!"]),
    ("voiding",             ["!", "!", "!", "!"]),
    ("voiding, stuck",      ["!", "!", "!", "!"]),
    ("voided",              ["!", "!", "!", "!"]),
    ("refunding",           ["!", "!", "!", "!"]),
    ("refunding, stuck",    ["!", "!", "!", "!"]),
    ("refunded",            ["!", "!", "!", "!"]),
    ("cash pending",        ["!", "!", "!", "!"]),
    ("cash closed",         ["!", "!", "!", "!"]),
    ("cash declined",       ["!", "!", "!", "!"]),
    ("cash declined, ended", ["!", "!", "!", "!"]),
    ("cash authorized",     ["cash captured +PaymentCaptured", "!", "!", "!"]),
    ("cash voided",         ["!", "!", "!", "!"]),
    ("cash captured",       ["=", "!", "!", "!"]),
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
        ("cash authorized", "less cash", "CASH_MISMATCH"),
        ("cash captured", "other cash", "CASH_MISMATCH"),
        ("cash captured", "ended", "CASH_TAKEN"),
    ] {
        assert_refused(state, fact, reason);
    }
}

#[test]
fn cash_is_posted_as_it_came_in_and_nobody_is_asked_for_it() {
    let order_id = OrderId::generate();
    let mut world = world_in(order_id, "cash authorized");
    for _ in 0..2 {
        let _ = apply(&mut world, order_id, "cash");
    }
    let legs: Vec<_> = world.posted.iter().flat_map(Transaction::postings).map(|leg| leg.account).collect();
    assert_eq!(legs, [Account::CarrierClearing, Account::Escrow]);
    assert!(world.asked.is_empty() && world.answered.is_empty());
}
