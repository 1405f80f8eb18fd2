//! Tests: when it is told that a SKU is low, gone and back, which is once for each crossing, whatever made it cross.

use std::collections::BTreeMap;

use kernel::Decision;
use proptest::prelude::{Strategy as _, any, prop, prop_assert_eq, prop_oneof, proptest};

use super::decide;
use super::fixtures::{
    NOON, POLICY, back, dispatched, expires_at, item, order, quantity, received, seller, sku, stock_change, warehouse,
};
use crate::domain::address::Place;
use crate::domain::event::Event;
use crate::domain::fact::{Fact, StockChangeKind};
use crate::domain::policy::SkuPolicy;
use crate::domain::stock::{Levels, StockItem};
use crate::domain::world::World;

/// Ten cups, low at three.
fn ten_cups() -> World {
    let mut world = World::default();
    let levels = Levels { total: 10, ..Levels::default() };
    world.add_stock_item(StockItem::new(item(1), sku("CUP"), warehouse(1), seller(), levels));
    let policy = SkuPolicy { low_stock_threshold: Some(3), ..SkuPolicy::default() };
    world.set_sku_policy(seller(), sku("CUP"), policy, 0);
    world
}

fn created(number: u128, cups: i64) -> Fact {
    let lines = vec![(sku("CUP"), quantity(cups))];
    Fact::OrderCreated { order_id: order(number), seller_id: seller(), lines, ship_to: Place::UNKNOWN }
}

fn change(kind: StockChangeKind) -> Fact {
    stock_change(99, sku("CUP"), warehouse(1), kind)
}

/// What is told of the stock item's crossings, by name, with what could be promised then.
fn crossings(events: &[Event]) -> Vec<(&'static str, i64)> {
    let crossing = |event: &Event| match event {
        Event::OutOfStock { stock_item } => Some(("out", stock_item.available())),
        Event::BackInStock { stock_item } => Some(("back", stock_item.available())),
        Event::LowStock { stock_item, threshold } => {
            assert_eq!(*threshold, 3);
            Some(("low", stock_item.available()))
        }
        Event::InventoryReserved { .. }
        | Event::InventoryBackordered { .. }
        | Event::InventoryRejected { .. }
        | Event::InventoryCommitted { .. }
        | Event::ReservationModified { .. }
        | Event::InventoryCommitRefused { .. }
        | Event::ReservationExpired { .. }
        | Event::InventoryReleased { .. }
        | Event::StockAdded { .. }
        | Event::StockWrittenOff { .. }
        | Event::StockAdjusted { .. }
        | Event::StockRemoved { .. }
        | Event::TransferDispatched { .. }
        | Event::TransferReceived { .. } => None,
    };
    events.iter().filter_map(crossing).collect()
}

fn tell(world: &mut World, fact: &Fact) -> Vec<(&'static str, i64)> {
    let now = if matches!(fact, Fact::ReservationDue(_)) { expires_at() } else { NOON };
    match decide(world, fact, &POLICY, now) {
        Decision::Applied(events) => crossings(&events),
        Decision::AlreadyApplied | Decision::Ignored(_) | Decision::Refused(_) => Vec::new(),
    }
}

#[test]
fn a_sku_is_low_gone_and_back_once_for_each_crossing_whatever_made_it_cross() {
    let mut world = ten_cups();
    for (fact, told) in [
        (created(1, 6), &[][..]),
        // To the threshold, below it, to nothing.
        (created(2, 1), &[("low", 3)]),
        (created(3, 2), &[]),
        (created(4, 1), &[("out", 0)]),
        (created(5, 1), &[]),
        // What is committed and leaves could not be promised before.
        (Fact::PaymentAuthorized(order(1)), &[]),
        (dispatched(order(1), warehouse(1), &[("CUP", 6)]), &[]),
        (Fact::ReservationDue(order(4)), &[("back", 1)]),
        (change(StockChangeKind::WriteOff(quantity(1))), &[("out", 0)]),
        (received(order(1), warehouse(1), &[("CUP", back(0, 2, 0))]), &[]),
        (received(order(1), warehouse(1), &[("CUP", back(4, 2, 0))]), &[("back", 4)]),
        (change(StockChangeKind::Adjust(-1)), &[("low", 3)]),
        (Fact::OrderEnded(order(3)), &[]),
        // From above the threshold to nothing.
        (created(6, 5), &[("low", 0), ("out", 0)]),
        (change(StockChangeKind::Add(quantity(9))), &[("back", 9)]),
    ] {
        assert_eq!(tell(&mut world, &fact), told, "{fact:?}");
    }
}

#[test]
fn the_first_goods_of_a_sku_in_a_warehouse_are_not_back() {
    let mut world = World::default();
    world.add_stock_item(StockItem::new(item(1), sku("CUP"), warehouse(1), seller(), Levels::default()));
    let first = stock_change(1, sku("CUP"), warehouse(1), StockChangeKind::Add(quantity(2)));
    assert_eq!(tell(&mut world, &first), []);
    assert_eq!(tell(&mut world, &change(StockChangeKind::Adjust(-2))), [("out", 0)]);
    assert_eq!(tell(&mut world, &change(StockChangeKind::Add(quantity(2)))), [("back", 2)]);
}

#[test]
fn a_sku_without_a_threshold_is_never_low() {
    let mut world = ten_cups();
    let levels = Levels { total: 2, ..Levels::default() };
    world.add_stock_item(StockItem::new(item(2), sku("POT"), warehouse(1), seller(), levels));
    let pots = stock_change(99, sku("POT"), warehouse(1), StockChangeKind::Adjust(-1));
    assert_eq!(tell(&mut world, &pots), []);
}

proptest! {
    #[test]
    fn out_and_back_take_turns_and_say_whether_anything_can_be_promised(
        steps in prop::collection::vec(
            prop_oneof![
                (0..9_u128, 1..6_i64).prop_map(|(number, cups)| created(number, cups)),
                (0..9_u128).prop_map(|number| Fact::OrderEnded(order(number))),
                (0..9_u128).prop_map(|number| Fact::PaymentAuthorized(order(number))),
                (0..9_u128, any::<bool>()).prop_map(|(number, order_ended)| Fact::PaymentRefunded { order_id: order(number), order_ended }),
                (1..5_i64).prop_map(|cups| change(StockChangeKind::WriteOff(quantity(cups)))),
                (1..5_i64).prop_map(|cups| change(StockChangeKind::Add(quantity(cups)))),
            ],
            1..60,
        ),
    ) {
        let mut world = ten_cups();
        let mut can_be_promised = true;
        for step in &steps {
            let available = |world: &World| world.stock_item(item(1)).unwrap().available();
            let before = available(&world);
            let told: BTreeMap<_, _> = tell(&mut world, step).into_iter().collect();
            prop_assert_eq!(told.contains_key("low"), before > 3 && available(&world) <= 3);
            match (told.contains_key("out"), told.contains_key("back")) {
                (true, false) if can_be_promised => can_be_promised = false,
                (false, true) if !can_be_promised => can_be_promised = true,
                (false, false) => {}
                turns => panic!("{turns:?} after {step:?}"),
            }
            prop_assert_eq!(can_be_promised, available(&world) > 0);
        }
    }
}
