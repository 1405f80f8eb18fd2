use kernel::Decision;

use super::super::decide;
use super::super::fixtures::{
    EVERY_STATUS, NOON, POLICY, assert_books_balance, cups, dispatched, expires_at, item, order, order_created, seller,
    sku, warehouse, world_with_dispatched, world_with_order_at,
};
use crate::domain::allocation::{Allocation, Returned};
use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::fact::{Dispatch, Fact};
use crate::domain::reservation::{Reservation, Status};
use crate::domain::stock::{Levels, Movement, MovementType, StockItem};
use crate::domain::world::World;

/// What is to come of a fact.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// So many cups leave.
    Leave(i64),
    /// The reservation is given back, and so many cups with it.
    GiveBack(i64),
    AlreadyApplied,
    Ignored,
    NothingCommitted,
    MoreThanHeld,
}
use Answer::{AlreadyApplied, GiveBack, Ignored, Leave, MoreThanHeld, NothingCommitted};

/// Where an order of three cups stands, how many of them have left, and what comes of each fact of [`columns`].
#[rustfmt::skip]
fn state_machine() -> Vec<(Option<Status>, i64, [Answer; 6])> {
    vec![
        (None, 0, [NothingCommitted; 6]),
        (Some(Status::Active), 0, [NothingCommitted; 6]),
        (Some(Status::Committed), 0, [Leave(1), Leave(2), Leave(3), MoreThanHeld, MoreThanHeld, MoreThanHeld]),
        (Some(Status::Committed), 2, [AlreadyApplied, AlreadyApplied, Leave(1), MoreThanHeld, MoreThanHeld, MoreThanHeld]),
        (Some(Status::Committed), 3, [AlreadyApplied, AlreadyApplied, AlreadyApplied, MoreThanHeld, MoreThanHeld, MoreThanHeld]),
        (Some(Status::Released), 0, [NothingCommitted; 6]),
        (Some(Status::Released), 2, [AlreadyApplied, AlreadyApplied, NothingCommitted, NothingCommitted, NothingCommitted, NothingCommitted]),
        (Some(Status::Expired), 0, [NothingCommitted; 6]),
        (Some(Status::CommitRefused), 0, [NothingCommitted; 6]),
        (Some(Status::Backordered), 0, [NothingCommitted; 6]),
        (Some(Status::Rejected), 0, [NothingCommitted; 6]),
        (Some(Status::Tombstone), 0, [NothingCommitted; 6]),
    ]
}

/// One, two, three, four cups have left so far; a cup from elsewhere; a cup, and a pot that was never asked for.
fn columns() -> [Fact; 6] {
    let left = |so_far: &[(&str, i64)]| dispatched(order(1), warehouse(1), so_far);
    [
        left(&[("CUP", 1)]),
        left(&[("CUP", 2)]),
        left(&[("CUP", 3)]),
        left(&[("CUP", 4)]),
        dispatched(order(1), warehouse(2), &[("CUP", 1)]),
        left(&[("CUP", 1), ("POT", 1)]),
    ]
}

fn check(state: Option<Status>, left: i64, fact: &Fact, answer: Answer) {
    let before = world_with_dispatched(state, left);
    let mut world = before.clone();
    let decision = decide(&mut world, fact, &POLICY, expires_at());
    let place = format!("{fact:?} in {state:?} with {left} gone: {decision:?}, not {answer:?}");
    let reservation = world.reservation(order(1)).cloned();
    match (&decision, answer) {
        (Decision::Applied(told), Leave(units)) => {
            let (stock_item, order_id) = (world.stock_item(item(1)).unwrap().clone(), order(1));
            assert_eq!(stock_item.levels().total, 10 - left - units, "{place}");
            assert_eq!(*told, [Event::StockRemoved { stock_item, quantity: units, order_id }], "{place}");
            let reservation = reservation.unwrap();
            assert_eq!((reservation.status, reservation.allocations), (Status::Committed, vec![cups(3, left + units)]));
            assert_books_balance(&world, &[order(1)], &[item(1)]);
        }
        (Decision::Applied(told), GiveBack(units)) => {
            let (order_id, allocations) = (order(1), vec![cups(units, 0)]);
            assert_eq!(*told, [Event::InventoryReleased { order_id, allocations, partial: false }], "{place}");
            assert_eq!(world.stock_item(item(1)).unwrap().levels(), Levels { total: 10 - left, ..Levels::default() });
            let reservation = reservation.unwrap();
            assert_eq!((reservation.status, reservation.allocations), (Status::Released, vec![cups(3, left)]));
        }
        (Decision::AlreadyApplied, AlreadyApplied)
        | (Decision::Ignored(_), Ignored)
        | (Decision::Refused(Error::NothingCommitted(_)), NothingCommitted)
        | (Decision::Refused(Error::DispatchedMoreThanHeld { .. }), MoreThanHeld) => {
            assert_eq!(world, before, "{place}");
        }
        _ => panic!("{place}"),
    }
}

#[test]
fn every_parcel_in_every_state_has_its_answer_and_only_applied_changes_anything() {
    let states = state_machine();
    assert!(EVERY_STATUS.iter().all(|status| states.iter().any(|(state, ..)| *state == Some(*status))));
    for (state, left, answers) in states {
        for (fact, answer) in columns().iter().zip(answers) {
            check(state, left, fact, answer);
        }
    }
}

#[test]
fn once_goods_have_left_checkout_gives_back_only_what_is_still_there() {
    let facts = [
        order_created(),
        Fact::PaymentAuthorized(order(1)),
        Fact::ReservationDue(order(1)),
        Fact::OrderEnded(order(1)),
    ];
    for (status, left, answers) in [
        (Status::Committed, 2, [AlreadyApplied, AlreadyApplied, Ignored, GiveBack(1)]),
        (Status::Committed, 3, [AlreadyApplied, AlreadyApplied, Ignored, Ignored]),
        (Status::Released, 2, [AlreadyApplied, Ignored, Ignored, AlreadyApplied]),
    ] {
        for (fact, answer) in facts.iter().zip(answers) {
            check(Some(status), left, fact, answer);
        }
    }
}

#[test]
fn what_is_stopped_goes_back_on_sale_and_what_failed_to_arrive_does_not() {
    #[rustfmt::skip]
    let states = [
        (None, 0, [NothingCommitted; 2]),
        (Some(Status::Active), 0, [NothingCommitted; 2]),
        (Some(Status::Committed), 0, [GiveBack(3), Ignored]),
        (Some(Status::Committed), 2, [NothingCommitted, Ignored]),
        (Some(Status::Committed), 3, [NothingCommitted, Ignored]),
        (Some(Status::Released), 0, [AlreadyApplied, NothingCommitted]),
        (Some(Status::Expired), 0, [NothingCommitted; 2]),
        (Some(Status::CommitRefused), 0, [NothingCommitted; 2]),
        (Some(Status::Backordered), 0, [NothingCommitted; 2]),
        (Some(Status::Rejected), 0, [NothingCommitted; 2]),
        (Some(Status::Tombstone), 0, [NothingCommitted; 2]),
    ];
    assert!(EVERY_STATUS.iter().all(|status| states.iter().any(|(state, ..)| *state == Some(*status))));
    for (state, left, answers) in states {
        for (fact, answer) in [Fact::ShipmentCancelled(order(1)), Fact::DeliveryFailed(order(1))].iter().zip(answers) {
            check(state, left, fact, answer);
        }
    }
}

#[test]
fn what_is_heard_of_an_order_before_its_parcels_puts_none_of_them_on_sale() {
    let refunded = Fact::PaymentRefunded { order_id: order(1), order_ended: false };
    for fact in [refunded, Fact::DeliveryFailed(order(1))] {
        let mut world = world_with_order_at(Some(Status::Committed));
        assert!(matches!(decide(&mut world, &fact, &POLICY, NOON), Decision::Ignored(_)), "{fact:?}");
        let left = decide(&mut world, &dispatched(order(1), warehouse(1), &[("CUP", 3)]), &POLICY, NOON);
        assert!(matches!(left, Decision::Applied(_)), "{fact:?}: {left:?}");
    }
}

#[test]
fn a_refusal_says_how_many_units_the_order_was_given_there() {
    let mut world = world_with_order_at(Some(Status::Committed));
    for (fact, held) in columns().into_iter().skip(3).zip([3, 0, 0]) {
        let refused = decide(&mut world, &fact, &POLICY, NOON);
        assert!(
            matches!(&refused, Decision::Refused(Error::DispatchedMoreThanHeld { held: said, .. }) if *said == held)
        );
    }
}

/// An order of two cups here, four cups there and a pot here.
fn two_warehouses() -> World {
    let mut world = World::default();
    let held = [(1, "CUP", 1, 2), (2, "CUP", 2, 4), (3, "POT", 1, 1)];
    for (number, code, place, committed) in held {
        let levels = Levels { total: 9, reserved: 0, committed };
        world.add_stock_item(StockItem::new(item(number), sku(code), warehouse(place), seller(), levels));
    }
    let allocations = held.map(|(number, code, place, quantity)| Allocation {
        stock_item_id: item(number),
        sku: sku(code),
        warehouse_id: warehouse(place),
        quantity,
        dispatched: 0,
        released: 0,
        returned: Returned::default(),
    });
    let allocations = allocations.to_vec();
    let committed = Reservation::without_stock(order(1), Status::Committed);
    world.add_reservation(Reservation { allocations, ..committed });
    world
}

#[test]
fn a_parcel_takes_its_goods_off_its_own_warehouse_and_writes_a_movement_for_each() {
    let mut world = two_warehouses();
    let fact = dispatched(order(1), warehouse(1), &[("CUP", 2), ("POT", 1)]);
    let Fact::ShipmentDispatched(dispatch) = &fact else { unreachable!() };
    let Decision::Applied(told) = decide(&mut world, &fact, &POLICY, NOON) else { panic!("it takes effect") };
    assert_eq!(told.len(), 2);
    assert_eq!(world.changes().movements, [(1, 2), (3, 1)].map(|(number, units)| removal(dispatch, number, units)));
    let levels = [1, 2, 3].map(|number| world.stock_item(item(number)).unwrap().levels());
    let here = Levels { total: 7, reserved: 0, committed: 0 };
    assert_eq!(levels, [here, Levels { total: 9, reserved: 0, committed: 4 }, Levels { total: 8, ..here }]);

    // The other warehouse counts for itself.
    let there = dispatched(order(1), warehouse(2), &[("CUP", 1)]);
    assert!(matches!(decide(&mut world, &there, &POLICY, NOON), Decision::Applied(_)));
    assert_eq!(world.stock_item(item(2)).unwrap().levels(), Levels { total: 8, reserved: 0, committed: 3 });
    assert_books_balance(&world, &[order(1)], &[item(1), item(2), item(3)]);
}

fn removal(dispatch: &Dispatch, number: u128, units: i64) -> Movement {
    Movement {
        id: dispatch.movement_id(item(number)),
        stock_item_id: item(number),
        movement_type: MovementType::Remove,
        quantity: -units,
        reason: format!("parcel {} of shipment {}", dispatch.parcel_id, dispatch.shipment_id),
        actor: "service:shipping".to_owned(),
    }
}

#[test]
fn of_a_parcel_with_one_line_too_many_nothing_is_taken() {
    let before = two_warehouses();
    let mut world = before.clone();
    let fact = dispatched(order(1), warehouse(1), &[("CUP", 1), ("POT", 2)]);
    let refused = Error::DispatchedMoreThanHeld {
        order_id: order(1),
        warehouse_id: warehouse(1),
        sku: sku("POT"),
        dispatched: 2,
        held: 1,
    };
    assert_eq!(decide(&mut world, &fact, &POLICY, NOON), Decision::Refused(refused));
    assert_eq!(world, before);
}
