//! Payments as a participant in sagas: the glue between the pure decisions and their edges.

use std::collections::BTreeSet;
use std::sync::Arc;

use kernel::{Decision, Timestamp};
use messaging::{Cause, Caused, Envelope, Error, Heads, Outgoing, Participant, Undecodable, UnitOfWork};
use sqlx::PgConnection;
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use crate::adapters::postgres::operation::{Claim, Claimed};
use crate::adapters::{events, postgres};
use crate::domain::{Entry, Event, Fact, Method, Operation, OrderId, Policy, Refusal, World};
use crate::saga;

/// Operations that may wait in memory for the worker; what comes on top it finds in the table.
const HANDED_OVER_MAX: usize = 512;

/// Payments, with its policy.
#[derive(Debug)]
pub struct Payments {
    policy: Policy,
    worker: Option<Worker>,
    asked: Arc<Notify>,
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
        Self { policy, worker: None, asked: Arc::default() }
    }

    /// Payments under a policy, in the process of the worker that asks the provider: what is to be asked is claimed for it in the
    /// transaction that wants it, and handed to it once that is committed.
    pub fn with_worker(policy: Policy, claim: Claim) -> (Self, Work) {
        let (sender, handed_over) = mpsc::channel(HANDED_OVER_MAX);
        let worker = Some(Worker { claim: claim.clone(), sender });
        (Self { policy, worker, asked: Arc::default() }, Work { claim, handed_over })
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
    fn lock(&self, heard: &Heard) -> Option<Uuid> {
        Some(heard.fact.order_id().uuid())
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

/// An operation as the worker takes it for the first time.
fn claimed(world: &World, operation: Operation, cause: Cause) -> Claimed {
    let card_token = match world.entries.get(&operation.key.order_id) {
        Some(Entry::Payment(payment)) => match &payment.terms.method {
            Method::Card(token) => Some(token.clone()),
            Method::CashOnDelivery => None,
        },
        Some(Entry::Hold { .. } | Entry::Tombstone) | None => None,
    };
    Claimed { operation, card_token, attempt: 1, cause }
}
