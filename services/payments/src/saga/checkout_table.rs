//! Every pair of state and fact of checkout. That each fact may come twice is shown by `tests/it/steps.rs`.

use std::time::Duration;

use kernel::{Decision, Timestamp};

use super::decide;
use super::states::{STATES, apply, check, noon, policy, world_in};
use crate::domain::{Entry, Event, Fact, OrderId, Status, World};

/// The facts, in the order of the table's columns.
pub(super) const FACTS: [&str; 13] = [
    "created",
    "reserved",
    "confirmed",
    "ended",
    "expired",
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
const TABLE: &[(&str, [&str; 13])] = &[
    ("nothing",            ["pending", "hold", "!", "tombstone", "-",                       "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("hold",               ["authorizing ?authorize", "=", "!", "tombstone", "-",           "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("tombstone",          ["-", "-", "-", "=", "-",                                        "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("pending",            ["=", "authorizing ?authorize", "!", "closed", "-",              "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("closed",             ["=", "-", "-", "=", "-",                                        "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("authorizing",        ["=", "=", "!", "authorizing, ended", "-",
                            "authorized +PaymentAuthorized", "declined +PaymentDeclined",   "!", "!", "!", "!", "!", "!"]),
    ("authorizing, ended", ["=", "=", "-", "=", "-", "voiding ?void", "declined, ended",    "!", "!", "!", "!", "!", "!"]),
    ("declined",           ["=", "=", "!", "declined, ended", "-", "=", "=",                "!", "!", "!", "!", "!", "!"]),
    ("declined, ended",    ["=", "=", "-", "=", "-", "=", "=",                              "!", "!", "!", "!", "!", "!"]),
    ("authorized",         ["=", "=", "capturing ?capture", "voiding ?void",
                            "capture_failed +CaptureFailed", "=", "=",                      "!", "!", "!", "!", "!", "!"]),
    ("capturing",          ["=", "=", "=", "capturing, ended", "-", "=", "=",
                            "captured +PaymentCaptured", "capture_failed +CaptureFailed",   "!", "!", "!", "!"]),
    ("capturing, ended",   ["=", "=", "=", "=", "-", "=", "=",
                            "refunding +PaymentCaptured ?refund", "voiding ?void",          "!", "!", "!", "!"]),
    ("captured",           ["=", "=", "=", "refunding ?refund", "-", "=", "=", "=", "=",    "!", "!", "!", "!"]),
    // The end gives back what orders did not approve before.
    ("captured, in part",  ["=", "=", "=", "refunding ?refund", "-", "=", "=", "=", "=",    "!", "!", "=", "="]),
    ("captured, released", ["=", "=", "=", "refunding, released ?refund", "-", "=", "=", "=", "=", "!", "!", "!", "!"]),
    ("capture_failed",     ["=", "=", "=", "voiding ?void", "=", "=", "=", "=", "=",        "!", "!", "!", "!"]),
    ("voiding",            ["=", "=", "-", "=", "-", "=", "=", "=", "=",
                            "voided +PaymentVoided", "voiding, stuck",                      "!", "!"]),
    ("voiding, stuck",     ["=", "=", "-", "=", "-", "=", "=", "=", "=", "=", "=",          "!", "!"]),
    ("voided",             ["=", "=", "-", "=", "-", "=", "=", "=", "=", "=", "=",          "!", "!"]),
    ("refunding",          ["=", "=", "=", "=", "-", "=", "=", "=", "=", "!", "!",
                            "refunded +PaymentRefunded", "refunding, failed +RefundFailed"]),
    // What the provider did is done, whatever it said before.
    ("refunding, failed",  ["=", "=", "=", "=", "-", "=", "=", "=", "=", "!", "!", "refunded +PaymentRefunded", "="]),
    // An answer to the first attempt is old news.
    ("refunding, again",   ["=", "=", "=", "=", "-", "=", "=", "=", "=", "!", "!", "refunded +PaymentRefunded", "="]),
    ("refunding, in part", ["=", "=", "=", "refunding ?refund", "-", "=", "=", "=", "=",    "!", "!",
                            "captured, in part +PaymentRefunded", "refunding, failed, in part +RefundFailed"]),
    ("refunding, in part, released",
                           ["=", "=", "=", "refunding, released ?refund", "-", "=", "=", "=", "=", "!", "!",
                            "captured, in part, released +PaymentRefunded", "refunding, failed, in part, released +RefundFailed"]),
    ("refunded",           ["=", "=", "=", "=", "-", "=", "=", "=", "=", "!", "!", "=", "="]),
    ("cash pending",       ["=", "cash authorized +PaymentAuthorized", "!", "cash closed", "-", "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash closed",        ["=", "-", "-", "=", "-",                                        "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash declined",      ["=", "=", "!", "cash declined, ended", "-",                     "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash declined, ended", ["=", "=", "-", "=", "-",                                      "!", "!", "!", "!", "!", "!", "!", "!"]),
    // A carrier has it for as long as it takes.
    ("cash authorized",    ["=", "=", "-", "cash voided +PaymentVoided", "-",               "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash authorized, delivered", ["=", "=", "-", "cash voided, delivered +PaymentVoided", "-", "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash voided",        ["=", "=", "-", "=", "-",                                        "!", "!", "!", "!", "!", "!", "!", "!"]),
    // Orders ends no order that was paid for at the door.
    ("cash captured",      ["=", "=", "=", "!", "-",                                        "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash captured, in part", ["=", "=", "=", "!", "-",                                    "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash captured, released", ["=", "=", "=", "!", "-",                                   "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash refunded",      ["=", "=", "=", "=", "-",                                        "!", "!", "!", "!", "!", "!", "!", "!"]),
    // It goes on like any other; over which amounts is in `modification_table.rs`.
    ("pending, modified",  ["=", "authorizing, modified ?authorize", "!", "closed, modified", "-", "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("authorizing, modified", ["=", "=", "!", "authorizing, ended, modified", "-",
                            "authorized, modified +PaymentAuthorized", "declined, modified +PaymentDeclined", "!", "!", "!", "!", "!", "!"]),
    ("authorized, modified", ["=", "=", "capturing, modified ?capture", "voiding, modified ?void",
                            "capture_failed, modified +CaptureFailed", "=", "=",            "!", "!", "!", "!", "!", "!"]),
    ("capturing, modified", ["=", "=", "=", "capturing, ended, modified", "-", "=", "=",
                            "captured, modified +PaymentCaptured", "capture_failed, modified +CaptureFailed", "!", "!", "!", "!"]),
    ("captured, modified", ["=", "=", "=", "refunding, modified ?refund", "-", "=", "=", "=", "=", "!", "!", "!", "!"]),
    // The capture was not asked for.
    ("voiding, modified",  ["=", "=", "-", "=", "-", "=", "=", "=", "=",
                            "voided, modified +PaymentVoided", "voiding, stuck, modified",  "!", "!"]),
    ("cash authorized, modified", ["=", "=", "-", "cash voided, modified +PaymentVoided", "-", "!", "!", "!", "!", "!", "!", "!", "!"]),
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
        assert_eq!(decide(&mut world, &late, policy(), noon()), declined, "{created}");
        assert_eq!(world.asked, [], "{created}");
    }
}

#[test]
fn an_authorization_expires_when_it_is_as_old_as_the_policy_says_and_says_why() {
    let order_id = OrderId::generate();
    let end = noon() + policy().authorization_lifetime;
    let expire = |now: Timestamp| {
        let mut world = world_in(order_id, "authorized");
        let decision = decide(&mut world, &Fact::AuthorizationExpired { order_id }, policy(), now);
        (decision, world)
    };
    assert!(matches!(expire(end - Duration::from_micros(1)).0, Decision::Ignored(_)));
    let (decision, world) = expire(end);
    let reason = "AUTHORIZATION_EXPIRED".to_owned();
    assert_eq!(decision, Decision::applied(Event::CaptureFailed { order_id, reason: reason.clone() }));
    let Some(Entry::Payment(payment)) = world.entries.get(&order_id) else { panic!("the payment is gone") };
    assert_eq!((payment.reason.as_ref(), payment.authorized_at), (Some(&reason), None));
    assert_eq!(world.asked, [], "the void follows from the end of the order");
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
        ("refunding, in part, released", "refund ok", 3),
        ("refunding", "refund no", 0),
    ] {
        let mut world = world_in(order_id, state);
        let _ = apply(&mut world, order_id, fact);
        assert_eq!(world.posted.iter().map(|each| each.postings().len()).sum::<usize>(), postings, "{fact} in {state}");
        assert_eq!(world.answered.len(), 1, "{fact} in {state}");
    }
}
