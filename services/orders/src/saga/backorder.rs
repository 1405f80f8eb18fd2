//! An order that waits for stock. Nothing of it is held or paid, so all that changes is how long it may stay unpaid, and that its buyer is told.

use kernel::{Decision, Timestamp};

use crate::domain::event::Event;
use crate::domain::order::{Answer, Order};
use crate::domain::policy::Policy;
use crate::domain::status::{FailureReason, Status};

/// Inventory says so once of an order, before it reserves or rejects.
pub(super) fn on_inventory_backordered(order: &mut Order, until: Timestamp, policy: &Policy) -> Answer {
    match order.standing.status {
        _ if order.waits_until.is_some() => Decision::AlreadyApplied,
        Status::Created => {
            order.waits_until = Some(until);
            // What it waited for is then held as long as for any other order.
            order.unpaid_deadline = policy.unpaid_deadline(until);
            Decision::applied(Event::Backordered {
                order_id: order.id,
                checkout_id: order.checkout_id,
                until,
                unpaid_deadline: order.unpaid_deadline,
            })
        }
        Status::Cancelled(_) => Decision::Ignored("the order was cancelled before; it waits no more"),
        // What payments says on its own topic has overtaken this.
        Status::Failed(FailureReason::PaymentDeclined) => Decision::Ignored("the order waited, and was not paid for"),
        Status::Confirmed
        | Status::Paid
        | Status::Shipped
        | Status::Delivered
        | Status::Refunded
        | Status::Closed
        | Status::Failed(FailureReason::OutOfStock | FailureReason::ReservationExpired) => order.contradicted(),
    }
}

#[cfg(test)]
mod tests;
