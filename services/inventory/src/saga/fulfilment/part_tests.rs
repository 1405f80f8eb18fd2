//! Tests: parts of an order that are stopped are given back, each once.

use kernel::Decision;

use super::super::decide;
use super::super::fixtures::{
    EVERY_STATUS, NOON, POLICY, assert_books_balance, cups, dispatched, item, order, stopped, warehouse,
    world_with_dispatched, world_with_order_at,
};
use crate::domain::allocation::Allocation;
use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::fact::Fact;
use crate::domain::reservation::Status;
use crate::domain::world::World;

/// What is to come of a fact.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// So many cups go back, and whether the order keeps or was sent the rest.
    GiveBack(i64, bool),
    AlreadyApplied,
    NothingCommitted,
    MoreThanHeld,
}
use Answer::{AlreadyApplied, GiveBack, MoreThanHeld, NothingCommitted};

/// One, two, three, four cups of an order of three are stopped so far; a cup elsewhere.
fn columns() -> [Fact; 5] {
    let so_far = |units| stopped(order(1), warehouse(1), &[("CUP", units)]);
    [so_far(1), so_far(2), so_far(3), so_far(4), stopped(order(1), warehouse(2), &[("CUP", 1)])]
}

fn told(world: &mut World, fact: &Fact) -> Vec<Event> {
    let answer = decide(world, fact, &POLICY, NOON);
    let Decision::Applied(events) = answer else { panic!("{fact:?} is not applied: {answer:?}") };
    events
}

fn check(before: &World, name: &str, fact: &Fact, answer: Answer) {
    let mut world = before.clone();
    let decision = decide(&mut world, fact, &POLICY, NOON);
    let place = format!("{fact:?} in {name}: {decision:?}, not {answer:?}");
    match (&decision, answer) {
        (Decision::Applied(told), GiveBack(units, partial)) => {
            let (order_id, allocations) = (order(1), vec![cups(units, 0)]);
            assert_eq!(*told, [Event::InventoryReleased { order_id, allocations, partial }], "{place}");
            let status = if partial { Status::Committed } else { Status::Released };
            assert_eq!(world.reservation(order(1)).unwrap().status, status, "{place}");
            assert_books_balance(&world, &[order(1)], &[item(1)]);
        }
        (Decision::AlreadyApplied, AlreadyApplied)
        | (Decision::Refused(Error::NothingCommitted(_)), NothingCommitted)
        | (Decision::Refused(Error::StoppedMoreThanHeld { .. }), MoreThanHeld) => assert_eq!(world, *before, "{place}"),
        _ => panic!("{place}"),
    }
}

#[test]
fn every_part_in_every_state_has_its_answer_and_only_applied_changes_anything() {
    let nothing = [NothingCommitted; 5];
    for (status, left, answers) in [
        (None, 0, nothing),
        (Some(Status::Active), 0, nothing),
        (
            Some(Status::Committed),
            0,
            [GiveBack(1, true), GiveBack(2, true), GiveBack(3, false), MoreThanHeld, MoreThanHeld],
        ),
        (Some(Status::Committed), 2, [GiveBack(1, true), MoreThanHeld, MoreThanHeld, MoreThanHeld, MoreThanHeld]),
        (Some(Status::Committed), 3, [MoreThanHeld; 5]),
        (Some(Status::Released), 0, [AlreadyApplied; 5]),
        (Some(Status::Expired), 0, nothing),
        (Some(Status::CommitRefused), 0, nothing),
        (Some(Status::Backordered), 0, nothing),
        (Some(Status::Rejected), 0, nothing),
        (Some(Status::Tombstone), 0, nothing),
    ] {
        assert!(status.is_none_or(|status| EVERY_STATUS.contains(&status)));
        let before = world_with_dispatched(status, left);
        for (fact, answer) in columns().iter().zip(answers) {
            check(&before, &format!("{status:?} with {left} gone"), fact, answer);
        }
    }
    let mut before = world_with_order_at(Some(Status::Committed));
    told(&mut before, &columns()[0]);
    let answers = [AlreadyApplied, GiveBack(1, true), GiveBack(2, false), MoreThanHeld, MoreThanHeld];
    for (fact, answer) in columns().iter().zip(answers) {
        check(&before, "COMMITTED with one given back", fact, answer);
    }
}

#[test]
fn what_was_stopped_does_not_leave_and_the_rest_does() {
    let mut world = world_with_order_at(Some(Status::Committed));
    told(&mut world, &columns()[0]);
    let parcel = |units| dispatched(order(1), warehouse(1), &[("CUP", units)]);
    let refused = decide(&mut world, &parcel(3), &POLICY, NOON);
    assert!(matches!(refused, Decision::Refused(Error::DispatchedMoreThanHeld { held: 2, .. })), "{refused:?}");
    told(&mut world, &parcel(2));
    let reservation = world.reservation(order(1)).unwrap();
    assert_eq!((reservation.status, reservation.remaining()), (Status::Committed, Vec::new()));
    let moved = |of: fn(&Allocation) -> i64| reservation.allocations.iter().map(of).sum::<i64>();
    assert_eq!((moved(|a| a.dispatched), moved(|a| a.released)), (2, 1));
    let stock = world.stock_item(item(1)).unwrap();
    assert_eq!((stock.levels().total, stock.available()), (8, 8));
    // Whatever ends the order gives nothing back a second time.
    for fact in [Fact::OrderEnded(order(1)), Fact::PaymentRefunded { order_id: order(1), order_ended: true }] {
        assert!(matches!(decide(&mut world, &fact, &POLICY, NOON), Decision::Ignored(_)));
    }
}

#[test]
fn all_of_it_gives_back_what_parts_have_left() {
    let mut world = world_with_order_at(Some(Status::Committed));
    told(&mut world, &columns()[1]);
    let (order_id, allocations) = (order(1), vec![Allocation { released: 0, ..cups(1, 0) }]);
    let released = Event::InventoryReleased { order_id, allocations, partial: false };
    assert_eq!(told(&mut world, &Fact::ShipmentCancelled(order(1))), [released]);
    assert_eq!(world.stock_item(item(1)).unwrap().available(), 10);
}
