//! Histories: versions, chains of hashes, snapshots.

use anyhow::{Context, Result};
use messaging::journal::{self, Head};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::{Counts, checkout, fulfilment};
use crate::fleet::Fleet;

/// Histories read at a time.
const CHUNK: usize = 500;

/// Every aggregate's row that keeps a head, against its history in the journal.
pub(super) async fn chains(connection: &mut PgConnection) -> Result<Counts> {
    let mut counts = Counts::default();
    for (schema, query) in checkout::HEADS.iter().chain(fulfilment::HEADS) {
        sqlx::raw_sql(AssertSqlSafe(format!("SET search_path = {schema}"))).execute(&mut *connection).await?;
        let heads: Vec<(Uuid, i64, Vec<u8>, Uuid)> = sqlx::query_as(*query).fetch_all(&mut *connection).await?;
        for heads in heads.chunks(CHUNK) {
            let ids: Vec<_> = heads.iter().map(|(id, ..)| *id).collect();
            let mut histories = journal::read_many(connection, &ids).await?;
            for (id, version, hash, correlation_id) in heads {
                let hash = hash.as_slice().try_into().context("a head's hash has 32 bytes")?;
                let head = Head { version: *version, hash, correlation_id: *correlation_id };
                counts.examined += 1;
                if let Err(fault) = journal::verify(&histories.remove(id).unwrap_or_default(), head) {
                    counts.broken += 1;
                    counts.example.get_or_insert(format!("{schema} {id}: {fault}"));
                }
            }
        }
    }
    sqlx::raw_sql("RESET search_path").execute(connection).await?;
    Ok(counts)
}

/// What the orders service says of its own history; it recomputes the hashes of the snapshots as well.
pub(super) async fn snapshots(fleet: &Fleet, connection: &mut PgConnection) -> Result<Counts> {
    let examined = sqlx::query_scalar("SELECT count(*) FROM orders.order_snapshot").fetch_one(connection).await?;
    Ok(match fleet.operate("orders", &["verify-history"]).await {
        Ok(_) => Counts { examined, broken: 0, example: None },
        Err(error) => Counts { examined, broken: 1, example: Some(error.to_string()) },
    })
}
