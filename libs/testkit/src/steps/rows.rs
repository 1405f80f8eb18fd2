//! Every row of a service's schema, to be compared with what it was.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, PgConnection, Row as _};

/// The tables of a schema but for sqlx's own. The parts of a partitioned table are in the table.
const TABLES: &str = "SELECT relname::text FROM pg_class
                      WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
                        AND relname <> '_sqlx_migrations'
                      ORDER BY relname";

/// The rows of every table, as JSON text in alphabetical order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rows(BTreeMap<String, Vec<String>>);

impl Rows {
    /// All rows that are committed.
    pub(super) async fn read(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let tables: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut *connection).await?;
        let of_table =
            |table: &String| format!("SELECT '{table}' AS of_table, to_jsonb(t)::text AS content FROM \"{table}\" t");
        let union = tables.iter().map(of_table).collect::<Vec<_>>().join(" UNION ALL ");
        let mut rows: BTreeMap<_, _> = tables.into_iter().map(|table| (table, Vec::new())).collect();
        for row in sqlx::query(AssertSqlSafe(union)).fetch_all(connection).await? {
            let table: &str = row.try_get("of_table")?;
            rows.get_mut(table).expect("a table that was asked for").push(row.try_get("content")?);
        }
        for rows in rows.values_mut() {
            rows.sort_unstable();
        }
        Ok(Self(rows))
    }

    /// The tables whose rows are not those of `before`.
    pub(super) fn changed_since<'a>(&'a self, before: &Self) -> BTreeSet<&'a str> {
        self.0.iter().filter(|(table, rows)| before.0[*table] != **rows).map(|(table, _)| table.as_str()).collect()
    }

    /// What is there now and was not, and what was there and is not.
    pub(super) fn difference(&self, before: &Self) -> String {
        let mut lines = Vec::new();
        for table in self.changed_since(before) {
            let (was, is) = (&before.0[table], &self.0[table]);
            lines.extend(was.iter().filter(|row| !is.contains(row)).map(|row| format!("\n  {table} had {row}")));
            lines.extend(is.iter().filter(|row| !was.contains(row)).map(|row| format!("\n  {table} has {row}")));
        }
        lines.concat()
    }
}
