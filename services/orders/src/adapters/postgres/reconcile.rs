//! Table `reconcile_difference`.

use kernel::Timestamp;
use messaging::Error;
use sqlx::{PgPool, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ids::OrderId;
use crate::domain::reconcile::{Difference, DifferenceKind};

/// A difference that is not gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// Its number.
    pub difference_id: i64,
    /// The order.
    pub order_id: OrderId,
    /// In which way the services differ about it.
    pub kind: DifferenceKind,
}

/// The orders about which something differed when they were last looked at.
pub async fn with_open_differences(pool: &PgPool) -> Result<Vec<OrderId>, Error> {
    let ids: Vec<Uuid> =
        sqlx::query_scalar("SELECT DISTINCT order_id FROM reconcile_difference WHERE healed_at IS NULL")
            .fetch_all(pool)
            .await?;
    Ok(ids.into_iter().map(OrderId::from_uuid).collect())
}

/// Notes what was found, and answers those that were not open before. What they say is always what was found last.
pub async fn note_found(
    pool: &PgPool,
    found: &[(OrderId, Difference)],
    now: Timestamp,
) -> Result<Vec<(OrderId, DifferenceKind)>, Error> {
    let rows = sqlx::query(
        "INSERT INTO reconcile_difference (order_id, kind, details, found_at)
         SELECT *, $4 FROM unnest($1::uuid[], $2::text[], $3::text[])
         ON CONFLICT (order_id, kind) WHERE healed_at IS NULL DO UPDATE SET details = excluded.details
         RETURNING order_id, kind, xmax = 0 AS is_new",
    )
    .bind(found.iter().map(|(order_id, _)| order_id.uuid()).collect::<Vec<_>>())
    .bind(found.iter().map(|(_, difference)| difference.kind.as_str()).collect::<Vec<_>>())
    .bind(found.iter().map(|(_, difference)| difference.details.as_str()).collect::<Vec<_>>())
    .bind(OffsetDateTime::from(now))
    .fetch_all(pool)
    .await?;
    let mut new = Vec::new();
    for row in &rows {
        if row.try_get("is_new")? {
            new.push((OrderId::from_uuid(row.try_get("order_id")?), kind(row.try_get("kind")?)?));
        }
    }
    Ok(new)
}

/// Notes as healed what was open about these orders and was not found again, and answers it.
pub async fn note_healed(
    pool: &PgPool,
    looked_at: &[OrderId],
    found: &[(OrderId, Difference)],
    now: Timestamp,
) -> Result<Vec<Open>, Error> {
    let rows = sqlx::query(
        "UPDATE reconcile_difference d SET healed_at = $4
         WHERE d.healed_at IS NULL AND d.order_id = ANY($1)
           AND NOT EXISTS (SELECT FROM unnest($2::uuid[], $3::text[]) AS f (order_id, kind)
                           WHERE f.order_id = d.order_id AND f.kind = d.kind)
         RETURNING d.difference_id, d.order_id, d.kind",
    )
    .bind(looked_at.iter().map(|id| id.uuid()).collect::<Vec<_>>())
    .bind(found.iter().map(|(order_id, _)| order_id.uuid()).collect::<Vec<_>>())
    .bind(found.iter().map(|(_, difference)| difference.kind.as_str()).collect::<Vec<_>>())
    .bind(OffsetDateTime::from(now))
    .fetch_all(pool)
    .await?;
    let open = |row: &sqlx::postgres::PgRow| {
        Ok(Open {
            difference_id: row.try_get("difference_id")?,
            order_id: OrderId::from_uuid(row.try_get("order_id")?),
            kind: kind(row.try_get("kind")?)?,
        })
    };
    rows.iter().map(open).collect()
}

/// Counts an attempt to heal a difference before it is made, and answers a name for its command that no other attempt has.
pub async fn begin_attempt(pool: &PgPool, order_id: OrderId, kind: DifferenceKind) -> Result<Option<String>, Error> {
    let row: Option<(i64, i32)> = sqlx::query_as(
        "UPDATE reconcile_difference SET attempts = attempts + 1
         WHERE order_id = $1 AND kind = $2 AND healed_at IS NULL
         RETURNING difference_id, attempts",
    )
    .bind(order_id.uuid())
    .bind(kind.as_str())
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|(difference_id, attempt)| format!("reconcile:{difference_id}:{attempt}")))
}

/// Notes why the last attempt was not carried out, or that it was.
pub async fn end_attempt(
    pool: &PgPool,
    order_id: OrderId,
    kind: DifferenceKind,
    error: Option<&str>,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE reconcile_difference SET last_error = $3 WHERE order_id = $1 AND kind = $2 AND healed_at IS NULL",
    )
    .bind(order_id.uuid())
    .bind(kind.as_str())
    .bind(error)
    .execute(pool)
    .await?;
    Ok(())
}

fn kind(name: &str) -> Result<DifferenceKind, Error> {
    DifferenceKind::from_name(name).ok_or_else(|| Error::Corrupt(format!("kind {name:?}")))
}
