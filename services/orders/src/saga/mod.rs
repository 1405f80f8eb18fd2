//! What orders do in each saga. Pure: the same functions run in the service, in the tests and in the model checker.

pub mod backorder;
pub mod checkout;
pub mod exchange;
#[cfg(test)]
mod fixtures;
pub mod fulfilment;
pub mod modification;
pub mod refund;

use kernel::{Decision, Timestamp};

use crate::domain::error::OrderError;
use crate::domain::fact::{Fact, OrderFact};
use crate::domain::ids::OrderId;
use crate::domain::order::Answer;
use crate::domain::policy::Policy;
use crate::domain::world::World;

/// Decides what a fact does to the orders.
pub fn decide(world: &mut World, fact: &Fact, policy: &Policy, now: Timestamp) -> Answer {
    match fact {
        Fact::CheckoutSubmitted { checkout_id, snapshots } => {
            checkout::on_checkout_submitted(world, *checkout_id, snapshots, policy, now)
        }
        Fact::Order(order_id, fact) => on_order_fact(world, *order_id, fact, policy, now),
    }
}

/// A fact about an order that does not exist is refused, never kept for later: whatever inventory, payments and shipping say of an
/// order follows from its `OrderCreated`, which was published after the order was committed. So it is not early, it is wrong (or
/// our database was restored from a backup), and an operator must know.
fn on_order_fact(world: &mut World, order_id: OrderId, fact: &OrderFact, policy: &Policy, now: Timestamp) -> Answer {
    let Some(order) = world.order_mut(order_id) else {
        return Decision::Refused(OrderError::NotFound(order_id));
    };
    let answer = match fact {
        OrderFact::PaymentAuthorized => checkout::on_payment_authorized(order),
        OrderFact::PaymentDeclined { issuer_reason } => checkout::on_payment_declined(order, issuer_reason),
        OrderFact::PaymentCaptured { amount } => checkout::on_payment_captured(order, *amount, policy, now),
        OrderFact::CaptureFailed => checkout::on_capture_failed(order),
        OrderFact::PaymentVoided => checkout::on_payment_voided(order),
        OrderFact::PaymentRefunded { number, refunded } => {
            return exchange::on_payment_refunded(world, order_id, *number, *refunded, policy, now);
        }
        OrderFact::RefundFailed { number, reason } => refund::on_refund_failed(order, *number, reason),
        OrderFact::InventoryCommitted(commitment) => checkout::on_inventory_committed(order, commitment),
        OrderFact::ReservationModified { committed } => {
            modification::on_reservation_modified(order, committed.as_ref())
        }
        OrderFact::InventoryBackordered { until } => backorder::on_inventory_backordered(order, *until, policy),
        OrderFact::InventoryRejected => checkout::on_inventory_rejected(order),
        OrderFact::InventoryCommitRefused => checkout::on_inventory_commit_refused(order),
        OrderFact::ReservationExpired => checkout::on_reservation_expired(order),
        OrderFact::InventoryReleased { partial } => refund::on_inventory_released(order, *partial),
        OrderFact::CancelRequested { by, note } => checkout::on_cancel_requested(order, *by, note.as_ref()),
        OrderFact::ModificationRequested { left, note } => {
            return modification::on_modification_requested(world, order_id, left, note.as_ref());
        }
        OrderFact::SplitRequested { parts } => {
            return modification::on_split_requested(world, order_id, parts, policy, now);
        }
        OrderFact::UnpaidDeadlinePassed => checkout::on_unpaid_deadline_passed(order, now),
        OrderFact::RefundRequested { request, note } => {
            let (order, agreed) = world.order_mut_and_agreed(order_id).expect("it was just found");
            refund::on_refund_requested(order, agreed, request, note.as_ref(), now)
        }
        OrderFact::ReturnReceived { number, accepted, complete } => {
            let (order, agreed) = world.order_mut_and_agreed(order_id).expect("it was just found");
            refund::on_return_received(order, agreed, *number, accepted, *complete)
        }
        OrderFact::CloseDeadlinePassed => fulfilment::on_close_deadline_passed(order, now),
        OrderFact::ShipmentDispatched { order_dispatched } => {
            fulfilment::on_shipment_dispatched(order, *order_dispatched)
        }
        OrderFact::ShipmentDelivered { order_delivered } => {
            fulfilment::on_shipment_delivered(order, *order_delivered, policy, now)
        }
        OrderFact::ShipmentFailed(parcel) => fulfilment::on_shipment_failed(order, parcel, policy, now),
        OrderFact::ShipmentCancelled => fulfilment::on_shipment_cancelled(order),
        OrderFact::PartStopped(part) => fulfilment::on_part_stopped(order, part, policy, now),
        OrderFact::ShipmentCancelRefused { number } => fulfilment::on_shipment_cancel_refused(order, *number),
    };
    if matches!(answer, Decision::Applied(_)) {
        world.mark_changed(order_id);
    }
    answer
}
