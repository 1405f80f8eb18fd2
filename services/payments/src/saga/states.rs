//! The states that a payment can be in, by name, and what facts do there in words, for the tables of the sagas.

use std::time::Duration;

use kernel::{Classified, Currency, Decision, Money, Timestamp};

use super::decide;
use crate::domain::{
    BuyerId, CardToken, Entry, Event, Exchange, Fact, Method, OperationKey, OperationKind, OrderId, Outcome, Policy,
    Refund, RefundStanding, Refusal, SellerId, Status, Terms, World, commission_rate,
};

/// Every state, as [`describe`] calls it, but for those of an exchange, which have a table of their own.
pub(super) const STATES: [&str; 43] = [
    "nothing",
    "hold",
    "tombstone",
    "pending",
    "closed",
    "authorizing",
    "authorizing, ended",
    "declined",
    "declined, ended",
    "authorized",
    "capturing",
    "capturing, ended",
    "captured",
    "captured, in part",
    "captured, released",
    "capture_failed",
    "voiding",
    "voiding, stuck",
    "voided",
    "refunding",
    "refunding, failed",
    "refunding, again",
    "refunding, in part",
    "refunding, in part, released",
    "refunded",
    "cash pending",
    "cash closed",
    "cash declined",
    "cash declined, ended",
    "cash authorized",
    "cash authorized, delivered",
    "cash voided",
    "cash captured",
    "cash captured, in part",
    "cash captured, released",
    "cash refunded",
    "pending, modified",
    "authorizing, modified",
    "authorized, modified",
    "capturing, modified",
    "captured, modified",
    "voiding, modified",
    "cash authorized, modified",
];

pub(super) const AMOUNT_MINOR: i64 = 4_200;
/// What a part of it is.
pub(super) const PART_MINOR: i64 = 1_000;
/// What is due of it once the order was modified, and once it was modified again.
pub(super) const MODIFIED_MINOR: [i64; 2] = [3_000, 2_000];
const LIFETIME: Duration = Duration::from_hours(7 * 24);

pub(super) fn policy() -> Policy {
    Policy {
        authorization_margin: Duration::from_mins(1),
        authorization_lifetime: LIFETIME,
        commission_rate: commission_rate("0.05").unwrap(),
    }
}

/// The shortest way from nothing to each state.
fn way_to(state: &str) -> Vec<&'static str> {
    let authorizing = || vec!["created", "reserved"];
    let after = |mut way: Vec<&'static str>, facts: &[&'static str]| {
        way.extend_from_slice(facts);
        way
    };
    let capturing = || after(authorizing(), &["authorize ok", "confirmed"]);
    let captured = || after(capturing(), &["capture ok"]);
    let cash_captured = || vec!["created for cash", "reserved", "cash"];
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
        "captured" => captured(),
        "captured, in part" => after(captured(), &["part approved", "refund ok"]),
        "captured, released" => after(captured(), &["delivered"]),
        "capture_failed" => after(capturing(), &["capture no"]),
        "voiding" => after(capturing(), &["capture no", "ended"]),
        "voiding, stuck" => after(capturing(), &["capture no", "ended", "void no"]),
        "voided" => after(authorizing(), &["authorize ok", "ended", "void ok"]),
        "refunding" => after(captured(), &["ended"]),
        "refunding, failed" => after(captured(), &["ended", "refund no"]),
        "refunding, again" => after(captured(), &["ended", "refund no", "end retried"]),
        "refunding, in part" => after(captured(), &["part approved"]),
        "refunding, in part, released" => after(captured(), &["part approved", "delivered"]),
        "refunded" => after(capturing(), &["ended", "capture ok", "refund ok"]),
        "cash pending" => vec!["created for cash"],
        "cash closed" => vec!["created for cash", "ended"],
        "cash authorized" => vec!["created for cash", "reserved"],
        "cash voided" => vec!["created for cash", "reserved", "ended"],
        "cash declined" => vec!["created for cash", "reserved too late"],
        "cash declined, ended" => vec!["created for cash", "reserved too late", "ended"],
        "cash authorized, delivered" => vec!["created for cash", "reserved", "delivered"],
        "cash captured" => cash_captured(),
        "cash captured, in part" => after(cash_captured(), &["part approved"]),
        "cash captured, released" => after(cash_captured(), &["delivered"]),
        "cash refunded" => after(cash_captured(), &["approved"]),
        "pending, modified" => vec!["created", "modified"],
        "authorizing, modified" => after(authorizing(), &["modified"]),
        "authorized, modified" => after(authorizing(), &["modified", "authorize ok"]),
        "capturing, modified" => after(authorizing(), &["authorize ok", "modified", "confirmed"]),
        "captured, modified" => after(authorizing(), &["authorize ok", "modified", "confirmed", "capture ok"]),
        "voiding, modified" => after(authorizing(), &["modified", "ended", "authorize ok"]),
        "cash authorized, modified" => vec!["created for cash", "reserved", "modified"],
        "exchange pending" => vec!["created by exchange"],
        "exchange declined" => vec!["created by exchange", "reserved too late"],
        "exchange authorized" => vec!["created by exchange", "reserved"],
        "exchange captured" => vec!["created by exchange", "reserved", "confirmed"],
        "exchange captured, released" => vec!["created by exchange", "reserved", "confirmed", "delivered"],
        "exchange refunding" => vec!["created by exchange", "ended"],
        "exchange refunding, failed" => vec!["created by exchange", "ended", "refund no"],
        "exchange refunding, in part" => vec!["created by exchange", "reserved", "confirmed", "part approved"],
        "exchange refunded" => vec!["created by exchange", "ended", "refund ok"],
        other => panic!("there is no way to {other:?}"),
    }
}

pub(super) fn noon() -> Timestamp {
    Timestamp::from_unix_micros(1_772_366_400_000_000)
}

/// The order whose card was charged for an exchange.
pub(super) const CHARGED: u128 = 1;

fn exchange(charged: Option<u128>) -> Exchange {
    let id = |number| OrderId::from_uuid(uuid::Uuid::from_u128(number));
    Exchange { order_id: id(2), refund_number: 3, charged_order_id: charged.map(id) }
}

fn terms(method: Method) -> Terms {
    Terms {
        buyer_id: BuyerId::from_uuid(uuid::Uuid::nil()),
        seller_id: SellerId::from_uuid(uuid::Uuid::nil()),
        amount: Money::from_minor(AMOUNT_MINOR, Currency::EUR),
        method,
    }
}

fn fact(order_id: OrderId, name: &str) -> Fact {
    let approved = |number, minor, currency| {
        let amount = Money::from_minor(minor, currency);
        Fact::RefundApproved { order_id, number, amount, set_aside: false }
    };
    let modified = |terms_version, minor, currency| {
        let amount = Money::from_minor(minor, currency);
        Fact::OrderModified { order_id, terms_version, amount }
    };
    match name {
        "created" => {
            Fact::OrderCreated { order_id, terms: terms(Method::Card(CardToken::new("tok_approved").unwrap())) }
        }
        "created for cash" => Fact::OrderCreated { order_id, terms: terms(Method::CashOnDelivery) },
        "created by exchange" => {
            Fact::OrderCreated { order_id, terms: terms(Method::Exchange(exchange(Some(CHARGED)))) }
        }
        "created by exchange of cash" => {
            Fact::OrderCreated { order_id, terms: terms(Method::Exchange(exchange(None))) }
        }
        "part set aside" => {
            let amount = Money::from_minor(PART_MINOR, Currency::EUR);
            Fact::RefundApproved { order_id, number: 1, amount, set_aside: true }
        }
        "modified" => modified(2, MODIFIED_MINOR[0], Currency::EUR),
        "modified again" => modified(3, MODIFIED_MINOR[1], Currency::EUR),
        "modified to more" => modified(4, AMOUNT_MINOR + 1, Currency::EUR),
        "modified to other" => modified(4, MODIFIED_MINOR[1], Currency::USD),
        "reserved" => Fact::InventoryReserved { order_id, expires_at: noon() + Duration::from_mins(15) },
        "reserved too late" => Fact::InventoryReserved { order_id, expires_at: noon() + Duration::from_mins(1) },
        "confirmed" => Fact::OrderConfirmed { order_id },
        "ended" => Fact::OrderEnded { order_id },
        "expired" => Fact::AuthorizationExpired { order_id },
        "delivered" => Fact::OrderDelivered { order_id },
        "cash" => Fact::CashCollected { order_id, amount: Money::from_minor(AMOUNT_MINOR, Currency::EUR) },
        "less cash" => Fact::CashCollected { order_id, amount: Money::from_minor(AMOUNT_MINOR - 1, Currency::EUR) },
        "more cash" => Fact::CashCollected { order_id, amount: Money::from_minor(AMOUNT_MINOR + 1, Currency::EUR) },
        "other cash" => Fact::CashCollected { order_id, amount: Money::from_minor(AMOUNT_MINOR, Currency::USD) },
        "approved" => approved(1, AMOUNT_MINOR, Currency::EUR),
        "part approved" => approved(1, PART_MINOR, Currency::EUR),
        "more approved" => approved(1, AMOUNT_MINOR + 1, Currency::EUR),
        "other approved" => approved(1, AMOUNT_MINOR, Currency::USD),
        "rest approved" => approved(2, AMOUNT_MINOR - PART_MINOR, Currency::EUR),
        "whole again approved" => approved(2, AMOUNT_MINOR, Currency::EUR),
        "retried" => Fact::RefundRetried { order_id, number: 1 },
        "end retried" => Fact::RefundRetried { order_id, number: 0 },
        answer => {
            let (kind, said) = answer.split_once(' ').unwrap();
            let key = OperationKey::new(order_id, OperationKind::from_name(kind).unwrap());
            let no = || Outcome::Declined("SAID_NO".to_owned());
            let (attempt, outcome) = match said {
                "ok" => (1, Outcome::Succeeded),
                "no" => (1, no()),
                "no again" => (2, no()),
                other => panic!("no provider says {other:?}"),
            };
            Fact::ProviderAnswered { key, attempt, outcome }
        }
    }
}

pub(super) fn apply(world: &mut World, order_id: OrderId, name: &str) -> Decision<Event, Refusal> {
    let now = if name == "expired" { noon() + LIFETIME } else { noon() };
    decide(world, &fact(order_id, name), policy(), now)
}

pub(super) fn world_in(order_id: OrderId, state: &str) -> World {
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
    let method = match payment.terms.method {
        Method::Card(_) => "",
        Method::CashOnDelivery => "cash ",
        Method::Exchange(_) => "exchange ",
    };
    let is_open_to_end = matches!(payment.status, Status::Authorizing | Status::Capturing | Status::Declined);
    let ended = if payment.order_ended && is_open_to_end { ", ended" } else { "" };
    let stuck = if payment.needs_operator { ", stuck" } else { "" };
    let has = |is_meant: fn(&Refund) -> bool| payment.refunds.iter().any(is_meant);
    let refund = if has(|refund| refund.standing == RefundStanding::Failed) {
        ", failed"
    } else if has(|refund| refund.standing == RefundStanding::Asked && refund.refused_attempt > 0) {
        ", again"
    } else {
        ""
    };
    let is_part = !payment.refunds.is_empty() && !payment.left().is_zero();
    let part = if is_part { ", in part" } else { "" };
    let arrived = match (payment.delivered, payment.commission_rate) {
        (_, Some(_)) => ", released",
        (true, None) => ", delivered",
        (false, None) => "",
    };
    let modified = if payment.due == payment.terms.amount { "" } else { ", modified" };
    format!("{method}{}{ended}{stuck}{refund}{part}{arrived}{modified}", payment.status.as_str())
}

fn name(event: &Event) -> &'static str {
    match event {
        Event::PaymentAuthorized { .. } => "PaymentAuthorized",
        Event::PaymentDeclined { .. } => "PaymentDeclined",
        Event::PaymentCaptured { .. } => "PaymentCaptured",
        Event::CaptureFailed { .. } => "CaptureFailed",
        Event::PaymentVoided { .. } => "PaymentVoided",
        Event::PaymentRefunded { .. } => "PaymentRefunded",
        Event::RefundFailed { .. } => "RefundFailed",
    }
}

/// What a fact did: `=` already applied, `-` ignored, `!` refused; otherwise the state that follows, with `+Event` for what became true
/// and `?operation` for what is asked of the provider, for the first time or again.
pub(super) fn answer(world: &World, order_id: OrderId, decision: &Decision<Event, Refusal>) -> String {
    match decision {
        Decision::AlreadyApplied => "=".to_owned(),
        Decision::Ignored(_) => "-".to_owned(),
        Decision::Refused(_) => "!".to_owned(),
        Decision::Applied(events) => {
            let told = events.iter().map(|event| format!(" +{}", name(event)));
            let keys = world.asked.iter().map(|asked| asked.key).chain(world.asked_again.iter().copied());
            let asked = keys.map(|key| format!(" ?{}", key.kind.as_str()));
            told.chain(asked).fold(describe(world, order_id), |text, word| text + &word)
        }
    }
}

/// Holds a table against the code: what each of the facts does in every state.
pub(super) fn check<const FACTS: usize>(table: &[(&str, [&str; FACTS])], facts: [&str; FACTS]) {
    assert_eq!(table.iter().map(|(state, _)| *state).collect::<Vec<_>>(), STATES);
    check_cells(table, facts);
}

/// The same, in the states that it names.
pub(super) fn check_cells<const FACTS: usize>(table: &[(&str, [&str; FACTS])], facts: [&str; FACTS]) {
    let order_id = OrderId::generate();
    for (state, cells) in table {
        for (name, expected) in facts.iter().zip(cells) {
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

/// What there is, and what was told, once these were heard from a state on, each with an effect.
pub(super) fn after(order_id: OrderId, state: &str, facts: &[&str]) -> (World, Vec<Event>) {
    let mut world = world_in(order_id, state);
    let mut told = Vec::new();
    for fact in facts {
        let Decision::Applied(events) = apply(&mut world, order_id, fact) else {
            panic!("{fact} of {facts:?} has no effect")
        };
        told.extend(events);
    }
    (world, told)
}

/// A fact is refused in a state, for that reason.
pub(super) fn assert_refused(state: &str, fact: &str, reason: &str) {
    let order_id = OrderId::generate();
    let Decision::Refused(refusal) = apply(&mut world_in(order_id, state), order_id, fact) else {
        panic!("{fact} in {state} is not refused")
    };
    assert_eq!(refusal.reason(), reason, "{fact} in {state}");
}
