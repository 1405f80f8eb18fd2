//! The sagas: what begins or ends them from outside, and what must hold of them. A file each.

pub mod checkout;

use stateright::Model as _;

use crate::action::Action;
use crate::fleet::Fleet;
use crate::state::State;

/// Something that must hold in every state.
pub type Property = (&'static str, fn(&Fleet, &State) -> bool);

/// What must hold, over all sagas.
pub const PROPERTIES: &[Property] = checkout::PROPERTIES;

/// Commands and deadlines that may come in a state.
pub fn triggers(state: &State, actions: &mut Vec<Action>) {
    checkout::triggers(state, actions);
}

/// Whether a run may end here: nothing is under way, and no deadline that is left would change anything.
pub fn is_at_rest(fleet: &Fleet, state: &State) -> bool {
    if state.parked.is_some() || !state.is_quiet() {
        return false;
    }
    let mut actions = Vec::new();
    checkout::deadlines(state, &mut actions);
    actions.into_iter().all(|deadline| fleet.next_state(state, deadline).is_none())
}
