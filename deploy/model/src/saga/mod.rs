//! The sagas: what begins or ends them from outside, and what must hold of them. A file each.

pub mod backorder;
pub mod checkout;
pub mod exchange;
pub mod fulfilment;
pub mod modification;
pub mod refund;

use kernel::Id;
use orders::domain::order::Order;
use orders::domain::status::Status;
use payments::domain::Payment;
use shipping::domain::consignment::{Cancellation, Consignment};
use stateright::Model as _;

use crate::action::Action;
use crate::fleet::Fleet;
use crate::scenario::Scenario;
use crate::state::State;

/// Something that must hold in every state.
pub type Property = (&'static str, fn(&Fleet, &State) -> bool);

/// What must hold, over all sagas.
pub fn properties() -> impl Iterator<Item = &'static Property> {
    [
        checkout::PROPERTIES,
        backorder::PROPERTIES,
        modification::PROPERTIES,
        fulfilment::PROPERTIES,
        refund::PROPERTIES,
        exchange::PROPERTIES,
    ]
    .into_iter()
    .flatten()
}

/// Commands, deadlines, and what warehouses and carriers do, that may come in a state.
pub fn triggers(scenario: &Scenario, state: &State, actions: &mut Vec<Action>) {
    checkout::triggers(state, actions);
    backorder::triggers(state, actions);
    modification::triggers(state, actions);
    refund::triggers(state, actions);
    exchange::triggers(state, actions);
    fulfilment::deadlines(state, actions);
    if scenario.goods_leave {
        fulfilment::triggers(state, actions);
    }
}

/// Whether a run may end here: nothing is under way, and no deadline that is left, and no look at those who wait, would change anything.
pub fn is_at_rest(fleet: &Fleet, state: &State) -> bool {
    if state.parked.is_some() || !state.is_quiet() {
        return false;
    }
    let mut actions = Vec::new();
    checkout::deadlines(state, &mut actions);
    backorder::looks(state, &mut actions);
    backorder::deadlines(state, &mut actions);
    fulfilment::deadlines(state, &mut actions);
    actions.into_iter().all(|deadline| fleet.next_state(state, deadline).is_none())
}

/// Whether a run may end here with an order that is as wanted.
fn any_ended(fleet: &Fleet, state: &State, is_wanted: impl Fn(&Order) -> bool) -> bool {
    state.orders.orders().any(is_wanted) && is_at_rest(fleet, state)
}

fn is_at(order: &Order, status: Status) -> bool {
    order.standing.status == status
}

/// Whether its parcels were stopped.
fn is_stopped(state: &State, order: &Order) -> bool {
    consignment(state, order).is_some_and(|consignment| consignment.cancellation == Some(Cancellation::Stopped))
}

fn consignment<'a>(state: &'a State, order: &Order) -> Option<&'a Consignment> {
    state.shipping.consignment(Id::from_uuid(order.id.uuid()))
}

fn payment<'a>(state: &'a State, order: &Order) -> Option<&'a Payment> {
    state.payments.payment(Id::from_uuid(order.id.uuid()))
}
