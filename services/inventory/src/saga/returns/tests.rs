use kernel::Decision;

use super::super::decide;
use super::super::fixtures::{
    EVERY_STATUS, NOON, POLICY, assert_books_balance, back, cups, item, order, received, seller, sku, warehouse,
    world_with_dispatched,
};
use crate::domain::allocation::{Allocation, Returned};
use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::fact::{Fact, Receipt, ReceiptMovement};
use crate::domain::reservation::Status;
use crate::domain::stock::{Levels, Movement, MovementType, StockItem, TOTAL_MAX};
use crate::domain::world::World;

/// What is to come of a receipt.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// These cups are taken.
    Take(Returned),
    AlreadyApplied,
    NothingCommitted,
    MoreThanLeft,
}
use Answer::{AlreadyApplied, MoreThanLeft, NothingCommitted, Take};

/// Where an order of three cups stands, how many of them have left, what has come back of those, and what comes of each fact of [`columns`].
#[rustfmt::skip]
fn state_machine() -> Vec<(Option<Status>, i64, Returned, [Answer; 6])> {
    let none = Returned::default();
    let mut rows = vec![
        (None, 0, none, [NothingCommitted; 6]),
        (Some(Status::Active), 0, none, [NothingCommitted; 6]),
        (Some(Status::Expired), 0, none, [NothingCommitted; 6]),
        (Some(Status::CommitRefused), 0, none, [NothingCommitted; 6]),
        (Some(Status::Backordered), 0, none, [NothingCommitted; 6]),
        (Some(Status::Rejected), 0, none, [NothingCommitted; 6]),
        (Some(Status::Tombstone), 0, none, [NothingCommitted; 6]),
    ];
    for status in [Some(Status::Committed), Some(Status::Released)] {
        rows.extend([
            (status, 0, none, [AlreadyApplied, MoreThanLeft, MoreThanLeft, MoreThanLeft, MoreThanLeft, MoreThanLeft]),
            (status, 1, none, [AlreadyApplied, Take(back(1, 0, 0)), MoreThanLeft, MoreThanLeft, MoreThanLeft, MoreThanLeft]),
            (status, 2, none, [AlreadyApplied, Take(back(1, 0, 0)), Take(back(1, 1, 0)), Take(back(1, 1, 1)), MoreThanLeft, MoreThanLeft]),
            (status, 3, none, [AlreadyApplied, Take(back(1, 0, 0)), Take(back(1, 1, 0)), Take(back(1, 1, 1)), MoreThanLeft, MoreThanLeft]),
            (status, 3, back(1, 0, 0), [AlreadyApplied, AlreadyApplied, Take(back(0, 1, 0)), Take(back(0, 1, 1)), MoreThanLeft, MoreThanLeft]),
            (status, 3, back(1, 1, 1), [AlreadyApplied, AlreadyApplied, AlreadyApplied, AlreadyApplied, MoreThanLeft, MoreThanLeft]),
        ]);
    }
    rows
}

/// Nothing; a sound cup; one that is damaged as well; one that is not accepted as well; four for good; a cup elsewhere.
fn columns() -> [Fact; 6] {
    let here = |so_far: &[(&str, Returned)]| received(order(1), warehouse(1), so_far);
    [
        here(&[]),
        here(&[("CUP", back(1, 0, 0))]),
        here(&[("CUP", back(1, 1, 0))]),
        here(&[("CUP", back(1, 1, 1))]),
        here(&[("CUP", back(2, 2, 0))]),
        received(order(1), warehouse(2), &[("CUP", back(1, 0, 0))]),
    ]
}

/// The same world when of what has left so much has come back, what can be sold of it included in the stock.
fn world_with_returned(status: Option<Status>, left: i64, returned: Returned) -> World {
    let mut world = world_with_dispatched(status, left);
    if returned != Returned::default() {
        let reservation = world.reservation(order(1)).unwrap().clone();
        let allocations = vec![Allocation { returned, ..cups(3, left) }];
        world.add_reservation(crate::domain::reservation::Reservation { allocations, ..reservation });
    }
    world
}

#[test]
fn every_receipt_in_every_state_has_its_answer_and_only_applied_changes_anything() {
    let states = state_machine();
    assert!(EVERY_STATUS.iter().all(|status| states.iter().any(|(state, ..)| *state == Some(*status))));
    for (state, left, returned, answers) in states {
        for (fact, answer) in columns().iter().zip(answers) {
            let before = world_with_returned(state, left, returned);
            let mut world = before.clone();
            let decision = decide(&mut world, fact, &POLICY, NOON);
            let place =
                format!("{fact:?} in {state:?} with {left} gone and {returned:?}: {decision:?}, not {answer:?}");
            match (&decision, answer) {
                (Decision::Applied(told), Take(new)) => {
                    let stock_item = world.stock_item(item(1)).unwrap().clone();
                    assert_eq!(stock_item.levels().total, 10 - left + new.resalable, "{place}");
                    let order_id = Some(order(1));
                    let reason = format!("return {}", receipt(fact).return_id);
                    let added = Event::StockAdded { stock_item: stock_item.clone(), quantity: 1, reason, order_id };
                    let reason = "DAMAGED".to_owned();
                    let written_off = Event::StockWrittenOff { stock_item, quantity: 1, reason, order_id };
                    let mut expected = Vec::new();
                    expected.extend((new.resalable > 0).then_some(added));
                    expected.extend((new.damaged > 0).then_some(written_off));
                    assert_eq!(*told, expected, "{place}");
                    let reservation = world.reservation(order(1)).unwrap();
                    assert_eq!(Some(reservation.status), state, "{place}");
                    assert_eq!(reservation.allocations[0].returned.units(), returned.units() + new.units(), "{place}");
                    assert_books_balance(&world, &[order(1)], &[item(1)]);
                }
                (Decision::AlreadyApplied, AlreadyApplied)
                | (Decision::Refused(Error::NothingCommitted(_)), NothingCommitted)
                | (Decision::Refused(Error::ReturnedMoreThanDispatched { .. }), MoreThanLeft) => {
                    assert_eq!(world, before, "{place}");
                }
                _ => panic!("{place}"),
            }
        }
    }
}

fn receipt(fact: &Fact) -> &Receipt {
    match fact {
        Fact::ReturnReceived(receipt) => receipt,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_damaged_comes_in_and_is_written_off_at_once_and_what_is_not_accepted_moves_nothing() {
    let mut world = world_with_dispatched(Some(Status::Committed), 3);
    let fact = received(order(1), warehouse(1), &[("CUP", back(1, 1, 1))]);
    assert!(matches!(decide(&mut world, &fact, &POLICY, NOON), Decision::Applied(_)));
    let receipt = receipt(&fact);
    let movement = |kind, movement_type, quantity| Movement {
        id: receipt.movement_id(item(1), kind, 1),
        stock_item_id: item(1),
        movement_type,
        quantity,
        reason: format!("return {}", receipt.return_id),
        actor: "service:shipping".to_owned(),
    };
    let expected = [
        movement(ReceiptMovement::Resalable, MovementType::Return, 1),
        movement(ReceiptMovement::Damaged, MovementType::Return, 1),
        movement(ReceiptMovement::WrittenOff, MovementType::WriteOff, -1),
    ];
    assert_eq!(world.changes().movements, expected);
    assert_eq!(world.stock_item(item(1)).unwrap().levels(), Levels { total: 8, ..Levels::default() });
}

#[test]
fn a_refusal_says_how_many_units_had_left_there() {
    let mut world = world_with_dispatched(Some(Status::Committed), 2);
    let three = received(order(1), warehouse(1), &[("CUP", back(1, 2, 1))]);
    let refused = Error::ReturnedMoreThanDispatched {
        order_id: order(1),
        warehouse_id: warehouse(1),
        sku: sku("CUP"),
        returned: 3,
        dispatched: 2,
    };
    assert_eq!(decide(&mut world, &three, &POLICY, NOON), Decision::Refused(refused));
}

#[test]
fn what_is_not_accepted_goes_to_the_buyer_and_may_come_back_once_more() {
    let mut world = world_with_dispatched(Some(Status::Committed), 1);
    for so_far in [back(0, 0, 1), back(0, 0, 2), back(1, 0, 2)] {
        let fact = received(order(1), warehouse(1), &[("CUP", so_far)]);
        assert!(matches!(decide(&mut world, &fact, &POLICY, NOON), Decision::Applied(_)), "{so_far:?}");
    }
    assert_eq!(world.stock_item(item(1)).unwrap().levels().total, 10);
}

#[test]
fn of_a_receipt_that_a_full_warehouse_cannot_hold_nothing_is_taken() {
    let mut world = world_with_dispatched(Some(Status::Committed), 3);
    let levels = Levels { total: TOTAL_MAX, ..Levels::default() };
    let full = StockItem::new(item(1), sku("CUP"), warehouse(1), seller(), levels);
    world.add_stock_item(full);
    let before = world.clone();
    let fact = received(order(1), warehouse(1), &[("CUP", back(1, 1, 0))]);
    assert_eq!(decide(&mut world, &fact, &POLICY, NOON), Decision::Refused(Error::StockLimit { sku: sku("CUP") }));
    assert_eq!(world, before);
    // What is damaged takes no place.
    let damaged = received(order(1), warehouse(1), &[("CUP", back(0, 3, 0))]);
    assert!(matches!(decide(&mut world, &damaged, &POLICY, NOON), Decision::Applied(_)));
}
