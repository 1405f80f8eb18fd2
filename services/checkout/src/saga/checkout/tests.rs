use kernel::{Currency, Id, Money};

use super::*;
use crate::domain::checkout::Checkout;
use crate::domain::ids::{CheckoutId, OrderId};

const EARLIER: Timestamp = Timestamp::from_unix_micros(1);
const NOW: Timestamp = Timestamp::from_unix_micros(2);
/// What each order costs at first.
const TOTAL_MINOR: i64 = 100;

/// What is expected of a decision.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Becomes(Outcome),
    AlreadyApplied,
    Ignored,
    Refused,
}

use Answer::{AlreadyApplied, Becomes, Ignored, Refused};

fn reason(text: &str) -> Reason {
    Reason::new(text).unwrap()
}

fn states() -> [Outcome; 6] {
    [
        Outcome::Pending,
        Outcome::Backordered { at: EARLIER },
        Outcome::Confirmed { at: EARLIER },
        Outcome::Paid { at: EARLIER },
        Outcome::Failed { reason: reason("OUT_OF_STOCK"), at: EARLIER },
        Outcome::Cancelled { reason: reason("UNPAID"), at: EARLIER },
    ]
}

fn euros(minor: i64) -> Money {
    Money::from_minor(minor, Currency::EUR)
}

fn order(outcome: Outcome) -> CheckoutOrder {
    let total = euros(TOTAL_MINOR);
    CheckoutOrder { id: Id::generate(), seller_id: Id::generate(), total, outcome }
}

/// A checkout of two orders, the first of which is in that state.
fn world(outcome: Outcome) -> (World, CheckoutId, OrderId) {
    let checkout = Checkout {
        id: Id::generate(),
        quote_id: Id::generate(),
        buyer_id: Id::generate(),
        orders: vec![order(outcome), order(Outcome::Pending)],
        currency: Currency::EUR,
        submitted_at: EARLIER,
    };
    let (id, order_id) = (checkout.id, checkout.orders[0].id);
    (World::new([checkout]), id, order_id)
}

fn answer(world: &mut World, fact: &Fact) -> Answer {
    let before = world.clone();
    let decision = decide(world, fact, NOW);
    if matches!(decision, Decision::Applied(_)) {
        let changed: Vec<_> = world.changed().map(|(id, order)| (id, order.clone())).collect();
        let [(checkout_id, order)] = changed.as_slice() else { panic!("one order changed: {changed:?}") };
        assert_eq!((*checkout_id, order.id), (fact.checkout_id, fact.order_id));
        return Becomes(order.outcome.clone());
    }
    assert_eq!(*world, before, "only what is applied changes anything");
    match decision {
        Decision::Applied(_) => unreachable!("answered above"),
        Decision::AlreadyApplied => AlreadyApplied,
        Decision::Ignored(_) => Ignored,
        Decision::Refused(_) => Refused,
    }
}

fn table() -> Vec<(News, [Answer; 6])> {
    let failed = || Becomes(Outcome::Failed { reason: reason("PAYMENT_DECLINED"), at: NOW });
    let cancelled = || Becomes(Outcome::Cancelled { reason: reason("CANCELLED_BY_BUYER"), at: NOW });
    let paid = || Becomes(Outcome::Paid { at: NOW });
    let confirmed = || Becomes(Outcome::Confirmed { at: NOW });
    vec![
        // PENDING, BACKORDERED, CONFIRMED, PAID, FAILED, CANCELLED
        (
            News::Backordered,
            [Becomes(Outcome::Backordered { at: NOW }), AlreadyApplied, Ignored, Ignored, Ignored, Ignored],
        ),
        (News::Confirmed, [confirmed(), confirmed(), AlreadyApplied, Ignored, Refused, Refused]),
        (News::Paid, [paid(), paid(), paid(), AlreadyApplied, Refused, Refused]),
        (News::Failed(reason("PAYMENT_DECLINED")), [failed(), failed(), Refused, Refused, AlreadyApplied, Refused]),
        (
            News::Cancelled(reason("CANCELLED_BY_BUYER")),
            [cancelled(), cancelled(), cancelled(), Refused, Refused, AlreadyApplied],
        ),
    ]
}

#[test]
fn every_state_has_an_answer_to_every_fact() {
    for (news, answers) in table() {
        for (state, expected) in states().into_iter().zip(answers) {
            let (mut world, checkout_id, order_id) = world(state.clone());
            let fact = Fact { checkout_id, order_id, news: news.clone() };
            assert_eq!(answer(&mut world, &fact), expected, "{news:?} in {state:?}");
        }
    }
}

#[test]
fn an_order_that_is_unknown_here_is_refused() {
    let (mut world, checkout_id, order_id) = world(Outcome::Pending);
    let fact = |checkout_id, order_id| Fact { checkout_id, order_id, news: News::Paid };
    assert_eq!(decide(&mut world, &fact(Id::generate(), order_id), NOW), Decision::Refused(Refusal::CheckoutNotFound));
    assert_eq!(decide(&mut world, &fact(checkout_id, Id::generate()), NOW), Decision::Refused(Refusal::OrderNotFound));
}

#[test]
fn a_checkout_is_complete_when_no_order_is_pending() {
    let mut checkout = Checkout {
        id: Id::generate(),
        quote_id: Id::generate(),
        buyer_id: Id::generate(),
        orders: states().into_iter().map(order).collect(),
        currency: Currency::EUR,
        submitted_at: EARLIER,
    };
    assert!(!checkout.is_complete());
    checkout.orders.remove(0);
    assert!(checkout.is_complete());
}

/// Only units are taken away.
fn modified(minor: i64) -> News {
    News::Modified { total: euros(minor), split_off: BTreeSet::new() }
}

fn split_into(minor: i64, split_off: impl IntoIterator<Item = OrderId>) -> News {
    News::Modified { total: euros(minor), split_off: split_off.into_iter().collect() }
}

fn split_off(minor: i64) -> News {
    News::Another { seller_id: Id::generate(), to_pay: euros(minor) }
}

/// The checkout's order of that id, and what all of them cost.
fn seen(world: &mut World, checkout_id: CheckoutId, order_id: OrderId) -> (Option<(Outcome, i64)>, i64) {
    let order = world.order(checkout_id, order_id).ok().map(|order| (order.outcome.clone(), order.total.minor()));
    (order, world.checkout(checkout_id).unwrap().total().minor())
}

#[test]
fn an_order_costs_less_until_it_has_its_outcome() {
    for state in states() {
        let (mut world, checkout_id, order_id) = world(state.clone());
        let fact = Fact { checkout_id, order_id, news: modified(60) };
        let is_open = matches!(state, Outcome::Pending | Outcome::Backordered { .. });
        let expected = if is_open { Becomes(state.clone()) } else { Refused };
        assert_eq!(answer(&mut world, &fact), expected, "{state:?}");
        let costs = if is_open { 60 } else { TOTAL_MINOR };
        assert_eq!(seen(&mut world, checkout_id, order_id), (Some((state.clone(), costs)), costs + TOTAL_MINOR));
        // What it costs already is known, also once it has its outcome.
        let again = Fact { checkout_id, order_id, news: modified(costs) };
        assert_eq!(decide(&mut world, &again, NOW), Decision::AlreadyApplied, "{state:?}");
    }
}

#[test]
fn an_order_never_costs_more_than_before_nor_in_another_currency() {
    let dollars = News::Modified { total: Money::from_minor(1, Currency::USD), split_off: BTreeSet::new() };
    for news in [modified(TOTAL_MINOR + 1), dollars] {
        let (mut world, checkout_id, order_id) = world(Outcome::Pending);
        let decision = decide(&mut world, &Fact { checkout_id, order_id, news }, NOW);
        assert!(matches!(decision, Decision::Refused(Refusal::ModifiedToMore { .. })), "{decision:?}");
    }
}

#[test]
fn an_order_that_is_split_off_is_taken_in_once_whichever_event_comes_first() {
    for created_first in [true, false] {
        let (mut world, checkout_id, order_id) = world(Outcome::Pending);
        let new_id = Id::generate();
        let created = Fact { checkout_id, order_id: new_id, news: split_off(40) };
        let modified = Fact { checkout_id, order_id, news: split_into(60, [new_id]) };
        let facts = if created_first { [&created, &modified] } else { [&modified, &created] };
        for fact in facts {
            assert!(matches!(decide(&mut world, fact, NOW), Decision::Applied(_)), "{fact:?}");
            assert_eq!(decide(&mut world, fact, NOW), Decision::AlreadyApplied, "{fact:?}");
        }
        assert_eq!(seen(&mut world, checkout_id, new_id), (Some((Outcome::Pending, 40)), 2 * TOTAL_MINOR));
        // Known by now, although it costs less since then.
        let less = Fact { checkout_id, order_id: new_id, news: self::modified(30) };
        assert!(matches!(decide(&mut world, &less, NOW), Decision::Applied(_)));
        assert_eq!(decide(&mut world, &created, NOW), Decision::AlreadyApplied);
        assert_eq!(world.checkout(checkout_id).unwrap().orders.len(), 3);
    }
}

#[test]
fn a_checkout_waits_for_what_was_split_off_from_the_moment_that_either_order_tells() {
    let new_ids: [OrderId; 2] = [Id::generate(), Id::generate()];
    let (mut world, checkout_id, order_id) = world(Outcome::Pending);
    let facts = [(order_id, split_into(50, new_ids)), (order_id, News::Paid), (new_ids[0], split_off(20))];
    for (order_id, news) in facts {
        let decision = decide(&mut world, &Fact { checkout_id, order_id, news }, NOW);
        assert!(matches!(decision, Decision::Applied(_)), "{decision:?}");
    }
    let ids: Vec<_> = world.checkout(checkout_id).unwrap().orders.iter().map(|order| order.id).collect();
    for id in ids {
        assert!(!world.checkout(checkout_id).unwrap().is_complete());
        let _ = decide(&mut world, &Fact { checkout_id, order_id: id, news: News::Paid }, NOW);
    }
    assert!(world.checkout(checkout_id).unwrap().is_complete());
    assert_eq!(world.changed().count(), 4);
}

#[test]
fn a_split_that_does_not_fit_the_checkout_is_refused() {
    let (mut world, checkout_id, _) = world(Outcome::Pending);
    let new = |checkout_id, total| {
        let news = News::Another { seller_id: Id::generate(), to_pay: total };
        Fact { checkout_id, order_id: Id::generate(), news }
    };
    let unknown = decide(&mut world, &new(Id::generate(), euros(1)), NOW);
    assert_eq!(unknown, Decision::Refused(Refusal::CheckoutNotFound));
    for total in [Money::from_minor(1, Currency::USD), euros(i64::MAX)] {
        let decision = decide(&mut world, &new(checkout_id, total), NOW);
        assert!(matches!(decision, Decision::Refused(Refusal::TotalsDoNotAddUp(_))), "{decision:?}");
    }
}
