//! The fulfilment saga: what warehouses and carriers do, when an order is closed, and invariants I1 to I3 of it.

use kernel::{Id, Money};
use orders::domain::order::Order;
use orders::domain::refund::Refund;
use orders::domain::status::{CancelReason, FulfilmentStatus, PaymentStatus as PaymentAxis, Status};
use shipping::domain::consignment::Consignment;
use shipping::domain::contents::Contents;
use shipping::domain::fact::Dispatch;
use shipping::domain::goods_return::{ReturnOrigin, ReturnStatus};
use shipping::domain::ids::ShipmentId;
use shipping::domain::parcel::{Parcel, ParcelFailure};
use uuid::Uuid;

use super::{Property, any_ended, consignment, is_at, is_at_rest, payment};
use crate::action::Action;
use crate::fleet::Fleet;
use crate::scenario::End;
use crate::services::inventory::dispatched;
use crate::services::shipping::{parcels, units_dispatched, waiting};
use crate::state::State;

/// What must hold in every state.
pub const PROPERTIES: &[Property] = &[
    ("I1: cash is taken for ours only when the carrier has passed it on, and then what is due", cash_is_passed_on),
    ("I2: no more leaves the stock than leaves the warehouse, and in the end it is the same", what_left_is_gone),
    ("I3: no parcel leaves for an order that has ended", nothing_leaves_in_vain),
    ("I3: what left arrived, failed or is on its way, and in the end orders say the same of it", parcels_are_known),
    ("I3: nothing of an order that is closed is under way", closed_is_over),
];

/// Every parcel of a prepaid order arrived.
pub const DELIVERED: End =
    End { name: "DELIVERED", is_met: |fleet, state| any_ended(fleet, state, |order| is_at(order, Status::Delivered)) };

/// The carrier passed the cash on.
pub const PAID_AT_THE_DOOR: End = End {
    name: "PAID, at the door",
    is_met: |fleet, state| any_ended(fleet, state, |order| order.cash_on_delivery && is_at(order, Status::Paid)),
};

/// A parcel left before it could be stopped.
pub const NOT_STOPPED: End = End {
    name: "SHIPPED or further, although somebody wanted to cancel",
    is_met: |fleet, state| {
        use shipping::domain::consignment::Cancellation;
        let is_refused = |consignment: &Consignment| consignment.cancellation == Some(Cancellation::Refused);
        any_ended(fleet, state, |order| consignment(state, order).is_some_and(is_refused))
    },
};

/// The time in which goods may be sent back has passed.
pub const CLOSED: End =
    End { name: "CLOSED", is_met: |fleet, state| any_ended(fleet, state, |order| is_at(order, Status::Closed)) };

/// One parcel did not arrive, and the carrier passed on so much less.
pub const LESS_AT_THE_DOOR: End = End {
    name: "PAID, at the door, but for a parcel that failed",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| {
            let is_less = order.captured.is_some_and(|captured| captured.minor() < order.total.minor());
            order.cash_on_delivery && is_at(order, Status::Paid) && is_less
        })
    },
};

/// Nothing arrived of an order that was to be paid at the door.
pub const DELIVERY_FAILED: End = End {
    name: "CANCELLED (DELIVERY_FAILED)",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| is_at(order, Status::Cancelled(CancelReason::DeliveryFailed)))
    },
};

/// What warehouses and carriers may do next: a unit leaves, a parcel arrives or fails, the cash is passed on.
pub fn triggers(state: &State, actions: &mut Vec<Action>) {
    for consignment in state.shipping.consignments() {
        let order_id = consignment.order_id;
        actions.extend(waiting(consignment).map(|shipment| Action::Dispatch(order_id, shipment.id)));
        for shipment in consignment.shipments.values() {
            let on_their_way = || shipment.parcels.values().filter(|parcel| !parcel.has_ended());
            // That a parcel which has failed does not arrive is for shipping to see to.
            let may_arrive = shipment.parcels.values().filter(|parcel| !parcel.is_delivered());
            actions.extend(may_arrive.map(|parcel| Action::Deliver(order_id, shipment.id, parcel.id)));
            if state.left.failures > 0 {
                // To be returned to its sender is the same as to be refused.
                let fail = |failure| on_their_way().map(move |p| Action::Fail(order_id, shipment.id, p.id, failure));
                actions.extend([ParcelFailure::Lost, ParcelFailure::Refused].into_iter().flat_map(fail));
            }
        }
        if consignment.is_delivered() && consignment.terms.cash_to_collect.is_some() && consignment.remittance.is_none()
        {
            actions.push(Action::Remit(order_id));
        }
    }
}

/// The deadline of an order that may be closed. Whether it matters is for the service to decide.
pub fn deadlines(state: &State, actions: &mut Vec<Action>) {
    if state.left.closings > 0 {
        actions.extend(state.orders.orders().map(|order| Action::CloseDeadline(order.id)));
    }
}

/// The next parcel of a shipment: one unit.
pub fn parcel_of(consignment: &Consignment, shipment_id: ShipmentId) -> Option<Dispatch> {
    let number = parcels(consignment).count() + 1;
    let (sku, _) = consignment.shipments.get(&shipment_id)?.holds.lines().next()?;
    Some(Dispatch {
        order_id: consignment.order_id,
        shipment_id,
        // No parcel of another order has the same.
        parcel_id: Id::from_uuid(Uuid::from_u128((consignment.order_id.uuid().as_u128() << 32) + number as u128)),
        asked: Contents::from_units([(sku.clone(), 1)]),
        carrier: "Van".parse().expect("a carrier"),
        tracking_number: number.to_string().parse().expect("a number"),
    })
}

fn cash_is_passed_on(fleet: &Fleet, state: &State) -> bool {
    let mut in_cash = state.orders.orders().filter(|order| order.cash_on_delivery);
    in_cash.all(|order| {
        let captured = payment(state, order).map_or(0, |payment| payment.captured.minor());
        let passed_on = consignment(state, order).filter(|consignment| consignment.remittance.is_some());
        let due = passed_on.and_then(Consignment::cash_due).map_or(0, Money::minor);
        let is_right = captured == 0 || captured == due;
        is_right && (!is_at_rest(fleet, state) || captured == due && (due == 0 || order.due().minor() == due))
    })
}

fn what_left_is_gone(fleet: &Fleet, state: &State) -> bool {
    state.orders.orders().all(|order| {
        let left = consignment(state, order).map_or(0, units_dispatched);
        let gone = state.inventory.reservation(Id::from_uuid(order.id.uuid())).map_or(0, dispatched);
        gone <= left && (gone == left || !is_at_rest(fleet, state))
    })
}

/// Only an order of which nothing arrived ends after its parcels have left.
fn nothing_leaves_in_vain(_: &Fleet, state: &State) -> bool {
    state.orders.orders().all(|order| match order.standing.status {
        Status::Cancelled(CancelReason::DeliveryFailed) => {
            consignment(state, order).is_some_and(Consignment::has_failed)
        }
        Status::Failed(_) | Status::Cancelled(_) => consignment(state, order).is_none_or(|sent| !sent.has_begun()),
        Status::Created
        | Status::Confirmed
        | Status::Paid
        | Status::Shipped
        | Status::Delivered
        | Status::Refunded
        | Status::Closed => true,
    })
}

fn parcels_are_known(fleet: &Fleet, state: &State) -> bool {
    state.orders.orders().all(|order| {
        let Some(consignment) = consignment(state, order) else { return true };
        let has_failed = |refund: &Refund| {
            let parcel = refund.parcel_id.and_then(|id| consignment.parcel(Id::from_uuid(id.uuid())));
            refund.parcel_id.is_none() || parcel.is_some_and(Parcel::has_failed)
        };
        order.refunds.iter().all(has_failed) && (!is_at_rest(fleet, state) || is_known(order, consignment))
    })
}

/// Whether an order says of its parcels what shipping says. Of one all of whose money is back, orders count no parcels that fail.
fn is_known(order: &Order, consignment: &Consignment) -> bool {
    let failed = parcels(consignment).filter(|parcel| parcel.has_failed()).count();
    let is_counted = order.refunds.iter().filter(|refund| refund.parcel_id.is_some()).count() == failed;
    let expected = if consignment.is_delivered() {
        FulfilmentStatus::Delivered
    } else if consignment.has_failed() {
        FulfilmentStatus::Failed
    } else if consignment.is_dispatched() {
        FulfilmentStatus::Shipped
    } else if consignment.has_begun() {
        FulfilmentStatus::PartlyShipped
    } else {
        return true;
    };
    let is_back = order.standing.payment == PaymentAxis::Refunded;
    order.standing.fulfilment == expected && order.cancellation.is_none() && (is_counted || is_back)
}

fn closed_is_over(_: &Fleet, state: &State) -> bool {
    state.orders.orders().filter(|order| is_at(order, Status::Closed)).all(|order| {
        let is_paid_back = payment(state, order).is_some_and(|payment| {
            payment.refunds.iter().all(|refund| refund.standing == payments::domain::RefundStanding::Done)
        });
        let has_arrived = consignment(state, order).is_some_and(|consignment| {
            let is_stopped = super::is_stopped(state, order);
            let is_awaited = consignment.returns.values().any(|goods_return| {
                matches!(goods_return.origin, ReturnOrigin::Refund(_)) && goods_return.status == ReturnStatus::Open
            });
            (is_stopped || consignment.is_delivered() || consignment.has_failed()) && !is_awaited
        });
        !order.refunds.iter().any(Refund::is_open) && is_paid_back && has_arrived
    })
}
