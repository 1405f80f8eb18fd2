use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::rig::Rig;

/// More often than opening a transaction has to wait for anything.
const PATIENCE_MAX: usize = 8;

#[tokio::test]
async fn a_caller_who_gives_up_leaves_no_transaction_open_on_the_connection() {
    let rig = Rig::new().await;
    let pool = PgPoolOptions::new().max_connections(1).connect(rig.database.url()).await.unwrap();
    for patience in (0..PATIENCE_MAX).cycle().take(10 * PATIENCE_MAX) {
        drop(give_up_after(patience, messaging::begin(&pool)).await);
        assert_each_statement_is_a_transaction(&pool, patience).await;
        // A second transaction would end the one that the first left open.
        drop(give_up_after(patience, messaging::begin_snapshot(&pool)).await);
        assert_each_statement_is_a_transaction(&pool, patience).await;
    }
}

/// Waits for a future, and drops it when it is not ready after having been woken so many times.
async fn give_up_after<T>(patience: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut woken = 0..patience;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => woken.next().map_or(Poll::Ready(None), |_| Poll::Pending),
    })
    .await
}

/// The pool has one connection: this is the one that was in use.
async fn assert_each_statement_is_a_transaction(pool: &PgPool, patience: usize) {
    let mut connection = pool.acquire().await.unwrap();
    let mut ids: Vec<i64> = Vec::new();
    for _ in 0..2 {
        ids.push(sqlx::query_scalar("SELECT txid_current()").fetch_one(&mut *connection).await.unwrap());
    }
    assert_ne!(ids[0], ids[1], "given up after {patience} times, two statements are one transaction");
}
