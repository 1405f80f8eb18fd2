//! An order asks for less than before: units were taken away from it, or became orders of their own.
//!
//! Whoever modifies an order asks nobody for more than was promised, so it is never refused that: what it holds is made less. What an order
//! that was split off asks for stays held, for that one: nobody else gets it in between. So inventory hears of such an order here, and not in
//! its own `OrderCreated`.

use std::collections::BTreeMap;

use kernel::{Decision, Sku, Timestamp};

use super::{Policy, checkout};
use crate::domain::allocation::Allocation;
use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::fact::Modification;
use crate::domain::reservation::{Backorder, Reservation, Status};
use crate::domain::stock::StockItem;
use crate::domain::world::World;

/// Holds less for the order, or has it wait for less; and sees to the orders that were split off it.
pub fn on_order_modified(
    world: &mut World,
    modification: &Modification,
    policy: &Policy,
    now: Timestamp,
) -> Decision<Event, Error> {
    let order_id = modification.order_id;
    let Some(reservation) = world.reservation(order_id).cloned() else {
        return Decision::Refused(Error::NothingReserved(order_id));
    };
    if reservation.terms_version >= modification.terms_version {
        return Decision::AlreadyApplied;
    }
    let reservation = Reservation { terms_version: modification.terms_version, ..reservation };
    match reservation.status {
        Status::Active | Status::Committed => hold_less(world, reservation, modification, policy, now),
        Status::Backordered => {
            let backorder =
                reservation.backorder.as_ref().map(|backorder| waiting_for(backorder, &modification.demand));
            world.put_reservation(Reservation { backorder, ..reservation });
            Decision::Applied(see_to_split_off(world, modification, policy, now))
        }
        // It is over, or about to be. What was split off it is not.
        Status::Released | Status::Expired | Status::CommitRefused | Status::Rejected | Status::Tombstone => {
            world.put_reservation(reservation);
            Decision::Applied(see_to_split_off(world, modification, policy, now))
        }
    }
}

/// It stands in line for what is left of that for which it did.
fn waiting_for(backorder: &Backorder, demand: &BTreeMap<Sku, i64>) -> Backorder {
    let short = backorder.short.iter().filter(|sku| demand.contains_key(*sku)).cloned().collect();
    Backorder { demand: demand.clone(), short, ..backorder.clone() }
}

/// The orders that were split off one that holds nothing begin as any other order does.
fn see_to_split_off(world: &mut World, modification: &Modification, policy: &Policy, now: Timestamp) -> Vec<Event> {
    let Modification { seller_id, ship_to, split_off, .. } = modification;
    let mut events = Vec::new();
    for (order_id, demand) in split_off {
        let decision = checkout::on_order_created(world, *order_id, *seller_id, demand, ship_to, policy, now);
        if let Decision::Applied(told) = decision {
            events.extend(told);
        }
    }
    events
}

fn hold_less(
    world: &mut World,
    mut reservation: Reservation,
    modification: &Modification,
    policy: &Policy,
    now: Timestamp,
) -> Decision<Event, Error> {
    let Modification { order_id, terms_version, seller_id, demand, split_off, .. } = modification;
    let Some(dropped) = dropped(&reservation, modification) else {
        return Decision::Refused(Error::ModifiedToMore(*order_id));
    };
    let committed = reservation.status == Status::Committed;
    let give_back = if committed { StockItem::release_committed } else { StockItem::release_reserved };
    let mut released = Vec::new();
    let mut events = Vec::new();
    for (split_off_id, units) in split_off {
        let taken = reservation.take_out(units);
        world.move_stock(&taken, give_back);
        // One that ended before it was heard of here gets nothing.
        if world.reservation(*split_off_id).is_none() {
            let expires_at = world.hold_until(*seller_id, units.keys(), now, policy.reservation_ttl);
            let new = Reservation::without_stock(*split_off_id, Status::Active);
            if let Decision::Applied(told) = checkout::reserve(world, new, taken.clone(), expires_at) {
                events.extend(told);
            }
        }
        released.extend(taken);
    }
    let taken = reservation.take_out(&dropped);
    world.move_stock(&taken, give_back);
    released.extend(taken);
    debug_assert_eq!(&held(&reservation.allocations), demand, "it holds what is agreed");
    let allocations = reservation.allocations.clone();
    world.put_reservation(reservation);
    let (order_id, terms_version) = (*order_id, *terms_version);
    events.insert(0, Event::ReservationModified { order_id, terms_version, allocations, released, committed });
    Decision::Applied(events)
}

/// The units that nobody asks for any more: what is held, less what is left and what was split off. None if more is asked for than is held.
fn dropped(reservation: &Reservation, modification: &Modification) -> Option<BTreeMap<Sku, i64>> {
    let mut dropped = held(&reservation.allocations);
    let asked = modification.split_off.iter().map(|(_, units)| units).chain([&modification.demand]);
    for (sku, units) in asked.flatten() {
        let held = dropped.get_mut(sku).filter(|held| **held >= *units)?;
        *held -= units;
    }
    Some(dropped)
}

fn held(allocations: &[Allocation]) -> BTreeMap<Sku, i64> {
    let mut held = BTreeMap::new();
    for allocation in allocations.iter().filter(|allocation| allocation.remaining() > 0) {
        *held.entry(allocation.sku.clone()).or_default() += allocation.remaining();
    }
    held
}

#[cfg(test)]
mod tests;
