//! Table `stuck_order`.

use std::collections::BTreeMap;

use kernel::Timestamp;
use messaging::Error;
use sqlx::{PgConnection, PgPool, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use super::order::timestamp;
use crate::domain::ids::OrderId;
use crate::domain::stuck::Silence;

/// What was sent again about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentAgain {
    /// The order.
    pub order_id: OrderId,
    /// When it last changed.
    pub silent_since: Timestamp,
    /// How often that was done in this silence.
    pub times_sent: i32,
    /// The last event of those that were.
    pub last_event_id: Uuid,
}

/// Every order that was silent when it was last looked at.
pub async fn all(pool: &PgPool) -> Result<BTreeMap<OrderId, Silence>, Error> {
    let rows = sqlx::query("SELECT * FROM stuck_order").fetch_all(pool).await?;
    let silence = |row: &sqlx::postgres::PgRow| {
        let silence = Silence {
            since: timestamp(row, "silent_since")?,
            times_sent: row.try_get("times_sent")?,
            last_sent_at: timestamp(row, "last_sent_at")?,
            is_told: row.try_get::<Option<OffsetDateTime>, _>("told_at")?.is_some(),
        };
        Ok((OrderId::from_uuid(row.try_get("order_id")?), silence))
    };
    rows.iter().map(silence).collect()
}

/// Counts what was sent again.
pub async fn note_sent(tx: &mut PgConnection, sent: &[SentAgain], now: Timestamp) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO stuck_order (order_id, silent_since, times_sent, last_event_id, last_sent_at)
         SELECT *, $5 FROM unnest($1::uuid[], $2::timestamptz[], $3::integer[], $4::uuid[])
         ON CONFLICT (order_id) DO UPDATE
         SET silent_since = excluded.silent_since, times_sent = excluded.times_sent, last_event_id = excluded.last_event_id,
             last_sent_at = excluded.last_sent_at, told_at = NULL",
    )
    .bind(sent.iter().map(|sent| sent.order_id.uuid()).collect::<Vec<_>>())
    .bind(sent.iter().map(|sent| OffsetDateTime::from(sent.silent_since)).collect::<Vec<_>>())
    .bind(sent.iter().map(|sent| sent.times_sent).collect::<Vec<_>>())
    .bind(sent.iter().map(|sent| sent.last_event_id).collect::<Vec<_>>())
    .bind(OffsetDateTime::from(now))
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes that an operator was told of these.
pub async fn note_told(tx: &mut PgConnection, order_ids: &[OrderId], now: Timestamp) -> Result<(), Error> {
    sqlx::query("UPDATE stuck_order SET told_at = $2 WHERE order_id = ANY($1)")
        .bind(order_ids.iter().map(|id| id.uuid()).collect::<Vec<_>>())
        .bind(OffsetDateTime::from(now))
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets orders that moved on.
pub async fn forget(tx: &mut PgConnection, order_ids: &[OrderId]) -> Result<(), Error> {
    sqlx::query("DELETE FROM stuck_order WHERE order_id = ANY($1)")
        .bind(order_ids.iter().map(|id| id.uuid()).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}
