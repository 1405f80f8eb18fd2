//! The checkout saga: reserve, then commit; or release, or expire.

use std::collections::BTreeMap;

use kernel::{Decision, Mutant, Sku, Timestamp};

use super::{Policy, backorder};
use crate::domain::address::Place;
use crate::domain::allocation::Allocation;
use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::ids::{OrderId, SellerId};
use crate::domain::reservation::{Backorder, Reservation, Status};
use crate::domain::stock::StockItem;
use crate::domain::world::World;

/// Reserves every line; or has the order wait, if its seller lets it; or rejects it. The warehouses are pinned when it is reserved.
pub fn on_order_created(
    world: &mut World,
    order_id: OrderId,
    seller_id: SellerId,
    demand: &BTreeMap<Sku, i64>,
    ship_to: &Place,
    policy: &Policy,
    now: Timestamp,
) -> Decision<Event, Error> {
    match world.reservation(order_id).map(|reservation| reservation.status) {
        None => {}
        Some(Status::Tombstone) => return Decision::Ignored("the order ended before its stock was reserved"),
        Some(
            Status::Backordered
            | Status::Active
            | Status::Committed
            | Status::Released
            | Status::Expired
            | Status::CommitRefused
            | Status::Rejected,
        ) => return Decision::AlreadyApplied,
    }
    match world.allocate(seller_id, demand, ship_to) {
        Ok(allocations) => {
            let expires_at = world.hold_until(seller_id, demand.keys(), now, policy.reservation_ttl);
            let new = Reservation::without_stock(order_id, Status::Active);
            reserve(world, new, allocations, expires_at)
        }
        Err(shortages) if world.may_wait(seller_id, &shortages) => {
            let short = shortages.iter().map(|shortage| shortage.sku.clone()).collect();
            let (demand, ship_to) = (demand.clone(), ship_to.clone());
            let backorder = Backorder { seller_id, demand, short, ship_to, until: now + policy.backorder_wait };
            backorder::wait(world, order_id, backorder, shortages)
        }
        Err(shortages) => {
            world.put_reservation(Reservation::without_stock(order_id, Status::Rejected));
            Decision::applied(Event::InventoryRejected { order_id, shortages })
        }
    }
}

/// Holds stock for an order, of which nothing was held before.
pub(super) fn reserve(
    world: &mut World,
    before: Reservation,
    allocations: Vec<Allocation>,
    expires_at: Timestamp,
) -> Decision<Event, Error> {
    let order_id = before.order_id;
    world.move_stock(&allocations, StockItem::reserve);
    world.put_reservation(Reservation {
        status: Status::Active,
        allocations: allocations.clone(),
        expires_at: Some(expires_at),
        backorder: None,
        ..before
    });
    Decision::applied(Event::InventoryReserved { order_id, allocations, expires_at })
}

/// Makes what is held the order's own. A reservation past its time that nobody has expired yet still holds its stock, so it is
/// committed: the status decides, never the clock, and a clock that is wrong here cannot undo a payment.
pub fn on_payment_authorized(world: &mut World, order_id: OrderId) -> Decision<Event, Error> {
    let Some(reservation) = world.reservation(order_id).cloned() else {
        return Decision::Refused(Error::NothingReserved(order_id));
    };
    match reservation.status {
        Status::Active => commit(world, reservation),
        Status::Expired if Mutant::ReserveAfterExpiry.is_active() && world.is_free(&reservation.allocations) => {
            world.move_stock(&reservation.allocations, StockItem::reserve);
            commit(world, reservation)
        }
        Status::Expired => {
            world.put_reservation(Reservation { status: Status::CommitRefused, ..reservation });
            Decision::applied(Event::InventoryCommitRefused { order_id })
        }
        Status::Committed | Status::CommitRefused => Decision::AlreadyApplied,
        Status::Released | Status::Tombstone => Decision::Ignored("the order ended, and its payment is undone"),
        Status::Backordered | Status::Rejected => Decision::Refused(Error::NothingReserved(order_id)),
    }
}

fn commit(world: &mut World, reservation: Reservation) -> Decision<Event, Error> {
    let (order_id, terms_version) = (reservation.order_id, reservation.terms_version);
    let allocations = reservation.allocations.clone();
    world.move_stock(&allocations, StockItem::commit);
    world.put_reservation(Reservation { status: Status::Committed, ..reservation });
    Decision::applied(Event::InventoryCommitted { order_id, terms_version, allocations })
}

/// Gives back whatever is held and has not left. For an order never heard of, leaves a tombstone that refuses a late reserve.
pub fn on_order_ended(world: &mut World, order_id: OrderId) -> Decision<Event, Error> {
    let Some(reservation) = world.reservation(order_id).cloned() else {
        if !Mutant::NoTombstone.is_active() {
            world.put_reservation(Reservation::without_stock(order_id, Status::Tombstone));
        }
        return Decision::noted();
    };
    match reservation.status {
        Status::Active => release(world, reservation, StockItem::release_reserved, Status::Released, Vec::new()),
        Status::Backordered if Mutant::WaitAfterEnd.is_active() => Decision::Ignored("it waits on"),
        Status::Backordered => {
            world.put_reservation(Reservation { status: Status::Released, backorder: None, ..reservation });
            Decision::noted()
        }
        Status::Committed => release_committed(world, reservation),
        Status::Released | Status::Tombstone => Decision::AlreadyApplied,
        Status::Expired | Status::CommitRefused => Decision::Ignored("its stock went back on sale when it expired"),
        Status::Rejected => Decision::Ignored("nothing was held"),
    }
}

/// Gives back what belongs to the order and has not left. Of one of which everything has, the reservation stays as it is: it says what left
/// for the order, wherever that is now.
pub(super) fn release_committed(world: &mut World, reservation: Reservation) -> Decision<Event, Error> {
    if reservation.remaining().is_empty() {
        return Decision::Ignored("everything has left");
    }
    release(world, reservation, StockItem::release_committed, Status::Released, Vec::new())
}

/// Puts what is held back on sale if the reservation's time has passed and nobody paid for it.
pub fn on_reservation_due(world: &mut World, order_id: OrderId, now: Timestamp) -> Decision<Event, Error> {
    let Some(reservation) = world.reservation(order_id).cloned() else {
        return Decision::Ignored("nothing is reserved");
    };
    match reservation.status {
        Status::Active if reservation.is_due(now) => {
            let expired = vec![Event::ReservationExpired { order_id }];
            release(world, reservation, StockItem::release_reserved, Status::Expired, expired)
        }
        Status::Active => Decision::Ignored("its time has not passed"),
        Status::Expired | Status::CommitRefused => Decision::AlreadyApplied,
        Status::Committed => Decision::Ignored("the stock belongs to the order"),
        Status::Backordered | Status::Released | Status::Rejected | Status::Tombstone => {
            Decision::Ignored("nothing is held")
        }
    }
}

/// Gives the stock of a reservation back as far as it is still there, tells what happened before it, and that it is on sale again.
fn release(
    world: &mut World,
    reservation: Reservation,
    give_back: fn(&mut StockItem, i64),
    status: Status,
    mut events: Vec<Event>,
) -> Decision<Event, Error> {
    let (order_id, allocations) = (reservation.order_id, reservation.remaining());
    world.move_stock(&allocations, give_back);
    events.push(Event::InventoryReleased { order_id, allocations, partial: false });
    world.put_reservation(Reservation { status, ..reservation });
    Decision::Applied(events)
}

#[cfg(test)]
mod tests;
