//! The fulfilment saga: what leaves, what arrives, and what was collected at the door. Shipping alone decides what may leave;
//! everyone else hears of it.
//!
//! Orders say on one topic that the goods of an order may leave, and then perhaps that they are to be stopped, because somebody wants
//! to cancel the order or wants the money back. Everything else is a command, and comes after what it is about was shown to somebody.
//! So nothing here overtakes anything: a fact about something unknown is wrong, and refused.

use kernel::{Decision, Money, Mutant, Timestamp};

use super::Answer;
use crate::domain::consignment::{Cancellation, Consignment, Instruction, RemittanceReference};
use crate::domain::error::ShippingError;
use crate::domain::event::Event;
use crate::domain::fact::Dispatch;
use crate::domain::goods_return::{Return, ReturnOrigin};
use crate::domain::ids::{OrderId, RefundNumber, ShipmentId, return_of_parcel};
use crate::domain::parcel::{Parcel, ParcelFailure, ParcelState};
use crate::domain::shipment::Shipment;
use crate::domain::world::{Place, World};

/// Creates a shipment for each warehouse. What is to be sent is said once: by whatever event it is said again, it is the same.
pub(super) fn on_ship_requested(world: &mut World, order_id: OrderId, instruction: &Instruction) -> Answer {
    if let Some(consignment) = world.consignment(order_id) {
        return if consignment.is_asked_for_by(instruction) {
            Decision::AlreadyApplied
        } else {
            Decision::Refused(ShippingError::OtherInstruction(order_id))
        };
    }
    let consignment = Consignment::new(order_id, instruction);
    let created = |shipment: &Shipment| Event::ShipmentCreated {
        order_id,
        shipment_id: shipment.id,
        warehouse_id: shipment.warehouse_id,
        holds: shipment.holds.clone(),
    };
    let events = consignment.shipments.values().map(created).collect();
    world.create(consignment);
    Decision::Applied(events)
}

/// Stops what has not left and was not stopped in parts, if nothing has; how it is paid for makes no difference. Whoever locks the consignment first, this or a
/// parcel, decides: the other is told.
pub(super) fn on_stop_requested(world: &mut World, order_id: OrderId, refund_number: Option<RefundNumber>) -> Answer {
    let Some(consignment) = world.consignment(order_id) else {
        return Decision::Refused(ShippingError::OrderNotFound(order_id));
    };
    match consignment.cancellation {
        Some(Cancellation::Stopped | Cancellation::Refused) => Decision::AlreadyApplied,
        None if consignment.has_begun() => {
            world.cancel(order_id, Cancellation::Refused);
            Decision::applied(Event::ShipmentCancelRefused { order_id, refund_number })
        }
        None => {
            world.cancel(order_id, Cancellation::Stopped);
            Decision::applied(Event::ShipmentCancelled { order_id, refund_number })
        }
    }
}

/// Lets a parcel leave, if what it is to hold is there. A parcel that has left under that id is this one: whoever asks makes a new
/// id for a new parcel.
pub(super) fn on_dispatch_requested(world: &mut World, dispatch: &Dispatch, now: Timestamp) -> Answer {
    let Dispatch { order_id, shipment_id, parcel_id, .. } = *dispatch;
    let Some((consignment, shipment)) = find(world, order_id, shipment_id) else {
        return Decision::Refused(ShippingError::ShipmentNotFound(shipment_id));
    };
    if consignment.parcel(parcel_id).is_some() {
        return Decision::AlreadyApplied;
    }
    match consignment.cancellation {
        Some(Cancellation::Stopped) if !Mutant::DispatchAfterStopping.is_active() => {
            return Decision::Refused(ShippingError::Cancelled(shipment_id));
        }
        Some(Cancellation::Stopped | Cancellation::Refused) | None => {}
    }
    let contents = match shipment.pack(&dispatch.asked) {
        Ok(contents) => contents,
        Err(refusal) => return Decision::Refused(refusal),
    };
    let parcel = Parcel {
        id: parcel_id,
        carrier: dispatch.carrier.clone(),
        tracking_number: dispatch.tracking_number.clone(),
        contents,
        dispatched_at: now,
        state: ParcelState::Dispatched,
    };
    let consignment = world.dispatch(order_id, shipment_id, parcel.clone());
    let shipment = &consignment.shipments[&shipment_id];
    Decision::applied(Event::ShipmentDispatched {
        order_id,
        shipment_id,
        warehouse_id: shipment.warehouse_id,
        parcel,
        dispatched: shipment.dispatched(),
        order_dispatched: consignment.is_dispatched(),
    })
}

/// Notes that a parcel arrived.
pub(super) fn on_delivery_reported(world: &mut World, place: Place, now: Timestamp) -> Answer {
    let (order_id, shipment_id, parcel_id) = place;
    let parcel = match find_parcel(world, place) {
        Ok(parcel) => parcel,
        Err(refusal) => return Decision::Refused(refusal),
    };
    match parcel.state {
        ParcelState::Delivered { .. } => return Decision::AlreadyApplied,
        ParcelState::Failed { .. } if !Mutant::DeliverAfterFailing.is_active() => {
            return Decision::Refused(ShippingError::ParcelFailed(parcel_id));
        }
        ParcelState::Failed { .. } | ParcelState::Dispatched => {}
    }
    let order_delivered = world.deliver(place, now).is_delivered();
    Decision::applied(Event::ShipmentDelivered { order_id, shipment_id, parcel_id, order_delivered })
}

/// Notes that a parcel will not arrive. Unless it is lost it comes back to the warehouse that it left.
pub(super) fn on_failure_reported(world: &mut World, place: Place, failure: ParcelFailure, now: Timestamp) -> Answer {
    let (order_id, shipment_id, parcel_id) = place;
    let parcel = match find_parcel(world, place) {
        Ok(parcel) => parcel,
        Err(refusal) => return Decision::Refused(refusal),
    };
    match parcel.state {
        ParcelState::Failed { failure: before, .. } if before == failure => return Decision::AlreadyApplied,
        ParcelState::Failed { .. } => return Decision::Refused(ShippingError::ParcelFailed(parcel_id)),
        ParcelState::Delivered { .. } => return Decision::Refused(ShippingError::ParcelDelivered(parcel_id)),
        ParcelState::Dispatched => {}
    }
    let contents = parcel.contents.clone();
    let consignment = world.fail(place, failure, now);
    let (order_delivered, order_failed) = (consignment.is_delivered(), consignment.has_failed());
    if failure.comes_back() {
        let warehouse_id = consignment.shipments[&shipment_id].warehouse_id;
        let (id, origin) = (return_of_parcel(order_id, parcel_id), ReturnOrigin::Parcel(parcel_id));
        world.open(order_id, Return::new(id, origin, [(warehouse_id, contents.clone())].into()));
    }
    Decision::applied(Event::ShipmentFailed {
        order_id,
        shipment_id,
        parcel_id,
        failure,
        contents,
        order_delivered,
        order_failed,
    })
}

/// Notes what the carrier passed on: all that was to be paid for what arrived, once, when nothing is on its way any more. Anything else
/// is for people to settle with the carrier before it is money of ours.
pub(super) fn on_cash_remitted(
    world: &mut World,
    order_id: OrderId,
    amount: Money,
    reference: &RemittanceReference,
) -> Answer {
    let Some(consignment) = world.consignment(order_id) else {
        return Decision::Refused(ShippingError::OrderNotFound(order_id));
    };
    let Some(due) = consignment.cash_due() else {
        return Decision::Refused(ShippingError::NotCashOnDelivery(order_id));
    };
    if let Some(before) = &consignment.remittance {
        return if before == reference && amount == due {
            Decision::AlreadyApplied
        } else {
            Decision::Refused(ShippingError::AlreadyRemitted(order_id))
        };
    }
    if !consignment.is_delivered() {
        return Decision::Refused(ShippingError::NotDelivered(order_id));
    }
    if amount != due {
        return Decision::Refused(ShippingError::RemittanceMismatch { order_id, due, amount });
    }
    world.remit(order_id, reference.clone());
    Decision::applied(Event::CashCollected { order_id, amount, reference: reference.clone() })
}

fn find(world: &World, order_id: OrderId, shipment_id: ShipmentId) -> Option<(&Consignment, &Shipment)> {
    let consignment = world.consignment(order_id)?;
    Some((consignment, consignment.shipments.get(&shipment_id)?))
}

fn find_parcel(world: &World, (order_id, shipment_id, parcel_id): Place) -> Result<&Parcel, ShippingError> {
    let (_, shipment) = find(world, order_id, shipment_id).ok_or(ShippingError::ShipmentNotFound(shipment_id))?;
    shipment.parcels.get(&parcel_id).ok_or(ShippingError::ParcelNotFound(parcel_id))
}

#[cfg(test)]
mod tests;
