use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kernel::Id;
use messaging::parked::{self, Filter, ParkedEvent};
use messaging::{
    Cause, Caused, Clock, Consumer, Envelope, Error, EventStore, Head, KafkaConfig, Outcome, Outgoing, Relay,
    UnitOfWork, react,
};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection, PgPool};
use testkit::{Database, Event, Kafka, eventually};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::meter::domain::{Refused, Turned};
use crate::meter::wire::{METERS, MeterRead, TAPS, TapTurned};
use crate::meter::{GROUP, MeterParticipant, SERVICE, SUBSCRIPTIONS};

/// Where events that the meters cannot take are announced.
pub(crate) const DEAD_LETTERS: &str = "meters.saga.dlq";

/// A database of the meters, and the topics of both services.
pub(crate) struct Rig {
    pub(crate) database: Database,
    pub(crate) kafka: Kafka,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with_topics(&[TAPS, METERS, DEAD_LETTERS]).await
    }

    pub(crate) async fn with_topics(topics: &[&str]) -> Self {
        let (database, kafka) = tokio::join!(Database::migrated(&SERVICE), Kafka::connect());
        kafka.create_topics(topics).await;
        Self { database, kafka }
    }

    /// A replica of the meters' service. Nothing of it runs yet.
    pub(crate) async fn replica(&self) -> Replica {
        let store = EventStore::new("meters", self.database.another_pool().await, Clock::system());
        Replica { store, participant: MeterParticipant::new(), kafka: self.kafka.config() }
    }

    /// A replica whose statements the database gives up after so many milliseconds.
    pub(crate) async fn impatient_replica(&self, statement_timeout_ms: u32) -> Replica {
        let options = (*self.database.pool().connect_options()).clone();
        let options = options.options([("statement_timeout", statement_timeout_ms.to_string())]);
        let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
        Replica { store: EventStore::new("meters", pool, Clock::system()), ..self.replica().await }
    }

    /// Publishes turns of a tap, with versions that follow each other.
    pub(crate) async fn turn(&self, tap_id: Uuid, versions_from: i64, amounts: &[i64]) -> Vec<Event> {
        let mut events = Vec::new();
        for (version, amount) in (versions_from..).zip(amounts) {
            let event = turned(tap_id, version, *amount);
            self.kafka.publish(&event).await;
            events.push(event);
        }
        events
    }

    /// What was counted for a tap, in the order in which it took effect.
    pub(crate) async fn readings(&self, tap_id: Uuid) -> Vec<i64> {
        sqlx::query_scalar("SELECT amount FROM reading WHERE meter = $1 ORDER BY id")
            .bind(tap_id)
            .fetch_all(self.database.pool())
            .await
            .unwrap()
    }

    /// Waits until exactly this was counted for a tap.
    pub(crate) async fn wait_for_readings(&self, tap_id: Uuid, expected: &[i64]) {
        eventually(&format!("readings {expected:?}"), async || {
            let readings = self.readings(tap_id).await;
            if readings == expected { Ok(()) } else { Err(readings) }
        })
        .await;
    }

    /// Waits until so many events are parked, and answers them in order.
    pub(crate) async fn wait_for_parked(&self, count: usize) -> Vec<ParkedEvent> {
        let store = EventStore::new("meters", self.database.pool().clone(), Clock::system());
        eventually(&format!("{count} parked events"), async || {
            let parked = parked::list(&store, &Filter::waiting()).await.unwrap();
            if parked.len() == count { Ok(parked) } else { Err(parked) }
        })
        .await
    }

    /// Waits until an event of a tap is parked for a reason that contains this, and answers its number.
    pub(crate) async fn wait_for_reason(&self, tap_id: Uuid, reason: &str) -> i64 {
        let store = EventStore::new("meters", self.database.pool().clone(), Clock::system());
        let filter = Filter { aggregate_id: Some(tap_id), reason: Some(reason.to_owned()), ..Filter::waiting() };
        eventually(&format!("an event parked for {reason}"), async || {
            parked::list(&store, &filter).await.unwrap().first().map(|event| event.id)
        })
        .await
    }

    /// How many events wait for the relay.
    pub(crate) async fn waiting_in_outbox(&self) -> i64 {
        count(self.database.pool(), "SELECT count(*) FROM outbox").await
    }

    /// Nobody loads or saves a meter until the answer is dropped.
    pub(crate) async fn hold_meters(&self) -> PgConnection {
        let mut connection = self.connection().await;
        sqlx::raw_sql("BEGIN; LOCK TABLE meter IN ACCESS EXCLUSIVE MODE").execute(&mut connection).await.unwrap();
        connection
    }

    /// Waits until so many connections to the database wait for a lock.
    pub(crate) async fn wait_for_blocked(&self, at_least: i64) {
        eventually("a connection that waits for a lock", async || {
            let sql = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
            let blocked = count(self.database.pool(), sql).await;
            if blocked >= at_least { Ok(()) } else { Err(blocked) }
        })
        .await;
    }

    /// Waits until so many connections to the database wait for an aggregate that has no row yet.
    pub(crate) async fn wait_for_locked_out(&self, expected: i64) {
        eventually("a connection that waits for an aggregate", async || {
            let sql = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                       WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted";
            let locked_out = count(self.database.pool(), sql).await;
            if locked_out == expected { Ok(()) } else { Err(locked_out) }
        })
        .await;
    }

    /// Cuts connections to the database whose last statement is like this.
    pub(crate) async fn cut(&self, statement: &str) -> i64 {
        sqlx::query_scalar(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE $1",
        )
        .bind(statement)
        .fetch_one(self.database.pool())
        .await
        .unwrap()
    }

    /// A connection of the test's own, in the meters' schema and without limits on time.
    pub(crate) async fn connection(&self) -> PgConnection {
        let options = (*self.database.pool().connect_options()).clone();
        let no_limits = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"];
        let options = options.options(no_limits.map(|limit| (limit, "0")));
        PgConnection::connect_with(&options).await.unwrap()
    }
}

/// A replica of the meters' service: its own pool, and what it runs.
pub(crate) struct Replica {
    pub(crate) store: EventStore,
    pub(crate) participant: Arc<MeterParticipant>,
    pub(crate) kafka: KafkaConfig,
}

impl Replica {
    pub(crate) fn run_consumer(&self) -> Running {
        let consumer =
            Consumer::new(self.store.clone(), self.kafka.clone(), GROUP, SUBSCRIPTIONS, self.participant.clone());
        Running::start(|stop| consumer.run(stop))
    }

    /// A consumer whose batches gather for so long, also at rest.
    pub(crate) fn run_lingering_consumer(&self, linger: Duration) -> Running {
        let consumer =
            Consumer::new(self.store.clone(), self.kafka.clone(), GROUP, SUBSCRIPTIONS, self.participant.clone());
        Running::start(|stop| consumer.lingering(linger).run(stop))
    }

    pub(crate) fn run_relay(&self) -> Running {
        let relay = Relay::new(self.store.clone(), self.kafka.clone());
        Running::start(|stop| relay.run(stop))
    }

    /// A command: the same fact, from a caller instead of a topic.
    pub(crate) async fn command(&self, tap_id: Uuid, amount: i64) -> Result<Outcome<Refused>, Error> {
        let (unit, outcome) = self.command_uncommitted(tap_id, amount).await?;
        unit.commit().await?;
        Ok(outcome)
    }

    /// The same, not committed yet.
    pub(crate) async fn command_uncommitted(
        &self,
        tap_id: Uuid,
        amount: i64,
    ) -> Result<(UnitOfWork, Outcome<Refused>), Error> {
        let caused = Caused { fact: Turned { tap_id, amount }, cause: Cause::command("buyer:test") };
        let mut unit = self.store.begin().await?;
        let mut outcomes = react(self.participant.as_ref(), &mut unit, &[caused]).await?;
        Ok((unit, outcomes.remove(0)))
    }
}

/// The other service: it records that taps were turned, and its relay publishes that.
pub(crate) struct Taps {
    pub(crate) database: Database,
    pub(crate) store: EventStore,
    kafka: KafkaConfig,
    heads: Mutex<HashMap<Uuid, Head>>,
}

impl Taps {
    pub(crate) async fn new(rig: &Rig) -> Self {
        let database = Database::migrated(&SERVICE).await;
        let store = EventStore::new("taps", database.pool().clone(), Clock::system());
        Self { database, store, kafka: rig.kafka.config(), heads: Mutex::default() }
    }

    pub(crate) fn run_relay(&self) -> Running {
        let relay = Relay::new(self.store.clone(), self.kafka.clone());
        Running::start(|stop| relay.run(stop))
    }

    pub(crate) async fn turn(&self, tap_id: Uuid, amount: i64) {
        let mut heads = self.heads.lock().await;
        let head = heads.entry(tap_id).or_insert_with(|| Head::begin(tap_id));
        let mut unit = self.store.begin().await.unwrap();
        let event = Outgoing::new("tap", tap_id, &TapTurned { amount });
        unit.record(head, &Cause::command("buyer:test"), event).unwrap();
        unit.commit().await.unwrap();
    }
}

/// A task of a service. Killed when dropped.
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<(), Error>>,
}

impl Running {
    pub(crate) fn start<F>(run: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        Self { task: tokio::spawn(run(stop.clone())), stop }
    }

    /// Lets it finish what it does.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        (&mut self.task).await.unwrap().unwrap();
    }

    /// Ends it at whatever it waits for.
    pub(crate) async fn kill(mut self) {
        self.task.abort();
        assert!((&mut self.task).await.unwrap_err().is_cancelled());
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(mut self) -> Result<Result<(), Error>, tokio::task::JoinError> {
        (&mut self.task).await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

enum Tap {}

pub(crate) fn new_tap() -> Uuid {
    Id::<Tap>::generate().uuid()
}

pub(crate) fn turned(tap_id: Uuid, version: i64, amount: i64) -> Event {
    Event::new("taps", "tap", tap_id, version, &TapTurned { amount })
}

pub(crate) async fn count(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// The versions of an aggregate's events on a topic, each where it came first.
pub(crate) fn first_versions(events: &[Envelope], aggregate_id: Uuid) -> Vec<i64> {
    let mut versions = Vec::new();
    for event in events.iter().filter(|event| event.aggregate_id == aggregate_id) {
        if !versions.contains(&event.aggregate_version) {
            versions.push(event.aggregate_version);
        }
    }
    versions
}

/// The totals that an aggregate's meter went through, as its events say.
pub(crate) fn totals(events: &[Envelope], aggregate_id: Uuid) -> Vec<i64> {
    let of_aggregate = events.iter().filter(|event| event.aggregate_id == aggregate_id);
    of_aggregate.map(|event| event.decode::<MeterRead>().unwrap().total).collect()
}
