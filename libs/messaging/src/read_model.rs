//! Read models: rows that follow from histories and from nothing else, so that they can be made anew at any time.
//!
//! A [`Projector`] hears of events, in a consumer group of its own, and has the rows about their aggregates made again from all that is known
//! of these: the service's own journal, and what it heard of other services, which is kept in `heard_event`. An event is only the reason to
//! look; what a row says does not depend on how often, or in which order, anybody looked.
//!
//! [`rebuild`] makes all rows anew in a generation of their own while the present one is read, compares the two and changes over.

mod heard;
mod rebuild;

use std::collections::BTreeMap;
use std::future::Future;

use kernel::{Classified, Decision, ErrorKind, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::subscription::topic_of_type;
use crate::{Caused, Envelope, Error, Heads, Outgoing, Participant, Undecodable, UnitOfWork};

pub use heard::{Heard, heard_of_many};
pub use rebuild::{Rebuilt, Step, rebuild};

/// A generation of the rows of a service's read models.
pub type Generation = i32;

/// The read models of a service.
pub trait ReadModels: Send + Sync + 'static {
    /// The topic of the service's own events.
    const OWN_TOPIC: &'static str;

    /// The tables of the models.
    const TABLES: &'static [Table];

    /// Whether the models follow from an event of another service. One that cannot be read is parked, and so are the later ones of its aggregate.
    fn follow_from(&self, event: &Envelope) -> Result<bool, Undecodable>;

    /// Makes the rows about these aggregates, in each of these generations, what their histories say now. Nobody else does that for
    /// the same aggregates meanwhile. Called by [`project`].
    fn project(
        &self,
        tx: &mut PgConnection,
        generations: &[Generation],
        aggregates: &[Uuid],
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// A table of rows of a read model. Each row has its `generation`.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// A statement that says, in words and a row each, where generation `$1`, which is served, and `$2`, its shadow, do not say the same; at most
    /// `$3` of them.
    pub differences: &'static str,
}

/// Keeps read models up to date, as a consumer's participant that decides nothing.
#[derive(Debug)]
pub struct Projector<M>(pub M);

/// An event to project.
#[derive(Debug, Clone)]
pub struct Noted {
    aggregate_id: Uuid,
    /// What another service told; nothing for an event of the service's own, which is in the journal.
    heard: Option<Heard>,
}

/// Nothing is told, and nothing refused.
#[derive(Debug, Clone, Copy)]
pub enum Never {}

impl Classified for Never {
    fn kind(&self) -> ErrorKind {
        match *self {}
    }

    fn reason(&self) -> &'static str {
        match *self {}
    }
}

impl std::fmt::Display for Never {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Never {}

impl<M: ReadModels> Participant for Projector<M> {
    type Fact = Noted;
    /// What was heard of each aggregate in this batch.
    type World = BTreeMap<Uuid, Vec<Heard>>;
    type Event = Never;
    type Refusal = Never;

    /// What is heard again is kept already, and looking again finds the same.
    const TAKES_AGAIN: bool = true;

    fn decode(&self, event: &Envelope) -> Result<Option<Noted>, Undecodable> {
        let noted = |heard| Noted { aggregate_id: event.aggregate_id, heard };
        if topic_of_type(&event.event_type) == M::OWN_TOPIC {
            return Ok(Some(noted(None)));
        }
        Ok(self.0.follow_from(event)?.then(|| noted(Some(Heard::from_envelope(event)))))
    }

    fn locks(&self, fact: &Noted) -> Vec<Uuid> {
        vec![lock_of(fact.aggregate_id)]
    }

    async fn load(&self, _: &mut PgConnection, _: &[Caused<Noted>]) -> Result<(Self::World, Heads), Error> {
        Ok((BTreeMap::new(), Heads::default()))
    }

    fn decide(&self, world: &mut Self::World, fact: &Noted, _: Timestamp) -> Decision<Never, Never> {
        world.entry(fact.aggregate_id).or_default().extend(fact.heard.clone());
        Decision::noted()
    }

    fn encode(&self, event: &Never) -> Outgoing {
        match *event {}
    }

    async fn save(&self, unit: &mut UnitOfWork, world: Self::World, _: &Heads) -> Result<(), Error> {
        if world.is_empty() {
            return Ok(());
        }
        let (aggregates, heard): (Vec<_>, Vec<_>) = world.into_iter().unzip();
        heard::keep(unit.tx(), &heard.concat()).await?;
        let generations = hold_generations(unit.tx()).await?;
        project(&self.0, unit.tx(), &generations, &aggregates).await
    }
}

/// Has the rows about these aggregates made what their histories say, as [`ReadModels::project`].
///
/// Its statements are planned for what the tables hold now, unlike those of a decision (ADR 18). A read model has several indexes that begin with
/// the generation, which cost the same while it is empty, so a plan that is kept may be one that walks it when it has grown.
pub async fn project<M: ReadModels>(
    models: &M,
    tx: &mut PgConnection,
    generations: &[Generation],
    aggregates: &[Uuid],
) -> Result<(), Error> {
    sqlx::query("SET LOCAL plan_cache_mode = force_custom_plan").execute(&mut *tx).await?;
    models.project(tx, generations, aggregates).await
}

/// What keeps two who project the same aggregate apart, and neither from those who decide about it.
fn lock_of(aggregate_id: Uuid) -> Uuid {
    const PROJECTING: u128 = 0x7265_6164_5f6d_6f64_656c_0000_0000_0000;
    Uuid::from_u128(aggregate_id.as_u128() ^ PROJECTING)
}

/// The generations that are to be kept up to date. Until the transaction ends none begins or goes.
async fn hold_generations(tx: &mut PgConnection) -> Result<Vec<Generation>, Error> {
    sqlx::query("SELECT pg_advisory_xact_lock_shared(hashtext('read models'), hashtext(current_schema()))")
        .execute(&mut *tx)
        .await?;
    let kept_up = sqlx::query_scalar("SELECT generation FROM read_model_generation WHERE state <> 'leaving'");
    Ok(kept_up.fetch_all(tx).await?)
}
