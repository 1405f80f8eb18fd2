//! Whatever facts come, in whatever order and however often, no unit is sold twice or lost (invariant I2).

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::Decision;
use proptest::prelude::*;

use super::decide;
use super::fixtures::{
    NOON, POLICY, assert_books_balance, back, dispatched, item, order, quantity, received, seller, sku, stock_change,
    stopped, warehouse,
};
use crate::domain::address::Place;
use crate::domain::allocation::Allocation;
use crate::domain::fact::{Fact, Modification, StockChangeKind};
use crate::domain::ids::{OrderId, StockItemId};
use crate::domain::reservation::Status;
use crate::domain::stock::{Levels, MovementType, StockItem};
use crate::domain::world::World;

const ORDERS: u128 = 6;
const SKUS: [&str; 3] = ["CUP", "PLATE", "POT"];
const WAREHOUSES: u128 = 2;

/// Something that happens in a random history.
#[derive(Debug, Clone)]
enum Step {
    Saga(Fact),
    Stock(Fact),
    /// So many per cent of the units of an order are left; the others are dropped, or become an order of their own.
    Modified {
        number: u128,
        percent: i64,
        splits: bool,
    },
    TimePasses(Duration),
}

fn any_step() -> impl Strategy<Value = Step> {
    let line = (0..SKUS.len(), 1..5_i64).prop_map(|(index, units)| (sku(SKUS[index]), quantity(units)));
    let order_id = || (0..ORDERS).prop_map(order);
    let created = (order_id(), prop::collection::vec(line, 1..4)).prop_map(|(order_id, lines)| Fact::OrderCreated {
        order_id,
        seller_id: seller(),
        lines,
        ship_to: Place::UNKNOWN,
    });
    let parcel = prop::collection::btree_map(0..SKUS.len(), 1..8_i64, 1..SKUS.len());
    let left = (order_id(), 0..WAREHOUSES, parcel).prop_map(|(order_id, number, so_far)| {
        let so_far: Vec<_> = so_far.into_iter().map(|(index, units)| (SKUS[index], units)).collect();
        dispatched(order_id, warehouse(number), &so_far)
    });
    let part = (order_id(), 0..WAREHOUSES, 0..SKUS.len(), 1..6_i64)
        .prop_map(|(order_id, number, index, units)| stopped(order_id, warehouse(number), &[(SKUS[index], units)]));
    let units = || 0..4_i64;
    let came_back = (order_id(), 0..WAREHOUSES, 0..SKUS.len(), (units(), units(), units())).prop_map(
        |(order_id, number, index, (resalable, damaged, not_accepted))| {
            received(order_id, warehouse(number), &[(SKUS[index], back(resalable, damaged, not_accepted))])
        },
    );
    let stock = (0..SKUS.len(), 0..WAREHOUSES, -6..6_i64).prop_map(|(index, number, units)| {
        let kind = match units {
            1.. => StockChangeKind::Add(quantity(units)),
            -2..=-1 => StockChangeKind::WriteOff(quantity(-units)),
            _ => StockChangeKind::Adjust(units),
        };
        stock_change(99, sku(SKUS[index]), warehouse(number), kind)
    });
    prop_oneof![
        4 => created.prop_map(Step::Saga),
        3 => order_id().prop_map(|id| Step::Saga(Fact::PaymentAuthorized(id))),
        2 => order_id().prop_map(|id| Step::Saga(Fact::OrderEnded(id))),
        2 => (order_id(), any::<bool>()).prop_map(|(order_id, order_ended)| Step::Saga(Fact::PaymentRefunded { order_id, order_ended })),
        1 => order_id().prop_map(|id| Step::Saga(Fact::ShipmentCancelled(id))),
        4 => part.prop_map(Step::Saga),
        3 => order_id().prop_map(|id| Step::Saga(Fact::ReservationDue(id))),
        6 => left.prop_map(Step::Saga),
        6 => came_back.prop_map(Step::Saga),
        2 => stock.prop_map(Step::Stock),
        4 => (0..ORDERS, 1..100_i64, any::<bool>())
            .prop_map(|(number, percent, splits)| Step::Modified { number, percent, splits }),
        1 => (0..600_u64).prop_map(|secs| Step::TimePasses(Duration::from_secs(secs))),
    ]
}

/// An order asks for so many per cent of what is held for it. An order that is split off it has a number of its own.
fn modified(world: &World, number: u128, percent: i64, splits: bool) -> Option<Fact> {
    let reservation = world.reservation(order(number))?;
    let (mut demand, mut rest) = (BTreeMap::new(), BTreeMap::new());
    for allocation in reservation.remaining() {
        let left = allocation.quantity * percent / 100;
        *demand.entry(allocation.sku.clone()).or_insert(0) += left;
        *rest.entry(allocation.sku).or_insert(0) += allocation.quantity - left;
    }
    demand.retain(|_, units| *units > 0);
    rest.retain(|_, units| *units > 0);
    let split_off = if splits && !rest.is_empty() { vec![(order(ORDERS + number), rest)] } else { Vec::new() };
    (!demand.is_empty()).then(|| {
        Fact::OrderModified(Modification {
            order_id: order(number),
            terms_version: reservation.terms_version + 1,
            seller_id: seller(),
            ship_to: Place::UNKNOWN,
            demand,
            split_off,
        })
    })
}

/// Every SKU in every warehouse, with up to nine units each.
fn stocked(totals: &[i64]) -> (World, Vec<StockItemId>) {
    let mut world = World::default();
    let mut items = Vec::new();
    for (index, total) in totals.iter().enumerate() {
        let (number, levels) = (index as u128, Levels { total: *total, ..Levels::default() });
        let place = warehouse(number % WAREHOUSES);
        let code = sku(SKUS[index / WAREHOUSES as usize]);
        world.add_stock_item(StockItem::new(item(number), code, place, seller(), levels));
        items.push(item(number));
    }
    (world, items)
}

proptest! {
    #[test]
    fn no_history_of_facts_oversells_or_loses_a_unit(
        totals in prop::collection::vec(0..10_i64, SKUS.len() * WAREHOUSES as usize),
        steps in prop::collection::vec(any_step(), 1..80),
    ) {
        let (mut world, items) = stocked(&totals);
        let orders: Vec<_> = (0..2 * ORDERS).map(order).collect();
        let mut now = NOON;
        for step in steps {
            let before = world.clone();
            let step = match step {
                Step::Modified { number, percent, splits } => match modified(&world, number, percent, splits) {
                    Some(fact) => Step::Saga(fact),
                    None => continue,
                },
                other => other,
            };
            let decision = match &step {
                Step::Saga(fact) | Step::Stock(fact) => decide(&mut world, fact, &POLICY, now),
                Step::Modified { .. } => continue,
                Step::TimePasses(duration) => {
                    now = now + *duration;
                    continue;
                }
            };
            if !matches!(decision, Decision::Applied(_)) {
                prop_assert_eq!(&world, &before);
            }
            if let Step::Saga(fact) = &step {
                let after_once = world.clone();
                let again = decide(&mut world, fact, &POLICY, now);
                prop_assert!(!matches!(again, Decision::Applied(_)));
                prop_assert_eq!(&world, &after_once);
            }
            assert_books_balance(&world, &orders, &items);
            prop_assert!(orders.iter().all(|id| goes_one_way(&before, &world, *id)), "{:?}", step);
        }
        for (id, total) in items.iter().zip(&totals) {
            let movements = world.changes().movements.iter().filter(|movement| movement.stock_item_id == *id);
            let moved: i64 = movements.map(|movement| movement.quantity).sum();
            prop_assert_eq!(world.stock_item(*id).unwrap().levels().total, total + moved);
            prop_assert_eq!(moved_by(&world, *id, MovementType::Remove), -dispatched_of(&world, &orders, *id));
            let (resalable, damaged) = returned_of(&world, &orders, *id);
            prop_assert_eq!(moved_by(&world, *id, MovementType::Return), resalable + damaged);
            prop_assert!(moved_by(&world, *id, MovementType::WriteOff) <= -damaged);
        }
    }
}

/// What movements of a type add up to.
fn moved_by(world: &World, id: StockItemId, movement_type: MovementType) -> i64 {
    let movements = world.changes().movements.iter();
    let such = movements.filter(|movement| movement.stock_item_id == id && movement.movement_type == movement_type);
    such.map(|movement| movement.quantity).sum()
}

/// Units that reservations say have come back sound, and damaged; never more than have left.
fn returned_of(world: &World, orders: &[OrderId], id: StockItemId) -> (i64, i64) {
    let reservations = orders.iter().filter_map(|order_id| world.reservation(*order_id));
    let allocations = reservations.flat_map(|reservation| &reservation.allocations);
    let such: Vec<_> = allocations.filter(|allocation| allocation.stock_item_id == id).collect();
    assert!(such.iter().all(|allocation| allocation.returned.kept() <= allocation.dispatched), "{such:?}");
    let sum = |units: fn(&&Allocation) -> i64| such.iter().map(units).sum();
    (sum(|allocation| allocation.returned.resalable), sum(|allocation| allocation.returned.damaged))
}

/// Units that reservations say have left.
fn dispatched_of(world: &World, orders: &[OrderId], id: StockItemId) -> i64 {
    let reservations = orders.iter().filter_map(|order_id| world.reservation(*order_id));
    let allocations = reservations.flat_map(|reservation| &reservation.allocations);
    allocations.filter(|allocation| allocation.stock_item_id == id).map(|allocation| allocation.dispatched).sum()
}

/// Whether an order took a step that exists, or none: nothing is reserved again, and what is final stays.
fn goes_one_way(before: &World, after: &World, order_id: OrderId) -> bool {
    let status = |world: &World| world.reservation(order_id).map(|reservation| reservation.status);
    let (from, to) = (status(before), status(after));
    from == to
        || matches!(
            (from, to),
            (None, Some(Status::Backordered | Status::Active | Status::Rejected | Status::Tombstone))
                | (Some(Status::Backordered), Some(Status::Active | Status::Rejected | Status::Released))
                | (Some(Status::Active), Some(Status::Committed | Status::Released | Status::Expired))
                | (Some(Status::Committed), Some(Status::Released))
                | (Some(Status::Expired), Some(Status::CommitRefused))
        )
}
