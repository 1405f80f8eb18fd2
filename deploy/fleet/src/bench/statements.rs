//! Where the database spends its time, by pg_stat_statements.

use std::fmt::Write as _;

use anyhow::Result;
use sqlx::{FromRow, PgPool};

/// How PostgreSQL is started for it.
pub const SETTINGS: [&str; 2] = ["shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track_planning=on"];

const TOP: &str = "
    SELECT r.rolname::text AS role, s.calls, s.rows, s.total_exec_time AS exec_ms, s.total_plan_time AS plan_ms,
           s.wal_bytes::bigint AS wal_bytes, regexp_replace(s.query, '\\s+', ' ', 'g') AS query
    FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid
    WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    ORDER BY s.total_exec_time + s.total_plan_time DESC LIMIT 40";

/// One statement and all that was spent on it.
#[derive(Debug, FromRow)]
struct Statement {
    role: String,
    calls: i64,
    rows: i64,
    exec_ms: f64,
    plan_ms: f64,
    wal_bytes: i64,
    query: String,
}

/// Makes the extension ready.
pub async fn prepare(database: &PgPool) -> Result<()> {
    sqlx::raw_sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").execute(database).await?;
    Ok(())
}

/// Forgets what was counted so far.
pub async fn reset(database: &PgPool) -> Result<()> {
    sqlx::query("SELECT pg_stat_statements_reset()").execute(database).await?;
    Ok(())
}

/// The statements that took longest since then, as a table in Markdown, per order of `orders`.
pub async fn top(database: &PgPool, orders: usize) -> Result<String> {
    let statements: Vec<Statement> = sqlx::query_as(TOP).fetch_all(database).await?;
    let per_order = |total: f64| total / orders as f64;
    let mut table = String::from(
        "| role | calls/order | rows/order | exec ms/order | plan ms/order | WAL bytes/order | statement |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | --- |\n",
    );
    for Statement { role, calls, rows, exec_ms, plan_ms, wal_bytes, query } in statements {
        let query: String = query.replace('|', "\\|").chars().take(160).collect();
        writeln!(
            table,
            "| {role} | {:.3} | {:.2} | {:.4} | {:.4} | {:.0} | `{query}` |",
            per_order(calls as f64),
            per_order(rows as f64),
            per_order(exec_ms),
            per_order(plan_ms),
            per_order(wal_bytes as f64),
        )?;
    }
    Ok(table)
}
