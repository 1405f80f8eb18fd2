//! The refund saga: the money of an order came back, and so does what it was given.

use kernel::Decision;

use super::checkout;
use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::ids::OrderId;
use crate::domain::reservation::Status;
use crate::domain::world::World;

/// Gives back what the order was given and has not left. There are no partial refunds yet: every refund is of the whole amount, so nothing
/// of the order is to leave any more, and amounts are not looked at.
///
/// Money is refunded before anything left, once shipping has stopped all of it; or because the order was cancelled while the money was
/// being taken, and that is told on another topic: whichever is heard of first gives the stock back.
pub fn on_payment_refunded(world: &mut World, order_id: OrderId) -> Decision<Event, Error> {
    let nothing_committed = Decision::Refused(Error::NothingCommitted(order_id));
    let Some(reservation) = world.reservation(order_id).cloned() else {
        return nothing_committed;
    };
    match reservation.status {
        Status::Committed => checkout::release_committed(world, reservation),
        Status::Released => Decision::AlreadyApplied,
        Status::Expired | Status::CommitRefused => Decision::Ignored("its stock went back on sale when it expired"),
        Status::Rejected | Status::Tombstone => Decision::Ignored("nothing was held"),
        // Only what was committed is paid for, and payments says so first.
        Status::Active => nothing_committed,
    }
}

#[cfg(test)]
mod tests;
