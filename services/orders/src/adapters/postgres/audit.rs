//! Which orders have left a trace in which table: what `verify-history` goes by, so that a deleted row is missed too.

use messaging::Error;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::domain::ids::OrderId;

/// Where an order has left a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traces {
    /// The order.
    pub order_id: OrderId,
    /// Whether `order_snapshot` has the row of what is agreed now.
    pub has_snapshot: bool,
    /// Whether `order_state` has its row.
    pub has_state: bool,
    /// Whether the journal has any entry of it.
    pub has_history: bool,
}

impl Traces {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            order_id: OrderId::from_uuid(row.try_get("order_id")?),
            has_snapshot: row.try_get("has_snapshot")?,
            has_state: row.try_get("has_state")?,
            has_history: row.try_get("has_history")?,
        })
    }
}

/// The orders after `after`, in the order of their ids, at most `limit`: whatever left a trace in any of the tables.
pub async fn traces_after(connection: &mut PgConnection, after: OrderId, limit: i64) -> Result<Vec<Traces>, Error> {
    let rows = sqlx::query(
        "SELECT t.order_id,
                EXISTS (SELECT FROM order_snapshot n WHERE n.order_id = t.order_id
                        AND n.terms_version = coalesce(s.terms_version, 1)) AS has_snapshot,
                s.order_id IS NOT NULL AS has_state,
                EXISTS (SELECT FROM journal j WHERE j.aggregate_id = t.order_id) AS has_history
         FROM (
             (SELECT DISTINCT order_id FROM order_snapshot WHERE order_id > $1 ORDER BY order_id LIMIT $2)
             UNION
             (SELECT order_id FROM order_state WHERE order_id > $1 ORDER BY order_id LIMIT $2)
             UNION
             (SELECT DISTINCT order_id FROM order_line WHERE order_id > $1 ORDER BY order_id LIMIT $2)
             UNION
             (SELECT DISTINCT aggregate_id FROM journal WHERE aggregate_id > $1 ORDER BY aggregate_id LIMIT $2)
         ) AS t (order_id) LEFT JOIN order_state s USING (order_id)
         ORDER BY t.order_id LIMIT $2",
    )
    .bind(after.uuid())
    .bind(limit)
    .fetch_all(connection)
    .await?;
    Ok(rows.iter().map(Traces::from_row).collect::<Result<_, _>>()?)
}

/// The traces of one order; `None` if it left none.
pub async fn traces_of(connection: &mut PgConnection, order_id: OrderId) -> Result<Option<Traces>, Error> {
    let just_before = OrderId::from_uuid(Uuid::from_u128(order_id.uuid().as_u128().saturating_sub(1)));
    let next = traces_after(connection, just_before, 1).await?;
    Ok(next.into_iter().find(|traces| traces.order_id == order_id))
}
