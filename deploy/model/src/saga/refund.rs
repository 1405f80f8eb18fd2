//! The refund saga: who may want money back, how that may end, and invariant I3 of it.

use kernel::Id;
use orders::domain::order::Order;
use orders::domain::status::Status;
use shipping::domain::consignment::Cancellation;

use super::fulfilment::consignment;
use super::{Property, any_ended, is_at};
use crate::action::Action;
use crate::fleet::Fleet;
use crate::scenario::End;
use crate::state::State;

/// What must hold in every state.
pub const PROPERTIES: &[Property] =
    &[("I3: money goes back only for an order of which nothing has left, and then nothing will", nothing_left)];

/// The whole amount was given back.
pub const REFUNDED: End =
    End { name: "REFUNDED", is_met: |fleet, state| any_ended(fleet, state, |order| is_at(order, Status::Refunded)) };

/// A parcel had left.
pub const REJECTED: End = End {
    name: "DELIVERED, although the money was wanted back",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| {
            is_at(order, Status::Delivered) && answer(state, order) == Some(Cancellation::Refused)
        })
    },
};

/// The provider refuses to give it back.
pub const WITH_OPERATOR: End = End {
    name: "granted, and what the provider refuses to give back is with an operator",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| {
            let payment = state.payments.payment(Id::from_uuid(order.id.uuid()));
            order.refund.is_some() && payment.is_some_and(|payment| payment.needs_operator)
        })
    },
};

/// Wishes of buyers.
pub fn triggers(state: &State, actions: &mut Vec<Action>) {
    if state.left.refunds > 0 {
        actions.extend(state.orders.orders().map(|order| Action::RequestRefund(order.id)));
    }
}

fn nothing_left(_: &Fleet, state: &State) -> bool {
    let is_back = |order: &&Order| is_at(order, Status::Refunded);
    state.orders.orders().filter(is_back).all(|order| {
        consignment(state, order).is_some_and(|consignment| {
            consignment.cancellation == Some(Cancellation::Stopped) && !consignment.has_begun()
        })
    })
}

fn answer(state: &State, order: &Order) -> Option<Cancellation> {
    consignment(state, order)?.cancellation
}
