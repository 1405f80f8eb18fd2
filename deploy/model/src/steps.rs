//! Which steps there are in a state: what consumers read, what the provider does, and what may go wrong on the way.

use kernel::Mutant;
use payments::domain::Outcome;

use crate::action::Action;
use crate::network::{Log, Place};
use crate::provider::Reply;
use crate::saga;
use crate::scenario::Scenario;
use crate::services::Service;
use crate::services::payments::Asked;
use crate::state::State;

/// Collects every step that may come next.
pub fn of(scenario: &Scenario, state: &State, actions: &mut Vec<Action>) {
    for by in scenario.hear_at_once {
        reads(*by, state, actions);
        if !actions.is_empty() {
            return;
        }
    }
    for by in Service::ALL {
        reads(by, state, actions);
    }
    state.payments.operations().for_each(|asked| calls(asked, state, actions));
    saga::triggers(scenario, state, actions);
    if state.left.repeats > 0 {
        state.network.logs().for_each(|(place, log)| repeats(place, log, actions));
    }
    if state.left.overtakings > 0 {
        state.network.logs().for_each(|(place, log)| overtakings(place, log, actions));
    }
}

/// What comes next if nobody outside does anything and nothing goes wrong; none if nothing is under way.
pub fn undisturbed(state: &State) -> Option<Action> {
    let next_of = |by: Service| {
        let mut logs = state.network.logs();
        logs.find_map(|(place, log)| Some(Action::Hear { by, place, index: log.next_of(by)?, last_minute: false }))
    };
    let call = |asked: &Asked| {
        let key = asked.operation.key;
        match &asked.returned {
            Some(_) => Action::Commit(key),
            None => Action::Ask { key, reply: Reply::YES },
        }
    };
    let mut open = state.payments.operations().filter(|asked| asked.is_open);
    Service::ALL.into_iter().find_map(next_of).or_else(|| open.next().map(call))
}

/// What a service's consumer may take next: of each log one event.
fn reads(by: Service, state: &State, actions: &mut Vec<Action>) {
    for (place, log) in state.network.logs() {
        let Some(index) = log.next_of(by) else { continue };
        actions.push(Action::Hear { by, place, index, last_minute: false });
        if by == Service::Payments && state.left.last_minutes > 0 {
            actions.push(Action::Hear { by, place, index, last_minute: true });
        }
    }
}

/// What may become of an operation next.
fn calls(asked: &Asked, state: &State, actions: &mut Vec<Action>) {
    let key = asked.operation.key;
    if asked.answered.is_some() && state.left.repeats > 0 {
        actions.push(Action::CommitAgain(key));
    }
    if !asked.is_open {
        return;
    }
    if asked.returned.is_some() {
        actions.push(Action::Commit(key));
        return;
    }
    match state.provider.known(asked) {
        Some(Outcome::Succeeded) => actions.push(Action::Ask { key, reply: Reply::YES }),
        Some(Outcome::Declined(_)) => actions.push(Action::Ask { key, reply: Reply::NO }),
        None => {
            let silent = Reply::SILENT.into_iter().filter(|_| state.left.silences > 0);
            let replies = [Reply::YES, Reply::NO].into_iter().chain(silent);
            let possible = replies.filter(|reply| reply.yes != Some(false) || state.left.refusals > 0);
            actions.extend(possible.map(|reply| Action::Ask { key, reply }));
        }
    }
}

/// Ways in which events of a log come more than once; of a relay that is broken on purpose, also in another order.
fn repeats(place: Place, log: &Log, actions: &mut Vec<Action>) {
    for by in Service::ALL {
        actions.extend(log.rewinds(by).map(|index| Action::Rewind { by, place, index }));
    }
    actions.extend(log.resends().map(|index| Action::Resend { place, index }));
    if Mutant::OutboxOutOfOrder.is_active() && log.may_swap() {
        actions.push(Action::Swap { place });
    }
}

/// Order within a key is lost where a topic gets more partitions while orders are under way. Of what that may do, only this is
/// looked at: what orders says of one of its orders reaches inventory or payments in another order.
fn overtakings(place: Place, log: &Log, actions: &mut Vec<Action>) {
    if place.topic != "tradewind.orders.v1" {
        return;
    }
    for by in [Service::Inventory, Service::Payments] {
        actions.extend(log.overtakers(by).map(|index| Action::Hear { by, place, index, last_minute: false }));
    }
}
