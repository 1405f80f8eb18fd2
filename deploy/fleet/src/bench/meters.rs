//! What the fleet uses: CPU time, transactions, rows, bytes of the write-ahead log; and how it works: batches, outboxes.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kernel::Timestamp;
use messaging::Clock;
use nix::unistd::Pid;
use sqlx::{AssertSqlSafe, FromRow, PgPool};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::cpu::Cpu;
use super::statements;
use crate::fleet::Fleet;
use crate::topology::SERVICES;

/// How often the outboxes are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The database's own counters, since it was made. PostgreSQL's are up to a second old.
#[derive(Debug, Clone, Copy, FromRow)]
struct Database {
    transactions: i64,
    rows_inserted: i64,
    rows_updated: i64,
    rows_deleted: i64,
    wal_bytes: i64,
}

const DATABASE: &str = "
    SELECT (SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()) AS transactions,
           sum(n_tup_ins)::bigint AS rows_inserted, sum(n_tup_upd)::bigint AS rows_updated,
           sum(n_tup_del)::bigint AS rows_deleted, (pg_current_wal_insert_lsn() - '0/0')::bigint AS wal_bytes
    FROM pg_stat_user_tables";

/// Reads the counters of a fleet whose processes stay the same.
pub struct Meters {
    processes: Vec<(String, Pid)>,
    database: PgPool,
    with_statements: bool,
}

/// All counters at one moment.
#[derive(Debug, Clone)]
pub struct Reading {
    at: Instant,
    time: Timestamp,
    cpu: Cpu,
    database: Database,
}

/// What was used between two moments.
#[derive(Debug, Clone)]
pub struct Used {
    /// The first moment.
    pub opened: Instant,
    /// The second moment.
    pub closed: Instant,
    /// CPU time.
    pub cpu: Cpu,
    /// Transactions of the fleet's database, committed or not.
    pub transactions: i64,
    /// Rows inserted.
    pub rows_inserted: i64,
    /// Rows updated.
    pub rows_updated: i64,
    /// Rows deleted.
    pub rows_deleted: i64,
    /// Bytes of the write-ahead log, of the whole server.
    pub wal_bytes: i64,
}

impl Meters {
    /// Of everything that the fleet runs now; with the database's statements if PostgreSQL counts them.
    pub fn of(fleet: &Fleet, with_statements: bool) -> Self {
        Self { processes: fleet.everything(), database: fleet.database().clone(), with_statements }
    }

    /// Reads all counters and begins to count statements.
    pub async fn open(&self) -> Result<Reading> {
        if self.with_statements {
            statements::reset(&self.database).await?;
        }
        self.read().await
    }

    /// Reads all counters.
    pub async fn read(&self) -> Result<Reading> {
        let database =
            sqlx::query_as(DATABASE).fetch_one(&self.database).await.context("reading the database's counters")?;
        let cpu = Cpu::read(&self.processes)?;
        Ok(Reading { at: Instant::now(), time: Clock::system().now(), cpu, database })
    }

    /// Notes the age of the oldest row of any outbox, for as long as it is let.
    pub async fn watch_outboxes(&self, ages: &mut Vec<Duration>) -> Result<Infallible> {
        let oldest = |service: &str| format!("(SELECT created_at FROM {service}.outbox ORDER BY id LIMIT 1)");
        let outboxes: Vec<_> = SERVICES.iter().map(|service| oldest(service.name)).collect();
        let query = format!(
            "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - created_at)), 0)::float8 FROM ({}) AS oldest",
            outboxes.join(" UNION ALL ")
        );
        let mut tick = interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let age: f64 = sqlx::query_scalar(AssertSqlSafe(query.clone())).fetch_one(&self.database).await?;
            ages.push(Duration::from_secs_f64(age.max(0.0)));
        }
    }

    /// Events that took effect over the transactions in which they did, by consumer. An event's id tells when it was recorded,
    /// and its inbox row in which transaction it took effect.
    pub async fn events_per_batch(&self, from: &Reading, until: &Reading) -> Result<BTreeMap<String, f64>> {
        let mut all = BTreeMap::new();
        let groups = SERVICES.iter().flat_map(|service| service.groups.iter().map(move |group| (service, group.name)));
        for (service, consumer) in groups {
            let query = format!(
                "SELECT count(*)::float8 / nullif(count(DISTINCT xmin::text), 0) FROM {}.inbox
                 WHERE consumer = $1 AND event_id >= $2 AND event_id < $3",
                service.name
            );
            let size: Option<f64> = sqlx::query_scalar(AssertSqlSafe(query))
                .bind(consumer)
                .bind(first_id(from.time))
                .bind(first_id(until.time))
                .fetch_one(&self.database)
                .await?;
            all.extend(size.map(|size| (consumer.to_owned(), size)));
        }
        Ok(all)
    }

    /// The statements that took longest since [`Self::open`], if they are counted.
    pub async fn statements(&self, orders: usize) -> Result<Option<String>> {
        if !self.with_statements {
            return Ok(None);
        }
        statements::top(&self.database, orders).await.map(Some)
    }
}

/// The smallest UUIDv7 of a moment.
fn first_id(time: Timestamp) -> Uuid {
    let millis = u128::from(time.unix_micros().max(0).unsigned_abs() / 1_000);
    Uuid::from_u128(millis << 80)
}

impl Reading {
    /// What was used since an earlier reading.
    pub fn since(&self, earlier: &Self) -> Used {
        let (now, before) = (&self.database, &earlier.database);
        Used {
            opened: earlier.at,
            closed: self.at,
            cpu: self.cpu.since(&earlier.cpu),
            transactions: now.transactions - before.transactions,
            rows_inserted: now.rows_inserted - before.rows_inserted,
            rows_updated: now.rows_updated - before.rows_updated,
            rows_deleted: now.rows_deleted - before.rows_deleted,
            wal_bytes: now.wal_bytes - before.wal_bytes,
        }
    }
}

impl Used {
    /// How long it was.
    pub fn window(&self) -> Duration {
        self.closed - self.opened
    }
}
