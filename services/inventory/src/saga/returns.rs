//! What comes back: parcels that were refused or returned to their sender, and what buyers send back.

use kernel::Decision;

use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::fact::Receipt;
use crate::domain::reservation::{Reservation, Status};
use crate::domain::world::World;

/// Why goods that came back from an order are written off.
const DAMAGED: &str = "DAMAGED";

/// Puts what came back on sale again, or writes it off, by its condition. Only what has left comes back, and goods leave only while they
/// are committed. The order may have ended since, or its money may have come back: where goods are does not depend on it.
pub fn on_return_received(world: &mut World, receipt: &Receipt) -> Decision<Event, Error> {
    let nothing_committed = Decision::Refused(Error::NothingCommitted(receipt.order_id));
    let Some(reservation) = world.reservation(receipt.order_id).cloned() else {
        return nothing_committed;
    };
    match reservation.status {
        Status::Committed | Status::Released => take_back(world, reservation, receipt),
        Status::Backordered
        | Status::Active
        | Status::Expired
        | Status::CommitRefused
        | Status::Rejected
        | Status::Tombstone => nothing_committed,
    }
}

fn take_back(world: &mut World, mut reservation: Reservation, receipt: &Receipt) -> Decision<Event, Error> {
    let coming_back = match reservation.coming_back(receipt) {
        Ok(coming_back) if coming_back.is_empty() => return Decision::AlreadyApplied,
        Ok(coming_back) => coming_back,
        Err(refusal) => return Decision::Refused(refusal),
    };
    let after = match world.take_back(&coming_back, receipt) {
        Ok(after) => after,
        Err(refusal) => return Decision::Refused(refusal),
    };
    let order_id = Some(reservation.order_id);
    reservation.note_returned(&coming_back);
    world.put_reservation(reservation);
    let mut told = Vec::new();
    for (stock_item, (_, new)) in after.into_iter().zip(coming_back) {
        if new.resalable > 0 {
            let reason = format!("return {}", receipt.return_id);
            told.push(Event::StockAdded { stock_item: stock_item.clone(), quantity: new.resalable, reason, order_id });
        }
        if new.damaged > 0 {
            let reason = DAMAGED.to_owned();
            told.push(Event::StockWrittenOff { stock_item, quantity: new.damaged, reason, order_id });
        }
    }
    Decision::Applied(told)
}

#[cfg(test)]
mod tests;
