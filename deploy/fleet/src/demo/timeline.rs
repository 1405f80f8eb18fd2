//! The story of one order in milliseconds, from the journals of every service that took part.

use anyhow::Result;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::fleet::Fleet;

/// What happened to an order, each with the milliseconds since its checkout was submitted.
pub(super) async fn of_order(fleet: &Fleet, checkout_id: &str, order_id: &str) -> Result<String> {
    let rows: Vec<(String, OffsetDateTime)> = sqlx::query_as(
        "SELECT event_type, occurred_at FROM checkout.journal WHERE aggregate_id = $1
         UNION ALL SELECT event_type, occurred_at FROM orders.journal WHERE aggregate_id = $2
         UNION ALL SELECT event_type, occurred_at FROM inventory.journal WHERE aggregate_id = $2
         UNION ALL SELECT event_type, occurred_at FROM payments.journal WHERE aggregate_id = $2
         UNION ALL SELECT event_type, occurred_at FROM shipping.journal WHERE aggregate_id = $2
         ORDER BY occurred_at",
    )
    .bind(checkout_id.parse::<Uuid>()?)
    .bind(order_id.parse::<Uuid>()?)
    .fetch_all(fleet.database())
    .await?;
    let Some((_, began)) = rows.first().cloned() else { return Ok("nothing happened".to_owned()) };
    let step = |(event, at): &(String, OffsetDateTime)| {
        let name = event.rsplit('.').next().unwrap_or(event);
        format!("{} {name}", (*at - began).whole_milliseconds())
    };
    Ok(format!("{} ms", rows.iter().map(step).collect::<Vec<_>>().join(" > ")))
}
