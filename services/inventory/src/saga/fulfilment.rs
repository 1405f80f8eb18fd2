//! The fulfilment saga: goods leave, parcel by parcel.

use kernel::Decision;

use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::fact::Dispatch;
use crate::domain::reservation::{Reservation, Status};
use crate::domain::world::World;

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

#[cfg(test)]
mod tests;
