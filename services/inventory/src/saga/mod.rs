//! What inventory does in each saga. Pure, like the domain: [`decide`] is what runs in the service, in the tests and in a
//! model checker.

pub mod backorder;
pub mod checkout;
pub mod fulfilment;
pub mod modification;
pub mod refund;
pub mod returns;
pub mod transfers;

use kernel::{Decision, Timestamp};

use crate::domain::allocation::sum_demand;
use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::fact::{Fact, StockChange, StockChangeKind};
use crate::domain::world::World;

/// What can be set about reservations.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// How long a reservation holds at most: a seller may have a SKU held for less.
    pub reservation_ttl: std::time::Duration,
    /// How long an order waits for stock that is to come.
    pub backorder_wait: std::time::Duration,
}

/// Decides what a fact does to the world.
pub fn decide(world: &mut World, fact: &Fact, policy: &Policy, now: Timestamp) -> Decision<Event, Error> {
    let decision = match fact {
        Fact::OrderCreated { order_id, seller_id, lines, ship_to } => {
            let demand = sum_demand(lines);
            checkout::on_order_created(world, *order_id, *seller_id, &demand, ship_to, policy, now)
        }
        Fact::OrderModified(modified) => modification::on_order_modified(world, modified, policy, now),
        Fact::PaymentAuthorized(order_id) => checkout::on_payment_authorized(world, *order_id),
        Fact::OrderEnded(order_id) => checkout::on_order_ended(world, *order_id),
        Fact::ReservationDue(order_id) => checkout::on_reservation_due(world, *order_id, now),
        Fact::BackorderDue(order_id) => backorder::on_backorder_due(world, *order_id, policy, now),
        Fact::ShipmentDispatched(dispatch) => fulfilment::on_shipment_dispatched(world, dispatch),
        Fact::ReturnReceived(receipt) => returns::on_return_received(world, receipt),
        Fact::ShipmentCancelled(order_id) => fulfilment::on_shipment_cancelled(world, *order_id),
        Fact::PartStopped(stop) => fulfilment::on_part_stopped(world, stop),
        Fact::DeliveryFailed(order_id) => fulfilment::on_delivery_failed(world, *order_id),
        Fact::PaymentRefunded { order_id, order_ended } => refund::on_payment_refunded(world, *order_id, *order_ended),
        Fact::StockChange(change) => on_stock_change(world, change),
        Fact::TransferDispatched(dispatch) => transfers::on_transfer_dispatched(world, dispatch, now),
        Fact::TransferReceived(receipt) => transfers::on_transfer_received(world, receipt, now),
    };
    match decision {
        Decision::Applied(mut events) => {
            events.extend(world.take_crossings());
            Decision::Applied(events)
        }
        Decision::AlreadyApplied | Decision::Ignored(_) | Decision::Refused(_) => decision,
    }
}

fn on_stock_change(world: &mut World, change: &StockChange) -> Decision<Event, Error> {
    let stock_item = match world.change_stock(change) {
        Ok(stock_item) => stock_item,
        Err(refusal) => return Decision::Refused(refusal),
    };
    let reason = change.reason.clone();
    Decision::applied(match change.kind {
        StockChangeKind::Add(quantity) => {
            Event::StockAdded { stock_item, quantity: i64::from(quantity), reason, order_id: None }
        }
        StockChangeKind::WriteOff(quantity) => {
            Event::StockWrittenOff { stock_item, quantity: i64::from(quantity), reason, order_id: None }
        }
        StockChangeKind::Adjust(delta) => Event::StockAdjusted { stock_item, delta, reason },
    })
}

#[cfg(test)]
mod crossings;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod properties;
