//! The fleet as a state machine: which steps there are in a state, and where each leads.

use std::sync::Arc;

use checkout::Outcomes;
use inventory::Inventory;
use inventory::domain::fact::Fact as InventoryFact;
use kernel::{Id, Timestamp};
use messaging::{Cause, Envelope};
use orders::Orders;
use orders::domain::fact::{Canceller, Fact as OrdersFact, OrderFact};
use payments::domain::{Fact as PaymentsFact, OperationKey, Outcome};
use payments::{Heard, Payments};
use shipping::Shipping;
use shipping::domain::contents::Contents;
use shipping::domain::fact::{Dispatch, Fact as ShippingFact};
use stateright::{Model, Property};
use uuid::Uuid;

use crate::action::Action;
use crate::clock::{AUTHORIZATION_MARGIN, NOON, RESERVATION_TTL, UNPAID_AFTER, last_minute};
use crate::network::{Place, short_name};
use crate::provider::{self, Reply};
use crate::scenario::Scenario;
use crate::services::{self, Answer, Reaction, Service};
use crate::state::{Parked, State};
use crate::{market, saga, steps};

/// The services that ship, in a scenario.
#[derive(Debug)]
pub struct Fleet {
    scenario: &'static Scenario,
    checkout: Outcomes,
    orders: Orders,
    inventory: Inventory,
    payments: Payments,
    shipping: Shipping,
}

/// What a step came to.
#[derive(Debug)]
pub struct Step {
    /// The state after it.
    pub state: State,
    /// What became of the fact; none where nothing was decided.
    pub answer: Option<Answer>,
    /// The events that became true, by their short names.
    pub told: Vec<String>,
}

impl Fleet {
    /// The services with the policies that they start with unless told otherwise.
    pub fn new(scenario: &'static Scenario) -> Self {
        Self {
            scenario,
            checkout: Outcomes::default(),
            orders: Orders { policy: orders::domain::policy::CheckoutPolicy { unpaid_after: UNPAID_AFTER } },
            inventory: Inventory { policy: inventory::saga::Policy { reservation_ttl: RESERVATION_TTL } },
            payments: Payments::new(payments::domain::Policy { authorization_margin: AUTHORIZATION_MARGIN }),
            shipping: Shipping,
        }
    }

    /// The scenario.
    pub fn scenario(&self) -> &'static Scenario {
        self.scenario
    }

    /// Takes a step; none if nothing comes of it.
    pub fn take(&self, before: &State, action: Action) -> Option<Step> {
        let mut step = Step { state: before.clone(), answer: None, told: Vec::new() };
        match action {
            Action::Hear { by, place, index, last_minute: false } => self.hear(&mut step, by, place, index, NOON),
            Action::Hear { by, place, index, last_minute: true } => {
                self.hear(&mut step, by, place, index, last_minute());
                let in_time = self.take(before, Action::Hear { by, place, index, last_minute: false })?;
                if step.state == in_time.state {
                    return None;
                }
                step.state.left.last_minutes -= 1;
            }
            Action::Rewind { by, place, index } => {
                step.state.network.log_mut(place)?.rewind(by, index);
                step.state.left.repeats -= 1;
            }
            Action::Resend { place, index } => {
                step.state.network.log_mut(place)?.resend(index);
                step.state.left.repeats -= 1;
            }
            Action::Swap { place } => {
                step.state.network.log_mut(place)?.swap();
                step.state.left.repeats -= 1;
            }
            Action::Cancel(order_id) => {
                self.tell_orders(
                    &mut step,
                    order_id,
                    OrderFact::CancelRequested { by: Canceller::Buyer, note: None },
                    NOON,
                );
                step.state.left.cancels -= 1;
            }
            Action::RequestRefund(order_id) => {
                self.tell_orders(&mut step, order_id, OrderFact::RefundRequested, NOON);
                step.state.left.refunds -= 1;
            }
            Action::UnpaidDeadline(order_id) => {
                self.tell_orders(&mut step, order_id, OrderFact::UnpaidDeadlinePassed, NOON + UNPAID_AFTER);
                step.state.left.deadlines -= 1;
            }
            Action::ReservationDeadline(order_id) => {
                let fact = InventoryFact::ReservationDue(order_id);
                let store = Arc::make_mut(&mut step.state.inventory);
                let reaction = services::react(&self.inventory, store, &fact, NOON + RESERVATION_TTL);
                step.settle(reaction);
                step.state.left.deadlines -= 1;
            }
            Action::Dispatch(order_id, shipment_id) => {
                let consignment = step.state.shipping.consignment(order_id)?;
                let number = consignment.shipments.values().map(|shipment| shipment.parcels.len()).sum::<usize>() + 1;
                let (sku, _) = consignment.shipments.get(&shipment_id)?.holds.lines().next()?;
                let dispatch = Dispatch {
                    order_id,
                    shipment_id,
                    parcel_id: Id::from_uuid(Uuid::from_u128(number as u128)),
                    asked: Contents::from_units([(sku.clone(), 1)]),
                    carrier: "Van".parse().expect("a carrier"),
                    tracking_number: number.to_string().parse().expect("a number"),
                };
                self.tell_shipping(&mut step, &ShippingFact::DispatchRequested(dispatch));
            }
            Action::Deliver(order_id, shipment_id, parcel_id) => {
                let fact = ShippingFact::DeliveryReported { order_id, shipment_id, parcel_id };
                self.tell_shipping(&mut step, &fact);
            }
            Action::Remit(order_id) => {
                let amount = step.state.shipping.consignment(order_id)?.terms.cash_to_collect?;
                let reference = "statement".parse().expect("a reference");
                self.tell_shipping(&mut step, &ShippingFact::CashRemitted { order_id, amount, reference });
            }
            Action::Ask { key, reply } => ask(&mut step.state, key, reply)?,
            Action::Commit(key) => {
                let returned =
                    step.state.payments.operations().find(|asked| asked.operation.key == key)?.returned.clone()?;
                self.commit(&mut step, key, returned);
            }
            Action::CommitAgain(key) => {
                let known =
                    step.state.payments.operations().find(|asked| asked.operation.key == key)?.outcome.clone()?;
                self.commit(&mut step, key, known);
                step.state.left.repeats -= 1;
            }
        }
        (step.happened(&action)).then_some(step)
    }

    fn hear(&self, step: &mut Step, by: Service, place: Place, index: usize, now: Timestamp) {
        let Some(log) = step.state.network.log_mut(place) else { return };
        if log.next_of(by) != Some(index) {
            step.state.left.overtakings -= 1;
        }
        let (event, is_new) = log.read(by, index);
        if is_new {
            let reaction = self.react_to(&mut step.state, by, &event, now);
            if let Answer::Refused(why) = &reaction.answer {
                let why = format!(
                    "{} of {}: {why}",
                    short_name(&event.event_type),
                    crate::state::letter::<()>(Id::from_uuid(place.key))
                );
                step.state.parked = Some(Arc::new(Parked { by, why }));
            }
            step.settle(reaction);
        } else {
            step.answer = Some(Answer::Seen);
        }
    }

    fn react_to(&self, state: &mut State, by: Service, event: &Envelope, now: Timestamp) -> Reaction {
        match by {
            Service::Checkout => services::hear(&self.checkout, Arc::make_mut(&mut state.checkout), event, now),
            Service::Orders => services::hear(&self.orders, Arc::make_mut(&mut state.orders), event, now),
            Service::Inventory => services::hear(&self.inventory, Arc::make_mut(&mut state.inventory), event, now),
            Service::Payments => services::hear(&self.payments, Arc::make_mut(&mut state.payments), event, now),
            Service::Shipping => services::hear(&self.shipping, Arc::make_mut(&mut state.shipping), event, now),
        }
    }

    /// A command or a deadline of orders. Its caller, not an operator, is told if it is refused.
    fn tell_orders(&self, step: &mut Step, order_id: orders::domain::ids::OrderId, fact: OrderFact, now: Timestamp) {
        let fact = OrdersFact::Order(order_id, fact);
        let reaction = services::react(&self.orders, Arc::make_mut(&mut step.state.orders), &fact, now);
        step.settle(reaction);
    }

    /// A command of a warehouse or a carrier.
    fn tell_shipping(&self, step: &mut Step, fact: &ShippingFact) {
        let reaction = services::react(&self.shipping, Arc::make_mut(&mut step.state.shipping), fact, NOON);
        step.settle(reaction);
    }

    fn commit(&self, step: &mut Step, key: OperationKey, outcome: Outcome) {
        let cause = Cause::command("service:payments");
        let heard = Heard { fact: PaymentsFact::ProviderAnswered { key, outcome }, cause };
        let reaction = services::react(&self.payments, Arc::make_mut(&mut step.state.payments), &heard, NOON);
        if let Answer::Refused(why) = &reaction.answer {
            let why = format!("the answer to {} {}: {why}", key.kind.as_str(), crate::state::letter(key.order_id));
            step.state.parked = Some(Arc::new(Parked { by: Service::Payments, why }));
        }
        step.settle(reaction);
    }
}

/// The worker sets out to call: whether it comes back with an answer or without, the attempt counts.
fn ask(state: &mut State, key: OperationKey, reply: Reply) -> Option<()> {
    let asked = Arc::make_mut(&mut state.payments).operation_mut(key)?;
    let is_refused_now = reply.yes == Some(false) && state.provider.known(asked).is_none();
    asked.attempts += 1;
    asked.returned = provider::call(Arc::make_mut(&mut state.provider), asked, reply);
    state.left.refusals -= u8::from(is_refused_now);
    state.left.silences -= u8::from(!reply.arrives);
    Some(())
}

impl Step {
    fn settle(&mut self, reaction: Reaction) {
        self.told.extend(reaction.told.iter().map(|outgoing| short_name(&outgoing.event_type).to_owned()));
        reaction.told.into_iter().for_each(|outgoing| self.state.network.publish(outgoing));
        self.answer = Some(reaction.answer);
    }

    /// A command that is refused and a deadline that does not matter change nothing; a consumer that reads, and a second answer,
    /// are seen in the network or in what is left.
    fn happened(&self, action: &Action) -> bool {
        match action {
            Action::Cancel(_)
            | Action::RequestRefund(_)
            | Action::UnpaidDeadline(_)
            | Action::ReservationDeadline(_)
            | Action::Dispatch(..)
            | Action::Deliver(..)
            | Action::Remit(_) => self.answer == Some(Answer::Applied),
            _ => true,
        }
    }
}

impl Model for Fleet {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![market::open(self.scenario)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        // What comes after an event that needs an operator is not looked at: that it came to this is the finding.
        if state.parked.is_none() {
            steps::of(self.scenario, state, actions);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let after = self.take(before, action)?.state;
        let bounds = &self.scenario.bounds;
        assert!(after.progress(bounds) > before.progress(bounds), "{action:?} leads nowhere, so runs may have no end");
        Some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let always = saga::properties().map(|(name, holds)| Property::always(name, *holds));
        let ends = self.scenario.ends.iter().chain(self.scenario.never);
        let sometimes = ends.map(|end| Property::sometimes(end.name, end.is_met));
        always.chain(sometimes).collect()
    }
}
