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
    // What goes back of an order that an exchange paid for goes back to the card of another; what is set aside goes back to none.
    let ours: Vec<(Uuid, i64, bool, i64)> = sqlx::query_as(
        "SELECT coalesce((exchange->>'charged_order_id')::uuid, order_id) AS charged_order_id,
                sum(CASE WHEN exchange IS NULL THEN captured_minor ELSE 0 END - refunded_minor + aside.minor)::bigint,
                bool_or(exchange IS NULL AND status IN ('authorized', 'capturing', 'voiding')), sum(done.refunds)::bigint
         FROM payments.payment p CROSS JOIN LATERAL (
                  SELECT count(*) AS refunds FROM payments.provider_operation o
                  WHERE o.order_id = p.order_id AND o.kind = 'refund' AND o.status = 'succeeded') AS done
              CROSS JOIN LATERAL (
                  SELECT coalesce(sum((r->>'amount_minor')::bigint), 0) AS minor FROM jsonb_array_elements(p.refunds) AS r
                  WHERE (r->>'is_set_aside')::boolean) AS aside
         WHERE num_nonnulls(card_token, exchange->>'charged_order_id') > 0 GROUP BY 1",
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
