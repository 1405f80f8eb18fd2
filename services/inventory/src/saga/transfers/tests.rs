use std::time::Duration;

use kernel::{Decision, Id};
use proptest::prelude::{Strategy as _, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use uuid::Uuid;

use super::super::decide;
use super::super::fixtures::{
    NOON, POLICY, assert_books_balance, item, order, order_created, quantity, seller, sku, warehouse,
};
use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::fact::{Fact, TransferDispatch, TransferReceipt};
use crate::domain::ids::TransferId;
use crate::domain::stock::{Levels, MovementType, StockItem};
use crate::domain::transfer::{Status, Transfer};
use crate::domain::world::World;

fn transfer_id() -> TransferId {
    Id::from_uuid(Uuid::from_u128(0x7001))
}

/// So many cups leave the first warehouse for the second.
fn dispatched(cups: i64) -> Fact {
    Fact::TransferDispatched(TransferDispatch {
        transfer_id: transfer_id(),
        seller_id: seller(),
        sku: sku("CUP"),
        from_warehouse_id: warehouse(1),
        to_warehouse_id: warehouse(2),
        quantity: quantity(cups),
        actor: "seller:test".to_owned(),
    })
}

/// So many arrive there.
fn received(cups: i64, complete: bool) -> Fact {
    Fact::TransferReceived(TransferReceipt {
        transfer_id: transfer_id(),
        new_stock_item_id: item(9),
        movement_id: Id::from_uuid(Uuid::nil()),
        quantity: (cups > 0).then(|| quantity(cups)),
        complete,
        actor: "seller:test".to_owned(),
    })
}

/// Ten cups in the first warehouse and none in the second.
fn ten_cups() -> World {
    let mut world = World::default();
    for (number, total) in [(1, 10), (2, 0)] {
        let levels = Levels { total, ..Levels::default() };
        world.add_stock_item(StockItem::new(item(number), sku("CUP"), warehouse(number), seller(), levels));
    }
    world
}

fn totals(world: &World) -> [i64; 2] {
    [1, 2].map(|number| world.stock_item(item(number)).unwrap().levels().total)
}

/// Units on their way, arrived and lost.
fn figures(world: &World) -> (i64, i64, i64) {
    world.transfer(transfer_id()).map_or((0, 0, 0), |t| (t.in_transit(), t.received, t.lost))
}

fn told(world: &mut World, fact: &Fact) -> Vec<Event> {
    match decide(world, fact, &POLICY, NOON + Duration::from_secs(1)) {
        Decision::Applied(events) => events,
        other => panic!("{fact:?}: {other:?}"),
    }
}

#[test]
fn goods_leave_one_total_at_once_and_come_into_the_other_as_they_arrive() {
    let mut world = ten_cups();
    let Decision::Applied(events) = decide(&mut world, &dispatched(6), &POLICY, NOON) else { panic!("it leaves") };
    assert_eq!((totals(&world), figures(&world)), ([4, 0], (6, 0, 0)));
    assert!(matches!(&events[..], [Event::TransferDispatched { transfer }] if transfer.created_at == NOON));

    let events = told(&mut world, &received(2, false));
    assert_eq!((totals(&world), figures(&world)), ([4, 2], (4, 2, 0)));
    let transfer = world.transfer(transfer_id()).unwrap().clone();
    assert_eq!((transfer.status(), transfer.updated_at), (Status::InTransit, NOON + Duration::from_secs(1)));
    assert_eq!(events[0], Event::TransferReceived { transfer, quantity: 2 });

    // One is missing.
    told(&mut world, &received(3, true));
    assert_eq!((totals(&world), figures(&world)), ([4, 5], (0, 5, 1)));
    assert_eq!(world.transfer(transfer_id()).unwrap().status(), Status::Received);
    let movements: Vec<_> = world.changes().movements.iter().map(|m| (m.movement_type, m.quantity)).collect();
    let (out, into) = (MovementType::TransferOut, MovementType::TransferIn);
    assert_eq!(movements, [(out, -6), (into, 2), (into, 3)]);
}

#[test]
fn a_transfer_is_received_when_all_of_it_is_there_or_nothing_more_is_awaited() {
    for (receipts, figures_then) in [
        (&[received(6, false)][..], (0, 6, 0)),
        (&[received(6, true)], (0, 6, 0)),
        (&[received(0, true)], (0, 0, 6)),
        (&[received(2, false), received(0, true)], (0, 2, 4)),
    ] {
        let mut world = ten_cups();
        told(&mut world, &dispatched(6));
        for receipt in receipts {
            told(&mut world, receipt);
        }
        assert_eq!(
            (figures(&world), world.transfer(transfer_id()).map(Transfer::status)),
            (figures_then, Some(Status::Received))
        );
        let before = world.clone();
        for receipt in [received(1, false), received(0, true)] {
            let again = decide(&mut world, &receipt, &POLICY, NOON);
            assert_eq!(again, Decision::Refused(Error::TransferReceived(transfer_id())));
        }
        assert_eq!(world, before);
    }
}

#[test]
fn what_is_promised_stays_and_what_is_not_on_its_way_does_not_arrive() {
    let mut world = ten_cups();
    told(&mut world, &order_created());
    let before = world.clone();
    let below = Error::StockBelowPromised { sku: sku("CUP"), left: 2, promised: 3 };
    assert_eq!(decide(&mut world, &dispatched(8), &POLICY, NOON), Decision::Refused(below));
    assert_eq!(
        decide(&mut world, &received(1, false), &POLICY, NOON),
        Decision::Refused(Error::NoSuchTransfer(transfer_id()))
    );
    assert_eq!(world, before);

    told(&mut world, &dispatched(7));
    assert_eq!(decide(&mut world, &dispatched(7), &POLICY, NOON), Decision::AlreadyApplied);
    let before = world.clone();
    let more = Error::MoreThanInTransit { transfer_id: transfer_id(), quantity: 8, in_transit: 7 };
    assert_eq!(decide(&mut world, &received(8, true), &POLICY, NOON), Decision::Refused(more));
    assert!(matches!(decide(&mut world, &received(0, false), &POLICY, NOON), Decision::Ignored(_)));
    assert_eq!(world, before);
    assert_books_balance(&world, &[order(1)], &[item(1), item(2)]);
}

#[test]
fn a_sku_that_was_never_stocked_where_it_is_to_leave_does_not_leave() {
    let mut world = World::default();
    let below = Error::StockBelowPromised { sku: sku("CUP"), left: -1, promised: 0 };
    assert_eq!(decide(&mut world, &dispatched(1), &POLICY, NOON), Decision::Refused(below));
    assert_eq!(world, World::default());
}

proptest! {
    #[test]
    fn whatever_happens_to_a_transfer_no_unit_appears_or_disappears(
        steps in prop::collection::vec(
            prop_oneof![
                (1..9_i64).prop_map(dispatched),
                (0..6_i64, any::<bool>()).prop_map(|(cups, complete)| received(cups, complete)),
            ],
            1..12,
        ),
    ) {
        let mut world = ten_cups();
        for step in &steps {
            let before = world.clone();
            if !matches!(decide(&mut world, step, &POLICY, NOON), Decision::Applied(_)) {
                prop_assert_eq!(&world, &before);
            }
            let (in_transit, received, lost) = figures(&world);
            prop_assert_eq!(totals(&world).iter().sum::<i64>() + in_transit + lost, 10);
            prop_assert!(in_transit >= 0 && received >= 0 && lost >= 0);
            let moved: i64 = world.changes().movements.iter().map(|movement| movement.quantity).sum();
            prop_assert_eq!(moved, -in_transit - lost);
        }
    }
}
