use sqlx::{PgPool, Postgres, Transaction};

/// Opens a transaction on a connection of the pool. Dropped without a commit, it is rolled back; so it is when nobody waits for
/// it any more by the time it is open.
///
/// What runs in it is planned once for each connection, not for each of its values: it finds and writes rows by their keys, and
/// planning was a quarter of what a single order cost. A list, whose best plan depends on whose it is, is read outside.
///
/// A request can be given up at any moment. With sqlx 0.9.0, giving up `Pool::begin` while the database is being asked leaves the
/// connection inside a transaction that nobody knows of: whatever uses the connection next is not committed when it believes to be
/// (transact-rs/sqlx#4393). So a task of its own asks, and nobody can interrupt that.
#[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
pub async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    const BEGIN: &str = "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan";
    let pool = pool.clone();
    opened(tokio::spawn(async move { pool.begin_with(BEGIN).await })).await
}

/// As [`begin`], for reading only, with statements that all see the same state.
#[expect(clippy::disallowed_methods, reason = "this is the other")]
pub async fn begin_snapshot(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let pool = pool.clone();
    opened(tokio::spawn(async move { pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await })).await
}

async fn opened<T>(task: tokio::task::JoinHandle<Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    // It ends otherwise only when the runtime does.
    task.await.unwrap_or(Err(sqlx::Error::PoolClosed))
}
