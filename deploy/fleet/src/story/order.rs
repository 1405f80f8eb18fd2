//! The story of one order, out of the journey that it belongs to.

use std::collections::HashMap;

use contracts::checkout::v1::CheckoutSubmitted;
use kernel::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::awaited::{Awaited, Course};
use super::event::Event;
use super::journey::{Fact, Journey, Operation, Parked, Unpublished};
use super::words::{method, money, words};

/// What happened to an order, and what has to happen next.
#[derive(Debug, Serialize)]
pub struct Story {
    pub(super) order_id: Uuid,
    pub(super) checkout_id: Uuid,
    pub(super) status: &'static str,
    pub(super) total: Option<String>,
    pub(super) paid: Option<&'static str>,
    pub(super) buyer_id: Option<String>,
    /// The other orders of the checkout.
    pub(super) siblings: Vec<Sibling>,
    /// When the checkout was submitted; times are told from then on.
    pub(super) submitted_at: Option<Timestamp>,
    /// Oldest first, and none before what caused it, whatever the clocks said.
    pub(super) facts: Vec<Told>,
    pub(super) awaited: Vec<Awaited>,
    pub(super) parked: Vec<Parked>,
    pub(super) unpublished: Vec<Unpublished>,
}

/// Another order of the same checkout.
#[derive(Debug, Serialize)]
pub(super) struct Sibling {
    pub(super) order_id: Uuid,
    pub(super) status: &'static str,
    pub(super) total: Option<String>,
}

/// A fact, as it is told.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    /// By which later ones refer to it.
    pub(super) number: usize,
    pub(super) after_micros: i64,
    pub(super) occurred_at: Timestamp,
    pub(super) service: String,
    pub(super) what: String,
    pub(super) because: Because,
    pub(super) event_type: String,
    pub(super) event_id: Uuid,
    pub(super) aggregate_id: Uuid,
    pub(super) version: i64,
    /// None if it cannot be read.
    pub(super) payload: Option<Value>,
}

/// Who or what caused a fact.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Because {
    /// A fact of the story, by its number.
    Fact(usize),
    /// A fact that is not part of it.
    Event(Uuid),
    /// Somebody's command, or a service by itself, when a deadline passed.
    Actor(String),
}

impl Journey {
    /// The story of an order, or of each order of the checkout, by whose id that is.
    pub fn stories(&self, id: Uuid) -> Vec<Story> {
        let named = self.orders.iter().filter(|order_id| id == self.checkout_id || id == **order_id);
        named.map(|order_id| self.story(*order_id)).collect()
    }

    /// The story of one of its orders.
    pub fn story(&self, order_id: Uuid) -> Story {
        let facts = in_order(self.facts_of(order_id));
        let submission = facts.iter().find_map(|fact| match read(fact) {
            Event::CheckoutSubmitted(submitted) => Some((fact.occurred_at, submitted)),
            _ => None,
        });
        let submitted_at = submission.as_ref().map(|(at, _)| *at);
        let submitted = submission.map(|(_, submitted)| submitted);
        let terms = |id: Uuid| Some(money(terms(submitted.as_ref()?, id)?.total.as_ref()));
        let sibling = |id: &Uuid| Sibling { order_id: *id, status: self.status(*id), total: terms(*id) };
        let about: Vec<_> = facts.iter().map(|fact| fact.event_id).collect();
        Story {
            order_id,
            checkout_id: self.checkout_id,
            status: self.status(order_id),
            total: terms(order_id),
            paid: submitted.as_ref().map(|submitted| method(submitted.payment_method.as_ref())),
            buyer_id: submitted.as_ref().map(|submitted| submitted.buyer_id.clone()),
            siblings: self.orders.iter().filter(|id| **id != order_id).map(sibling).collect(),
            submitted_at,
            awaited: self.awaited(order_id, &facts),
            parked: of_order(&self.parked, |parked| {
                parked.aggregate_id == order_id || about.contains(&parked.event_id)
            }),
            unpublished: of_order(&self.unpublished, |event| about.contains(&event.event_id)),
            facts: told(&facts, submitted_at),
        }
    }

    /// Those of the order itself, and those that it shares with its siblings.
    fn facts_of(&self, order_id: Uuid) -> Vec<&Fact> {
        let by_id: HashMap<Uuid, &Fact> = self.facts.iter().map(|fact| (fact.event_id, fact)).collect();
        let is_told = |fact: &&Fact| self.owner(fact, &by_id).is_none_or(|owner| owner == order_id);
        let mut facts: Vec<_> = by_id.values().copied().filter(is_told).collect();
        facts.sort_by_key(|fact| (fact.occurred_at, fact.event_id));
        facts
    }

    /// The order that a fact belongs to: its own, or that of what caused it.
    fn owner(&self, fact: &Fact, by_id: &HashMap<Uuid, &Fact>) -> Option<Uuid> {
        let mut fact = fact;
        // Causes do not go round in circles, unless somebody changed a history.
        for _ in 0..by_id.len() {
            if self.orders.contains(&fact.aggregate_id) {
                return Some(fact.aggregate_id);
            }
            fact = by_id.get(&fact.causation_id?)?;
        }
        None
    }

    fn status(&self, order_id: Uuid) -> &'static str {
        let mut facts: Vec<_> =
            self.facts.iter().filter(|fact| fact.aggregate_id == order_id && fact.service == "orders").collect();
        facts.sort_by_key(|fact| fact.version);
        facts.iter().rev().find_map(|fact| milestone(&fact.event_type)).unwrap_or("NOT CREATED")
    }

    fn awaited(&self, order_id: Uuid, facts: &[&Fact]) -> Vec<Awaited> {
        let mut course = Course::default();
        for fact in facts {
            course.take(&read(fact));
        }
        let operations: Vec<&Operation> =
            self.operations.iter().filter(|operation| operation.order_id == order_id).collect();
        course.awaited(&operations)
    }
}

impl Story {
    /// The names of the facts with their milliseconds, in one line.
    pub fn in_a_line(&self) -> String {
        let since_submission = self.facts.iter().filter(|fact| fact.after_micros >= 0);
        let step = |fact: &Told| format!("{} {}", fact.after_micros / 1_000, short(&fact.event_type));
        format!("{} ms", since_submission.map(step).collect::<Vec<_>>().join(" > "))
    }
}

/// By time; but no fact stands before what caused it, nor before an earlier one of its aggregate: clocks of replicas differ.
fn in_order(facts: Vec<&Fact>) -> Vec<&Fact> {
    let mut left = facts;
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |fact: &Fact| {
            left.iter().any(|other| {
                let is_earlier = (&other.service, other.aggregate_id) == (&fact.service, fact.aggregate_id)
                    && other.version < fact.version;
                fact.causation_id == Some(other.event_id) || is_earlier
            })
        };
        let next = left.iter().position(|fact| !waits(fact)).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered
}

fn told(facts: &[&Fact], submitted_at: Option<Timestamp>) -> Vec<Told> {
    let zero = submitted_at.or(facts.first().map(|fact| fact.occurred_at)).map_or(0, Timestamp::unix_micros);
    let number_of: HashMap<Uuid, usize> = facts.iter().zip(1..).map(|(fact, number)| (fact.event_id, number)).collect();
    let tell = |(fact, number): (&&Fact, usize)| Told {
        number,
        after_micros: fact.occurred_at.unix_micros() - zero,
        occurred_at: fact.occurred_at,
        service: fact.service.clone(),
        what: what(fact),
        because: match fact.causation_id {
            Some(cause) => number_of.get(&cause).map_or(Because::Event(cause), |number| Because::Fact(*number)),
            None => Because::Actor(fact.actor.clone()),
        },
        event_type: fact.event_type.clone(),
        event_id: fact.event_id,
        aggregate_id: fact.aggregate_id,
        version: fact.version,
        payload: contracts::event::to_json(&fact.event_type, &fact.payload).ok(),
    };
    facts.iter().zip(1..).map(tell).collect()
}

fn what(fact: &Fact) -> String {
    match Event::read(&fact.event_type, &fact.payload) {
        Ok(event) => words(&event).unwrap_or_else(|| short(&fact.event_type).to_owned()),
        Err(error) => format!("{} cannot be read: {error}", short(&fact.event_type)),
    }
}

fn read(fact: &Fact) -> Event {
    Event::read(&fact.event_type, &fact.payload).unwrap_or(Event::Unknown)
}

fn of_order<T: Clone>(all: &[T], is_of_order: impl Fn(&T) -> bool) -> Vec<T> {
    all.iter().filter(|one| is_of_order(one)).cloned().collect()
}

fn terms(submitted: &CheckoutSubmitted, order_id: Uuid) -> Option<&contracts::checkout::v1::SubmittedOrder> {
    submitted.orders.iter().find(|order| order.order_id.parse() == Ok(order_id))
}

/// The milestone that an order has reached with a fact, if it is one.
fn milestone(event_type: &str) -> Option<&'static str> {
    Some(match short(event_type) {
        "OrderCreated" => "CREATED",
        "OrderConfirmed" => "CONFIRMED",
        "OrderPaid" => "PAID",
        "OrderShipped" => "SHIPPED",
        "OrderDelivered" => "DELIVERED",
        "OrderFailed" => "FAILED",
        "OrderCancelled" => "CANCELLED",
        "OrderRefunded" => "REFUNDED",
        "OrderClosed" => "CLOSED",
        _ => return None,
    })
}

/// `OrderCreated` of `tradewind.orders.v1.OrderCreated`.
pub(super) fn short(event_type: &str) -> &str {
    event_type.rsplit('.').next().unwrap_or(event_type)
}
