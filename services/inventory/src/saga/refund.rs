//! The refund saga: money of an order came back; when it is all of it, so does what the order was given.

use kernel::{Decision, Mutant};

use super::checkout;
use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::ids::OrderId;
use crate::domain::reservation::Status;
use crate::domain::world::World;

/// Gives back what the order was given and has not left, once all of its money went back: nothing of it is to leave any more. A refund of
/// a part leaves the rest of the order to be sent; what comes back of it is heard of from shipping.
///
/// Money is refunded whole before anything left, once shipping has stopped all of it; bit by bit afterwards; or because the order was
/// cancelled while the money was being taken, and that is told on another topic: whichever is heard of first gives the stock back.
pub fn on_payment_refunded(world: &mut World, order_id: OrderId, whole: bool) -> Decision<Event, Error> {
    let nothing_committed = Decision::Refused(Error::NothingCommitted(order_id));
    let Some(reservation) = world.reservation(order_id).cloned() else {
        return nothing_committed;
    };
    let whole = whole || Mutant::ReleaseOnPartialRefund.is_active();
    match reservation.status {
        Status::Committed if whole => checkout::release_committed(world, reservation),
        Status::Committed => Decision::Ignored("a part of the money came back, and the rest of the order goes on"),
        Status::Released if whole => Decision::AlreadyApplied,
        Status::Released => Decision::Ignored("a part of the money came back, and nothing is held any more"),
        Status::Expired | Status::CommitRefused => Decision::Ignored("its stock went back on sale when it expired"),
        Status::Rejected | Status::Tombstone => Decision::Ignored("nothing was held"),
        // Only what was committed is paid for, and payments says so first.
        Status::Active => nothing_committed,
    }
}

#[cfg(test)]
mod tests;
