//! Orders that wait for stock: sellers restock, inventory looks, and the wait may be in vain.

use inventory::domain::reservation::{Backorder, Reservation, Status as ReservationStatus};
use kernel::Id;
use orders::domain::order::Order;
use orders::domain::status::{CancelReason, FailureReason, PaymentStatus, Status};

use super::{Property, any_ended, checkout, is_at_rest};
use crate::action::Action;
use crate::fleet::Fleet;
use crate::scenario::End;
use crate::services::Service;
use crate::state::State;

const ORDERS: &str = "tradewind.orders.v1";

/// What must hold in every state.
pub const PROPERTIES: &[Property] = &[
    ("I2: what orders wait for is counted, and is no more than the seller lets them wait for", line_is_counted),
    ("I3: of an order that waits nothing is held, and nothing is taken", nothing_is_held_in_line),
    ("I3: an order that has ended does not wait for stock, once inventory has heard of it", nobody_waits_after_the_end),
];

/// What sellers do, and what inventory looks at.
pub fn triggers(state: &State, actions: &mut Vec<Action>) {
    if state.left.restocks > 0 {
        actions.extend(state.inventory.stock().take(1).map(|item| Action::Restock(item.id())));
    }
    looks(state, actions);
    deadlines(state, actions);
}

/// Looks at orders that wait. Whether there is enough is for the service to find.
pub fn looks(state: &State, actions: &mut Vec<Action>) {
    actions.extend(in_line(state).map(|reservation| Action::Look(reservation.order_id)));
}

/// Waits that may have been long enough.
pub fn deadlines(state: &State, actions: &mut Vec<Action>) {
    if state.left.deadlines > 0 {
        actions.extend(in_line(state).map(|reservation| Action::BackorderDeadline(reservation.order_id)));
    }
}

/// The reservations that hold nothing and wait.
fn in_line(state: &State) -> impl Iterator<Item = &Reservation> {
    state.inventory.reservations().filter(|reservation| reservation.backorder.is_some())
}

/// Waits, and everybody says so.
pub fn is_waiting(state: &State, order: &Order) -> bool {
    order.standing.status == Status::Created
        && order.waits_until.is_some()
        && checkout::reservation(state, order) == Some(ReservationStatus::Backordered)
        && state
            .checkout
            .orders()
            .any(|shown| shown.id.uuid() == order.id.uuid() && shown.outcome.name() == "BACKORDERED")
}

fn line_is_counted(fleet: &Fleet, state: &State) -> bool {
    let backorders = in_line(state).filter_map(|reservation| reservation.backorder.as_ref());
    let wanted: i64 = backorders.flat_map(Backorder::awaited).map(|(_, units)| units).sum();
    wanted == state.inventory.waiting() && wanted <= fleet.scenario().backorder_limit
}

fn nothing_is_held_in_line(_: &Fleet, state: &State) -> bool {
    in_line(state).all(|reservation| {
        let id = Id::from_uuid(reservation.order_id.uuid());
        let order = state.orders.order(Id::from_uuid(reservation.order_id.uuid()));
        reservation.allocations.is_empty()
            && !state.provider.is_held(id)
            && state.provider.captured(id) == 0
            && order.is_some_and(|order| order.standing.payment == PaymentStatus::Unpaid)
    })
}

fn nobody_waits_after_the_end(_: &Fleet, state: &State) -> bool {
    let has_ended = |order: &&Order| matches!(order.standing.status, Status::Failed(_) | Status::Cancelled(_));
    let is_heard = |order: &&Order| {
        let mut logs = state.network.logs().filter(|(place, _)| place.key == order.id.uuid() && place.topic == ORDERS);
        logs.all(|(_, log)| log.next_of(Service::Inventory).is_none())
    };
    let mut over = state.orders.orders().filter(has_ended).filter(is_heard);
    over.all(|order| checkout::reservation(state, order) != Some(ReservationStatus::Backordered))
}

/// It waits, and nobody restocks.
pub const WAITS: End = End {
    name: "CREATED, and waits for stock",
    is_met: |fleet, state| state.orders.orders().any(|order| is_waiting(state, order)) && is_at_rest(fleet, state),
};

/// It waited, and was given it.
pub const PAID_AFTER_WAIT: End = End {
    name: "PAID, after it waited for stock",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| order.standing.status == Status::Paid && order.waits_until.is_some())
    },
};

/// It waited in vain.
pub const WAITED_IN_VAIN: End = End {
    name: "FAILED (OUT_OF_STOCK), after it waited for stock",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| {
            order.waits_until.is_some() && order.standing.status == Status::Failed(FailureReason::OutOfStock)
        })
    },
};

/// The buyer would not wait any longer.
pub const TIRED_OF_WAITING: End = End {
    name: "CANCELLED (CANCELLED_BY_BUYER), while it waited for stock",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| {
            let reservation = state.inventory.reservation(Id::from_uuid(order.id.uuid()));
            order.waits_until.is_some()
                && order.standing.status == Status::Cancelled(CancelReason::ByBuyer)
                && reservation.is_some_and(|reservation| reservation.allocations.is_empty())
        })
    },
};
