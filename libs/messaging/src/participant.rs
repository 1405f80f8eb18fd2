use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kernel::{Classified, Decision, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Cause, Envelope, Error, Heads, Outgoing, Undecodable, UnitOfWork};

/// How a service takes part in a saga: four small functions, between which this library does the rest.
///
/// A batch of facts is loaded, decided one by one in order, and saved, in one transaction. A command from a client and a
/// deadline found by a job are facts too ([`react`]), so there is one place where a state can change.
pub trait Participant: Send + Sync + 'static {
    /// What this service reacts to.
    type Fact: Send + Sync + 'static;
    /// Every aggregate that a batch touches, loaded together.
    type World: Send;
    /// What became true.
    type Event: Send;
    /// Why a fact may not happen.
    type Refusal: Classified + Send + Sync + 'static;

    /// Whether an event may take effect again and changes nothing then. The inbox does not remember such events, which would cost each of
    /// them a row: after a crash, and after a rewind, they are taken again.
    const TAKES_AGAIN: bool = false;

    /// Reads an event of the service's SUBSCRIPTIONS. None: it does not concern us.
    fn decode(&self, event: &Envelope) -> Result<Option<Self::Fact>, Undecodable>;

    /// The aggregates that a fact is about, if two that touch one at once must be kept apart before it has a row that could be
    /// locked. They are locked by their ids before [`Self::load`].
    fn locks(&self, _fact: &Self::Fact) -> Vec<Uuid> {
        Vec::new()
    }

    /// Loads and locks every aggregate that the facts touch: one statement per table, rows in the order of their keys.
    fn load(
        &self,
        tx: &mut PgConnection,
        facts: &[Caused<Self::Fact>],
    ) -> impl Future<Output = Result<(Self::World, Heads), Error>> + Send;

    /// Decides what a fact does to the world. Pure and total; only [`Decision::Applied`] changes anything.
    fn decide(
        &self,
        world: &mut Self::World,
        fact: &Self::Fact,
        now: Timestamp,
    ) -> Decision<Self::Event, Self::Refusal>;

    /// An event as it goes on the wire.
    fn encode(&self, event: &Self::Event) -> Outgoing;

    /// Saves what changed: one multi-row statement per table. An aggregate's row is saved with its head. What waits for it is
    /// woken by [`UnitOfWork::after_commit`].
    fn save(
        &self,
        unit: &mut UnitOfWork,
        world: Self::World,
        heads: &Heads,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// A fact and what caused it.
#[derive(Debug, Clone)]
pub struct Caused<Fact> {
    /// The fact.
    pub fact: Fact,
    /// Its cause.
    pub cause: Cause,
}

/// What became of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<Refusal> {
    /// It took effect.
    Applied,
    /// It had taken effect before.
    AlreadyApplied,
    /// It did not matter, for this reason.
    Ignored(&'static str),
    /// It may not happen. Nothing changed.
    Refused(Refusal),
}

impl<Refusal> Outcome<Refusal> {
    /// The outcome's name, for metrics and logs.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::AlreadyApplied => "already_applied",
            Self::Ignored(_) => "ignored",
            Self::Refused(_) => "refused",
        }
    }

    /// An error if the fact was refused: what a command answers to its caller.
    pub fn accepted(self) -> Result<(), Refusal> {
        match self {
            Self::Refused(refusal) => Err(refusal),
            Self::Applied | Self::AlreadyApplied | Self::Ignored(_) => Ok(()),
        }
    }
}

/// Loads, decides and saves a batch of facts in a unit of work that the caller commits, and answers what became of each.
pub async fn react<P: Participant>(
    participant: &P,
    unit: &mut UnitOfWork,
    facts: &[Caused<P::Fact>],
) -> Result<Vec<Outcome<P::Refusal>>, Error> {
    lock(unit.tx(), &locks(participant, facts)).await?;
    let mut batch = Batch::load(participant, unit, facts).await?;
    let outcomes = facts.iter().map(|caused| batch.decide(unit, caused)).collect::<Result<_, _>>()?;
    batch.save(unit).await?;
    Ok(outcomes)
}

/// What is to be locked for the facts, in the order in which everybody locks.
pub(crate) fn locks<'a, P: Participant>(
    participant: &P,
    facts: impl IntoIterator<Item = &'a Caused<P::Fact>>,
) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = facts.into_iter().flat_map(|caused| participant.locks(&caused.fact)).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Locks aggregates that may have no row yet. The locks are seeded with the schema: other services of the same database lock the
/// same ids for themselves. A batch takes the same locks in the inbox's statement (`crate::inbox::admit`).
pub(crate) async fn lock(tx: &mut PgConnection, ids: &[Uuid]) -> Result<(), Error> {
    if !ids.is_empty() {
        sqlx::query(
            "SELECT pg_advisory_xact_lock(hashtextextended(id::text, hashtext(current_schema()))) FROM unnest($1::uuid[]) AS id",
        )
        .bind(ids)
        .execute(tx)
        .await?;
    }
    Ok(())
}

/// A loaded world in which facts are decided one by one.
pub(crate) struct Batch<'a, P: Participant> {
    participant: &'a P,
    world: P::World,
    heads: Heads,
}

impl<'a, P: Participant> Batch<'a, P> {
    pub(crate) async fn load(
        participant: &'a P,
        unit: &mut UnitOfWork,
        facts: &[Caused<P::Fact>],
    ) -> Result<Self, Error> {
        let (world, heads) = participant.load(unit.tx(), facts).await?;
        Ok(Self { participant, world, heads })
    }

    pub(crate) fn decide(
        &mut self,
        unit: &mut UnitOfWork,
        caused: &Caused<P::Fact>,
    ) -> Result<Outcome<P::Refusal>, Error> {
        Ok(match self.participant.decide(&mut self.world, &caused.fact, unit.now()) {
            Decision::Applied(events) => {
                for event in &events {
                    let outgoing = self.participant.encode(event);
                    let id = outgoing.aggregate_id;
                    let head = self.heads.get_or_begin(id, caused.cause.correlation_id.unwrap_or(id));
                    unit.record(head, &caused.cause, outgoing)?;
                }
                Outcome::Applied
            }
            Decision::AlreadyApplied => Outcome::AlreadyApplied,
            Decision::Ignored(why) => Outcome::Ignored(why),
            Decision::Refused(refusal) => Outcome::Refused(refusal),
        })
    }

    /// Decides what an event does. A panic is the fault of that event like any other: it is parked, or it would take the service
    /// down at every start.
    pub(crate) fn decide_or_fail(
        &mut self,
        unit: &mut UnitOfWork,
        caused: &Caused<P::Fact>,
    ) -> Result<Outcome<P::Refusal>, Error> {
        catch_unwind(AssertUnwindSafe(|| self.decide(unit, caused)))
            .unwrap_or_else(|_| Err(Error::Internal("the decision panicked".to_owned())))
    }

    pub(crate) async fn save(self, unit: &mut UnitOfWork) -> Result<(), Error> {
        self.participant.save(unit, self.world, &self.heads).await
    }
}
