use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use tokio::time::timeout;

use crate::rig::Rig;

#[tokio::test]
async fn a_caller_who_gives_up_leaves_no_transaction_open_on_the_connection() {
    let rig = Rig::new().await;
    let pool = PgPoolOptions::new().max_connections(1).connect(rig.database.url()).await.unwrap();
    for patience_micros in (0..2_000).step_by(50) {
        let patience = Duration::from_micros(patience_micros);
        drop(timeout(patience, messaging::begin(&pool)).await);
        drop(timeout(patience, messaging::begin_snapshot(&pool)).await);
        // The pool has one connection: this is the one that was in use.
        let mut connection = pool.acquire().await.unwrap();
        let mut transaction_ids: Vec<i64> = Vec::new();
        for _ in 0..2 {
            let id = sqlx::query_scalar("SELECT txid_current()").fetch_one(&mut *connection).await.unwrap();
            transaction_ids.push(id);
        }
        assert_ne!(transaction_ids[0], transaction_ids[1], "after {patience:?} two statements are one transaction");
    }
}
