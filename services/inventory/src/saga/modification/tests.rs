use kernel::Decision;

use super::super::fixtures::{
    EVERY_STATUS, NOON, POLICY, assert_books_balance, cups, expires_at, item, order, seller, sku, stock_change,
    warehouse, world_with_order_at,
};
use super::super::{StockChangeKind, decide};
use super::*;
use crate::domain::address::Place;
use crate::domain::fact::Fact;
use crate::domain::stock::Levels;

/// Of order 1 so many cups are left, and so many become order 2.
fn modified(left: i64, split_off: i64) -> Fact {
    let demand = |units| BTreeMap::from([(sku("CUP"), units)]);
    Fact::OrderModified(Modification {
        order_id: order(1),
        terms_version: 2,
        seller_id: seller(),
        ship_to: Place::UNKNOWN,
        demand: demand(left),
        split_off: if split_off > 0 { vec![(order(2), demand(split_off))] } else { Vec::new() },
    })
}

fn hear(world: &mut World, fact: &Fact) -> Decision<Event, Error> {
    let decision = decide(world, fact, &POLICY, NOON);
    assert_books_balance(world, &[order(1), order(2)], &[item(1)]);
    decision
}

fn levels(world: &World) -> Levels {
    world.stock_item(item(1)).unwrap().levels()
}

fn status(world: &World, number: u128) -> Option<Status> {
    world.reservation(order(number)).map(|reservation| reservation.status)
}

#[test]
fn what_is_held_becomes_less_whether_it_is_the_orders_already_or_not() {
    for (at, committed) in [(Status::Active, false), (Status::Committed, true)] {
        let mut world = world_with_order_at(Some(at));
        let told = hear(&mut world, &modified(2, 0));
        let (allocations, released) = (vec![cups(2, 0)], vec![cups(1, 0)]);
        let expected =
            Event::ReservationModified { order_id: order(1), terms_version: 2, allocations, released, committed };
        assert_eq!(told, Decision::applied(expected));
        let Levels { reserved, committed, .. } = levels(&world);
        assert_eq!((reserved + committed, status(&world, 1)), (2, Some(at)));
        assert_eq!(hear(&mut world, &modified(2, 0)), Decision::AlreadyApplied);
    }
}

#[test]
fn a_commit_says_for_which_version_of_what_was_agreed_it_is() {
    let mut world = world_with_order_at(Some(Status::Active));
    let _ = hear(&mut world, &modified(1, 0));
    let told = hear(&mut world, &Fact::PaymentAuthorized(order(1)));
    let (order_id, allocations) = (order(1), vec![cups(1, 0)]);
    assert_eq!(told, Decision::applied(Event::InventoryCommitted { order_id, terms_version: 2, allocations }));
}

#[test]
fn what_is_split_off_stays_held_for_the_new_order_which_has_yet_to_pay() {
    for at in [Status::Active, Status::Committed] {
        let mut world = world_with_order_at(Some(at));
        // Nobody gets the cups in between: all that are on sale are taken.
        let kind = StockChangeKind::WriteOff(kernel::Quantity::new(7).unwrap());
        let _ = hear(&mut world, &stock_change(9, sku("CUP"), warehouse(1), kind));
        let Decision::Applied(events) = hear(&mut world, &modified(1, 2)) else { panic!("not applied") };
        let [Event::ReservationModified { released, .. }, Event::InventoryReserved { order_id, allocations, .. }] =
            &events[..]
        else {
            panic!("{events:?}")
        };
        assert_eq!((released, *order_id, allocations), (&vec![cups(2, 0)], order(2), &vec![cups(2, 0)]));
        assert_eq!((status(&world, 1), status(&world, 2)), (Some(at), Some(Status::Active)));
        assert_eq!(world.reservation(order(2)).unwrap().expires_at, Some(expires_at()));
        assert_eq!(hear(&mut world, &modified(1, 2)), Decision::AlreadyApplied);
    }
}

#[test]
fn an_order_that_ended_before_it_was_split_off_here_holds_nothing() {
    let mut world = world_with_order_at(Some(Status::Active));
    let _ = hear(&mut world, &Fact::OrderEnded(order(2)));
    let Decision::Applied(events) = hear(&mut world, &modified(1, 2)) else { panic!("not applied") };
    assert!(matches!(events[..], [Event::ReservationModified { .. }]), "{events:?}");
    assert_eq!((levels(&world).reserved, status(&world, 2)), (1, Some(Status::Tombstone)));
}

#[test]
fn an_order_that_waits_stands_in_line_for_less_and_what_is_there_is_reserved_for_the_new_one() {
    let mut world = world_with_order_at(Some(Status::Backordered));
    let Decision::Applied(events) = hear(&mut world, &modified(1, 2)) else { panic!("not applied") };
    assert!(matches!(&events[..], [Event::InventoryReserved { order_id, .. }] if *order_id == order(2)), "{events:?}");
    let waiting = world.reservation(order(1)).unwrap();
    assert_eq!(waiting.backorder.as_ref().unwrap().demand, BTreeMap::from([(sku("CUP"), 1)]));
    assert_eq!((waiting.status, waiting.terms_version), (Status::Backordered, 2));
}

#[test]
fn what_was_split_off_an_order_that_is_over_begins_like_any_other() {
    for at in EVERY_STATUS {
        if matches!(at, Status::Active | Status::Committed | Status::Backordered) {
            continue;
        }
        let mut world = world_with_order_at(Some(at));
        let Decision::Applied(events) = hear(&mut world, &modified(1, 2)) else { panic!("{at:?}: not applied") };
        assert!(matches!(events[..], [Event::InventoryReserved { .. }]), "{at:?}: {events:?}");
        assert_eq!((status(&world, 1), status(&world, 2)), (Some(at), Some(Status::Active)));
    }
}

#[test]
fn more_than_is_held_or_of_an_order_that_was_never_heard_of_is_refused() {
    let mut world = world_with_order_at(Some(Status::Active));
    for more in [modified(4, 0), modified(2, 2)] {
        assert_eq!(hear(&mut world, &more), Decision::Refused(Error::ModifiedToMore(order(1))));
    }
    assert_eq!(world, world_with_order_at(Some(Status::Active)));
    let mut world = world_with_order_at(None);
    assert_eq!(hear(&mut world, &modified(1, 0)), Decision::Refused(Error::NothingReserved(order(1))));
}

#[test]
fn of_several_warehouses_that_is_given_back_first_which_was_taken_last() {
    let at = |number, quantity| Allocation {
        warehouse_id: warehouse(number),
        stock_item_id: item(number),
        ..cups(quantity, 0)
    };
    let mut reservation =
        Reservation { allocations: vec![at(1, 2), at(2, 2)], ..Reservation::without_stock(order(1), Status::Active) };
    assert_eq!(reservation.take_out(&BTreeMap::from([(sku("CUP"), 3)])), [at(2, 2), at(1, 1)]);
    assert_eq!(reservation.allocations, [at(1, 1)]);
}
