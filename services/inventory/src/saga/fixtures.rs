//! A shop with ten cups and an order of three of them, for the tests of the sagas.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::{Id, Quantity, Sku, Timestamp};
use uuid::Uuid;

use super::Policy;
use crate::domain::address::Place;
use crate::domain::allocation::{Allocation, Returned};
use crate::domain::fact::{Dispatch, Fact, PartStop, Receipt, StockChange, StockChangeKind};
use crate::domain::ids::{OrderId, SellerId, StockItemId, WarehouseId};
use crate::domain::reservation::{Backorder, Reservation, Status};
use crate::domain::stock::{Levels, StockItem};
use crate::domain::world::World;

pub(super) const POLICY: Policy =
    Policy { reservation_ttl: Duration::from_mins(15), backorder_wait: Duration::from_hours(14 * 24) };
pub(super) const NOON: Timestamp = Timestamp::from_unix_micros(1_767_268_800_000_000);

pub(super) const EVERY_STATUS: [Status; 8] = [
    Status::Backordered,
    Status::Active,
    Status::Committed,
    Status::Released,
    Status::Expired,
    Status::CommitRefused,
    Status::Rejected,
    Status::Tombstone,
];

pub(super) fn order(number: u128) -> OrderId {
    Id::from_uuid(Uuid::from_u128(0xA000 + number))
}

pub(super) fn seller() -> SellerId {
    Id::from_uuid(Uuid::from_u128(0x5E11))
}

pub(super) fn warehouse(number: u128) -> WarehouseId {
    Id::from_uuid(Uuid::from_u128(0xB000 + number))
}

pub(super) fn item(number: u128) -> StockItemId {
    Id::from_uuid(Uuid::from_u128(0xC000 + number))
}

pub(super) fn sku(code: &str) -> Sku {
    Sku::new(code).unwrap()
}

pub(super) fn quantity(units: i64) -> Quantity {
    Quantity::new(units).unwrap()
}

pub(super) fn expires_at() -> Timestamp {
    NOON + POLICY.reservation_ttl
}

/// Cups of the only warehouse, of which some have left.
pub(super) fn cups(quantity: i64, dispatched: i64) -> Allocation {
    let (released, returned) = (0, Returned::default());
    let (stock_item_id, sku, warehouse_id) = (item(1), sku("CUP"), warehouse(1));
    Allocation { stock_item_id, sku, warehouse_id, quantity, dispatched, released, returned }
}

/// Three of the ten cups.
pub(super) fn three_cups() -> Vec<Allocation> {
    vec![cups(3, 0)]
}

pub(super) fn order_created() -> Fact {
    let lines = vec![(sku("CUP"), quantity(3))];
    Fact::OrderCreated { order_id: order(1), seller_id: seller(), lines, ship_to: Place::UNKNOWN }
}

/// A parcel leaves a warehouse with what is in it for an order. So much of that has left by then.
pub(super) fn dispatched(order_id: OrderId, warehouse_id: WarehouseId, so_far: &[(&str, i64)]) -> Fact {
    Fact::ShipmentDispatched(Dispatch {
        order_id,
        shipment_id: Id::from_uuid(Uuid::from_u128(0xD001)),
        parcel_id: Id::from_uuid(Uuid::from_u128(0xE001)),
        warehouse_id,
        dispatched: so_far.iter().map(|(code, units)| (sku(code), quantity(*units))).collect(),
    })
}

/// A part of an order is stopped in a warehouse. So much of it is by then.
pub(super) fn stopped(order_id: OrderId, warehouse_id: WarehouseId, so_far: &[(&str, i64)]) -> Fact {
    let line = |(code, units): &(&str, i64)| ((warehouse_id, sku(code)), quantity(*units));
    Fact::PartStopped(PartStop { order_id, stopped: so_far.iter().map(line).collect() })
}

/// So many units that can be sold, are damaged, are not accepted.
pub(super) fn back(resalable: i64, damaged: i64, not_accepted: i64) -> Returned {
    Returned { resalable, damaged, not_accepted }
}

/// A receipt at a warehouse. So much of the order has come back there by then.
pub(super) fn received(order_id: OrderId, warehouse_id: WarehouseId, so_far: &[(&str, Returned)]) -> Fact {
    Fact::ReturnReceived(Receipt {
        order_id,
        return_id: Id::from_uuid(Uuid::from_u128(0xF001)),
        received: so_far.iter().map(|(code, units)| ((warehouse_id, sku(code)), *units)).collect(),
    })
}

/// A world in which order 1 stands at `status`, or was never heard of.
pub(super) fn world_with_order_at(status: Option<Status>) -> World {
    world_with_dispatched(status, 0)
}

/// The same when so many of the order's cups have left.
pub(super) fn world_with_dispatched(status: Option<Status>, dispatched: i64) -> World {
    let (reserved, committed) = match status {
        Some(Status::Active) => (3, 0),
        Some(Status::Committed) => (0, 3 - dispatched),
        _ => (0, 0),
    };
    let mut world = World::default();
    let levels = Levels { total: 10 - dispatched, reserved, committed };
    world.add_stock_item(StockItem::new(item(1), sku("CUP"), warehouse(1), seller(), levels));
    match status {
        None => {}
        Some(Status::Backordered) => {
            let demand = BTreeMap::from([(sku("CUP"), 3)]);
            let short = demand.keys().cloned().collect();
            let (seller_id, ship_to, until) = (seller(), Place::UNKNOWN, NOON + POLICY.backorder_wait);
            let backorder = Some(Backorder { seller_id, demand, short, ship_to, until });
            let nothing = Reservation::without_stock(order(1), Status::Backordered);
            world.add_reservation(Reservation { backorder, ..nothing });
        }
        Some(status @ (Status::Rejected | Status::Tombstone)) => {
            world.add_reservation(Reservation::without_stock(order(1), status));
        }
        Some(status) => world.add_reservation(Reservation {
            order_id: order(1),
            status,
            allocations: vec![cups(3, dispatched)],
            expires_at: Some(expires_at()),
            backorder: None,
            terms_version: 1,
        }),
    }
    world
}

pub(super) fn stock_change(new_item: u128, sku: Sku, warehouse_id: WarehouseId, kind: StockChangeKind) -> Fact {
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
pub(super) fn assert_books_balance(world: &World, orders: &[OrderId], items: &[StockItemId]) {
    for id in items {
        let stock_item = world.stock_item(*id).unwrap();
        let Levels { total, reserved, committed } = stock_item.levels();
        assert_eq!(total, stock_item.available() + reserved + committed);
        assert!([total, reserved, committed, stock_item.available()].iter().all(|units| *units >= 0), "{stock_item:?}");
        assert_eq!(reserved, held(world, orders, *id, Status::Active), "{stock_item:?}");
        assert_eq!(committed, held(world, orders, *id, Status::Committed), "{stock_item:?}");
    }
}

/// Units of a stock item that reservations of that status hold and that have not left.
fn held(world: &World, orders: &[OrderId], id: StockItemId, status: Status) -> i64 {
    let reservations = orders.iter().filter_map(|order_id| world.reservation(*order_id));
    let allocations = reservations.filter(|reservation| reservation.status == status).flat_map(|r| &r.allocations);
    allocations.filter(|allocation| allocation.stock_item_id == id).map(Allocation::remaining).sum()
}
