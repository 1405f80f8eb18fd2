use kernel::{Decision, Quantity};

use super::*;
use crate::domain::event::Event;
use crate::domain::fact::{Canceller, OrderFact};
use crate::domain::fixtures::{NOON, euro, order_id};
use crate::saga::fixtures::{
    ORDER, POLICY, allocations, assert_readme_has, backordered, cancelled_by, captured, committed, hear, standing,
    table, units, world_after,
};

const NEW: u128 = 6;

/// A mug is taken away: one of two is left.
fn modified() -> OrderFact {
    OrderFact::ModificationRequested { left: units(&[("MUG-BLUE", 1)]), note: None }
}

/// A mug becomes an order of its own.
fn split() -> OrderFact {
    OrderFact::SplitRequested { parts: vec![(order_id(NEW), units(&[("MUG-BLUE", 1)]))] }
}

/// What is left once a mug is taken away.
fn commitment(terms_version: i32) -> Commitment {
    let mut allocations = allocations();
    allocations[0].quantity = Quantity::ONE;
    Commitment { terms_version, allocations }
}

fn committed_later() -> OrderFact {
    OrderFact::InventoryCommitted(commitment(2))
}

fn holds_less(committed: Option<Commitment>) -> OrderFact {
    OrderFact::ReservationModified { committed }
}

#[test]
fn the_readme_shows_what_becomes_of_an_order_that_is_modified() {
    let states = vec![
        ("CREATED", world_after(&[])),
        ("CREATED, waits", world_after(&[backordered()])),
        ("CREATED, authorized", world_after(&[OrderFact::PaymentAuthorized])),
        ("CREATED, modified", world_after(&[modified()])),
        ("CREATED, split", world_after(&[split()])),
        ("CONFIRMED", world_after(&[committed()])),
        ("CONFIRMED, modified", world_after(&[modified(), committed_later()])),
        ("PAID", world_after(&[committed(), captured()])),
        ("FAILED: stock", world_after(&[OrderFact::InventoryRejected])),
        ("CANCELLED", world_after(&[cancelled_by(Canceller::Buyer)])),
        ("CANCELLED, modified", world_after(&[modified(), cancelled_by(Canceller::Buyer)])),
    ];
    let facts = vec![
        ("ModifyOrder, a mug less", modified()),
        ("SplitOrder, a mug by itself", split()),
        ("InventoryCommitted, as agreed at first", committed()),
        ("InventoryCommitted, as modified", committed_later()),
        ("ReservationModified", holds_less(None)),
        ("ReservationModified, committed", holds_less(Some(commitment(2)))),
        ("PaymentAuthorized", OrderFact::PaymentAuthorized),
        ("InventoryRejected", OrderFact::InventoryRejected),
        ("ReservationExpired", OrderFact::ReservationExpired),
        ("cancellation", cancelled_by(Canceller::Buyer)),
        ("unpaid deadline", OrderFact::UnpaidDeadlinePassed),
    ];
    assert_readme_has(&table(states, &facts));
}

#[test]
fn an_order_that_is_modified_costs_less_and_says_so_in_a_version_of_its_own() {
    let mut world = world_after(&[]);
    let Decision::Applied(events) = hear(&mut world, modified()) else { panic!("not applied") };
    let [Event::Modified { snapshot, terms_version: 2, split_off, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((snapshot.terms().total, split_off.len()), (euro(2_275), 0));
    let order = world.order(order_id(ORDER)).unwrap();
    assert_eq!((order.terms_version, order.total), (2, euro(2_275)));
    assert_eq!(order.sku_totals[0].quantity, 1);
    assert_eq!(hear(&mut world, modified()), Decision::AlreadyApplied);
    let agreed: Vec<_> = world.agreements().map(|(_, version, snapshot)| (version, snapshot.hash())).collect();
    assert_eq!(agreed, [(2, snapshot.hash())]);
}

#[test]
fn a_modification_asks_for_less_or_is_refused() {
    for (left, reason) in [
        (&[("MUG-BLUE", 3)][..], "UNITS_ADDED"),
        (&[("PLATE", 0)], "NOT_IN_ORDER"),
        (&[("MUG-BLUE", 0), ("SPOON", 0)], "NOTHING_LEFT"),
    ] {
        let mut world = world_after(&[]);
        let fact = OrderFact::ModificationRequested { left: units(left), note: None };
        let Decision::Refused(refusal) = hear(&mut world, fact) else { panic!("{left:?} is not refused") };
        assert_eq!(kernel::Classified::reason(&refusal), reason);
        assert_eq!(world, world_after(&[]));
    }
}

#[test]
fn an_order_that_is_split_off_begins_like_any_other_and_belongs_to_the_same_checkout() {
    let mut world = world_after(&[backordered()]);
    let Decision::Applied(events) = hear(&mut world, split()) else { panic!("not applied") };
    let [Event::Modified { split_off, snapshot: rest, .. }, Event::Created { snapshot, split_from, unpaid_deadline }] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(split_off[..], [(order_id(NEW), units(&[("MUG-BLUE", 1)]))]);
    assert_eq!((*split_from, snapshot.terms().order_id), (Some(order_id(ORDER)), order_id(NEW)));
    assert_eq!(snapshot.terms().total.checked_add(rest.terms().total), Ok(euro(3_465)));
    let later = NOON + POLICY.unpaid_after;
    assert_eq!(*unpaid_deadline, later + POLICY.unpaid_after, "as long as any order");
    let new = world.order(order_id(NEW)).unwrap();
    assert_eq!((new.standing, new.waits_until, new.terms_version), (standing(&world_after(&[])), None, 1));
    assert_eq!(new.checkout_id, world.order(order_id(ORDER)).unwrap().checkout_id);
}

#[test]
fn stock_that_was_committed_before_a_modification_confirms_once_the_rest_is_given_back() {
    let mut world = world_after(&[modified()]);
    assert!(matches!(hear(&mut world, committed()), Decision::Ignored(_)));
    assert_eq!(standing(&world).status, crate::domain::status::Status::Created);
    let Decision::Applied(events) = hear(&mut world, holds_less(Some(commitment(2)))) else { panic!("not applied") };
    assert!(matches!(events[..], [Event::Confirmed { .. }]));
    assert_eq!(world.order(order_id(ORDER)).unwrap().allocations, commitment(2).allocations);
}
