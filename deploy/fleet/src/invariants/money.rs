//! The provider's own books against ours.

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Counts;
use crate::fleet::Fleet;
use crate::provider;

/// Compares what the provider says that it took, gave back and holds with what payments believes: the sums, and how often.
pub(super) async fn provider(fleet: &Fleet, connection: &mut PgConnection) -> Result<Counts> {
    let ours: Vec<(Uuid, i64, bool, i64)> = sqlx::query_as(
        "SELECT order_id, captured_minor - refunded_minor, status IN ('authorized', 'capturing', 'voiding'),
                (SELECT count(*) FROM payments.provider_operation o
                 WHERE o.order_id = p.order_id AND o.kind = 'refund' AND o.status = 'succeeded')
         FROM payments.payment p WHERE card_token IS NOT NULL",
    )
    .fetch_all(connection)
    .await?;
    let mut ours: BTreeMap<String, (i64, bool, i64)> =
        ours.into_iter().map(|(id, net, holds, refunds)| (id.to_string(), (net, holds, refunds))).collect();
    let charges = provider::all_charges(fleet).await?;
    let mut wrong = Vec::new();
    for charge in &charges {
        let (net, holds, refunds) = ours.remove(&charge.payment).unwrap_or_default();
        if charge.captures > 1
            || charge.captured_minor - charge.refunded_minor != net
            || i64::from(charge.refunds) != refunds
            || (charge.held_minor != 0 && !holds)
        {
            wrong.push(charge.payment.clone());
        }
    }
    wrong.extend(ours.into_iter().filter(|(_, (net, ..))| *net != 0).map(|(unheard_of, _)| unheard_of));
    Ok(Counts { examined: charges.len() as i64, broken: wrong.len() as i64, example: wrong.into_iter().next() })
}
