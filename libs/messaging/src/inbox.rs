//! What a consumer has taken effect of.

use std::collections::HashSet;

use kernel::Mutant;
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use crate::participant::lock;
use crate::{Envelope, Error, EventStore};

/// How the inbox meets an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Not seen before.
    Fresh,
    /// Took effect, or was parked, before.
    Seen,
    /// Not seen before, but an earlier event of its aggregate is parked.
    BehindParked,
}

/// Locks the aggregates of these ids and enters events into the inbox, in one statement, and answers how each was met. Locks and
/// entries are made in the order of their ids, so that two batches never wait for each other in a circle. The parked events of an aggregate are locked against an
/// operator's retry that is under way: it waits for that, and sees what became of it.
pub(crate) async fn admit(
    tx: &mut PgConnection,
    consumer: &str,
    events: &[&Envelope],
    locks: &[Uuid],
) -> Result<Vec<Admission>, Error> {
    let mut ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let (topics, aggregates) = aggregates_of(events);
    // What belongs together is found here, not by the database: it would compare every event with every other.
    let rows: Vec<(Option<Uuid>, Option<String>, Option<Uuid>)> = sqlx::query_as(
        "WITH locked AS MATERIALIZED (
             SELECT count(pg_advisory_xact_lock(hashtextextended(id::text, hashtext(current_schema()))))
             FROM unnest($5::uuid[]) AS id
         ), fresh AS (
             INSERT INTO inbox (consumer, event_id)
             SELECT $1, event_id FROM locked, unnest($2::uuid[]) AS t (event_id)
             ON CONFLICT DO NOTHING
             RETURNING event_id
         ), waiting AS (
             SELECT topic, aggregate_id FROM parked_event
             WHERE consumer = $1 AND state = 'parked' AND aggregate_id = ANY($4) AND topic = ANY($3)
             FOR SHARE
         )
         SELECT event_id, NULL, NULL FROM fresh UNION ALL SELECT NULL, topic, aggregate_id FROM waiting",
    )
    .bind(consumer)
    .bind(&ids)
    .bind(&topics)
    .bind(&aggregates)
    .bind(locks)
    .fetch_all(&mut *tx)
    .await?;
    let mut fresh: HashSet<Uuid> = HashSet::with_capacity(rows.len());
    let mut waiting: HashSet<(String, Uuid)> = HashSet::new();
    for row in rows {
        match row {
            (Some(event_id), ..) => drop(fresh.insert(event_id)),
            (None, topic, aggregate_id) => waiting.extend(topic.zip(aggregate_id)),
        }
    }
    // Some were seen before: perhaps by another member that lost the partition in the middle of its batch. The statement
    // waited for that batch, but does not see what it parked, because it began before.
    if fresh.len() < events.len() {
        waiting.extend(parked(tx, consumer, &topics, &aggregates).await?);
    }
    Ok(admissions(events, fresh, &waiting))
}

/// As [`admit`], without the inbox, for a consumer whose events may take effect again: of those that were seen before it knows only those that
/// were parked, whatever became of them.
pub(crate) async fn admit_again(
    tx: &mut PgConnection,
    consumer: &str,
    events: &[&Envelope],
    locks: &[Uuid],
) -> Result<Vec<Admission>, Error> {
    lock(tx, locks).await?;
    let (topics, aggregates) = aggregates_of(events);
    // First this, which waits for a retry that is under way; then what became of the events.
    let waiting = parked(tx, consumer, &topics, &aggregates).await?;
    let mut fresh: HashSet<Uuid> = events.iter().map(|event| event.id).collect();
    let seen: Vec<Uuid> =
        sqlx::query_scalar("SELECT event_id FROM parked_event WHERE consumer = $1 AND event_id = ANY($2)")
            .bind(consumer)
            .bind(fresh.iter().copied().collect::<Vec<_>>())
            .fetch_all(tx)
            .await?;
    for event_id in seen {
        fresh.remove(&event_id);
    }
    Ok(admissions(events, fresh, &waiting))
}

/// The topic and the aggregate of each event.
fn aggregates_of<'a>(events: &[&'a Envelope]) -> (Vec<&'a str>, Vec<Uuid>) {
    events.iter().map(|event| (event.origin.topic.as_str(), event.aggregate_id)).unzip()
}

/// How each event is met.
fn admissions(events: &[&Envelope], mut fresh: HashSet<Uuid>, waiting: &HashSet<(String, Uuid)>) -> Vec<Admission> {
    // Each id is taken once: the second of two copies in one batch is a duplicate like any other.
    let admission = |event: &Envelope| {
        if !fresh.remove(&event.id) && !Mutant::InboxSkipped.is_active() {
            Admission::Seen
        } else if !waiting.is_empty() && waiting.contains(&(event.origin.topic.clone(), event.aggregate_id)) {
            Admission::BehindParked
        } else {
            Admission::Fresh
        }
    };
    events.iter().copied().map(admission).collect()
}

/// The aggregates, by topic, of which an event is parked.
async fn parked(
    tx: &mut PgConnection,
    consumer: &str,
    topics: &[&str],
    aggregates: &[Uuid],
) -> Result<HashSet<(String, Uuid)>, Error> {
    let rows: Vec<(String, Uuid)> = sqlx::query_as(
        "SELECT topic, aggregate_id FROM parked_event
         WHERE consumer = $1 AND state = 'parked' AND aggregate_id = ANY($3) AND topic = ANY($2)
         FOR SHARE",
    )
    .bind(consumer)
    .bind(topics)
    .bind(aggregates)
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Prepares the inbox's next days and drops those older than `keep_days`. Run at start and a few times a day. Keep more days
/// than the broker keeps events, or a rewound consumer repeats effects.
pub async fn maintain(store: &EventStore, keep_days: i32) -> Result<(), Error> {
    let today: Date = time::OffsetDateTime::from(store.now()).date();
    sqlx::query("SELECT inbox_maintain($1, $2)").bind(today).bind(keep_days).execute(store.pool()).await?;
    Ok(())
}
