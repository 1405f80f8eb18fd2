//! Table `job_progress`, and the orders that changed since a job looked.

use std::collections::HashMap;

use kernel::Timestamp;
use messaging::Error;
use sqlx::{PgExecutor, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use super::order::{order_from_row, timestamp};
use crate::domain::ids::OrderId;
use crate::domain::order::Order;

/// Up to when a job has looked; none before its first run.
pub async fn looked_until(pool: &PgPool, job: &str) -> Result<Option<Timestamp>, Error> {
    let until: Option<OffsetDateTime> = sqlx::query_scalar("SELECT looked_until FROM job_progress WHERE job = $1")
        .bind(job)
        .fetch_optional(pool)
        .await?;
    Ok(until.map(Into::into))
}

/// Notes up to when a job has looked.
pub async fn note_looked_until(pool: &PgPool, job: &str, until: Timestamp) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO job_progress (job, looked_until) VALUES ($1, $2)
         ON CONFLICT (job) DO UPDATE SET looked_until = greatest(job_progress.looked_until, excluded.looked_until)",
    )
    .bind(job)
    .bind(OffsetDateTime::from(until))
    .execute(pool)
    .await?;
    Ok(())
}

/// Orders that last changed after `from` and by `until`.
pub async fn changed(pool: &PgPool, from: Option<Timestamp>, until: Timestamp) -> Result<Vec<OrderId>, Error> {
    let ids: Vec<Uuid> =
        sqlx::query_scalar("SELECT order_id FROM order_state WHERE updated_at > $1 AND updated_at <= $2")
            .bind(since(from))
            .bind(OffsetDateTime::from(until))
            .fetch_all(pool)
            .await?;
    Ok(ids.into_iter().map(OrderId::from_uuid).collect())
}

/// Orders that last changed after `from` and by `until`, and may wait for a service: all that do are among them, and few that do not.
pub async fn may_wait(pool: &PgPool, from: Option<Timestamp>, until: Timestamp) -> Result<Vec<OrderId>, Error> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "SELECT order_id FROM order_state
         WHERE updated_at > $1 AND updated_at <= $2
           AND (status IN ('CREATED', 'CONFIRMED', 'REFUNDED', 'FAILED', 'CANCELLED') OR cancel_reason IS NOT NULL OR refunds <> '[]')",
    )
    .bind(since(from))
    .bind(OffsetDateTime::from(until))
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(OrderId::from_uuid).collect())
}

fn since(from: Option<Timestamp>) -> OffsetDateTime {
    from.map_or(OffsetDateTime::UNIX_EPOCH, Into::into)
}

/// Of these orders those that are over or do not exist.
pub async fn over_or_missing(pool: &PgPool, order_ids: &[OrderId]) -> Result<Vec<OrderId>, Error> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "SELECT t.order_id FROM unnest($1::uuid[]) AS t (order_id) LEFT JOIN order_state s USING (order_id)
         WHERE s.order_id IS NULL OR s.status IN ('FAILED', 'CANCELLED', 'REFUNDED', 'CLOSED')",
    )
    .bind(order_ids.iter().map(|id| id.uuid()).collect::<Vec<_>>())
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(OrderId::from_uuid).collect())
}

/// Orders as they stand, and when each last changed; one that does not exist is absent.
pub async fn find_many(
    executor: impl PgExecutor<'_>,
    order_ids: &[OrderId],
) -> Result<HashMap<OrderId, (Order, Timestamp)>, Error> {
    let rows = sqlx::query(
        "SELECT s.*, n.checkout_id, n.buyer_id, n.seller_id, n.ship_to, n.shipping_service, n.currency, n.total_minor, n.sku_totals,
                n.card_token IS NULL AND n.exchange IS NULL AS cash_on_delivery, n.exchange, n.split_from
         FROM order_state s JOIN order_snapshot n ON n.order_id = s.order_id AND n.terms_version = s.terms_version
         WHERE s.order_id = ANY($1)",
    )
    .bind(order_ids.iter().map(|id| id.uuid()).collect::<Vec<_>>())
    .fetch_all(executor)
    .await?;
    let mut orders = HashMap::with_capacity(rows.len());
    for row in &rows {
        let order = order_from_row(row)?;
        orders.insert(order.id, (order, timestamp(row, "updated_at")?));
    }
    Ok(orders)
}
