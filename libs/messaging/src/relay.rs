//! From the outbox to Kafka.

mod sequencer;

use std::collections::HashSet;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use kernel::{CrashPoint, Mutant};
use opentelemetry::metrics::Gauge;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use sqlx::postgres::{PgConnectOptions, PgListener, PgRow};
use sqlx::{Connection, PgConnection, Row};
use time::OffsetDateTime;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::journal::Record;
use crate::producer::Producer;
use crate::store::{Handover, Pending};
use crate::subscription::topic_of_type;
use crate::{Error, EventStore, KafkaConfig, envelope, parked};
use sequencer::{Arrival, Sequencer};

/// Rows read from the table at a time.
const READ_ROWS_MAX: i64 = 1_000;
/// Events held in memory before new ones are left in the table; well below the producer's own queue of 100,000.
const HELD_MAX: usize = 20_000;
/// After so many refusals by the broker an event is held back, and its aggregate with it.
const ATTEMPTS_MAX: i16 = 10;
/// How often acknowledged rows are deleted. A late delete costs a repeat after a crash, nothing else.
const DELETE_EVERY: Duration = Duration::from_millis(100);
/// How often the table is looked over for what nobody told about, and the age of its oldest row is measured.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// How often a standby asks whether it may lead.
const STANDBY_EVERY: Duration = Duration::from_millis(500);
/// How long a stopping relay waits for the broker to acknowledge what is under way.
const DRAIN_MAX: Duration = Duration::from_secs(2);

/// Publishes what a service committed. One relay per service is active, by an advisory lock; those of other replicas stand by
/// and nudge it.
///
/// Two relays at once, for a moment after a lost connection, do no harm: each keeps the order of every aggregate, and what
/// both send is dropped by the inboxes.
#[derive(Debug)]
pub struct Relay {
    store: EventStore,
    kafka: KafkaConfig,
    age_secs: Gauge<f64>,
}

/// What became of an event that was sent.
enum Sent {
    Acknowledged(Pending),
    Refused(Pending, KafkaError),
    /// A refused event whose pause is over.
    Again(Pending),
}

impl Relay {
    /// The relay of a service.
    pub fn new(store: EventStore, kafka: KafkaConfig) -> Self {
        let age_secs = opentelemetry::global::meter("messaging")
            .f64_gauge("outbox.oldest_age")
            .with_unit("s")
            .with_description("Age of the oldest event that the broker has not acknowledged")
            .build();
        Self { store, kafka, age_secs }
    }

    /// Runs until `stop`. Lost connections and a broker that is away are waited for.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        while !stop.is_cancelled() {
            if let Err(error) = self.stand_by_then_lead(&stop).await {
                tracing::warn!(error = %error, "relay lost its database or broker; starting again");
                let _ = timeout(STANDBY_EVERY, stop.cancelled()).await;
            }
        }
        Ok(())
    }

    async fn stand_by_then_lead(&self, stop: &CancellationToken) -> Result<(), Error> {
        // Its deletes may be lost in a crash: that only repeats events.
        let options: PgConnectOptions = (*self.store.pool().connect_options()).clone();
        let mut connection = PgConnection::connect_with(&options.options([("synchronous_commit", "off")])).await?;
        let channel: String =
            sqlx::query_scalar("SELECT 'outbox_' || current_schema()").fetch_one(&mut connection).await?;
        let handover = self.store.handover();
        loop {
            let leads: bool = sqlx::query_scalar(
                "SELECT pg_try_advisory_lock(hashtext('tradewind.relay'), hashtext(current_schema()))",
            )
            .fetch_one(&mut connection)
            .await?;
            if leads {
                break;
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = handover.look_at_table.notified() => {
                    sqlx::query("SELECT pg_notify($1, '')").bind(&channel).execute(&mut connection).await?;
                }
                () = tokio::time::sleep(STANDBY_EVERY) => {}
            }
        }
        tracing::info!("relay leads");
        let mut listener = PgListener::connect_with(self.store.pool()).await?;
        listener.listen(&channel).await?;
        let producer = Producer::new(&self.kafka)?;
        let lead = Lead {
            relay: self,
            connection,
            producer: producer.clone(),
            sequencer: Sequencer::default(),
            sent: FuturesUnordered::new(),
            again: HashSet::new(),
            done: Vec::new(),
            newest_at_last_sweep: 0,
        };
        // Side by side: neither a lost listener nor a dead-letter topic that is missing may hold events up.
        tokio::select! {
            led = lead.run(stop) => led,
            lost = pass_on_nudges(listener, handover) => lost,
            never = parked::keep_announcing(&self.store, &producer, &self.kafka) => match never {},
        }
    }
}

/// Passes on what other replicas nudge for. After a lost connection a nudge may have been missed, which is a nudge too.
async fn pass_on_nudges(mut listener: PgListener, handover: &Handover) -> Result<(), Error> {
    loop {
        listener.try_recv().await?;
        handover.look_at_table.notify_one();
    }
}

/// The relay while it leads.
struct Lead<'a> {
    relay: &'a Relay,
    /// Holds the lock; reads and deletes rows.
    connection: PgConnection,
    producer: Producer,
    sequencer: Sequencer,
    sent: FuturesUnordered<BoxFuture<'static, Sent>>,
    /// Outbox ids of what is being sent once more. It has had its turn: the sequencer knows nothing of it.
    again: HashSet<i64>,
    /// Outbox ids that were acknowledged.
    done: Vec<i64>,
    /// The highest outbox id of the last sweep.
    newest_at_last_sweep: i64,
}

impl Lead<'_> {
    async fn run(mut self, stop: &CancellationToken) -> Result<(), Error> {
        let handover = self.relay.store.handover();
        let mut receiver = handover.receiver.lock().await;
        // What was left for an earlier lead is in the table still, or another replica published it since.
        while receiver.try_recv().is_ok() {}
        // First take commits over, then read the table: nothing falls between the two.
        let leading = handover.lead();
        self.read_table().await?;
        let mut delete_tick = interval(DELETE_EVERY);
        delete_tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sweep_tick = interval(SWEEP_EVERY);
        sweep_tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let has_room = self.sequencer.len() < HELD_MAX;
            tokio::select! {
                () = stop.cancelled() => break,
                Some(batch) = receiver.recv(), if has_room => self.take(batch).await?,
                Some(sent) = self.sent.next() => self.settle(sent).await?,
                () = handover.look_at_table.notified() => self.read_table().await?,
                _ = delete_tick.tick() => self.delete_done().await?,
                _ = sweep_tick.tick() => self.sweep().await?,
            }
        }
        drop(leading);
        let _ = timeout(DRAIN_MAX, async {
            while let Ok(batch) = receiver.try_recv() {
                self.take(batch).await?;
            }
            while let Some(sent) = self.sent.next().await {
                self.settle(sent).await?;
            }
            Ok::<_, Error>(())
        })
        .await;
        self.delete_done().await?;
        self.connection.close().await?;
        Ok(())
    }

    /// Events of a commit of this process.
    async fn take(&mut self, mut batch: Vec<Pending>) -> Result<(), Error> {
        if Mutant::OutboxOutOfOrder.is_active() {
            batch.reverse();
        }
        let mut unknown = Vec::new();
        for pending in batch {
            let aggregate_id = pending.record.aggregate_id;
            match self.sequencer.arrive(pending) {
                Arrival::Ready(pending) => self.send(pending).await?,
                Arrival::Held => {}
                Arrival::Ask => unknown.push(aggregate_id),
                Arrival::Acknowledged(outbox_id) => self.done.push(outbox_id),
            }
        }
        self.ask_table(&unknown).await
    }

    /// Looks up whether earlier events of these aggregates are still to be sent. Those that the table does not tell of have
    /// none that may go: an event of theirs is held back, or another replica published them.
    async fn ask_table(&mut self, aggregates: &[Uuid]) -> Result<(), Error> {
        if aggregates.is_empty() {
            return Ok(());
        }
        let rows = sqlx::query(
            "SELECT o.id, o.attempts, o.again, j.*
             FROM outbox o JOIN journal j USING (aggregate_id, version)
             WHERE o.aggregate_id = ANY($1)
               AND NOT EXISTS (SELECT FROM outbox h WHERE h.aggregate_id = o.aggregate_id AND h.parked_at IS NOT NULL)
             ORDER BY o.id",
        )
        .bind(aggregates)
        .fetch_all(&mut self.connection)
        .await?;
        let told = self.arrive_from_table(&rows).await?;
        for aggregate_id in aggregates.iter().filter(|id| !told.contains(id)) {
            self.sequencer.forget(*aggregate_id);
        }
        Ok(())
    }

    /// Reads every row that may go, oldest first, as far as there is room.
    async fn read_table(&mut self) -> Result<(), Error> {
        self.delete_done().await?;
        let mut last_id = 0_i64;
        while self.sequencer.len() < HELD_MAX {
            let rows = sqlx::query(
                "SELECT o.id, o.attempts, o.again, j.*
                 FROM outbox o JOIN journal j USING (aggregate_id, version)
                 WHERE o.id > $1
                   AND NOT EXISTS (SELECT FROM outbox h WHERE h.aggregate_id = o.aggregate_id AND h.parked_at IS NOT NULL)
                 ORDER BY o.id LIMIT $2",
            )
            .bind(last_id)
            .bind(READ_ROWS_MAX)
            .fetch_all(&mut self.connection)
            .await?;
            let Some(last) = rows.last() else { break };
            last_id = last.try_get("id")?;
            self.arrive_from_table(&rows).await?;
            if rows.len() < READ_ROWS_MAX as usize {
                break;
            }
        }
        Ok(())
    }

    /// Takes rows in, in the order of their ids, and answers the aggregates that they are of. Ids of one aggregate are in the
    /// order of its versions, so the first row of an aggregate has no unsent predecessor. What is sent once more says nothing about
    /// its aggregate.
    async fn arrive_from_table(&mut self, rows: &[PgRow]) -> Result<HashSet<Uuid>, Error> {
        let mut aggregates = HashSet::new();
        for row in rows {
            let pending = Pending {
                outbox_id: row.try_get("id")?,
                record: Record::from_row(row)?,
                attempts: row.try_get("attempts")?,
                again: row.try_get("again")?,
            };
            if pending.again {
                if self.again.insert(pending.outbox_id) {
                    self.send(pending).await?;
                }
                continue;
            }
            aggregates.insert(pending.record.aggregate_id);
            match self.sequencer.arrive(pending) {
                Arrival::Ready(pending) => self.send(pending).await?,
                Arrival::Acknowledged(outbox_id) => self.done.push(outbox_id),
                Arrival::Held | Arrival::Ask => {}
            }
        }
        for aggregate_id in &aggregates {
            if let Some(pending) = self.sequencer.asked(*aggregate_id) {
                self.send(pending).await?;
            }
        }
        Ok(aggregates)
    }

    /// Hands an event to the producer.
    async fn send(&mut self, pending: Pending) -> Result<(), Error> {
        let mut key = Uuid::encode_buffer();
        let key = pending.record.aggregate_id.hyphenated().encode_lower(&mut key).as_bytes();
        let headers = envelope::to_headers(self.relay.store.service(), &pending.record);
        let topic = self.relay.kafka.name(topic_of_type(&pending.record.event_type));
        let delivery = self.producer.send(&topic, Some(key), &pending.record.payload, headers).await;
        self.sent.push(match delivery {
            Ok(delivery) => Box::pin(async move {
                match delivery.await {
                    Ok(()) => Sent::Acknowledged(pending),
                    Err(error) => Sent::Refused(pending, error),
                }
            }),
            Err(error) => Box::pin(std::future::ready(Sent::Refused(pending, error))),
        });
        Ok(())
    }

    async fn settle(&mut self, sent: Sent) -> Result<(), Error> {
        match sent {
            Sent::Acknowledged(pending) => {
                self.done.push(pending.outbox_id);
                if pending.again {
                    return Ok(());
                }
                let (id, version) = (pending.record.aggregate_id, pending.record.version);
                let (next, gap) = self.sequencer.acknowledged(id, version);
                if let Some(next) = next {
                    self.send(next).await?;
                }
                if gap {
                    self.ask_table(&[id]).await?;
                }
                Ok(())
            }
            Sent::Again(pending) => self.send(pending).await,
            Sent::Refused(pending, error) => self.refused(pending, error).await,
        }
    }

    /// The event is tried again with growing pauses. If the broker refuses this very event, it is held back after some tries,
    /// and its aggregate with it; a topic that is missing is waited for.
    async fn refused(&mut self, mut pending: Pending, error: KafkaError) -> Result<(), Error> {
        if let Some(reason) = self.producer.fatal_error() {
            return Err(Error::Internal(format!("the producer failed for good: {reason}")));
        }
        let at_fault = is_about_the_event(&error);
        pending.attempts = (pending.attempts + 1).min(ATTEMPTS_MAX);
        let given_up = at_fault && pending.attempts == ATTEMPTS_MAX;
        sqlx::query(
            "UPDATE outbox SET attempts = $2, last_error = $3, parked_at = CASE WHEN $4 THEN $5 END WHERE id = $1",
        )
        .bind(pending.outbox_id)
        .bind(if at_fault { pending.attempts } else { 0 })
        .bind(error.to_string())
        .bind(given_up)
        .bind(OffsetDateTime::from(self.relay.store.now()))
        .execute(&mut self.connection)
        .await?;
        let Record { event_type, aggregate_id, .. } = &pending.record;
        if given_up {
            tracing::error!(%event_type, %aggregate_id, %error, "event cannot be published; its aggregate is held back");
            self.sequencer.forget(*aggregate_id);
        } else {
            tracing::warn!(%event_type, %aggregate_id, %error, attempts = pending.attempts, "broker did not take an event");
            let pause = Duration::from_millis(50) * u32::from(pending.attempts.unsigned_abs()).pow(2);
            self.sent.push(Box::pin(async move {
                tokio::time::sleep(pause).await;
                Sent::Again(pending)
            }));
        }
        Ok(())
    }

    async fn delete_done(&mut self) -> Result<(), Error> {
        if self.done.is_empty() {
            return Ok(());
        }
        CrashPoint::AfterProduceBeforeDelete.pass();
        sqlx::query("DELETE FROM outbox WHERE id = ANY($1)").bind(&self.done).execute(&mut self.connection).await?;
        self.again.retain(|id| !self.done.contains(id));
        self.done.clear();
        Ok(())
    }

    /// Finds what nobody told about, such as a commit of a replica that died before its nudge: a row that was there at the
    /// last sweep. Clocks have no say in it; that of the replica that wrote the row may be wrong.
    async fn sweep(&mut self) -> Result<(), Error> {
        self.delete_done().await?;
        let oldest = sqlx::query(
            "SELECT id, created_at, (SELECT max(id) FROM outbox) AS newest FROM outbox ORDER BY id LIMIT 1",
        )
        .fetch_optional(&mut self.connection)
        .await?;
        let Some(oldest) = oldest else {
            self.relay.age_secs.record(0.0, &[]);
            return Ok(());
        };
        let created_at: OffsetDateTime = oldest.try_get("created_at")?;
        self.relay.age_secs.record(self.relay.store.now().since(created_at.into()).as_secs_f64(), &[]);
        let waited = oldest.try_get::<i64, _>("id")? <= self.newest_at_last_sweep;
        self.newest_at_last_sweep = oldest.try_get("newest")?;
        if waited { self.read_table().await } else { Ok(()) }
    }
}

/// Whether the broker refuses this very event, whatever happens around it.
fn is_about_the_event(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::InvalidMessage
                | RDKafkaErrorCode::InvalidMessageSize
                | RDKafkaErrorCode::InvalidRecord
                | RDKafkaErrorCode::InvalidTimestamp
                | RDKafkaErrorCode::PolicyViolation
        )
    )
}
