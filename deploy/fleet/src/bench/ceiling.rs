//! What the database alone could do: the least that an order needs, as bare SQL, driven by pgbench on the same server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use crate::fleet::Fleet;
use crate::process::ProcessSpec;
use crate::progress::Step;
use crate::requirements::{Needs, Requirements};

const SCHEMA: &str = include_str!("../../bench/schema.sql");
/// The database that pgbench works in; made anew for each run, so that none begins with another's rows.
const DATABASE: &str = "tradewind_ceiling";
/// The best of so many clients counts.
const CLIENTS: [usize; 2] = [8, 32];

/// What pgbench runs.
#[derive(Debug, Clone, Copy)]
struct Script {
    name: &'static str,
    text: &'static str,
}

const PIPELINED: Script = Script { name: "pipelined", text: include_str!("../../bench/pipelined.sql") };
const SINGLE: Script = Script { name: "single", text: include_str!("../../bench/single.sql") };
const SINGLE_ROUND_TRIP: Script =
    Script { name: "single_round_trip", text: include_str!("../../bench/single_round_trip.sql") };

/// The best of some runs of a script.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Ceiling {
    /// Orders a second.
    pub orders_per_sec: f64,
    /// How many clients of pgbench it took.
    pub clients: usize,
    /// Bytes of the write-ahead log that an order made.
    pub wal_bytes_per_order: f64,
}

/// All ceilings.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Ceilings {
    /// One transaction for each step of the saga, each one round trip.
    pub pipelined: Ceiling,
    /// One transaction without events, statement by statement.
    pub single_tx: Ceiling,
    /// The same, all statements sent at once.
    pub single_tx_one_round_trip: Ceiling,
}

/// Measures each for so long with each number of clients. Scripts and logs go to `folder`.
pub async fn measure(fleet: &Fleet, folder: &Path, each: Duration) -> Result<Ceilings> {
    let needs = Needs { postgres: true, ..Needs::NOTHING };
    let programs = Requirements::provide(needs).await?.postgres.context("PostgreSQL was found a moment ago")?;
    let program = programs.join("pgbench");
    ensure!(program.is_file(), "{} is missing; install PostgreSQL's contrib programs", program.display());
    let bench = Pgbench { fleet, program, folder, each };
    Ok(Ceilings {
        pipelined: bench.best(PIPELINED).await?,
        single_tx: bench.best(SINGLE).await?,
        single_tx_one_round_trip: bench.best(SINGLE_ROUND_TRIP).await?,
    })
}

struct Pgbench<'a> {
    fleet: &'a Fleet,
    program: PathBuf,
    folder: &'a Path,
    each: Duration,
}

impl Pgbench<'_> {
    async fn best(&self, script: Script) -> Result<Ceiling> {
        let step = Step::of("ceiling");
        let mut best: Option<Ceiling> = None;
        for clients in CLIENTS {
            let ceiling = self.run(script, clients).await?;
            if best.is_none_or(|best| ceiling.orders_per_sec > best.orders_per_sec) {
                best = Some(ceiling);
            }
        }
        let best = best.expect("there is a number of clients");
        step.reached(format_args!(
            "{}: {:.0} orders/s with {} clients",
            script.name, best.orders_per_sec, best.clients
        ));
        Ok(best)
    }

    async fn run(&self, script: Script, clients: usize) -> Result<Ceiling> {
        let admin = self.fleet.database().connect_options().as_ref().clone();
        let mut connection = PgConnection::connect_with(&admin).await?;
        for statement in
            [format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"), format!("CREATE DATABASE {DATABASE}")]
        {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
        }
        let scratch = admin.database(DATABASE);
        // Statement by statement: VACUUM does not run in the transaction that several would make.
        let mut tables = PgConnection::connect_with(&scratch).await?;
        for statement in SCHEMA.split_inclusive(";\n") {
            sqlx::raw_sql(statement).execute(&mut tables).await.with_context(|| statement.to_owned())?;
        }
        tables.close().await?;

        let file = self.folder.join(format!("{}.sql", script.name));
        std::fs::write(&file, script.text).with_context(|| format!("writing {}", file.display()))?;
        let log = self.folder.join(format!("pgbench-{}-{clients}.log", script.name));
        std::fs::write(&log, "")?;
        let url = scratch.to_url_lossy();
        let arguments = ["-n", "-M", "prepared", "-j", "2", "-D", "n=0"].map(str::to_owned);
        let before = wal_position(&mut connection).await?;
        ProcessSpec::new("pgbench", &self.program)
            .args(arguments)
            .args([format!("-c{clients}"), format!("-T{}", self.each.as_secs())])
            .args([PathBuf::from("-f"), file])
            // By the way that the services take.
            .env(
                "PGHOST",
                scratch.get_socket().map_or_else(|| scratch.get_host().into(), |path| path.display().to_string()),
            )
            .env("PGPORT", scratch.get_port().to_string())
            .env("PGUSER", scratch.get_username())
            .env("PGPASSWORD", url.password().unwrap_or_default())
            .env("PGDATABASE", DATABASE)
            .run(&log)
            .await?;
        let wal = wal_position(&mut connection).await? - before;
        let told = std::fs::read_to_string(&log)?;
        let (orders, orders_per_sec) =
            parse(&told).with_context(|| format!("pgbench told no rate; see {}", log.display()))?;
        connection.close().await?;
        Ok(Ceiling { orders_per_sec, clients, wal_bytes_per_order: wal as f64 / orders })
    }
}

async fn wal_position(connection: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint").fetch_one(connection).await?)
}

/// How many transactions pgbench says that it processed, and how many a second.
fn parse(told: &str) -> Option<(f64, f64)> {
    let after = |start: &str| {
        let rest = told.lines().find_map(|line| line.strip_prefix(start))?;
        rest.split_whitespace().next()?.parse::<f64>().ok()
    };
    Some((after("number of transactions actually processed: ")?, after("tps = ")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_from_what_pgbench_tells() {
        let told = "transaction type: pipelined.sql\nnumber of transactions actually processed: 5413\n\
                    number of failed transactions: 0 (0.000%)\nlatency average = 41.071 ms\n\
                    tps = 779.190868 (without initial connection time)\n";
        assert_eq!(parse(told), Some((5_413.0, 779.190_868)));
        assert_eq!(parse("pgbench: error: connection failed"), None);
    }

    #[test]
    fn the_schema_is_cut_into_single_statements() {
        let statements: Vec<_> = SCHEMA.split_inclusive(";\n").map(str::trim).filter(|text| !text.is_empty()).collect();
        assert!(statements.iter().all(|text| text.matches("CREATE TABLE").count() <= 1), "{statements:?}");
        assert_eq!(statements.last(), Some(&"VACUUM ANALYZE;"));
    }
}
