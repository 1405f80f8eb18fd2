//! The fulfilment saga: goods leave, parcel by parcel, or are stopped, all of them or a part.
//!
//! Whether anything leaves is for shipping to say, on one topic and in order: whoever else says that an order has ended may be heard of before its
//! parcels are, and then what is on sale again is on a lorry.

use kernel::Decision;

use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::fact::{Dispatch, PartStop};
use crate::domain::ids::OrderId;
use crate::domain::reservation::{Reservation, Status};
use crate::domain::stock::StockItem;
use crate::domain::world::World;
use crate::saga::checkout;

/// Takes off the stock what has left with a parcel. Goods leave only for an order that orders says is paid for, or confirmed and to be
/// paid at the door: it says so only once the stock is committed. From then on it cancels or refunds the order only if shipping has stopped all of it.
pub fn on_shipment_dispatched(world: &mut World, dispatch: &Dispatch) -> Decision<Event, Error> {
    let nothing_committed = Decision::Refused(Error::NothingCommitted(dispatch.order_id));
    let Some(reservation) = world.reservation(dispatch.order_id).cloned() else {
        return nothing_committed;
    };
    match reservation.status {
        Status::Committed => remove(world, reservation, dispatch),
        // What left before the order ended, or its money came back, is no news. The rest went back on sale, and may be somebody else's by now.
        Status::Released if reservation.leaving(dispatch) == Ok(Vec::new()) => Decision::AlreadyApplied,
        Status::Released
        | Status::Active
        | Status::Expired
        | Status::CommitRefused
        | Status::Backordered
        | Status::Rejected
        | Status::Tombstone => nothing_committed,
    }
}

fn remove(world: &mut World, mut reservation: Reservation, dispatch: &Dispatch) -> Decision<Event, Error> {
    let leaving = match reservation.leaving(dispatch) {
        Ok(leaving) if leaving.is_empty() => return Decision::AlreadyApplied,
        Ok(leaving) => leaving,
        Err(refusal) => return Decision::Refused(refusal),
    };
    let order_id = reservation.order_id;
    reservation.note_dispatched(&leaving);
    world.put_reservation(reservation);
    let after = world.remove_stock(&leaving, dispatch).into_iter().zip(leaving);
    let removed = after.map(|(stock_item, left)| Event::StockRemoved { stock_item, quantity: left.quantity, order_id });
    Decision::Applied(removed.collect())
}

/// Gives back what the order was given and was not given back part by part: nothing of it has left, and nothing will.
pub fn on_shipment_cancelled(world: &mut World, order_id: OrderId) -> Decision<Event, Error> {
    let nothing_committed = Decision::Refused(Error::NothingCommitted(order_id));
    let Some(reservation) = world.reservation(order_id).cloned() else {
        return nothing_committed;
    };
    match reservation.status {
        Status::Committed if reservation.dispatched().is_empty() => checkout::release_committed(world, reservation),
        // What comes later, of its cancellation or its refund, finds that.
        Status::Released => Decision::AlreadyApplied,
        Status::Committed
        | Status::Active
        | Status::Expired
        | Status::CommitRefused
        | Status::Backordered
        | Status::Rejected
        | Status::Tombstone => nothing_committed,
    }
}

/// Gives back what is stopped of an order; the rest of it stays the order's. If nothing has left and nothing is left, all of it was given back.
pub fn on_part_stopped(world: &mut World, stop: &PartStop) -> Decision<Event, Error> {
    let nothing_committed = Decision::Refused(Error::NothingCommitted(stop.order_id));
    let Some(reservation) = world.reservation(stop.order_id).cloned() else {
        return nothing_committed;
    };
    match reservation.status {
        Status::Committed => release_part(world, reservation, stop),
        // Whatever it was given back for, it was given back once.
        Status::Released => Decision::AlreadyApplied,
        Status::Backordered
        | Status::Active
        | Status::Expired
        | Status::CommitRefused
        | Status::Rejected
        | Status::Tombstone => nothing_committed,
    }
}

fn release_part(world: &mut World, mut reservation: Reservation, stop: &PartStop) -> Decision<Event, Error> {
    let stopping = match reservation.stopping(stop) {
        Ok(stopping) if stopping.is_empty() => return Decision::AlreadyApplied,
        Ok(stopping) => stopping,
        Err(refusal) => return Decision::Refused(refusal),
    };
    reservation.note_released(&stopping);
    let partial = !(reservation.remaining().is_empty() && reservation.dispatched().is_empty());
    if !partial {
        reservation.status = Status::Released;
    }
    world.put_reservation(reservation);
    world.move_stock(&stopping, StockItem::release_committed);
    Decision::applied(Event::InventoryReleased { order_id: stop.order_id, allocations: stopping, partial })
}

/// Leaves the reservation of an order of which nothing arrived as it is: all of it had left, although we may not have heard of it yet.
pub fn on_delivery_failed(world: &World, order_id: OrderId) -> Decision<Event, Error> {
    match world.reservation(order_id).map(|reservation| reservation.status) {
        Some(Status::Committed) => Decision::Ignored("all of it has left; what comes back is heard of by itself"),
        None
        | Some(
            Status::Active
            | Status::Released
            | Status::Expired
            | Status::CommitRefused
            | Status::Backordered
            | Status::Rejected
            | Status::Tombstone,
        ) => Decision::Refused(Error::NothingCommitted(order_id)),
    }
}

#[cfg(test)]
mod part_tests;
#[cfg(test)]
mod tests;
