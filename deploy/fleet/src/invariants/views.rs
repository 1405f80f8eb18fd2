//! What is claimed of read models.

use anyhow::Result;

use super::{Check, Counts};
use crate::fleet::Fleet;

/// What the databases can be asked.
pub(super) const CHECKS: &[Check] = &[
    Check {
    invariant: "I6 views",
    claim: "the list that buyers and sellers read says of each order what the order says",
    query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(order_id::text) FILTER (WHERE wrong) AS example
            FROM (SELECT order_id, s.status IS DISTINCT FROM v.status OR coalesce(s.reason, '') IS DISTINCT FROM v.reason AS wrong
                  FROM orders.order_state s FULL JOIN (
                      SELECT * FROM orders.order_list_view
                      WHERE generation = (SELECT generation FROM orders.read_model_generation WHERE state = 'serving')
                  ) AS v USING (order_id)) AS t",
    },
    Check {
        invariant: "I6 views",
        claim: "the stock that sellers read is the stock, to the unit",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id) FILTER (WHERE wrong) AS example
                FROM (SELECT sku || ' in ' || warehouse_id AS id,
                             (coalesce(i.total, 0), coalesce(i.reserved, 0), coalesce(i.committed, 0))
                             <> (coalesce(v.total, 0), coalesce(v.reserved, 0), coalesce(v.committed, 0)) AS wrong
                      FROM inventory.stock_item i FULL JOIN (
                          SELECT * FROM inventory.warehouse_stock_view
                          WHERE generation = (SELECT generation FROM inventory.read_model_generation WHERE state = 'serving')
                      ) AS v USING (warehouse_id, sku)) AS t",
    },
];

/// What a service finds that makes its read models anew and compares them with those that it serves.
pub(super) async fn rebuilt(fleet: &Fleet, service: &str) -> Result<Counts> {
    Ok(match fleet.operate(service, &["rebuild", "--dry-run"]).await {
        Ok(printed) => {
            let examined = printed.split_whitespace().next().and_then(|count| count.parse().ok()).unwrap_or(0);
            Counts { examined, broken: 0, example: None }
        }
        Err(error) => Counts { examined: 0, broken: 1, example: Some(error.to_string()) },
    })
}
