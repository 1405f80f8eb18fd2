use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{Database, eventually};

/// What PostgreSQL counted so far: how often a table was scanned, and how many rows or index entries were read of it.
///
/// Better than the plans of copied statements: the statements themselves run, on the service's own connections, and often
/// enough for the planner to settle on a generic plan. Whether any of them walked a table, or a whole index, even once, shows.
#[derive(Debug)]
pub struct Reads(BTreeMap<String, (i64, i64)>);

impl Reads {
    /// The counts of these tables. Sessions report what they read when they end, so this waits until every other one has:
    /// close the pools first.
    ///
    /// From the first time on PostgreSQL does not look after these tables by itself: statistics that change half-way change plans, and whoever
    /// makes them keeps dead entries alive, so that what is read would depend on the minute.
    pub async fn count(database: &Database, tables: &[&str]) -> Self {
        let mut connection = PgConnection::connect(database.url()).await.expect("the database takes connections");
        for table in tables {
            let leave_alone = format!("ALTER TABLE {}.{table} SET (autovacuum_enabled = false)", database.schema());
            sqlx::query(AssertSqlSafe(leave_alone)).execute(&mut connection).await.expect("the table is there");
        }
        eventually("every other session to end", async || {
            let others = "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database()
                          AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
            sqlx::query_scalar::<_, bool>(others).fetch_one(&mut connection).await.expect("the view is there")
        })
        .await;
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT t.relname::text, t.seq_scan, (t.seq_tup_read + sum(i.idx_tup_read))::bigint
             FROM pg_stat_user_tables t JOIN pg_stat_user_indexes i USING (relid)
             WHERE t.relname = ANY($1) GROUP BY t.relname, t.seq_scan, t.seq_tup_read",
        )
        .bind(tables)
        .fetch_all(&mut connection)
        .await
        .expect("the views are there");
        assert_eq!(rows.len(), tables.len(), "not every table of {tables:?} is there");
        Self(rows.into_iter().map(|(table, scans, rows)| (table, (scans, rows))).collect())
    }

    /// How many rows or index entries of each table were read since `before`. Fails if a table was scanned.
    pub fn since(&self, before: &Self) -> BTreeMap<&str, i64> {
        let since = self.0.iter().map(|(table, (scans, rows))| {
            let (scans_before, rows_before) = before.0[table];
            assert_eq!(scans - scans_before, 0, "{table} was scanned");
            (table.as_str(), rows - rows_before)
        });
        since.collect()
    }
}
