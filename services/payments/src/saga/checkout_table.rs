//! Every pair of state and fact of checkout. That each fact may come twice is shown by `tests/it/steps.rs`.

use std::time::Duration;

use kernel::Decision;

use super::decide;
use super::states::{POLICY, STATES, apply, check, noon, world_in};
use crate::domain::{Event, Fact, OrderId, Status, World};

/// The facts, in the order of the table's columns.
pub(super) const FACTS: [&str; 12] = [
    "created",
    "reserved",
    "confirmed",
    "ended",
    "authorize ok",
    "authorize no",
    "capture ok",
    "capture no",
    "void ok",
    "void no",
    "refund ok",
    "refund no",
];

/// What each fact does in each state, in the words of [`super::states::answer`].
#[rustfmt::skip]
const TABLE: &[(&str, [&str; 12])] = &[
    ("nothing",            ["pending", "hold", "!", "tombstone",                            "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("hold",               ["authorizing ?authorize", "=", "!", "tombstone",                "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("tombstone",          ["-", "-", "-", "=",                                             "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("pending",            ["=", "authorizing ?authorize", "!", "closed",                   "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("closed",             ["=", "-", "-", "=",                                             "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("authorizing",        ["=", "=", "!", "authorizing, ended",
                            "authorized +PaymentAuthorized", "declined +PaymentDeclined",   "!", "!", "!", "!", "!", "!"]),
    ("authorizing, ended", ["=", "=", "-", "=", "voiding ?void", "declined, ended",         "!", "!", "!", "!", "!", "!"]),
    ("declined",           ["=", "=", "!", "declined, ended", "=", "=",                     "!", "!", "!", "!", "!", "!"]),
    ("declined, ended",    ["=", "=", "-", "=", "=", "=",                                   "!", "!", "!", "!", "!", "!"]),
    ("authorized",         ["=", "=", "capturing ?capture", "voiding ?void", "=", "=",      "!", "!", "!", "!", "!", "!"]),
    ("capturing",          ["=", "=", "=", "capturing, ended", "=", "=",
                            "captured +PaymentCaptured", "capture_failed +CaptureFailed",   "!", "!", "!", "!"]),
    ("capturing, ended",   ["=", "=", "=", "=", "=", "=",
                            "refunding +PaymentCaptured ?refund", "voiding ?void",          "!", "!", "!", "!"]),
    ("captured",           ["=", "=", "=", "refunding ?refund", "=", "=", "=", "=",         "!", "!", "!", "!"]),
    ("capture_failed",     ["=", "=", "=", "voiding ?void", "=", "=", "=", "=",             "!", "!", "!", "!"]),
    ("voiding",            ["=", "=", "-", "=", "=", "=", "=", "=",
                            "voided +PaymentVoided", "voiding, stuck",                      "!", "!"]),
    ("voiding, stuck",     ["=", "=", "-", "=", "=", "=", "=", "=", "=", "=",               "!", "!"]),
    ("voided",             ["=", "=", "-", "=", "=", "=", "=", "=", "=", "=",               "!", "!"]),
    ("refunding",          ["=", "=", "=", "=", "=", "=", "=", "=", "!", "!",
                            "refunded +PaymentRefunded", "refunding, stuck"]),
    ("refunding, stuck",   ["=", "=", "=", "=", "=", "=", "=", "=", "!", "!", "=", "="]),
    ("refunded",           ["=", "=", "=", "=", "=", "=", "=", "=", "!", "!", "=", "="]),
    ("cash pending",       ["=", "cash authorized +PaymentAuthorized", "!", "cash closed",  "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash closed",        ["=", "-", "-", "=",                                             "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash declined",      ["=", "=", "!", "cash declined, ended",                          "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash declined, ended", ["=", "=", "-", "=",                                           "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash authorized",    ["=", "=", "-", "cash voided +PaymentVoided",                    "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash voided",        ["=", "=", "-", "=",                                             "!", "!", "!", "!", "!", "!", "!", "!"]),
    // No provider could give it back.
    ("cash captured",      ["=", "=", "=", "!",                                             "!", "!", "!", "!", "!", "!", "!", "!"]),
];

#[test]
fn every_fact_in_every_state_does_what_the_table_says() {
    check(TABLE, FACTS);
}

#[test]
fn there_is_a_state_of_every_status() {
    for status in Status::ALL {
        let is_there = STATES.iter().any(|state| state.trim_start_matches("cash ").starts_with(status.as_str()));
        assert!(is_there, "{status:?}");
    }
}

#[test]
fn a_reservation_in_its_last_minute_is_too_late_for_card_and_cash() {
    for created in ["created", "created for cash"] {
        let order_id = OrderId::generate();
        let mut world = World::default();
        let _ = apply(&mut world, order_id, created);
        let late = Fact::InventoryReserved { order_id, expires_at: noon() + Duration::from_mins(1) };
        let reason = "AUTHORIZATION_WINDOW_CLOSED".to_owned();
        let declined = Decision::applied(Event::PaymentDeclined { order_id, reason });
        assert_eq!(decide(&mut world, &late, POLICY, noon()), declined, "{created}");
        assert_eq!(world.asked, [], "{created}");
    }
}

#[test]
fn money_that_moved_is_posted_and_nothing_else() {
    let order_id = OrderId::generate();
    for (state, fact, postings) in [
        ("authorizing", "authorize ok", 0),
        ("capturing", "capture ok", 2),
        ("capturing", "capture no", 0),
        ("voiding", "void ok", 0),
        ("refunding", "refund ok", 2),
        ("refunding", "refund no", 0),
    ] {
        let mut world = world_in(order_id, state);
        let _ = apply(&mut world, order_id, fact);
        assert_eq!(world.posted.iter().map(|each| each.postings().len()).sum::<usize>(), postings, "{fact} in {state}");
        assert_eq!(world.answered.len(), 1, "{fact} in {state}");
    }
}
