use std::slice;

use kernel::Classified as _;
use proptest::prelude::*;

use super::*;
use crate::domain::event::Event;
use crate::domain::fact::{Canceller, OrderFact};
use crate::domain::fixtures::{cash_on_delivery, euro, order_id, snapshot, terms};
use crate::domain::refund::{RefundRequest, RefundStatus};
use crate::domain::snapshot::{Exchange, PaymentMethod, Terms};
use crate::saga::fixtures::{
    ORDER, POLICY, accepted, assert_goes_one_way, assert_readme_has, cancelled_by, captured, committed, delivered,
    dispatched, goodwill, hear, hear_at, heard, sent_back, standing, table, undone, units, wanted_back, world_after,
    world_of,
};

const NEW: u128 = 7;
const MUG: &[(&str, i64)] = &[("MUG-BLUE", 1)];

fn exchange(lines: &[(&str, i64)]) -> OrderFact {
    let request = RefundRequest::Exchange { units: units(lines), order_id: order_id(NEW) };
    OrderFact::RefundRequested { request, note: None }
}

/// Payments has given back, or set aside, so much in all, for the first refund.
fn back(cents: i64) -> OrderFact {
    OrderFact::PaymentRefunded { number: Some(1), refunded: euro(cents) }
}

fn arrived() -> Vec<OrderFact> {
    vec![committed(), captured(), dispatched(true), delivered(true)]
}

fn after(facts: &[OrderFact]) -> World {
    world_after(&[arrived(), facts.to_vec()].concat())
}

/// An order that is paid by what goes back of another, after these facts.
fn paid_by_exchange(facts: &[OrderFact]) -> World {
    let exchange = Exchange { order_id: order_id(4), refund_number: 1, charged_order_id: Some(order_id(4)) };
    let terms = Terms { payment_method: PaymentMethod::Exchange(exchange), ..terms(order_id(ORDER)) };
    heard(world_of(Snapshot::freeze(terms).unwrap()), facts)
}

fn facts() -> Vec<(&'static str, OrderFact)> {
    vec![
        ("RequestRefund, a mug in exchange", exchange(MUG)),
        ("RequestRefund, a mug after a return", sent_back(MUG)),
        ("ReturnReceived, accepted", accepted(MUG)),
        ("ReturnReceived, not accepted", accepted(&[])),
        ("PaymentRefunded", back(1_190)),
        ("goodwill of everything that is left", goodwill(3_465 - 1_190)),
    ]
}

#[test]
fn the_readme_shows_what_becomes_of_an_exchange() {
    let states = vec![
        ("PAID", world_after(&[committed(), captured()])),
        ("DELIVERED", after(&[])),
        ("DELIVERED, a mug on its way back", after(&[exchange(MUG)])),
        ("DELIVERED, set aside", after(&[exchange(MUG), accepted(MUG)])),
        ("DELIVERED, sent anew", after(&[exchange(MUG), accepted(MUG), back(1_190)])),
        ("DELIVERED, not accepted", after(&[exchange(MUG), accepted(&[])])),
    ];
    assert_readme_has(&table(states, &facts()));
}

#[test]
fn the_readme_shows_what_becomes_of_an_order_that_is_paid_by_an_exchange() {
    let early = [OrderFact::PaymentAuthorized];
    let declined = OrderFact::PaymentDeclined { issuer_reason: "AUTHORIZATION_WINDOW_CLOSED".to_owned() };
    let states = vec![
        ("CREATED", paid_by_exchange(&[])),
        ("CREATED, authorized", paid_by_exchange(&early)),
        ("CONFIRMED", paid_by_exchange(&[committed()])),
        ("PAID", paid_by_exchange(&[committed(), captured()])),
        ("FAILED: stock", paid_by_exchange(&[OrderFact::InventoryRejected])),
        ("FAILED: declined", paid_by_exchange(slice::from_ref(&declined))),
        ("CANCELLED early", paid_by_exchange(&[cancelled_by(Canceller::Buyer)])),
        ("CANCELLED late", paid_by_exchange(&[committed(), cancelled_by(Canceller::Buyer)])),
    ];
    let less = OrderFact::ModificationRequested { left: units(MUG), note: None };
    let apart = OrderFact::SplitRequested { parts: vec![(order_id(8), units(MUG))] };
    let failed = OrderFact::RefundFailed { number: None, reason: "CARD_CLOSED".to_owned() };
    let facts = vec![
        ("ModifyOrder", less),
        ("SplitOrder", apart),
        ("InventoryRejected", OrderFact::InventoryRejected),
        ("InventoryCommitted", committed()),
        ("PaymentDeclined", declined),
        ("PaymentCaptured", captured()),
        ("RequestRefund, before dispatch", wanted_back()),
        ("PaymentRefunded, because it ended", undone()),
        ("RefundFailed, because it ended", failed),
        ("cancellation", cancelled_by(Canceller::Buyer)),
    ];
    assert_readme_has(&table(states, &facts));
}

#[test]
fn what_came_back_is_sent_anew_by_an_order_of_its_own_once_its_worth_is_set_aside() {
    let mut world = after(&[exchange(MUG)]);
    let Decision::Applied(events) = hear(&mut world, accepted(MUG)) else { panic!("not applied") };
    let [Event::RefundApproved { amount, exchange_order_id, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((*amount, *exchange_order_id), (euro(1_190), Some(order_id(NEW))));
    assert!(world.order(order_id(NEW)).is_none(), "the money is not there yet");
    let Decision::Applied(events) = hear(&mut world, back(1_190)) else { panic!("not applied") };
    let [Event::RefundCompleted { .. }, Event::Created { snapshot, split_from: None, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((snapshot.terms().order_id, snapshot.terms().total), (order_id(NEW), euro(1_190)));
    let new = world.order(order_id(NEW)).unwrap();
    assert_eq!((new.exchange_for, new.cash_on_delivery), (Some(order_id(ORDER)), false));
    assert_eq!(hear(&mut world, back(1_190)), Decision::AlreadyApplied);
}

#[test]
fn an_order_of_which_all_is_exchanged_is_over_and_the_other_goes_on() {
    let everything = crate::saga::fixtures::ALL;
    let mut world = after(&[exchange(everything), accepted(everything)]);
    let Decision::Applied(events) = hear(&mut world, back(3_465)) else { panic!("not applied") };
    assert!(
        matches!(events[..], [Event::RefundCompleted { .. }, Event::Refunded { .. }, Event::Created { .. }]),
        "{events:?}"
    );
    assert_eq!(standing(&world).status.milestone().as_str(), "REFUNDED");
}

#[test]
fn of_an_order_that_was_paid_in_cash_the_other_is_prepaid() {
    let in_cash = [committed(), dispatched(true), delivered(true), captured()];
    let mut world = heard(world_of(cash_on_delivery(order_id(ORDER))), &in_cash);
    for fact in [exchange(MUG), accepted(MUG), back(1_190)] {
        assert!(matches!(hear(&mut world, fact.clone()), Decision::Applied(_)), "{fact:?}");
    }
    assert!(!world.order(order_id(NEW)).unwrap().cash_on_delivery);
}

#[test]
fn what_is_not_covered_is_refused_and_if_that_comes_later_the_money_goes_back() {
    let mut world = after(&[goodwill(3_000)]);
    let before = world.clone();
    let Decision::Refused(refusal) = hear(&mut world, exchange(MUG)) else { panic!("not refused") };
    assert_eq!((refusal.reason(), world), ("EXCHANGE_NOT_COVERED", before));

    let mut world = after(&[exchange(MUG)]);
    // While it is on its way its worth is taken, and goodwill has the rest. Less comes back than was to: that is covered all the same.
    assert!(matches!(hear(&mut world, goodwill(3_465 - 1_190)), Decision::Applied(_)));
    let Decision::Applied(events) = hear(&mut world, accepted(MUG)) else { panic!("not applied") };
    assert!(matches!(events[..], [Event::RefundApproved { exchange_order_id: Some(_), .. }]), "{events:?}");

    // Two of everything but one are on their way; the goodwill counts on the dearer one, of which the cheaper comes back.
    let mut refund =
        Refund { amount: euro(5), ..after(&[exchange(MUG)]).order(order_id(ORDER)).unwrap().refunds[0].clone() };
    settle(&mut refund, Some(&snapshot(order_id(ORDER))));
    assert_eq!(refund.exchange_order_id, None);
}

#[test]
fn what_is_set_aside_for_goods_that_it_does_not_pay_is_refused() {
    let mut world = after(&[exchange(MUG), accepted(MUG)]);
    let order = world.order_mut(order_id(ORDER)).unwrap();
    order.refund_mut(1).unwrap().amount = euro(5);
    let before = world.clone();
    let Decision::Refused(refusal) = hear(&mut world, back(5)) else { panic!("not refused") };
    assert_eq!((refusal.reason(), world), ("ORDER_CONTRADICTED", before));
}

#[test]
fn an_exchange_is_asked_for_while_goods_may_come_back() {
    let mut world = after(&[]);
    let closed = hear_at(&mut world, exchange(MUG), crate::domain::fixtures::NOON + 2 * POLICY.return_window);
    let Decision::Refused(refusal) = closed else { panic!("not refused") };
    assert_eq!(refusal.reason(), "RETURN_WINDOW_CLOSED");
    for (lines, reason) in [(&[("POT", 1)][..], "NOT_IN_ORDER"), (&[("MUG-BLUE", 3)], "MORE_THAN_DELIVERED")] {
        let Decision::Refused(refusal) = hear(&mut world, exchange(lines)) else { panic!("not refused") };
        assert_eq!(refusal.reason(), reason);
    }
}

#[test]
fn what_is_rejected_may_be_asked_for_again_and_what_is_sent_anew_may_not() {
    let mut world = after(&[exchange(MUG), accepted(&[])]);
    let rejected = &world.order(order_id(ORDER)).unwrap().refunds[0];
    assert_eq!((rejected.kind, rejected.status), (RefundKind::Exchange, RefundStatus::Rejected));
    assert!(matches!(hear(&mut world, exchange(&[("MUG-BLUE", 2)])), Decision::Applied(_)));
    let mut world = after(&[exchange(MUG), accepted(MUG), back(1_190)]);
    let Decision::Refused(refusal) = hear(&mut world, exchange(&[("MUG-BLUE", 2)])) else { panic!("not refused") };
    assert_eq!(refusal.reason(), "MORE_THAN_DELIVERED");
}

proptest! {
    #[test]
    fn an_order_of_which_goods_are_exchanged_goes_its_walk(choices in prop::collection::vec(0..6_usize, 0..12)) {
        assert_goes_one_way(after(&[]), &facts(), &choices)?;
    }
}
