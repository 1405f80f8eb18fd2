//! Finds orders that wait for a service which does not act, and sends the decision that it should act on once more, under the same id:
//! whoever took it before drops it. When that did not help three times, an operator is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chassis::jobs::count;
use kernel::Timestamp;
use messaging::journal::{self, Record};
use messaging::{Error, EventStore, UnitOfWork, outbox};
use uuid::Uuid;

use super::Done;
use crate::adapters::decisions::entry_of;
use crate::adapters::postgres::{stuck, watch};
use crate::domain::ids::OrderId;
use crate::domain::stuck::{Awaited, Silence, Step, awaited, step};

/// The job's name.
pub const JOB: &str = "detect_stuck_orders";

/// Orders in one transaction, at most.
const BATCH_MAX: usize = 200;

/// Which orders are looked at, besides those that were silent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Those that fell silent since the job last looked.
    Since,
    /// All.
    AtAll,
    /// This one alone. What it waits for is asked for again whatever was done about it before.
    At(OrderId),
}

/// An order, and what is done about it.
struct Found {
    order_id: OrderId,
    changed_at: Timestamp,
    awaited: Vec<Awaited>,
    step: Step,
}

/// Looks for stuck orders once, and answers what was done about which; with `dry_run` nothing is, and it answers what would be.
pub async fn detect_stuck_orders(
    store: &EventStore,
    stuck_after: Duration,
    look: Look,
    dry_run: bool,
) -> Result<Vec<Done>, Error> {
    let (pool, until) = (store.pool(), store.now() - stuck_after);
    let silent = stuck::all(pool).await?;
    let fallen_silent = match look {
        Look::Since => watch::may_wait(pool, watch::looked_until(pool, JOB).await?, until).await?,
        Look::AtAll => watch::may_wait(pool, None, until).await?,
        Look::At(order_id) => vec![order_id],
    };
    let known = silent.keys().copied().filter(|id| look == Look::At(*id) || !matches!(look, Look::At(_)));
    let order_ids: BTreeSet<OrderId> = known.chain(fallen_silent).collect();
    let order_ids: Vec<OrderId> = order_ids.into_iter().collect();
    let mut done = Vec::new();
    for batch in order_ids.chunks(BATCH_MAX) {
        let mut unit = store.begin().await?;
        let mut found = find(&mut unit, batch, &silent, stuck_after, look).await?;
        act(&mut unit, &mut found).await?;
        // A dry run does all of it, and gives it up.
        if !dry_run {
            unit.commit().await?;
            found.iter().for_each(Found::tell);
        }
        done.extend(found.iter().filter_map(|found| found.line(look)));
    }
    if !dry_run && !matches!(look, Look::At(_)) {
        watch::note_looked_until(pool, JOB, until).await?;
    }
    Ok(done)
}

async fn find(
    unit: &mut UnitOfWork,
    order_ids: &[OrderId],
    silent: &BTreeMap<OrderId, Silence>,
    stuck_after: Duration,
    look: Look,
) -> Result<Vec<Found>, Error> {
    let now = unit.now();
    let orders = watch::find_many(unit.tx(), order_ids).await?;
    let found = |&order_id: &OrderId| {
        let (awaited, changed_at) =
            orders.get(&order_id).map_or((Vec::new(), now), |(order, changed_at)| (awaited(order), *changed_at));
        let before = silent.get(&order_id);
        let step = match look {
            Look::At(_) if !awaited.is_empty() => Step::SendAgain(before.map_or(0, |before| before.times_sent) + 1),
            Look::At(_) | Look::Since | Look::AtAll => step(!awaited.is_empty(), changed_at, before, stuck_after, now),
        };
        Found { order_id, changed_at, awaited, step }
    };
    Ok(order_ids.iter().map(found).collect())
}

async fn act(unit: &mut UnitOfWork, found: &mut [Found]) -> Result<(), Error> {
    send_again(unit, found).await?;
    let now = unit.now();
    let with = |step| found.iter().filter(move |each| each.step == step).map(|each| each.order_id);
    let (told, moved_on): (Vec<_>, Vec<_>) = (with(Step::Tell).collect(), with(Step::MovedOn).collect());
    if !told.is_empty() {
        stuck::note_told(unit.tx(), &told, now).await?;
    }
    if !moved_on.is_empty() {
        stuck::forget(unit.tx(), &moved_on).await?;
    }
    Ok(())
}

/// Puts what the silent ones wait for back into the outbox. An order whose history does not lead to where it stands is for an operator.
async fn send_again(unit: &mut UnitOfWork, found: &mut [Found]) -> Result<(), Error> {
    let is_silent = |found: &Found| matches!(found.step, Step::SendAgain(_));
    let ids: Vec<Uuid> = found.iter().filter(|each| is_silent(each)).map(|each| each.order_id.uuid()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let now = unit.now();
    let histories = journal::read_many(unit.tx(), &ids).await?;
    let (mut events, mut sent) = (Vec::new(), Vec::new());
    for each in found {
        let Step::SendAgain(times_sent) = each.step else { continue };
        let history = histories.get(&each.order_id.uuid()).map_or(&[][..], Vec::as_slice);
        let decisions: Vec<&Record> =
            each.awaited.iter().filter_map(|awaited| entry_of(history, awaited.said)).collect();
        let Some(last) = decisions.last() else {
            each.step = Step::Tell;
            continue;
        };
        let (order_id, silent_since, last_event_id) = (each.order_id, each.changed_at, last.event_id);
        sent.push(stuck::SentAgain { order_id, silent_since, times_sent, last_event_id });
        events.extend(decisions.iter().map(|record| (record.aggregate_id, record.version)));
    }
    events.sort_unstable();
    events.dedup();
    outbox::send_again(unit.tx(), &events, now).await?;
    stuck::note_sent(unit.tx(), &sent, now).await
}

impl Found {
    /// What it waits for, and from whom.
    fn waits_for(&self) -> String {
        let each = self.awaited.iter().map(|awaited| format!("{} from {}", awaited.what, awaited.from));
        each.collect::<Vec<_>>().join("; ")
    }

    fn tell(&self) {
        let (order_id, silent_since, awaited) = (self.order_id, self.changed_at, self.waits_for());
        match self.step {
            Step::Wait => {}
            Step::MovedOn => {
                count(JOB, "moved on", 1);
                tracing::info!(%order_id, "an order that was silent has moved on");
            }
            Step::SendAgain(times_sent) => {
                count(JOB, "sent again", 1);
                tracing::warn!(%order_id, %silent_since, awaited, times_sent, "an order is silent; what was said is sent again");
            }
            Step::Tell => {
                count(JOB, "told", 1);
                tracing::error!(%order_id, %silent_since, awaited, "an order is stuck: what it waits for does not come");
            }
        }
    }

    /// For an operator who asked. One that is told of already is shown, and one that was asked about.
    fn line(&self, look: Look) -> Option<Done> {
        let (since, waits_for) = (self.changed_at, self.waits_for());
        let what = match self.step {
            Step::Wait if matches!(look, Look::At(_)) => "waits for no service".to_owned(),
            Step::Wait => return None,
            Step::MovedOn => "moved on".to_owned(),
            Step::SendAgain(times) => format!("silent since {since}, waits for {waits_for}; sent again ({times})"),
            Step::Tell => format!("silent since {since}, waits for {waits_for}; an operator is told"),
        };
        Some(Done { order_id: self.order_id, what })
    }
}
