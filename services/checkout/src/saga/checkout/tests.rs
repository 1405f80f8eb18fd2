use kernel::{Currency, Id, Money};

use super::*;
use crate::domain::checkout::Checkout;
use crate::domain::ids::{CheckoutId, OrderId};

const EARLIER: Timestamp = Timestamp::from_unix_micros(1);
const NOW: Timestamp = Timestamp::from_unix_micros(2);

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

fn order(outcome: Outcome) -> CheckoutOrder {
    let total = Money::from_minor(100, Currency::EUR);
    CheckoutOrder { id: Id::generate(), seller_id: Id::generate(), total, outcome }
}

/// A checkout of two orders, the first of which is in that state.
fn world(outcome: Outcome) -> (World, CheckoutId, OrderId) {
    let checkout = Checkout {
        id: Id::generate(),
        quote_id: Id::generate(),
        buyer_id: Id::generate(),
        orders: vec![order(outcome), order(Outcome::Pending)],
        total: Money::from_minor(200, Currency::EUR),
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
        total: Money::from_minor(500, Currency::EUR),
        submitted_at: EARLIER,
    };
    assert!(!checkout.is_complete());
    checkout.orders.remove(0);
    assert!(checkout.is_complete());
}
