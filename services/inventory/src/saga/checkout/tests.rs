use std::time::Duration;

use kernel::{Decision, Id, Quantity, Sku, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

use super::super::{Policy, decide};
use crate::domain::allocation::{Allocation, Shortage};
use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::fact::{Fact, StockChange, StockChangeKind};
use crate::domain::ids::{OrderId, SellerId, StockItemId, WarehouseId};
use crate::domain::reservation::{Reservation, Status};
use crate::domain::stock::{Levels, StockItem};
use crate::domain::world::World;

const POLICY: Policy = Policy { reservation_ttl: Duration::from_mins(15) };
const NOON: Timestamp = Timestamp::from_unix_micros(1_767_268_800_000_000);

const EVERY_STATUS: [Status; 7] = [
    Status::Active,
    Status::Committed,
    Status::Released,
    Status::Expired,
    Status::CommitRefused,
    Status::Rejected,
    Status::Tombstone,
];

/// What is to come of a fact.
#[derive(Debug)]
enum Answer {
    Becomes(Status, Vec<Event>),
    AlreadyApplied,
    Ignored,
    Refused,
}
use Answer::{AlreadyApplied, Becomes, Ignored, Refused};

fn order(number: u128) -> OrderId {
    Id::from_uuid(Uuid::from_u128(0xA000 + number))
}

fn seller() -> SellerId {
    Id::from_uuid(Uuid::from_u128(0x5E11))
}

fn warehouse(number: u128) -> WarehouseId {
    Id::from_uuid(Uuid::from_u128(0xB000 + number))
}

fn item(number: u128) -> StockItemId {
    Id::from_uuid(Uuid::from_u128(0xC000 + number))
}

fn sku(code: &str) -> Sku {
    Sku::new(code).unwrap()
}

fn quantity(units: i64) -> Quantity {
    Quantity::new(units).unwrap()
}

fn expires_at() -> Timestamp {
    NOON + POLICY.reservation_ttl
}

/// Three of the ten cups in the only warehouse.
fn three_cups() -> Vec<Allocation> {
    vec![Allocation { stock_item_id: item(1), sku: sku("CUP"), warehouse_id: warehouse(1), quantity: 3 }]
}

fn order_created() -> Fact {
    Fact::OrderCreated { order_id: order(1), seller_id: seller(), lines: vec![(sku("CUP"), quantity(3))] }
}

/// A world in which order 1 stands at `status`, or was never heard of.
fn world_with_order_at(status: Option<Status>) -> World {
    let (reserved, committed) = match status {
        Some(Status::Active) => (3, 0),
        Some(Status::Committed) => (0, 3),
        _ => (0, 0),
    };
    let mut world = World::default();
    let levels = Levels { total: 10, reserved, committed };
    world.add_stock_item(StockItem::new(item(1), sku("CUP"), warehouse(1), seller(), levels));
    match status {
        None => {}
        Some(status @ (Status::Rejected | Status::Tombstone)) => {
            world.add_reservation(Reservation::without_stock(order(1), status));
        }
        Some(status) => world.add_reservation(Reservation {
            order_id: order(1),
            status,
            allocations: three_cups(),
            expires_at: Some(expires_at()),
        }),
    }
    world
}

/// The whole state machine. Columns: OrderCreated, PaymentAuthorized, OrderEnded, found due too early, found due.
fn state_machine() -> Vec<(Option<Status>, [Answer; 5])> {
    let order_id = order(1);
    let reserved = Event::InventoryReserved { order_id, allocations: three_cups(), expires_at: expires_at() };
    let committed = Event::InventoryCommitted { order_id, allocations: three_cups() };
    let refused = Event::InventoryCommitRefused { order_id };
    let released = || Event::InventoryReleased { order_id, allocations: three_cups() };
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
    let fact = Fact::OrderCreated { order_id: order(1), seller_id: seller(), lines };
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

fn stock_change(new_item: u128, sku: Sku, warehouse_id: WarehouseId, kind: StockChangeKind) -> Fact {
    Fact::StockChange(StockChange {
        new_stock_item_id: item(new_item),
        movement_id: Id::from_uuid(Uuid::nil()),
        warehouse_id,
        seller_id: seller(),
        sku,
        kind,
        reason: String::new(),
        actor: "seller:test".to_owned(),
    })
}

/// Invariant I2, and that every unit that is promised is promised to an order.
fn assert_books_balance(world: &World, orders: &[OrderId], items: &[StockItemId]) {
    for id in items {
        let stock_item = world.stock_item(*id).unwrap();
        let Levels { total, reserved, committed } = stock_item.levels();
        assert_eq!(total, stock_item.available() + reserved + committed);
        assert!([total, reserved, committed, stock_item.available()].iter().all(|units| *units >= 0), "{stock_item:?}");
        assert_eq!(reserved, held(world, orders, *id, Status::Active), "{stock_item:?}");
        assert_eq!(committed, held(world, orders, *id, Status::Committed), "{stock_item:?}");
    }
}

/// Units of a stock item that reservations of that status hold.
fn held(world: &World, orders: &[OrderId], id: StockItemId, status: Status) -> i64 {
    let reservations = orders.iter().filter_map(|order_id| world.reservation(*order_id));
    let allocations = reservations.filter(|reservation| reservation.status == status).flat_map(|r| &r.allocations);
    allocations.filter(|allocation| allocation.stock_item_id == id).map(|allocation| allocation.quantity).sum()
}

const ORDERS: u128 = 6;
const SKUS: [&str; 3] = ["CUP", "PLATE", "POT"];
const WAREHOUSES: u128 = 2;

/// Something that happens in a random history.
#[derive(Debug, Clone)]
enum Step {
    Saga(Fact),
    Stock(Fact),
    TimePasses(Duration),
}

fn any_step() -> impl Strategy<Value = Step> {
    let line = (0..SKUS.len(), 1..5_i64).prop_map(|(index, units)| (sku(SKUS[index]), quantity(units)));
    let order_id = || (0..ORDERS).prop_map(order);
    let created = (order_id(), prop::collection::vec(line, 1..4)).prop_map(|(order_id, lines)| Fact::OrderCreated {
        order_id,
        seller_id: seller(),
        lines,
    });
    let stock = (0..SKUS.len(), 0..WAREHOUSES, -6..6_i64).prop_map(|(index, number, units)| {
        let kind = if units > 0 { StockChangeKind::Add(quantity(units)) } else { StockChangeKind::Adjust(units) };
        stock_change(0, sku(SKUS[index]), warehouse(number), kind)
    });
    prop_oneof![
        4 => created.prop_map(Step::Saga),
        3 => order_id().prop_map(|id| Step::Saga(Fact::PaymentAuthorized(id))),
        2 => order_id().prop_map(|id| Step::Saga(Fact::OrderEnded(id))),
        3 => order_id().prop_map(|id| Step::Saga(Fact::ReservationDue(id))),
        2 => stock.prop_map(Step::Stock),
        1 => (0..600_u64).prop_map(|secs| Step::TimePasses(Duration::from_secs(secs))),
    ]
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
    let created = Fact::OrderCreated { order_id: order(1), seller_id: seller(), lines };
    let shortages = vec![Shortage { sku: sku("POT"), requested: 3, available: 2 }];
    let rejected = Event::InventoryRejected { order_id: order(1), shortages };
    assert_eq!(decide(&mut world, &created, &POLICY, NOON), Decision::applied(rejected));
    assert_eq!(world.stock_item(item(1)), before.stock_item(item(1)));
    assert!(world.changes().stock.is_empty());
}

proptest! {
    #[test]
    fn no_history_of_facts_oversells_or_loses_a_unit(
        totals in prop::collection::vec(0..10_i64, SKUS.len() * WAREHOUSES as usize),
        steps in prop::collection::vec(any_step(), 1..80),
    ) {
        let (mut world, items) = stocked(&totals);
        let orders: Vec<_> = (0..ORDERS).map(order).collect();
        let mut now = NOON;
        for step in steps {
            let before = world.clone();
            let decision = match &step {
                Step::Saga(fact) | Step::Stock(fact) => decide(&mut world, fact, &POLICY, now),
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
        }
    }
}

/// Whether an order took a step that exists, or none: nothing is reserved again, and what is final stays.
fn goes_one_way(before: &World, after: &World, order_id: OrderId) -> bool {
    let status = |world: &World| world.reservation(order_id).map(|reservation| reservation.status);
    let (from, to) = (status(before), status(after));
    from == to
        || matches!(
            (from, to),
            (None, Some(Status::Active | Status::Rejected | Status::Tombstone))
                | (Some(Status::Active), Some(Status::Committed | Status::Released | Status::Expired))
                | (Some(Status::Committed), Some(Status::Released))
                | (Some(Status::Expired), Some(Status::CommitRefused))
        )
}
