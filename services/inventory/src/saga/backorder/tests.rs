use std::time::Duration;

use kernel::{Decision, Quantity, Sku, Timestamp};
use proptest::prelude::{Strategy as _, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::super::decide;
use super::super::fixtures::{
    EVERY_STATUS, NOON, POLICY, assert_books_balance, expires_at, item, order, order_created, quantity, seller, sku,
    stock_change, three_cups, warehouse, world_with_order_at,
};
use crate::domain::address::Place;
use crate::domain::allocation::Shortage;
use crate::domain::event::Event;
use crate::domain::fact::{Fact, StockChangeKind};
use crate::domain::policy::SkuPolicy;
use crate::domain::reservation::Status;
use crate::domain::stock::{Levels, StockItem};
use crate::domain::world::World;

/// So many cups, for at most five more of which orders may wait.
fn world(cups: i64, policy: SkuPolicy) -> World {
    let mut world = World::default();
    let levels = Levels { total: cups, ..Levels::default() };
    world.add_stock_item(StockItem::new(item(1), sku("CUP"), warehouse(1), seller(), levels));
    world.set_sku_policy(seller(), sku("CUP"), policy, 0);
    world
}

const FIVE_MAY_WAIT: SkuPolicy = SkuPolicy {
    low_stock_threshold: None,
    safety_stock: 0,
    order_limit: None,
    reservation_ttl: None,
    backorder_limit: Some(5),
};

fn created(number: u128, lines: &[(&str, i64)]) -> Fact {
    let lines: Vec<(Sku, Quantity)> = lines.iter().map(|(code, units)| (sku(code), quantity(*units))).collect();
    Fact::OrderCreated { order_id: order(number), seller_id: seller(), lines, ship_to: Place::UNKNOWN }
}

fn come(world: &mut World, cups: i64) {
    let kind = StockChangeKind::Add(quantity(cups));
    assert!(matches!(decide_at(world, &stock_change(9, sku("CUP"), warehouse(1), kind), NOON), Decision::Applied(_)));
}

fn decide_at(world: &mut World, fact: &Fact, now: Timestamp) -> Decision<Event, crate::domain::error::Error> {
    decide(world, fact, &POLICY, now)
}

/// Whatever becomes of it.
fn hear(world: &mut World, fact: &Fact) {
    drop(decide_at(world, fact, NOON));
}

fn status(world: &World, number: u128) -> Option<Status> {
    world.reservation(order(number)).map(|reservation| reservation.status)
}

#[test]
fn an_order_waits_and_is_given_all_that_it_wants_or_is_told_that_there_is_too_little() {
    let until = NOON + POLICY.backorder_wait;
    let moment_before = until - Duration::from_micros(1);
    let short = |available| vec![Shortage { sku: sku("CUP"), requested: 3, available }];
    for (comes, now, becomes) in [
        (0, moment_before, None),
        (1, moment_before, None),
        (2, moment_before, Some(Status::Active)),
        (1, until, Some(Status::Rejected)),
        // There is enough at the last moment.
        (2, until, Some(Status::Active)),
    ] {
        let mut world = world(1, FIVE_MAY_WAIT);
        let backordered = Event::InventoryBackordered { order_id: order(1), shortages: short(1), until };
        assert_eq!(decide_at(&mut world, &order_created(), NOON), Decision::applied(backordered));
        assert_eq!(decide_at(&mut world, &order_created(), NOON), Decision::AlreadyApplied);
        if comes > 0 {
            come(&mut world, comes);
        }
        let decision = decide_at(&mut world, &Fact::BackorderDue(order(1)), now);
        match becomes {
            None => assert!(matches!(decision, Decision::Ignored(_)), "{decision:?}"),
            Some(Status::Active) => {
                let (order_id, allocations) = (order(1), three_cups());
                let expires_at = now + POLICY.reservation_ttl;
                let reserved = Event::InventoryReserved { order_id, allocations, expires_at };
                let told = [reserved, Event::OutOfStock { stock_item: world.stock_item(item(1)).unwrap().clone() }];
                assert_eq!(decision, Decision::Applied(told.into()));
            }
            Some(_) => {
                let rejected = Event::InventoryRejected { order_id: order(1), shortages: short(2) };
                assert_eq!(decision, Decision::applied(rejected));
            }
        }
        assert_eq!(status(&world, 1), becomes.or(Some(Status::Backordered)));
        let waits = if becomes.is_none() { 3 } else { 0 };
        assert_eq!(world.changes().waiting[&(seller(), sku("CUP"))], waits);
        assert_books_balance(&world, &[order(1)], &[item(1)]);
    }
}

#[test]
fn a_backorder_is_due_in_no_other_state() {
    for state in EVERY_STATUS.map(Some).into_iter().chain([None]).filter(|state| *state != Some(Status::Backordered)) {
        let before = world_with_order_at(state);
        let mut world = before.clone();
        let decision = decide_at(&mut world, &Fact::BackorderDue(order(1)), expires_at());
        assert!(matches!(decision, Decision::AlreadyApplied | Decision::Ignored(_)), "{state:?}: {decision:?}");
        assert_eq!(world, before);
    }
}

#[test]
fn who_waits_comes_before_who_comes_later_and_nobody_waits_beyond_the_limit() {
    let mut world = world(1, FIVE_MAY_WAIT);
    hear(&mut world, &created(1, &[("CUP", 3)]));
    // One is there, but it is what the first waits for.
    hear(&mut world, &created(2, &[("CUP", 1)]));
    hear(&mut world, &created(3, &[("CUP", 2)]));
    assert_eq!(
        [1, 2, 3].map(|number| status(&world, number).unwrap()),
        [Status::Backordered, Status::Backordered, Status::Rejected]
    );
    come(&mut world, 5);
    // What is there beyond what is waited for is on sale.
    hear(&mut world, &created(4, &[("CUP", 2)]));
    assert_eq!(status(&world, 4), Some(Status::Active));
    hear(&mut world, &Fact::BackorderDue(order(1)));
    hear(&mut world, &Fact::BackorderDue(order(2)));
    assert_eq!([1, 2].map(|number| status(&world, number).unwrap()), [Status::Active, Status::Active]);
    assert_eq!(world.stock_item(item(1)).unwrap().levels(), Levels { total: 6, reserved: 6, committed: 0 });
}

#[test]
fn an_order_waits_only_if_it_may_for_everything_that_there_is_too_little_of() {
    let limited = SkuPolicy { order_limit: Some(2), ..FIVE_MAY_WAIT };
    for (policy, lines, becomes) in [
        (FIVE_MAY_WAIT, vec![("CUP", 5)], Status::Backordered),
        (FIVE_MAY_WAIT, vec![("CUP", 6)], Status::Rejected),
        (FIVE_MAY_WAIT, vec![("CUP", 2), ("POT", 1)], Status::Rejected),
        (SkuPolicy::default(), vec![("CUP", 2)], Status::Rejected),
        (limited, vec![("CUP", 2)], Status::Backordered),
        (limited, vec![("CUP", 3)], Status::Rejected),
    ] {
        let mut world = world(1, policy);
        hear(&mut world, &created(1, &lines));
        assert_eq!(status(&world, 1), Some(becomes), "{policy:?} {lines:?}");
    }
}

#[test]
fn an_order_that_ends_leaves_the_line() {
    let mut world = world(0, FIVE_MAY_WAIT);
    hear(&mut world, &created(1, &[("CUP", 5)]));
    assert_eq!(decide_at(&mut world, &Fact::OrderEnded(order(1)), NOON), Decision::noted());
    assert_eq!(decide_at(&mut world, &Fact::OrderEnded(order(1)), NOON), Decision::AlreadyApplied);
    hear(&mut world, &created(2, &[("CUP", 5)]));
    assert_eq!([1, 2].map(|number| status(&world, number).unwrap()), [Status::Released, Status::Backordered]);
}

#[derive(Debug, Clone)]
enum Step {
    Comes(i64),
    Order(u128, i64),
    Due(u128, bool),
    Ends(u128),
}

proptest! {
    #[test]
    fn what_is_waited_for_is_what_those_who_wait_want_and_never_more_than_may_be(
        cups in 0..4_i64,
        safety_stock in 0..3_i64,
        steps in prop::collection::vec(prop_oneof![
            (1..5_i64).prop_map(Step::Comes),
            (1..8_u128, 1..5_i64).prop_map(|(number, units)| Step::Order(number, units)),
            (1..8_u128, any::<bool>()).prop_map(|(number, late)| Step::Due(number, late)),
            (1..8_u128).prop_map(Step::Ends),
        ], 0..30),
    ) {
        let orders: Vec<_> = (1..8).map(order).collect();
        let mut world = world(cups, SkuPolicy { safety_stock, ..FIVE_MAY_WAIT });
        for step in steps {
            let until = NOON + POLICY.backorder_wait;
            match step {
                Step::Comes(units) => come(&mut world, units),
                Step::Order(number, units) => drop(decide_at(&mut world, &created(number, &[("CUP", units)]), NOON)),
                Step::Due(number, late) => {
                    let now = if late { until } else { NOON };
                    drop(decide_at(&mut world, &Fact::BackorderDue(order(number)), now));
                }
                Step::Ends(number) => drop(decide_at(&mut world, &Fact::OrderEnded(order(number)), NOON)),
            }
            let waiting = orders.iter().filter_map(|id| world.reservation(*id)?.backorder.as_ref());
            let wanted: i64 = waiting.flat_map(|backorder| backorder.demand.values()).sum();
            let counted = world.changes().waiting.get(&(seller(), sku("CUP"))).copied().unwrap_or_default();
            prop_assert_eq!(wanted, counted);
            prop_assert!(counted <= 5);
            assert_books_balance(&world, &orders, &[item(1)]);
        }
    }
}
