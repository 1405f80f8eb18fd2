//! Payments as a participant in sagas: the glue between the pure decisions and their edges.

use std::collections::BTreeSet;
use std::sync::Arc;

use kernel::{Decision, Timestamp};
use messaging::{Cause, Caused, Envelope, Error, Heads, Outgoing, Participant, Undecodable, UnitOfWork};
use opentelemetry::global;
use opentelemetry::metrics::Counter;
use sqlx::PgConnection;
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use crate::adapters::postgres::operation::{Claim, Claimed};
use crate::adapters::{events, postgres};
use crate::domain::{Entry, Event, Fact, Method, Operation, OperationKind, OrderId, Payment, Policy, Refusal, World};
use crate::saga;

/// Operations that may wait in memory for the worker; what comes on top it finds in the table.
const HANDED_OVER_MAX: usize = 512;

/// Payments, with its policy.
#[derive(Debug)]
pub struct Payments {
    policy: Policy,
    worker: Option<Worker>,
    asked: Arc<Notify>,
    refunds_without_order: Counter<u64>,
}

/// The worker of this process, which asks the provider.
#[derive(Debug)]
struct Worker {
    claim: Claim,
    sender: mpsc::Sender<Claimed>,
}

/// What the worker takes: what is handed over to it, and what it claims from the table.
#[derive(Debug)]
pub struct Work {
    /// In whose name, and for how long.
    pub claim: Claim,
    /// Operations that are claimed already.
    pub handed_over: mpsc::Receiver<Claimed>,
}

/// A fact, and what told of it: an operation remembers that, so that what the provider answers is not without a cause.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The fact.
    pub fact: Fact,
    /// What told of it.
    pub cause: Cause,
}

/// A world, the orders that something was known of, and the causes of what is asked in it, one each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    world: World,
    stored: BTreeSet<OrderId>,
    causes: Vec<Cause>,
}

impl From<World> for Loaded {
    fn from(world: World) -> Self {
        let stored = world.entries.keys().copied().collect();
        Self { world, stored, causes: Vec::new() }
    }
}

impl Loaded {
    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The world, with what the facts made of it.
    pub fn into_world(self) -> World {
        self.world
    }
}

impl Payments {
    /// Payments under a policy. What is to be asked of the provider waits in the table.
    pub fn new(policy: Policy) -> Self {
        Self::with(policy, None)
    }

    /// Payments under a policy, in the process of the worker that asks the provider: what is to be asked is claimed for it in the
    /// transaction that wants it, and handed to it once that is committed.
    pub fn with_worker(policy: Policy, claim: Claim) -> (Self, Work) {
        let (sender, handed_over) = mpsc::channel(HANDED_OVER_MAX);
        let worker = Some(Worker { claim: claim.clone(), sender });
        (Self::with(policy, worker), Work { claim, handed_over })
    }

    fn with(policy: Policy, worker: Option<Worker>) -> Self {
        let refunds_without_order = global::meter("payments")
            .u64_counter("payment.refunds_without_order")
            .with_description("Payments that were captured and are given back because their order had ended")
            .build();
        Self { policy, worker, asked: Arc::default(), refunds_without_order }
    }

    /// The rules that an operator set.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Told when something was asked of the provider that has to be looked for in the table.
    pub(crate) fn asked(&self) -> &Notify {
        &self.asked
    }
}

impl Participant for Payments {
    type Fact = Heard;
    type World = Loaded;
    type Event = Event;
    type Refusal = Refusal;

    fn decode(&self, event: &Envelope) -> Result<Option<Heard>, Undecodable> {
        let heard = |fact| Heard { fact, cause: Cause::event(crate::SERVICE.name, event) };
        Ok(events::decode(event)?.map(heard))
    }

    /// Payments hears of an order on two topics and from the provider, and two replicas may hear of it at once.
    fn locks(&self, heard: &Heard) -> Vec<Uuid> {
        vec![heard.fact.order_id().uuid()]
    }

    async fn load(&self, tx: &mut PgConnection, facts: &[Caused<Heard>]) -> Result<(Loaded, Heads), Error> {
        let (world, heads) = postgres::load(tx, facts).await?;
        Ok((world.into(), heads))
    }

    fn decide(&self, loaded: &mut Loaded, heard: &Heard, now: Timestamp) -> Decision<Event, Refusal> {
        let decision = saga::decide(&mut loaded.world, &heard.fact, self.policy, now);
        loaded.causes.resize(loaded.world.asked.len(), heard.cause.clone());
        decision
    }

    fn encode(&self, event: &Event) -> Outgoing {
        events::encode(event)
    }

    async fn save(&self, unit: &mut UnitOfWork, loaded: Loaded, heads: &Heads) -> Result<(), Error> {
        let Loaded { world, stored, causes } = loaded;
        let now = unit.now();
        // A place in the worker's queue is taken before the rows say that it has the operations.
        let handed_over =
            self.worker.as_ref().and_then(|worker| Some((&worker.claim, worker.places(world.asked.len())?)));
        let claim = handed_over.as_ref().map(|(claim, _)| *claim);
        postgres::save(unit.tx(), &world, &stored, &causes, claim, heads, now).await?;
        let (count, counter) = (refunds_without_order(&world), self.refunds_without_order.clone());
        if count > 0 {
            unit.after_commit(move || counter.add(count, &[]));
        }
        if !world.asked_again.is_empty() {
            let asked = self.asked.clone();
            unit.after_commit(move || asked.notify_one());
        }
        match handed_over {
            Some((_, places)) => {
                let claimed: Vec<_> =
                    world.asked.iter().zip(causes).map(|(asked, cause)| claimed(&world, *asked, cause)).collect();
                unit.after_commit(move || {
                    for (place, claimed) in places.into_iter().zip(claimed) {
                        place.send(claimed);
                    }
                });
            }
            None if world.asked.is_empty() => {}
            None => {
                let asked = self.asked.clone();
                unit.after_commit(move || asked.notify_one());
            }
        }
        Ok(())
    }
}

impl Worker {
    /// Places for so many operations, or none.
    fn places(&self, operations: usize) -> Option<Vec<mpsc::OwnedPermit<Claimed>>> {
        (0..operations).map(|_| self.sender.clone().try_reserve_owned().ok()).collect()
    }
}

/// How many refunds are asked for that no refund of an order was approved for: money was taken for what was not to be had any more.
fn refunds_without_order(world: &World) -> u64 {
    let follows_from_end = |operation: &&Operation| {
        operation.key.kind == OperationKind::Refund
            && payment_of(world, operation)
                .and_then(|payment| payment.refund(operation.key.number))
                .is_some_and(|refund| refund.follows_from_end)
    };
    world.asked.iter().filter(follows_from_end).count() as u64
}

fn payment_of<'a>(world: &'a World, operation: &Operation) -> Option<&'a Payment> {
    match world.entries.get(&operation.key.order_id) {
        Some(Entry::Payment(payment)) => Some(payment),
        Some(Entry::Hold { .. } | Entry::Tombstone) | None => None,
    }
}

/// An operation as the worker takes it for the first time.
fn claimed(world: &World, operation: Operation, cause: Cause) -> Claimed {
    let card_token = match payment_of(world, &operation).map(|payment| &payment.terms.method) {
        Some(Method::Card(token)) => Some(token.clone()),
        Some(Method::CashOnDelivery | Method::Exchange(_)) | None => None,
    };
    Claimed { operation, card_token, attempt: 1, cause }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kernel::{Currency, Money};

    use super::*;
    use crate::domain::{BuyerId, CardToken, OperationKey, Outcome, SellerId, Terms, commission_rate};

    #[test]
    fn a_refund_is_counted_as_without_an_order_when_it_follows_from_the_end_of_one() {
        let order_id = OrderId::generate();
        let now = Timestamp::from_unix_micros(1_772_366_400_000_000);
        let policy = Policy {
            authorization_margin: Duration::ZERO,
            authorization_lifetime: Duration::from_hours(1),
            commission_rate: commission_rate("0.05").unwrap(),
        };
        let amount = Money::from_minor(4_200, Currency::EUR);
        let method = Method::Card(CardToken::new("tok_approved").unwrap());
        let terms = Terms { buyer_id: BuyerId::generate(), seller_id: SellerId::generate(), amount, method };
        let succeeded = |kind| Fact::ProviderAnswered {
            key: OperationKey::new(order_id, kind),
            attempt: 1,
            outcome: Outcome::Succeeded,
        };
        let to_captured = [
            Fact::OrderCreated { order_id, terms },
            Fact::InventoryReserved { order_id, expires_at: now + Duration::from_mins(15) },
            succeeded(OperationKind::Authorize),
            Fact::OrderConfirmed { order_id },
            succeeded(OperationKind::Capture),
        ];
        let counted = |last: Fact| {
            let mut world = World::default();
            for fact in to_captured.iter().chain([&last]) {
                let _ = saga::decide(&mut world, fact, policy, now);
            }
            assert_eq!(world.asked.len(), 3);
            refunds_without_order(&world)
        };
        assert_eq!(counted(Fact::RefundApproved { order_id, number: 1, amount, set_aside: false }), 0);
        assert_eq!(counted(Fact::OrderEnded { order_id }), 1);
    }
}
