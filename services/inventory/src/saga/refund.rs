//! The refund saga: money of an order came back, which says nothing of where its goods are.

use kernel::{Decision, Mutant};

use super::checkout;
use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::ids::OrderId;
use crate::domain::reservation::Status;
use crate::domain::world::World;

/// Money that goes back because the order ended, while it was being taken or with what an exchange had set aside for it, says that the order ended:
/// that is told on another topic as well, and whichever is heard of first gives the stock back.
///
/// Of a refund that orders approved shipping says what becomes of the goods: before dispatch it has stopped all of them; afterwards all have
/// left, although we may not have heard of it yet, and what comes back is heard of by itself.
pub fn on_payment_refunded(world: &mut World, order_id: OrderId, order_ended: bool) -> Decision<Event, Error> {
    if order_ended {
        return checkout::on_order_ended(world, order_id);
    }
    let nothing_committed = Decision::Refused(Error::NothingCommitted(order_id));
    let Some(reservation) = world.reservation(order_id).cloned() else {
        return nothing_committed;
    };
    match reservation.status {
        Status::Committed if Mutant::ReleaseOnPartialRefund.is_active() => {
            checkout::release_committed(world, reservation)
        }
        Status::Committed => Decision::Ignored("shipping says what becomes of the goods"),
        Status::Released => Decision::AlreadyApplied,
        Status::Expired | Status::CommitRefused => Decision::Ignored("its stock went back on sale when it expired"),
        Status::Backordered | Status::Rejected | Status::Tombstone => Decision::Ignored("nothing was held"),
        // Only what was committed is paid for, and payments says so first.
        Status::Active => nothing_committed,
    }
}

#[cfg(test)]
mod tests;
