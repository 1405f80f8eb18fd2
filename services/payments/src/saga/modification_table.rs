//! Every pair of state and fact of a modification: so much less is due, until the money is taken.

use kernel::{Currency, Decision, Money};

use super::states::{AMOUNT_MINOR, MODIFIED_MINOR, after, assert_refused, check, world_in};
use crate::domain::{Event, OrderId};

/// The facts, in the order of the table's columns: the order costs less; it costs still less; more than at first; another currency.
const FACTS: [&str; 4] = ["modified", "modified again", "modified to more", "modified to other"];

/// What each fact does in each state. Nothing is asked of the provider: what it is asked for next is over what is due then.
#[rustfmt::skip]
const TABLE: &[(&str, [&str; 4])] = &[
    ("nothing",                       ["!", "!", "!", "!"]),
    ("hold",                          ["!", "!", "!", "!"]),
    ("tombstone",                     ["-", "-", "-", "-"]),
    ("pending",                       ["pending, modified", "pending, modified", "!", "!"]),
    ("closed",                        ["-", "-", "-", "-"]),
    ("authorizing",                   ["authorizing, modified", "authorizing, modified", "!", "!"]),
    ("authorizing, ended",            ["-", "-", "-", "-"]),
    ("declined",                      ["-", "-", "-", "-"]),
    ("declined, ended",               ["-", "-", "-", "-"]),
    ("authorized",                    ["authorized, modified", "authorized, modified", "!", "!"]),
    ("capturing",                     ["!", "!", "!", "!"]),
    ("capturing, ended",              ["-", "-", "-", "-"]),
    ("captured",                      ["!", "!", "!", "!"]),
    ("captured, in part",             ["!", "!", "!", "!"]),
    ("captured, released",            ["!", "!", "!", "!"]),
    ("capture_failed",                ["-", "-", "-", "-"]),
    ("voiding",                       ["-", "-", "-", "-"]),
    ("voiding, stuck",                ["-", "-", "-", "-"]),
    ("voided",                        ["-", "-", "-", "-"]),
    ("refunding",                     ["-", "-", "-", "-"]),
    ("refunding, failed",             ["-", "-", "-", "-"]),
    ("refunding, again",              ["-", "-", "-", "-"]),
    ("refunding, in part",            ["!", "!", "!", "!"]),
    ("refunding, in part, released",  ["!", "!", "!", "!"]),
    ("refunded",                      ["-", "-", "-", "-"]),
    ("cash pending",                  ["cash pending, modified", "cash pending, modified", "!", "!"]),
    ("cash closed",                   ["-", "-", "-", "-"]),
    ("cash declined",                 ["-", "-", "-", "-"]),
    ("cash declined, ended",          ["-", "-", "-", "-"]),
    ("cash authorized",               ["cash authorized, modified", "cash authorized, modified", "!", "!"]),
    // What has arrived was confirmed.
    ("cash authorized, delivered",    ["!", "!", "!", "!"]),
    ("cash voided",                   ["-", "-", "-", "-"]),
    ("cash captured",                 ["!", "!", "!", "!"]),
    ("cash captured, in part",        ["!", "!", "!", "!"]),
    ("cash captured, released",       ["!", "!", "!", "!"]),
    ("cash refunded",                 ["!", "!", "!", "!"]),
    ("pending, modified",             ["=", "pending, modified", "!", "!"]),
    ("authorizing, modified",         ["=", "authorizing, modified", "!", "!"]),
    ("authorized, modified",          ["=", "authorized, modified", "!", "!"]),
    // Known, however late it comes again.
    ("capturing, modified",           ["=", "!", "!", "!"]),
    ("captured, modified",            ["=", "!", "!", "!"]),
    ("voiding, modified",             ["=", "-", "-", "-"]),
    ("cash authorized, modified",     ["=", "cash authorized, modified", "!", "!"]),
];

#[test]
fn every_fact_in_every_state_does_what_the_table_says() {
    check(TABLE, FACTS);
}

#[test]
fn a_refusal_says_what_is_wrong_with_the_modification() {
    for (state, fact, reason) in [
        ("nothing", "modified", "NOTHING_TO_MODIFY"),
        ("hold", "modified", "NOTHING_TO_MODIFY"),
        ("capturing", "modified", "MODIFIED_TOO_LATE"),
        ("captured", "modified", "MODIFIED_TOO_LATE"),
        ("cash authorized, delivered", "modified", "MODIFIED_TOO_LATE"),
        ("pending", "modified to more", "MODIFIED_TO_MORE"),
        ("authorized", "modified to other", "MODIFIED_TO_MORE"),
    ] {
        assert_refused(state, fact, reason);
    }
}

fn euros(minor: i64) -> Money {
    Money::from_minor(minor, Currency::EUR)
}

/// What was asked of the provider, by kind and minor units, and what was told once these were heard, each with an effect.
fn asked_and_told(order_id: OrderId, facts: &[&str]) -> (Vec<(&'static str, i64)>, Vec<Event>) {
    let (world, told) = after(order_id, "nothing", facts);
    let asked = world.asked.iter().map(|asked| (asked.key.kind.as_str(), asked.amount.minor()));
    (asked.collect(), told)
}

#[test]
fn what_is_due_when_the_provider_is_asked_is_authorized_and_what_is_due_when_it_is_confirmed_is_captured() {
    let order_id = OrderId::generate();
    let [once, twice] = MODIFIED_MINOR;
    for (facts, authorized, captured) in [
        (&["created", "modified", "reserved", "authorize ok", "confirmed", "capture ok"][..], once, once),
        (&["created", "reserved", "modified", "authorize ok", "confirmed", "capture ok"], AMOUNT_MINOR, once),
        (&["created", "reserved", "authorize ok", "modified", "confirmed", "capture ok"], AMOUNT_MINOR, once),
        (
            &["created", "modified", "reserved", "authorize ok", "modified again", "confirmed", "capture ok"],
            once,
            twice,
        ),
    ] {
        let (asked, told) = asked_and_told(order_id, facts);
        assert_eq!(asked, [("authorize", authorized), ("capture", captured)], "{facts:?}");
        let is_held = Event::PaymentAuthorized { order_id, amount: euros(authorized), cash_on_delivery: false };
        assert_eq!(told, [is_held, Event::PaymentCaptured { order_id, amount: euros(captured) }], "{facts:?}");
    }
}

#[test]
fn what_is_held_is_given_up_whole_whatever_is_due_by_then() {
    let order_id = OrderId::generate();
    for facts in [
        &["created", "reserved", "modified", "ended", "authorize ok", "void ok"][..],
        &["created", "reserved", "authorize ok", "modified", "ended", "void ok"],
        &["created", "reserved", "authorize ok", "modified", "confirmed", "capture no", "ended", "void ok"],
    ] {
        let (asked, told) = asked_and_told(order_id, facts);
        assert_eq!(asked.last(), Some(&("void", AMOUNT_MINOR)), "{facts:?}");
        assert_eq!(told.last(), Some(&Event::PaymentVoided { order_id, amount: euros(AMOUNT_MINOR) }), "{facts:?}");
    }
}

#[test]
fn a_refund_that_follows_from_the_end_gives_back_what_was_captured() {
    let facts = ["created", "reserved", "authorize ok", "modified", "confirmed", "capture ok", "ended"];
    let (asked, _) = asked_and_told(OrderId::generate(), &facts);
    assert_eq!(asked.last(), Some(&("refund", MODIFIED_MINOR[0])));
}

#[test]
fn of_cash_what_is_due_by_then_is_collected() {
    let order_id = OrderId::generate();
    let (_, told) = asked_and_told(order_id, &["created for cash", "reserved", "modified", "ended"]);
    assert_eq!(told[1], Event::PaymentVoided { order_id, amount: euros(MODIFIED_MINOR[0]) });
    let mut world = world_in(order_id, "cash authorized, modified");
    for (minor, is_taken) in [(MODIFIED_MINOR[0] + 1, false), (MODIFIED_MINOR[0], true)] {
        let fact = crate::domain::Fact::CashCollected { order_id, amount: euros(minor) };
        let decision = super::decide(&mut world, &fact, super::states::policy(), super::states::noon());
        assert_eq!(matches!(decision, Decision::Applied(_)), is_taken, "{minor}");
    }
}
