//! Failures of PostgreSQL's own making, switched on by the test: a statement that fails, a commit that is refused, a
//! connection that is lost.

use std::collections::BTreeSet;
use std::fmt;

use sqlx::{AssertSqlSafe, PgConnection, PgPool};

/// Where a transaction fails.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Point {
    /// It is given up once everything it needs is loaded and locked.
    AfterTheLoad,
    /// It is given up once its state is saved.
    AfterTheSave,
    /// Its connection is lost when nothing is left to do but to commit.
    BeforeTheCommit,
    /// A statement that writes to this table fails.
    WriteOf(String),
    /// Everything is written, and the commit itself is refused.
    Commit,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AfterTheLoad => f.write_str("given up after the load"),
            Self::AfterTheSave => f.write_str("given up after the save"),
            Self::BeforeTheCommit => f.write_str("cut off before the commit"),
            Self::WriteOf(table) => write!(f, "failed at the write of {table}"),
            Self::Commit => f.write_str("refused at the commit"),
        }
    }
}

const COMMIT: &str = "the commit";

/// Every table gets two triggers: one before each statement that writes, one that waits for the commit. They fail when their
/// point is armed, and do nothing otherwise.
const TRIGGERS: &str = r"
CREATE SCHEMA steps;
CREATE TABLE steps.armed (point text NOT NULL);
CREATE FUNCTION steps.fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM steps.armed WHERE point = TG_ARGV[0]) THEN
        RAISE EXCEPTION 'injected at %', format('%s;', TG_ARGV[0]) USING ERRCODE = 'io_error';
    END IF;
    RETURN NULL;
END $$;
DO $$
DECLARE
    written text;
BEGIN
    FOR written IN SELECT relname FROM pg_class
                   WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND NOT relispartition
                     AND relname <> '_sqlx_migrations'
    LOOP
        EXECUTE format('CREATE TRIGGER steps_write BEFORE INSERT OR UPDATE OR DELETE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION steps.fail(%L)', written, written);
        EXECUTE format('CREATE CONSTRAINT TRIGGER steps_commit AFTER INSERT OR UPDATE OR DELETE ON %I
                        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION steps.fail(%L)', written, 'the commit');
    END LOOP;
    EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database());
END $$";

/// Puts the triggers on every table of the pool's schema. Sessions from then on do not wait for the disk: no server is killed
/// here, and there are thousands of commits.
pub(super) async fn install(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(TRIGGERS)).execute(pool).await.map(drop)
}

/// The tables that a transaction has written so far, and those that its commit may write besides.
pub(super) async fn tables_of_a_commit(tx: &mut PgConnection) -> Result<BTreeSet<String>, sqlx::Error> {
    let written: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_stat_xact_user_tables
         WHERE schemaname = current_schema() AND n_tup_ins + n_tup_upd + n_tup_del > 0",
    )
    .fetch_all(tx)
    .await?;
    Ok(written.into_iter().chain(["journal", "outbox"].map(str::to_owned)).collect())
}

/// Lets every transaction fail from now on: at its first statement that writes to the table, if one is given; else, or if
/// there is no such statement, at its commit.
pub(super) async fn arm(pool: &PgPool, table: Option<&str>) -> Result<(), sqlx::Error> {
    let points: Vec<&str> = table.into_iter().chain([COMMIT]).collect();
    sqlx::query("INSERT INTO steps.armed SELECT unnest($1::text[])").bind(points).execute(pool).await.map(drop)
}

/// Lets transactions be.
pub(super) async fn disarm(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM steps.armed").execute(pool).await.map(drop)
}

/// Whether an error was injected: at a write of the table, if one is given.
pub(super) fn is_injected(error: &anyhow::Error, table: Option<&str>) -> bool {
    let point = table.map_or("injected at ".to_owned(), |table| format!("injected at {table};"));
    format!("{error:#}").contains(&point)
}

/// Ends the session of a backend from outside, as the loss of a connection does.
pub(super) async fn cut(pool: &PgPool, backend: i32) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_terminate_backend($1, 10000)").bind(backend).execute(pool).await.map(drop)
}
