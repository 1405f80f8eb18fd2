//! What shipping does when money goes back for a part of an order: units that have not left are stopped, and what the buyer sends back is
//! awaited, followed on its way if it has a label, and taken in.
//!
//! A parcel that comes back by itself is taken in here as well; its return is opened when it fails: [`super::fulfilment`]. A refund of all
//! that was paid stops all parcels, which is decided there too.

use kernel::{Decision, Timestamp};

use super::Answer;
use crate::domain::consignment::PartStop;
use crate::domain::contents::Contents;
use crate::domain::error::ShippingError;
use crate::domain::event::{Event, LabelBought, ParcelMoved, StoppedPart};
use crate::domain::fact::{BoughtLabel, Receipt, WithoutGoods};
use crate::domain::goods_return::{Return, ReturnOrigin, ReturnStatus};
use crate::domain::ids::{OrderId, RefundNumber, ReturnId, return_of_refund};
use crate::domain::return_label::{ReturnLabel, ReturnParcelStatus};
use crate::domain::world::{LabelPlace, World};

/// Stops units that have not left, if there are enough. Whoever locks the consignment first, this, another part or a parcel, decides: the
/// others are told. What is stopped for a refund is said once.
pub(super) fn on_part_stop_requested(
    world: &mut World,
    order_id: OrderId,
    refund_number: RefundNumber,
    asked: &Contents,
) -> Answer {
    let Some(consignment) = world.consignment(order_id) else {
        return Decision::Refused(ShippingError::OrderNotFound(order_id));
    };
    if let Some(before) = consignment.part_stops.get(&refund_number) {
        return if before.asked == *asked {
            Decision::AlreadyApplied
        } else {
            Decision::Refused(ShippingError::OtherPart { order_id, refund_number })
        };
    }
    let stopped = match consignment.stop_part(asked) {
        Ok(stopped) => stopped,
        Err(refusal) => return Decision::Refused(refusal),
    };
    let consignment =
        world.stop_part(order_id, refund_number, PartStop { asked: asked.clone(), stopped: stopped.clone() });
    Decision::applied(match stopped {
        Some(stopped) => Event::PartCancelled(StoppedPart {
            order_id,
            refund_number,
            stopped,
            order_stopped: consignment.stopped_in_parts(),
            order_dispatched: consignment.is_dispatched(),
            order_delivered: consignment.is_delivered(),
            order_failed: consignment.has_failed(),
        }),
        None => Event::ShipmentCancelRefused { order_id, refund_number: Some(refund_number) },
    })
}

/// Awaits what the buyer sends back, if the buyer has it. What is sent back for a refund is said once.
pub(super) fn on_return_requested(
    world: &mut World,
    order_id: OrderId,
    refund_number: RefundNumber,
    asked: &Contents,
) -> Answer {
    let Some(consignment) = world.consignment(order_id) else {
        return Decision::Refused(ShippingError::OrderNotFound(order_id));
    };
    let id = return_of_refund(order_id, refund_number);
    if let Some(before) = consignment.returns.get(&id) {
        return if before.asked() == *asked {
            Decision::AlreadyApplied
        } else {
            Decision::Refused(ShippingError::OtherReturn { order_id, refund_number })
        };
    }
    match consignment.send_back(asked) {
        Ok(awaited) => world.open(order_id, Return::new(id, ReturnOrigin::Refund(refund_number), awaited)),
        Err(refusal) => return Decision::Refused(refusal),
    }
    Decision::noted()
}

/// Money that goes back without goods is nothing to shipping.
pub(super) fn on_refund_without_goods(kind: WithoutGoods) -> Answer {
    Decision::Ignored(match kind {
        WithoutGoods::ParcelFailed => "what is in a parcel that failed comes back by itself, or not at all",
        WithoutGoods::Goodwill => "the buyer keeps the goods",
    })
}

/// Notes the label by which the buyer sends goods back to a warehouse, if they are awaited there and one of the carriers that brought them sold it.
/// A return has one for each warehouse.
pub(super) fn on_return_label_bought(world: &mut World, bought: &BoughtLabel, now: Timestamp) -> Answer {
    let BoughtLabel { order_id, return_id, warehouse_id, ref carrier, ref tracking_number } = *bought;
    let Some(consignment) = world.consignment(order_id) else {
        return Decision::Refused(ShippingError::OrderNotFound(order_id));
    };
    let Some(goods_return) = consignment.returns.get(&return_id) else {
        return Decision::Refused(ShippingError::ReturnNotFound(return_id));
    };
    if let Some(before) = goods_return.labels.get(&warehouse_id) {
        return if before.carrier == *carrier && before.tracking_number == *tracking_number {
            Decision::AlreadyApplied
        } else {
            Decision::Refused(ShippingError::OtherLabel { return_id, warehouse_id })
        };
    }
    let refund_number = match goods_return.awaits_by_label(warehouse_id) {
        Ok(refund_number) => refund_number,
        Err(refusal) => return Decision::Refused(refusal),
    };
    if !consignment.brought_by(goods_return, warehouse_id).contains(&carrier) {
        return Decision::Refused(ShippingError::NoReturnCarrier { return_id, warehouse_id });
    }
    let (carrier, tracking_number) = (carrier.clone(), tracking_number.clone());
    let label = ReturnLabel::new(carrier.clone(), tracking_number.clone(), now);
    world.label((order_id, return_id, warehouse_id), label);
    Decision::applied(Event::ReturnLabelBought(LabelBought {
        order_id,
        return_id,
        refund_number,
        warehouse_id,
        carrier,
        tracking_number,
    }))
}

/// Notes where a parcel is that the buyer sends back, if it was not known to be as far. That it arrived takes nothing in: people say in what
/// condition the goods came, perhaps before the carrier says so. So the scans of a return that is complete are heard as well.
pub(super) fn on_return_parcel_seen(
    world: &mut World,
    place: LabelPlace,
    status: ReturnParcelStatus,
    now: Timestamp,
) -> Answer {
    let (order_id, return_id, warehouse_id) = place;
    let goods_return = match find_return(world, order_id, return_id) {
        Ok(goods_return) => goods_return,
        Err(refusal) => return Decision::Refused(refusal),
    };
    // Only what a refund waits for has labels.
    let (Some(label), ReturnOrigin::Refund(refund_number)) =
        (goods_return.labels.get(&warehouse_id), goods_return.origin)
    else {
        return Decision::Refused(ShippingError::LabelNotFound { return_id, warehouse_id });
    };
    if status <= label.status {
        return Decision::AlreadyApplied;
    }
    world.move_back(place, status, now);
    let moved = ParcelMoved { order_id, return_id, refund_number, warehouse_id, status };
    Decision::applied(Event::ReturnParcelMoved(moved))
}

/// Takes in what came back. A receipt that was taken in under that id is this one: whoever asks makes a new id for a new receipt.
pub(super) fn on_goods_received(world: &mut World, receipt: &Receipt) -> Answer {
    let Receipt { order_id, return_id, receipt_id, ref goods, complete } = *receipt;
    let goods_return = match find_return(world, order_id, return_id) {
        Ok(goods_return) => goods_return,
        Err(refusal) => return Decision::Refused(refusal),
    };
    if goods_return.receipts.contains_key(&receipt_id) {
        return Decision::AlreadyApplied;
    }
    let received = match goods_return.sort_in(goods) {
        Ok(received) => received,
        Err(refusal) => return Decision::Refused(refusal),
    };
    let consignment = world.receive(order_id, return_id, receipt_id, received.clone(), complete);
    let goods_return = &consignment.returns[&return_id];
    Decision::applied(Event::ReturnReceived {
        order_id,
        return_id,
        origin: goods_return.origin,
        received,
        order_received: consignment.received(),
        accepted: goods_return.received().accepted(),
        complete: goods_return.status == ReturnStatus::Received,
    })
}

fn find_return(world: &World, order_id: OrderId, return_id: ReturnId) -> Result<&Return, ShippingError> {
    let consignment = world.consignment(order_id).ok_or(ShippingError::OrderNotFound(order_id))?;
    consignment.returns.get(&return_id).ok_or(ShippingError::ReturnNotFound(return_id))
}

#[cfg(test)]
mod label_tests;
#[cfg(test)]
mod part_tests;
#[cfg(test)]
mod tests;
