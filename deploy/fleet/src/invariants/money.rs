//! The provider's own books against ours.

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Counts;
use crate::fleet::Fleet;
use crate::provider;

/// Compares what the provider says that it took, gave back and holds with what payments believes.
pub(super) async fn provider(fleet: &Fleet, connection: &mut PgConnection) -> Result<Counts> {
    let ours: Vec<(Uuid, i64, bool)> = sqlx::query_as(
        "SELECT order_id, captured_minor - refunded_minor, status IN ('authorized', 'capturing', 'voiding') FROM payments.payment",
    )
    .fetch_all(connection)
    .await?;
    let ours: BTreeMap<String, (i64, bool)> =
        ours.into_iter().map(|(id, net, holds)| (id.to_string(), (net, holds))).collect();
    let charges = provider::all_charges(fleet).await?;
    let wrong = charges.iter().filter(|charge| {
        let (net, holds) = ours.get(&charge.payment).copied().unwrap_or_default();
        charge.captures > 1
            || charge.captured_minor - charge.refunded_minor != net
            || (charge.held_minor != 0 && !holds)
    });
    let wrong: Vec<_> = wrong.map(|charge| charge.payment.clone()).collect();
    Ok(Counts { examined: charges.len() as i64, broken: wrong.len() as i64, example: wrong.into_iter().next() })
}
