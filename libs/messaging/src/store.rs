use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kernel::Timestamp;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use time::OffsetDateTime;
use tokio::sync::{Mutex, Notify, mpsc};

use crate::envelope::{Cause, Outgoing, new_event_id};
use crate::error::EVENT_BYTES_MAX;
use crate::journal::{Head, Record};
use crate::{Clock, Error, trace, transaction};

/// How many committed batches may wait for the relay in memory; what comes on top is read from the table.
const HANDOVER_BATCHES_MAX: usize = 4096;

/// A service's schema, as the place where state and facts are recorded together.
#[derive(Clone, Debug)]
pub struct EventStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    service: &'static str,
    pool: PgPool,
    clock: Clock,
    handover: Handover,
}

impl EventStore {
    /// The store of a service. `pool` has the service's schema as its search path.
    pub fn new(service: &'static str, pool: PgPool, clock: Clock) -> Self {
        Self(Arc::new(Inner { service, pool, clock, handover: Handover::new() }))
    }

    /// The service's name.
    pub fn service(&self) -> &'static str {
        self.0.service
    }

    /// The pool, for reads outside a unit of work.
    pub fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Opens a unit of work. Dropped without a commit, it leaves no trace.
    pub async fn begin(&self) -> Result<UnitOfWork, Error> {
        let tx = transaction::begin(&self.0.pool).await?;
        Ok(UnitOfWork { tx, now: self.now(), staged: Vec::new(), store: self.clone(), after_commit: Vec::new() })
    }

    pub(crate) fn handover(&self) -> &Handover {
        &self.0.handover
    }
}

/// One transaction that changes state and records the facts that became true.
///
/// Whoever opens it commits it. No call over the network belongs between the two.
pub struct UnitOfWork {
    tx: Transaction<'static, Postgres>,
    now: Timestamp,
    staged: Vec<Record>,
    store: EventStore,
    after_commit: Vec<Box<dyn FnOnce() + Send>>,
}

impl UnitOfWork {
    /// The transaction.
    pub fn tx(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// The time of this unit of work: one instant for all that it decides.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Records an event: advances `head`, which the aggregate's row must then be saved with. The aggregate's row is locked,
    /// or is new. Fails if the event is too large for the wire.
    pub fn record(&mut self, head: &mut Head, cause: &Cause, event: Outgoing) -> Result<(), Error> {
        if event.payload.len() > EVENT_BYTES_MAX {
            return Err(Error::EventTooLarge {
                event_type: event.event_type,
                aggregate_id: event.aggregate_id,
                bytes: event.payload.len(),
            });
        }
        let mut record = Record {
            aggregate_id: event.aggregate_id,
            version: head.version + 1,
            event_id: new_event_id(),
            aggregate_type: event.aggregate_type.to_owned(),
            event_type: event.event_type,
            payload: event.payload,
            correlation_id: head.correlation_id,
            causation_id: cause.causation_id,
            actor: cause.actor.clone(),
            traceparent: trace::current_traceparent().or_else(|| cause.traceparent.clone()),
            occurred_at: self.now,
            previous_hash: head.hash,
            hash: [0; 32],
        };
        record.hash = record.compute_hash();
        *head = Head { version: record.version, hash: record.hash, ..*head };
        self.staged.push(record);
        Ok(())
    }

    /// Has something done once this is committed, such as waking who waits for what was saved. Without a commit it is not done.
    pub fn after_commit(&mut self, then: impl FnOnce() + Send + 'static) {
        self.after_commit.push(Box::new(then));
    }

    /// Writes what was recorded, commits, hands the events to the relay, and does what was to be done after that.
    pub async fn commit(mut self) -> Result<(), Error> {
        let ids = insert(&mut self.tx, &self.staged, self.now).await?;
        self.tx.commit().await?;
        let pending = ids.into_iter().zip(self.staged).map(|(outbox_id, record)| Pending::new(outbox_id, record));
        self.store.handover().give(pending.collect());
        self.after_commit.into_iter().for_each(|then| then());
        Ok(())
    }
}

impl std::fmt::Debug for UnitOfWork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnitOfWork").field("now", &self.now).field("staged", &self.staged.len()).finish_non_exhaustive()
    }
}

/// Inserts journal and outbox rows in one statement and answers the outbox ids, in order. The outbox comes last: every
/// aggregate's row is locked by now.
async fn insert(tx: &mut PgConnection, records: &[Record], now: Timestamp) -> Result<Vec<i64>, Error> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = sqlx::query_scalar(
        "WITH entry AS (
             SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::bytea[], $7::uuid[],
                                  $8::uuid[], $9::text[], $10::text[], $11::bytea[], $12::bytea[]) WITH ORDINALITY
             AS t (aggregate_id, version, event_id, aggregate_type, event_type, payload, correlation_id, causation_id,
                   actor, traceparent, previous_hash, hash, position)
         ), journaled AS (
             INSERT INTO journal (aggregate_id, version, event_id, aggregate_type, event_type, payload, correlation_id,
                                  causation_id, actor, traceparent, occurred_at, previous_hash, hash)
             SELECT aggregate_id, version, event_id, aggregate_type, event_type, payload, correlation_id, causation_id,
                    actor, traceparent, $13, previous_hash, hash
             FROM entry
         )
         INSERT INTO outbox (aggregate_id, version, created_at)
         SELECT aggregate_id, version, $13 FROM entry ORDER BY position
         RETURNING id",
    )
    .bind(column(records, |record| record.aggregate_id))
    .bind(column(records, |record| record.version))
    .bind(column(records, |record| record.event_id))
    .bind(column(records, |record| record.aggregate_type.clone()))
    .bind(column(records, |record| record.event_type.clone()))
    .bind(column(records, |record| record.payload.clone()))
    .bind(column(records, |record| record.correlation_id))
    .bind(column(records, |record| record.causation_id))
    .bind(column(records, |record| record.actor.clone()))
    .bind(column(records, |record| record.traceparent.clone()))
    .bind(column(records, |record| record.previous_hash.to_vec()))
    .bind(column(records, |record| record.hash.to_vec()))
    .bind(OffsetDateTime::from(now))
    .fetch_all(tx)
    .await?;
    Ok(ids)
}

fn column<T>(records: &[Record], value: impl Fn(&Record) -> T) -> Vec<T> {
    records.iter().map(value).collect()
}

/// A committed event that the broker has not acknowledged yet.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) outbox_id: i64,
    pub(crate) record: Record,
    pub(crate) attempts: i16,
    /// It was acknowledged before, and is sent once more.
    pub(crate) again: bool,
}

impl Pending {
    pub(crate) fn new(outbox_id: i64, record: Record) -> Self {
        Self { outbox_id, record, attempts: 0, again: false }
    }
}

/// Where a commit leaves its events for the relay of the same process.
#[derive(Debug)]
pub(crate) struct Handover {
    sender: mpsc::Sender<Vec<Pending>>,
    pub(crate) receiver: Mutex<mpsc::Receiver<Vec<Pending>>>,
    /// Whether the relay of this process is the one that publishes.
    leading: AtomicBool,
    /// Something was committed that the publishing relay has to find in the table.
    pub(crate) look_at_table: Notify,
}

impl Handover {
    fn new() -> Self {
        let (sender, receiver) = mpsc::channel(HANDOVER_BATCHES_MAX);
        Self { sender, receiver: Mutex::new(receiver), leading: AtomicBool::new(false), look_at_table: Notify::new() }
    }

    fn give(&self, pending: Vec<Pending>) {
        if pending.is_empty() {
            return;
        }
        if !self.leading.load(Ordering::Acquire) || self.sender.try_send(pending).is_err() {
            self.look_at_table.notify_one();
        }
    }

    /// Takes commits over until the answer is dropped.
    pub(crate) fn lead(&self) -> Leading<'_> {
        self.leading.store(true, Ordering::Release);
        Leading(&self.leading)
    }
}

/// Commits of this process are handed over in memory for as long as this lives.
pub(crate) struct Leading<'a>(&'a AtomicBool);

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
