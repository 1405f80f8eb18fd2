//! An order that waits for stock: it is given it when there is enough for all of its lines, or is told that there is not when its time has passed.
//!
//! Those who wait come before those who come later: what they wait for is not on sale (`World::allocate`). Among them the oldest order is looked
//! at first, and one that still lacks something does not keep others from what there is.

use kernel::{Decision, Timestamp};

use super::{Policy, checkout};
use crate::domain::allocation::Shortage;
use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::ids::OrderId;
use crate::domain::reservation::{Backorder, Reservation, Status};
use crate::domain::world::World;

/// Has an order wait for what there is too little of.
pub(super) fn wait(
    world: &mut World,
    order_id: OrderId,
    backorder: Backorder,
    shortages: Vec<Shortage>,
) -> Decision<Event, Error> {
    let until = backorder.until;
    world.put_reservation(Reservation {
        backorder: Some(backorder),
        ..Reservation::without_stock(order_id, Status::Backordered)
    });
    Decision::applied(Event::InventoryBackordered { order_id, shortages, until })
}

/// Reserves what an order waits for; or lets it wait on; or rejects it, if it has waited long enough.
pub fn on_backorder_due(
    world: &mut World,
    order_id: OrderId,
    policy: &Policy,
    now: Timestamp,
) -> Decision<Event, Error> {
    let Some(reservation) = world.reservation(order_id).cloned() else {
        return Decision::Ignored("nothing is waited for");
    };
    let Some(backorder) = &reservation.backorder else { return Decision::AlreadyApplied };
    match world.allocate_to_waiting(backorder) {
        Ok(_) if world.is_only_seen(backorder) => Decision::Ignored("its stock is looked at again"),
        Ok(allocations) => {
            let expires_at =
                world.hold_until(backorder.seller_id, backorder.demand.keys(), now, policy.reservation_ttl);
            checkout::reserve(world, reservation, allocations, expires_at)
        }
        Err(_) if now < backorder.until => Decision::Ignored("there is still too little"),
        Err(shortages) => {
            world.put_reservation(Reservation { status: Status::Rejected, backorder: None, ..reservation });
            Decision::applied(Event::InventoryRejected { order_id, shortages })
        }
    }
}

#[cfg(test)]
mod tests;
