//! Every pair of state and fact. That each fact may come twice is shown by `tests/it/steps.rs`.

use std::time::Duration;

use kernel::{Currency, Decision, Money, Timestamp};

use super::checkout::decide;
use crate::domain::{
    BuyerId, CardToken, Entry, Event, Fact, Method, OperationKey, OperationKind, OrderId, Outcome, Policy, Refusal,
    Status, Terms, World,
};

const POLICY: Policy = Policy { authorization_margin: Duration::from_mins(1) };

/// The facts, in the order of the table's columns.
const FACTS: [&str; 12] = [
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

/// What each fact does in each state. `=` already applied, `-` ignored, `!` refused; otherwise the state that follows, with
/// `+Event` for what became true and `?operation` for what is asked of the provider.
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
    ("refunding",          ["=", "=", "-", "=", "=", "=", "=", "=", "!", "!",
                            "refunded +PaymentRefunded", "refunding, stuck"]),
    ("refunding, stuck",   ["=", "=", "-", "=", "=", "=", "=", "=", "!", "!", "=", "="]),
    ("refunded",           ["=", "=", "-", "=", "=", "=", "=", "=", "!", "!", "=", "="]),
    ("cash pending",       ["=", "cash authorized +PaymentAuthorized", "!", "cash closed",  "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash authorized",    ["=", "=", "-", "cash voided +PaymentVoided",                    "!", "!", "!", "!", "!", "!", "!", "!"]),
    ("cash voided",        ["=", "=", "-", "=",                                             "!", "!", "!", "!", "!", "!", "!", "!"]),
];

/// The shortest way from nothing to each state.
fn way_to(state: &str) -> Vec<&'static str> {
    let authorizing = || vec!["created", "reserved"];
    let after = |mut way: Vec<&'static str>, facts: &[&'static str]| {
        way.extend_from_slice(facts);
        way
    };
    let capturing = || after(authorizing(), &["authorize ok", "confirmed"]);
    match state {
        "nothing" => vec![],
        "hold" => vec!["reserved"],
        "tombstone" => vec!["ended"],
        "pending" => vec!["created"],
        "closed" => vec!["created", "ended"],
        "authorizing" => authorizing(),
        "authorizing, ended" => after(authorizing(), &["ended"]),
        "declined" => after(authorizing(), &["authorize no"]),
        "declined, ended" => after(authorizing(), &["authorize no", "ended"]),
        "authorized" => after(authorizing(), &["authorize ok"]),
        "capturing" => capturing(),
        "capturing, ended" => after(capturing(), &["ended"]),
        "captured" => after(capturing(), &["capture ok"]),
        "capture_failed" => after(capturing(), &["capture no"]),
        "voiding" => after(capturing(), &["capture no", "ended"]),
        "voiding, stuck" => after(capturing(), &["capture no", "ended", "void no"]),
        "voided" => after(authorizing(), &["authorize ok", "ended", "void ok"]),
        "refunding" => after(capturing(), &["capture ok", "ended"]),
        "refunding, stuck" => after(capturing(), &["capture ok", "ended", "refund no"]),
        "refunded" => after(capturing(), &["ended", "capture ok", "refund ok"]),
        "cash pending" => vec!["created for cash"],
        "cash authorized" => vec!["created for cash", "reserved"],
        "cash voided" => vec!["created for cash", "reserved", "ended"],
        other => panic!("there is no way to {other:?}"),
    }
}

fn noon() -> Timestamp {
    Timestamp::from_unix_micros(1_772_366_400_000_000)
}

fn terms(method: Method) -> Terms {
    Terms { buyer_id: BuyerId::from_uuid(uuid::Uuid::nil()), amount: Money::from_minor(4_200, Currency::EUR), method }
}

fn fact(order_id: OrderId, name: &str) -> Fact {
    match name {
        "created" => {
            Fact::OrderCreated { order_id, terms: terms(Method::Card(CardToken::new("tok_approved").unwrap())) }
        }
        "created for cash" => Fact::OrderCreated { order_id, terms: terms(Method::CashOnDelivery) },
        "reserved" => Fact::InventoryReserved { order_id, expires_at: noon() + Duration::from_mins(15) },
        "confirmed" => Fact::OrderConfirmed { order_id },
        "ended" => Fact::OrderEnded { order_id },
        answer => {
            let (kind, said) = answer.split_once(' ').unwrap();
            let kind = OperationKind::from_name(kind).unwrap();
            let outcome = if said == "ok" { Outcome::Succeeded } else { Outcome::Declined("SAID_NO".to_owned()) };
            Fact::ProviderAnswered { key: OperationKey { order_id, kind }, outcome }
        }
    }
}

fn apply(world: &mut World, order_id: OrderId, name: &str) -> Decision<Event, Refusal> {
    decide(world, &fact(order_id, name), POLICY, noon())
}

fn world_in(order_id: OrderId, state: &str) -> World {
    let mut world = World::default();
    for name in way_to(state) {
        let decision = apply(&mut world, order_id, name);
        assert!(matches!(decision, Decision::Applied(_)), "{name} on the way to {state}: {decision:?}");
    }
    assert_eq!(describe(&world, order_id), state);
    // What lies behind is saved; what comes next starts from a clean sheet.
    World { entries: world.entries, ..World::default() }
}

fn describe(world: &World, order_id: OrderId) -> String {
    let payment = match world.entries.get(&order_id) {
        None => return "nothing".to_owned(),
        Some(Entry::Hold { .. }) => return "hold".to_owned(),
        Some(Entry::Tombstone) => return "tombstone".to_owned(),
        Some(Entry::Payment(payment)) => payment,
    };
    let cash = if payment.is_cash_on_delivery() { "cash " } else { "" };
    let is_open_to_end = matches!(payment.status, Status::Authorizing | Status::Capturing | Status::Declined);
    let ended = if payment.order_ended && is_open_to_end { ", ended" } else { "" };
    let stuck = if payment.needs_operator { ", stuck" } else { "" };
    format!("{cash}{}{ended}{stuck}", payment.status.as_str())
}

fn name(event: &Event) -> &'static str {
    match event {
        Event::PaymentAuthorized { .. } => "PaymentAuthorized",
        Event::PaymentDeclined { .. } => "PaymentDeclined",
        Event::PaymentCaptured { .. } => "PaymentCaptured",
        Event::CaptureFailed { .. } => "CaptureFailed",
        Event::PaymentVoided { .. } => "PaymentVoided",
        Event::PaymentRefunded { .. } => "PaymentRefunded",
    }
}

/// What a fact did, in the words of the table.
fn answer(world: &World, order_id: OrderId, decision: &Decision<Event, Refusal>) -> String {
    match decision {
        Decision::AlreadyApplied => "=".to_owned(),
        Decision::Ignored(_) => "-".to_owned(),
        Decision::Refused(_) => "!".to_owned(),
        Decision::Applied(events) => {
            let told = events.iter().map(|event| format!(" +{}", name(event)));
            let asked = world.asked.iter().map(|asked| format!(" ?{}", asked.key.kind.as_str()));
            told.chain(asked).fold(describe(world, order_id), |text, word| text + &word)
        }
    }
}

#[test]
fn every_fact_in_every_state_does_what_the_table_says() {
    let order_id = OrderId::generate();
    for (state, cells) in TABLE {
        for (name, expected) in FACTS.iter().zip(cells) {
            let before = world_in(order_id, state);
            let mut world = before.clone();
            let decision = apply(&mut world, order_id, name);
            assert_eq!(answer(&world, order_id, &decision), *expected, "{name} in {state}");
            if !matches!(decision, Decision::Applied(_)) {
                assert_eq!(world, before, "{name} in {state} changes something");
            }
        }
    }
}

#[test]
fn the_table_has_every_status() {
    for status in Status::ALL {
        let is_there = TABLE.iter().any(|(state, _)| state.trim_start_matches("cash ").starts_with(status.as_str()));
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
