//! The fleet as a state machine: which steps there are in a state, and where each leads.

use std::hash::Hash;
use std::sync::Arc;

use checkout::Outcomes;
use inventory::Inventory;
use inventory::domain::fact::Fact as InventoryFact;
use kernel::{Id, Timestamp};
use messaging::Cause;
use orders::Orders;
use orders::domain::fact::{Canceller, Fact as OrdersFact, OrderFact};
use orders::domain::ids::OrderId;
use orders::domain::order::Order;
use orders::domain::refund::RefundRequest;
use payments::domain::{Fact as PaymentsFact, OperationKey, Outcome};
use payments::{Heard, Payments};
use shipping::Shipping;
use shipping::domain::fact::Fact as ShippingFact;
use stateright::{Model, Property};

use crate::action::Action;
use crate::clock::{
    AUTHORIZATION_LIFETIME, AUTHORIZATION_MARGIN, BACKORDER_WAIT, NOON, RESERVATION_TTL, RETURN_WINDOW, UNPAID_AFTER,
    last_minute,
};
use crate::network::{Entry, Network, Place, Told};
use crate::provider::{self, Reply};
use crate::saga::{exchange, fulfilment, modification, refund};
use crate::scenario::{Begins, Scenario};
use crate::services::checkout::CheckoutStore;
use crate::services::inventory::InventoryStore;
use crate::services::kept::Memory;
use crate::services::orders::OrdersStore;
use crate::services::payments::PaymentsStore;
use crate::services::shipping::ShippingStore;
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
    memory: Memories,
}

/// What each service made of what it heard so far.
#[derive(Debug, Default)]
struct Memories {
    checkout: Memory<CheckoutStore>,
    orders: Memory<OrdersStore>,
    inventory: Memory<InventoryStore>,
    payments: Memory<PaymentsStore>,
    shipping: Memory<ShippingStore>,
}

/// What a step came to.
#[derive(Debug)]
pub struct Step {
    /// The state after it.
    pub state: State,
    /// What became of the fact; none where nothing was decided.
    pub answer: Option<Answer>,
    /// The events that became true.
    pub told: Vec<Arc<Told>>,
}

impl Fleet {
    /// The services with the policies that they start with unless told otherwise.
    pub fn new(scenario: &'static Scenario) -> Self {
        Self {
            scenario,
            checkout: Outcomes::default(),
            orders: Orders {
                policy: orders::domain::policy::Policy { unpaid_after: UNPAID_AFTER, return_window: RETURN_WINDOW },
            },
            inventory: Inventory {
                policy: inventory::saga::Policy { reservation_ttl: RESERVATION_TTL, backorder_wait: BACKORDER_WAIT },
            },
            payments: Payments::new(payments::domain::Policy {
                authorization_margin: AUTHORIZATION_MARGIN,
                authorization_lifetime: AUTHORIZATION_LIFETIME,
                commission_rate: payments::domain::commission_rate("0.05").expect("a rate"),
            }),
            shipping: Shipping,
            memory: Memories::default(),
        }
    }

    /// The scenario.
    pub fn scenario(&self) -> &'static Scenario {
        self.scenario
    }

    /// Takes a step; none if nothing comes of it.
    #[expect(clippy::too_many_lines, reason = "each action is met here, and nowhere else")]
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
                let fact = OrderFact::CancelRequested { by: Canceller::Buyer, note: None };
                self.tell_orders(&mut step, &action, order_id, fact, NOON);
                step.state.left.cancels -= 1;
            }
            Action::Modify(order_id) => {
                let left = modification::one_of(step.state.orders.order(order_id)?)?;
                let fact = OrderFact::ModificationRequested { left, note: None };
                self.tell_orders(&mut step, &action, order_id, fact, NOON);
                step.state.left.modifications -= 1;
            }
            Action::Split(order_id) => {
                let units = modification::one_of(step.state.orders.order(order_id)?)?;
                let parts = vec![(modification::next_order_id(&step.state), units)];
                self.tell_orders(&mut step, &action, order_id, OrderFact::SplitRequested { parts }, NOON);
                step.state.left.splits -= 1;
            }
            Action::RequestRefund(order_id) => {
                self.ask_back(&mut step, &action, order_id, |_| Some(RefundRequest::BeforeDispatch))?;
                step.state.left.refunds -= 1;
            }
            Action::RequestPart(order_id, units) => {
                self.ask_back(&mut step, &action, order_id, |order| refund::part_of(order, units))?;
                step.state.left.parts -= 1;
            }
            Action::RequestReturn(order_id, units) => {
                self.ask_back(&mut step, &action, order_id, |order| refund::return_of(order, units))?;
                step.state.left.returns -= 1;
            }
            Action::RequestExchange(order_id, units) => {
                let new_id = modification::next_order_id(&step.state);
                self.ask_back(&mut step, &action, order_id, |order| exchange::exchange_of(order, units, new_id))?;
                step.state.left.exchanges -= 1;
            }
            Action::GiveGoodwill(order_id, goodwill) => {
                self.ask_back(&mut step, &action, order_id, |order| refund::goodwill_of(order, goodwill))?;
                step.state.left.goodwills -= 1;
            }
            Action::RetryRefund(order_id, number) => {
                self.tell_payments(&mut step, &action, PaymentsFact::RefundRetried { order_id, number });
                step.state.left.retries -= 1;
            }
            Action::UnpaidDeadline(order_id) => {
                self.tell_orders(&mut step, &action, order_id, OrderFact::UnpaidDeadlinePassed, NOON + UNPAID_AFTER);
                step.state.left.deadlines -= 1;
            }
            Action::ReservationDeadline(order_id) => {
                let fact = InventoryFact::ReservationDue(order_id);
                // One that was made after its order had waited holds until later.
                let expires_at = step.state.inventory.reservation(order_id)?.expires_at;
                self.tell_inventory(&mut step, &action, &fact, expires_at.unwrap_or(NOON + RESERVATION_TTL));
                step.state.left.deadlines -= 1;
            }
            Action::BackorderDeadline(order_id) => {
                let fact = InventoryFact::BackorderDue(order_id);
                self.tell_inventory(&mut step, &action, &fact, NOON + BACKORDER_WAIT);
                step.state.left.deadlines -= 1;
            }
            Action::Look(order_id) => {
                self.tell_inventory(&mut step, &action, &InventoryFact::BackorderDue(order_id), NOON);
            }
            Action::Restock(id) => {
                let item = step.state.inventory.stock().find(|item| item.id() == id)?;
                let left = step.state.left.restocks;
                let fact = market::restock(item, left);
                self.tell_inventory(&mut step, &(action, left), &fact, NOON);
                step.state.left.restocks -= 1;
            }
            Action::CloseDeadline(order_id) => {
                self.tell_orders(&mut step, &action, order_id, OrderFact::CloseDeadlinePassed, NOON + RETURN_WINDOW);
                step.state.left.closings -= 1;
            }
            Action::Dispatch(order_id, shipment_id) => {
                let dispatch = fulfilment::parcel_of(step.state.shipping.consignment(order_id)?, shipment_id)?;
                self.tell_shipping(&mut step, &action, &ShippingFact::DispatchRequested(dispatch));
            }
            Action::Deliver(order_id, shipment_id, parcel_id) => {
                let fact = ShippingFact::DeliveryReported { order_id, shipment_id, parcel_id };
                self.tell_shipping(&mut step, &action, &fact);
            }
            Action::Fail(order_id, shipment_id, parcel_id, failure) => {
                let fact = ShippingFact::FailureReported { order_id, shipment_id, parcel_id, failure };
                self.tell_shipping(&mut step, &action, &fact);
                step.state.left.failures -= 1;
            }
            Action::Receive(order_id, return_id, condition) => {
                let goods_return = step.state.shipping.consignment(order_id)?.returns.get(&return_id)?;
                let receipt = refund::receipt_of(order_id, goods_return, condition)?;
                self.tell_shipping(&mut step, &action, &ShippingFact::GoodsReceived(receipt));
            }
            Action::Remit(order_id) => {
                let amount = step.state.shipping.consignment(order_id)?.cash_due()?;
                let reference = "statement".parse().expect("a reference");
                self.tell_shipping(&mut step, &action, &ShippingFact::CashRemitted { order_id, amount, reference });
            }
            Action::Ask { key, reply } => ask(&mut step.state, key, reply)?,
            Action::Commit(key) => {
                let asked = step.state.payments.operation(key)?;
                let (attempt, returned) = (asked.attempts, asked.returned.clone()?);
                self.commit(&mut step, &action, key, attempt, returned);
            }
            Action::CommitAgain(key) => {
                let (attempt, known) = step.state.payments.operation(key)?.answered.clone()?;
                self.commit(&mut step, &action, key, attempt, known);
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
        let (entry, is_new) = log.read(by, index);
        if is_new {
            let reaction = self.react_to(&mut step.state, by, &entry, now);
            if let Answer::Refused(why) = &reaction.answer {
                let of = crate::state::letter::<()>(Id::from_uuid(place.key));
                let why = format!("{} of {of}: {why}", entry.told().name());
                step.state.parked = Some(Arc::new(Parked { by, why }));
            }
            step.settle(&reaction);
        } else {
            step.answer = Some(Answer::Seen);
        }
    }

    fn react_to(&self, state: &mut State, by: Service, entry: &Entry, now: Timestamp) -> Arc<Reaction> {
        let cause = (entry, now);
        let Memories { checkout, orders, inventory, payments, shipping } = &self.memory;
        match by {
            Service::Checkout => checkout.react(&mut state.checkout, &cause, |store| {
                services::hear(&self.checkout, store, &entry.envelope(), now)
            }),
            Service::Orders => orders
                .react(&mut state.orders, &cause, |store| services::hear(&self.orders, store, &entry.envelope(), now)),
            Service::Inventory => inventory.react(&mut state.inventory, &cause, |store| {
                services::hear(&self.inventory, store, &entry.envelope(), now)
            }),
            Service::Payments => payments.react(&mut state.payments, &cause, |store| {
                services::hear(&self.payments, store, &entry.envelope(), now)
            }),
            Service::Shipping => shipping.react(&mut state.shipping, &cause, |store| {
                services::hear(&self.shipping, store, &entry.envelope(), now)
            }),
        }
    }

    /// A command or a deadline of orders. Its caller, not an operator, is told if it is refused.
    fn tell_orders(&self, step: &mut Step, action: &Action, order_id: OrderId, fact: OrderFact, now: Timestamp) {
        let fact = OrdersFact::Order(order_id, fact);
        let react = |store: &mut OrdersStore| services::react(&self.orders, store, &fact, now);
        let reaction = self.memory.orders.react(&mut step.state.orders, action, react);
        step.settle(&reaction);
    }

    /// Somebody wants money back; none if the order has nothing that could be wanted so.
    fn ask_back(
        &self,
        step: &mut Step,
        action: &Action,
        order_id: OrderId,
        wish: impl FnOnce(&Order) -> Option<RefundRequest>,
    ) -> Option<()> {
        let request = wish(step.state.orders.order(order_id)?)?;
        self.tell_orders(step, action, order_id, OrderFact::RefundRequested { request, note: None }, NOON);
        Some(())
    }

    /// A command of an operator, or an answer of the provider.
    fn tell_payments(&self, step: &mut Step, action: &Action, fact: PaymentsFact) {
        let heard = Heard { fact, cause: Cause::command("service:payments") };
        let react = |store: &mut PaymentsStore| services::react(&self.payments, store, &heard, NOON);
        let reaction = self.memory.payments.react(&mut step.state.payments, action, react);
        step.settle(&reaction);
    }

    /// A deadline of inventory, or a command of a seller.
    fn tell_inventory(&self, step: &mut Step, cause: &impl Hash, fact: &InventoryFact, now: Timestamp) {
        let react = |store: &mut InventoryStore| services::react(&self.inventory, store, fact, now);
        let reaction = self.memory.inventory.react(&mut step.state.inventory, cause, react);
        step.settle(&reaction);
    }

    /// A command of a warehouse or a carrier.
    fn tell_shipping(&self, step: &mut Step, action: &Action, fact: &ShippingFact) {
        let react = |store: &mut ShippingStore| services::react(&self.shipping, store, fact, NOON);
        let reaction = self.memory.shipping.react(&mut step.state.shipping, action, react);
        step.settle(&reaction);
    }

    fn commit(&self, step: &mut Step, action: &Action, key: OperationKey, attempt: i32, outcome: Outcome) {
        self.tell_payments(step, action, PaymentsFact::ProviderAnswered { key, attempt, outcome });
        if let Some(Answer::Refused(why)) = &step.answer {
            let why = format!("the answer to {} {}: {why}", key.kind.as_str(), crate::state::letter(key.order_id));
            step.state.parked = Some(Arc::new(Parked { by: Service::Payments, why }));
        }
    }

    /// Where it comes to from there if nobody outside does anything and nothing goes wrong. What was told on the way is not told again.
    fn undisturbed(&self, mut state: State) -> State {
        while let Some(action) = steps::undisturbed(&state) {
            state = self.take(&state, action).expect("what is under way comes through").state;
        }
        State { network: Network::default(), ..state }
    }
}

/// The worker sets out to call: whether it comes back with an answer or without, the attempt counts.
fn ask(state: &mut State, key: OperationKey, reply: Reply) -> Option<()> {
    let is_refused_now = reply.yes == Some(false) && state.provider.known(state.payments.operation(key)?).is_none();
    state.payments.change(|payments| {
        let asked = payments.operation_mut(key)?;
        asked.attempts += 1;
        asked.returned = provider::call(Arc::make_mut(&mut state.provider), asked, reply);
        Some(())
    })?;
    state.left.refusals -= u8::from(is_refused_now);
    state.left.silences -= u8::from(!reply.arrives);
    Some(())
}

impl Step {
    fn settle(&mut self, reaction: &Reaction) {
        reaction.told.iter().for_each(|told| self.state.network.publish(told));
        self.told.extend(reaction.told.iter().cloned());
        self.answer = Some(reaction.answer.clone());
    }

    /// A command that is refused and a deadline that does not matter change nothing; a consumer that reads, and a second answer,
    /// are seen in the network or in what is left.
    fn happened(&self, action: &Action) -> bool {
        match action {
            Action::Cancel(_)
            | Action::Modify(_)
            | Action::Split(_)
            | Action::RequestRefund(_)
            | Action::RequestPart(..)
            | Action::RequestReturn(..)
            | Action::RequestExchange(..)
            | Action::GiveGoodwill(..)
            | Action::RetryRefund(..)
            | Action::UnpaidDeadline(_)
            | Action::ReservationDeadline(_)
            | Action::BackorderDeadline(_)
            | Action::Look(_)
            | Action::Restock(_)
            | Action::CloseDeadline(_)
            | Action::Dispatch(..)
            | Action::Deliver(..)
            | Action::Fail(..)
            | Action::Receive(..)
            | Action::Remit(_) => self.answer == Some(Answer::Applied),
            Action::Hear { .. }
            | Action::Rewind { .. }
            | Action::Resend { .. }
            | Action::Swap { .. }
            | Action::Ask { .. }
            | Action::Commit(_)
            | Action::CommitAgain(_) => true,
        }
    }
}

impl Model for Fleet {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let submitted = market::open(self.scenario);
        vec![match self.scenario.begins {
            Begins::Submitted => submitted,
            Begins::ReadyToLeave => self.undisturbed(submitted),
        }]
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
