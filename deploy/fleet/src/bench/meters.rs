//! What the fleet uses: CPU time, transactions, rows, bytes of the write-ahead log.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::unistd::Pid;
use sqlx::{FromRow, PgPool};

use super::cpu::Cpu;
use crate::fleet::Fleet;

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
}

/// All counters at one moment.
#[derive(Debug, Clone)]
pub struct Reading {
    at: Instant,
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
    /// Of everything that the fleet runs now.
    pub fn of(fleet: &Fleet) -> Self {
        Self { processes: fleet.everything(), database: fleet.database().clone() }
    }

    /// Reads all counters.
    pub async fn read(&self) -> Result<Reading> {
        let cpu = Cpu::read(&self.processes)?;
        let at = Instant::now();
        let database =
            sqlx::query_as(DATABASE).fetch_one(&self.database).await.context("reading the database's counters")?;
        Ok(Reading { at, cpu, database })
    }
}

impl Reading {
    /// What was used since an earlier reading.
    pub fn since(&self, earlier: Self) -> Used {
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
