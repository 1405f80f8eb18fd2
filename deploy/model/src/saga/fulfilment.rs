//! The fulfilment saga: what warehouses and carriers do, and invariants I1 to I3 of it.

use kernel::Id;
use orders::domain::order::Order;
use orders::domain::status::{FulfilmentStatus, Status};
use shipping::domain::consignment::Consignment;

use super::{Property, any_ended, is_at, is_at_rest};
use crate::action::Action;
use crate::fleet::Fleet;
use crate::scenario::End;
use crate::services::shipping::{units_dispatched, waiting};
use crate::state::State;

/// What must hold in every state.
pub const PROPERTIES: &[Property] = &[
    ("I1: cash is taken for ours only when the carrier has passed it on", cash_is_passed_on),
    ("I2: no more leaves the stock than leaves the warehouse, and in the end it is the same", what_left_is_gone),
    ("I3: no parcel leaves for an order that has ended", nothing_leaves_in_vain),
    ("I3: in the end an order says of its parcels what shipping says", orders_know_their_parcels),
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

/// What warehouses and carriers may do next: a unit leaves, a parcel arrives, the cash is passed on.
pub fn triggers(state: &State, actions: &mut Vec<Action>) {
    for consignment in state.shipping.consignments() {
        let order_id = consignment.order_id;
        actions.extend(waiting(consignment).map(|shipment| Action::Dispatch(order_id, shipment.id)));
        for shipment in consignment.shipments.values() {
            let under_way = shipment.parcels.values().filter(|parcel| !parcel.is_delivered());
            actions.extend(under_way.map(|parcel| Action::Deliver(order_id, shipment.id, parcel.id)));
        }
        if consignment.is_delivered() && consignment.terms.cash_to_collect.is_some() && consignment.remittance.is_none()
        {
            actions.push(Action::Remit(order_id));
        }
    }
}

fn cash_is_passed_on(_: &Fleet, state: &State) -> bool {
    let mut in_cash = state.orders.orders().filter(|order| order.cash_on_delivery);
    in_cash.all(|order| {
        let is_passed_on = consignment(state, order).is_some_and(|consignment| consignment.remittance.is_some());
        let payment = state.payments.payment(Id::from_uuid(order.id.uuid()));
        is_passed_on || payment.is_none_or(|payment| payment.captured.minor() == 0)
    })
}

fn what_left_is_gone(fleet: &Fleet, state: &State) -> bool {
    state.orders.orders().all(|order| {
        let left = consignment(state, order).map_or(0, units_dispatched);
        let reservation = state.inventory.reservation(Id::from_uuid(order.id.uuid()));
        let gone = reservation.map_or(0, |r| r.allocations.iter().map(|allocation| allocation.dispatched).sum());
        gone <= left && (gone == left || !is_at_rest(fleet, state))
    })
}

fn nothing_leaves_in_vain(_: &Fleet, state: &State) -> bool {
    let mut ended =
        state.orders.orders().filter(|order| matches!(order.standing.status, Status::Failed(_) | Status::Cancelled(_)));
    ended.all(|order| consignment(state, order).is_none_or(|consignment| !consignment.has_begun()))
}

fn orders_know_their_parcels(fleet: &Fleet, state: &State) -> bool {
    let knows = |order: &Order| {
        let Some(consignment) = consignment(state, order) else { return true };
        let expected = if consignment.is_delivered() {
            FulfilmentStatus::Delivered
        } else if consignment.is_dispatched() {
            FulfilmentStatus::Shipped
        } else if consignment.has_begun() {
            FulfilmentStatus::PartlyShipped
        } else {
            return true;
        };
        order.standing.fulfilment == expected && order.cancellation.is_none()
    };
    !is_at_rest(fleet, state) || state.orders.orders().all(knows)
}

pub(super) fn consignment<'a>(state: &'a State, order: &Order) -> Option<&'a Consignment> {
    state.shipping.consignment(Id::from_uuid(order.id.uuid()))
}
