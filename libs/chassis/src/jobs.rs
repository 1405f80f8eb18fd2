//! Work that is due every so often, on one replica at a time.

use std::convert::Infallible;
use std::time::Duration;

use kernel::Classified;
use messaging::EventStore;
use opentelemetry::metrics::Histogram;
use opentelemetry::{KeyValue, global};
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::status::chain;
use crate::{Settings, idempotency};

/// A period is made shorter or longer by up to a tenth, so that jobs do not march in step.
const JITTER: f64 = 0.1;

/// How often an operator who waits for a run that is under way asks whether it has ended.
const UNDER_WAY_ASKED_EVERY: Duration = Duration::from_millis(100);

/// How often [`housekeeping`] is done.
const HOUSEKEEPING_EVERY: Duration = Duration::from_hours(1);

/// Twice what the broker keeps by default: a consumer rewound to the beginning finds everything in its inbox.
const INBOX_KEEP_DAYS: i32 = 14;

/// Runs `job` every `period` until `stop`, never twice at once: of all replicas the one that holds the job's advisory lock
/// works, on a connection of its own, and the others stand by. A run that fails is logged and tried again when it is next
/// due; a run that has begun is finished.
///
/// ```no_run
/// # use std::time::Duration;
/// # fn spawn(tasks: &mut chassis::Tasks, store: messaging::EventStore) {
/// tasks.spawn("job expire_reservations", |stop| {
///     let pool = store.pool().clone();
///     let work = async move || expire_reservations(&store).await;
///     chassis::jobs::every(Duration::from_secs(1), "expire_reservations", pool, stop, work)
/// });
/// # }
/// # async fn expire_reservations(_: &messaging::EventStore) -> Result<(), messaging::Error> { Ok(()) }
/// ```
///
/// # Errors
/// None: a job outlives its failures.
pub async fn every<E: Classified>(
    period: Duration,
    name: &'static str,
    pool: PgPool,
    stop: CancellationToken,
    mut job: impl AsyncFnMut() -> Result<(), E>,
) -> Result<(), Infallible> {
    let duration = duration_metric();
    let (mut connection, mut was_ours) = (None, false);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = sleep(jittered(period)) => {}
        }
        let is_ours = is_our_turn(&mut connection, name, &pool).await.unwrap_or_else(|error| {
            tracing::warn!(job = name, %error, "cannot find out whose turn it is; trying again");
            false
        });
        if is_ours != was_ours {
            tracing::info!(job = name, is_ours, "this replica begins or ceases to work on the job");
            was_ours = is_ours;
        }
        let Some(open) = connection.as_mut().filter(|_| is_ours) else { continue };
        match try_begin_run(open, name).await {
            Ok(true) => {
                run(name, &duration, job()).await;
                // A connection that is lost has given up its locks.
                if end_run(open, name).await.is_err() {
                    connection = None;
                }
            }
            Ok(false) => tracing::info!(job = name, "an operator runs the job at the moment"),
            Err(error) => {
                tracing::warn!(job = name, %error, "cannot find out whether the job runs elsewhere; trying again");
                connection = None;
            }
        }
    }
}

/// Runs `job` now, for an operator, and answers what it answers. A run that is under way on a replica is waited for, and no replica
/// begins one meanwhile.
pub async fn now<T, E: Classified + From<sqlx::Error>>(
    name: &'static str,
    pool: &PgPool,
    job: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let mut connection = PgConnection::connect_with(&pool.connect_options()).await?;
    while !try_begin_run(&mut connection, name).await? {
        sleep(UNDER_WAY_ASKED_EVERY).await;
    }
    let result = measure(name, &duration_metric(), job).await;
    // With its connection goes the lock.
    connection.close().await?;
    result
}

/// Counts what a run of a job did: so many items of one kind.
pub fn count(name: &'static str, what: &'static str, items: usize) {
    let counter = global::meter("chassis").u64_counter("job.items").with_description("What runs of jobs did").build();
    counter.add(items as u64, &[KeyValue::new("job.name", name), KeyValue::new("what", what)]);
}

/// What every service does by itself, at start and every hour: prepares the inbox's next days, drops old ones, and forgets the
/// answers to commands whose retention is over. Harmless on several replicas at once.
pub fn housekeeping(
    store: EventStore,
    settings: &Settings,
    stop: CancellationToken,
) -> impl Future<Output = Result<(), Infallible>> + Send + use<> {
    let retention = settings.idempotency_retention;
    async move {
        let duration = duration_metric();
        while !stop.is_cancelled() {
            run("housekeeping", &duration, async {
                messaging::maintain_inbox(&store, INBOX_KEEP_DAYS).await?;
                idempotency::forget(&store, retention).await
            })
            .await;
            let _ = tokio::time::timeout(HOUSEKEEPING_EVERY, stop.cancelled()).await;
        }
        Ok(())
    }
}

fn jittered(period: Duration) -> Duration {
    period.mul_f64(rand::random_range(1.0 - JITTER..1.0 + JITTER))
}

/// Whether this replica holds the job's lock, or can take it. The lock lives as long as the connection: a replica that dies
/// loses both.
async fn is_our_turn(
    connection: &mut Option<PgConnection>,
    name: &'static str,
    pool: &PgPool,
) -> Result<bool, sqlx::Error> {
    let mut open = match connection.take() {
        Some(connection) => connection,
        None => PgConnection::connect_with(&pool.connect_options()).await?,
    };
    // Whoever holds the lock may take it again. Two services of one database may have jobs of the same name.
    let is_ours = sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtext('job ' || current_schema()), hashtext($1))")
        .bind(name)
        .fetch_one(&mut open)
        .await?;
    *connection = Some(open);
    Ok(is_ours)
}

/// Whether no run of the job is under way, on a replica or for an operator: then this connection's is, until [`end_run`] or until the
/// connection is lost. Apart from whose turn it is, which one replica keeps between its runs.
async fn try_begin_run(connection: &mut PgConnection, name: &'static str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtext('job run ' || current_schema()), hashtext($1))")
        .bind(name)
        .fetch_one(connection)
        .await
}

async fn end_run(connection: &mut PgConnection, name: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_unlock(hashtext('job run ' || current_schema()), hashtext($1))")
        .bind(name)
        .execute(connection)
        .await
        .map(drop)
}

fn duration_metric() -> Histogram<f64> {
    global::meter("chassis")
        .f64_histogram("job.duration")
        .with_unit("s")
        .with_description("Time of one run of a job")
        .build()
}

async fn run<E: Classified>(name: &'static str, duration: &Histogram<f64>, job: impl Future<Output = Result<(), E>>) {
    match measure(name, duration, job).await {
        Ok(()) => {}
        Err(error) if error.kind().is_transient() => {
            tracing::warn!(job = name, error = chain(&error), "the job failed for now; it runs when it is next due");
        }
        Err(error) => {
            tracing::error!(job = name, error = chain(&error), "the job failed; it runs when it is next due");
        }
    }
}

async fn measure<T, E: Classified>(
    name: &'static str,
    duration: &Histogram<f64>,
    job: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let began = Instant::now();
    let result = job.await;
    let elapsed = began.elapsed();
    let outcome = match &result {
        Ok(_) => "done",
        Err(error) if error.kind().is_transient() => "failed for now",
        Err(_) => "failed",
    };
    tracing::debug!(job = name, elapsed_ms = elapsed.as_millis() as u64, outcome, "the job ran");
    duration.record(elapsed.as_secs_f64(), &[KeyValue::new("job.name", name), KeyValue::new("outcome", outcome)]);
    result
}
