use std::time::Duration;

use kernel::{Decision, Timestamp};

use super::super::decide;
use super::super::fixtures::{
    EVERY_STATUS, NOON, POLICY, assert_books_balance, expires_at, item, order, order_created, quantity, seller, sku,
    stock_change, three_cups, warehouse, world_with_order_at,
};
use crate::domain::address::Place;
use crate::domain::allocation::Shortage;
use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::fact::{Fact, StockChangeKind};
use crate::domain::reservation::Status;
use crate::domain::stock::{Levels, StockItem};
use crate::domain::world::World;

/// What is to come of a fact.
#[derive(Debug)]
enum Answer {
    Becomes(Status, Vec<Event>),
    AlreadyApplied,
    Ignored,
    Refused,
}
use Answer::{AlreadyApplied, Becomes, Ignored, Refused};

/// The whole state machine. Columns: OrderCreated, PaymentAuthorized, OrderEnded, found due too early, found due.
fn state_machine() -> Vec<(Option<Status>, [Answer; 5])> {
    let order_id = order(1);
    let reserved = Event::InventoryReserved { order_id, allocations: three_cups(), expires_at: expires_at() };
    let committed = Event::InventoryCommitted { order_id, terms_version: 1, allocations: three_cups() };
    let refused = Event::InventoryCommitRefused { order_id };
    let released = || Event::InventoryReleased { order_id, allocations: three_cups(), partial: false };
    let expired = vec![Event::ReservationExpired { order_id }, released()];
    vec![
        (
            None,
            [
                Becomes(Status::Active, vec![reserved]),
                Refused,
                Becomes(Status::Tombstone, Vec::new()),
                Ignored,
                Ignored,
            ],
        ),
        (
            Some(Status::Active),
            [
                AlreadyApplied,
                Becomes(Status::Committed, vec![committed]),
                Becomes(Status::Released, vec![released()]),
                Ignored,
                Becomes(Status::Expired, expired),
            ],
        ),
        (
            Some(Status::Committed),
            [AlreadyApplied, AlreadyApplied, Becomes(Status::Released, vec![released()]), Ignored, Ignored],
        ),
        (Some(Status::Released), [AlreadyApplied, Ignored, AlreadyApplied, Ignored, Ignored]),
        (
            Some(Status::Expired),
            [AlreadyApplied, Becomes(Status::CommitRefused, vec![refused]), Ignored, AlreadyApplied, AlreadyApplied],
        ),
        (Some(Status::CommitRefused), [AlreadyApplied, AlreadyApplied, Ignored, AlreadyApplied, AlreadyApplied]),
        (Some(Status::Backordered), [AlreadyApplied, Refused, Becomes(Status::Released, Vec::new()), Ignored, Ignored]),
        (Some(Status::Rejected), [AlreadyApplied, Refused, Ignored, Ignored, Ignored]),
        (Some(Status::Tombstone), [Ignored, Ignored, AlreadyApplied, Ignored, Ignored]),
    ]
}

fn columns() -> [(Fact, Timestamp); 5] {
    let moment_before = expires_at() - Duration::from_micros(1);
    [
        (order_created(), NOON),
        (Fact::PaymentAuthorized(order(1)), NOON),
        (Fact::OrderEnded(order(1)), NOON),
        (Fact::ReservationDue(order(1)), moment_before),
        (Fact::ReservationDue(order(1)), expires_at()),
    ]
}

#[test]
fn every_fact_in_every_state_has_its_answer_and_only_applied_changes_anything() {
    let states = state_machine();
    assert_eq!(states.len(), EVERY_STATUS.len() + 1);
    assert!(EVERY_STATUS.iter().all(|status| states.iter().any(|(state, _)| *state == Some(*status))));
    for (state, answers) in states {
        for ((fact, now), answer) in columns().into_iter().zip(answers) {
            let before = world_with_order_at(state);
            let mut world = before.clone();
            let decision = decide(&mut world, &fact, &POLICY, now);
            let place = format!("{fact:?} in {state:?}: {decision:?}");
            match (&decision, &answer) {
                (Decision::Applied(told), Becomes(status, events)) => {
                    assert_eq!(told, events, "{place}");
                    assert_eq!(world.reservation(order(1)).map(|reservation| reservation.status), Some(*status));
                    assert_books_balance(&world, &[order(1)], &[item(1)]);
                }
                (Decision::AlreadyApplied, AlreadyApplied)
                | (Decision::Ignored(_), Ignored)
                | (Decision::Refused(Error::NothingReserved(_)), Refused) => assert_eq!(world, before, "{place}"),
                _ => panic!("{place}, not {answer:?}"),
            }
        }
    }
}

#[test]
fn an_order_that_lacks_a_unit_is_told_every_shortage_and_holds_nothing() {
    let before = world_with_order_at(None);
    let mut world = before.clone();
    let lines = vec![(sku("CUP"), quantity(6)), (sku("POT"), quantity(1)), (sku("CUP"), quantity(5))];
    let fact = Fact::OrderCreated { order_id: order(1), seller_id: seller(), lines, ship_to: Place::UNKNOWN };
    let shortages = vec![
        Shortage { sku: sku("CUP"), requested: 11, available: 10 },
        Shortage { sku: sku("POT"), requested: 1, available: 0 },
    ];
    let rejected = Event::InventoryRejected { order_id: order(1), shortages };
    assert_eq!(decide(&mut world, &fact, &POLICY, NOON), Decision::applied(rejected));
    assert_eq!(world.stock_item(item(1)), before.stock_item(item(1)));
    assert_eq!(world.changes().stock.len(), 0);
    assert_eq!(world.reservation(order(1)).unwrap().status, Status::Rejected);
    assert_eq!(decide(&mut world, &fact, &POLICY, NOON), Decision::AlreadyApplied);
}

#[test]
fn a_reservation_past_its_time_that_nobody_has_expired_is_committed() {
    let mut world = world_with_order_at(Some(Status::Active));
    let long_after = expires_at() + Duration::from_hours(1);
    let decision = decide(&mut world, &Fact::PaymentAuthorized(order(1)), &POLICY, long_after);
    assert!(matches!(decision, Decision::Applied(_)));
    assert_eq!(world.stock_item(item(1)).unwrap().levels(), Levels { total: 10, reserved: 0, committed: 3 });
}

#[test]
fn a_seller_cannot_take_away_what_is_promised() {
    for status in [Status::Active, Status::Committed] {
        let before = world_with_order_at(Some(status));
        let mut world = before.clone();
        let refusal = Error::StockBelowPromised { sku: sku("CUP"), left: 2, promised: 3 };
        assert_eq!(decide(&mut world, &adjust(1, -8), &POLICY, NOON), Decision::Refused(refusal));
        assert_eq!(world, before);
        assert!(matches!(decide(&mut world, &adjust(1, -7), &POLICY, NOON), Decision::Applied(_)));
        assert_eq!(world.stock_item(item(1)).unwrap().available(), 0);
    }
}

fn adjust(number: u128, delta: i64) -> Fact {
    stock_change(number, sku("CUP"), warehouse(number), StockChangeKind::Adjust(delta))
}

#[test]
fn what_was_seen_to_be_sold_out_is_a_shortage_beside_stock_that_is_held_in_hand() {
    let stock = |number, code: &str, total| {
        let levels = Levels { total, ..Levels::default() };
        StockItem::new(item(number), sku(code), warehouse(number), seller(), levels)
    };
    let mut world = World::default();
    world.add_stock_item(stock(1, "CUP", 10));
    world.add_sold_out(stock(2, "POT", 1));
    world.add_sold_out(stock(3, "POT", 1));
    let before = world.clone();
    let lines = vec![(sku("CUP"), quantity(3)), (sku("POT"), quantity(3))];
    let created = Fact::OrderCreated { order_id: order(1), seller_id: seller(), lines, ship_to: Place::UNKNOWN };
    let shortages = vec![Shortage { sku: sku("POT"), requested: 3, available: 2 }];
    let rejected = Event::InventoryRejected { order_id: order(1), shortages };
    assert_eq!(decide(&mut world, &created, &POLICY, NOON), Decision::applied(rejected));
    assert_eq!(world.stock_item(item(1)), before.stock_item(item(1)));
    assert!(world.changes().stock.is_empty());
}
