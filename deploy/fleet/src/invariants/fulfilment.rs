//! What the fulfilment saga claims, and the aggregates of it that keep a head.

use super::Check;

/// What the databases can be asked.
pub(super) const CHECKS: &[Check] = &[
    Check {
        invariant: "I2 stock",
        claim: "what has left of each shipment is what its parcels hold, and at most what it holds",
        query: "WITH packed AS (
                    SELECT p.shipment_id, c.key AS sku, sum(c.value::bigint) AS units
                    FROM shipping.parcel p CROSS JOIN jsonb_each_text(p.contents) AS c GROUP BY 1, 2
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id) FILTER (WHERE wrong) AS example
                FROM (SELECT shipment_id || ' ' || sku AS id, l.dispatched IS DISTINCT FROM coalesce(packed.units, 0)
                             OR l.dispatched > l.quantity AS wrong
                      FROM shipping.shipment_line l FULL JOIN packed USING (shipment_id, sku)) AS t",
    },
    Check {
        invariant: "I1 money",
        claim: "cash is captured for the orders that carriers passed it on for, and for no others",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT c.order_id AS id, coalesce(p.captured_minor, 0) <>
                             CASE WHEN c.remittance_reference IS NULL THEN 0 ELSE c.cash_minor END AS wrong
                      FROM shipping.consignment c LEFT JOIN payments.payment p USING (order_id)
                      WHERE c.cash_minor IS NOT NULL) AS t",
    },
    Check {
        invariant: "I2 stock",
        claim: "what has left the stock for an order is what has left its warehouses",
        query: "WITH gone AS (
                    SELECT r.order_id, (a->>'warehouse_id')::uuid AS warehouse_id, a->>'sku' AS sku,
                           sum(coalesce((a->>'dispatched')::bigint, 0)) AS units
                    FROM inventory.reservation r CROSS JOIN jsonb_array_elements(r.allocations) AS a GROUP BY 1, 2, 3
                ), sent AS (
                    SELECT s.order_id, s.warehouse_id, l.sku, l.dispatched AS units
                    FROM shipping.shipment s JOIN shipping.shipment_line l USING (shipment_id)
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT order_id AS id, coalesce(gone.units, 0) <> coalesce(sent.units, 0) AS wrong
                      FROM gone FULL JOIN sent USING (order_id, warehouse_id, sku)) AS t",
    },
    Check {
        invariant: "I3 end",
        claim: "every order whose goods may leave has its shipments, and no other has one that is not cancelled",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT o.order_id AS id, (o.status IN ('PAID', 'SHIPPED', 'DELIVERED')
                                                OR o.status = 'CONFIRMED' AND o.card_token IS NULL)
                             <> (c.order_id IS NOT NULL AND c.cancellation IS DISTINCT FROM 'STOPPED') AS wrong
                      FROM orders.placed_order o LEFT JOIN shipping.consignment c USING (order_id)) AS t",
    },
    Check {
        invariant: "I3 end",
        claim: "nothing has left for an order that was stopped",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT c.order_id AS id, EXISTS (SELECT FROM shipping.shipment s JOIN shipping.parcel p USING (shipment_id)
                                                       WHERE s.order_id = c.order_id) AS wrong
                      FROM shipping.consignment c WHERE c.cancellation = 'STOPPED') AS t",
    },
    Check {
        invariant: "I3 end",
        claim: "an order says of its parcels what shipping says",
        query: "WITH parcels AS (
                    SELECT order_id, bool_and(status = 'DELIVERED') AS arrived,
                           bool_and(status IN ('DISPATCHED', 'DELIVERED')) AS all_left,
                           bool_or(status NOT IN ('PENDING', 'CANCELLED')) AS any_left
                    FROM shipping.shipment GROUP BY 1
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT order_id AS id, o.fulfilment_status IS DISTINCT FROM
                             CASE WHEN arrived THEN 'DELIVERED' WHEN all_left THEN 'SHIPPED' WHEN any_left THEN 'PARTLY_SHIPPED'
                                  WHEN o.status IN ('CANCELLED', 'REFUNDED') THEN 'RELEASED' ELSE 'ALLOCATED' END AS wrong
                      FROM parcels LEFT JOIN orders.placed_order o USING (order_id)) AS t",
    },
    Check {
        invariant: "I4 history",
        claim: "every row of a shipment has the row that it belongs to",
        query: "WITH orphan AS (
                    SELECT 'consignment ' || order_id AS id FROM shipping.consignment c
                        WHERE NOT EXISTS (SELECT FROM shipping.shipment s WHERE s.order_id = c.order_id)
                    UNION ALL SELECT 'shipment ' || shipment_id FROM shipping.shipment s
                        WHERE NOT EXISTS (SELECT FROM shipping.consignment c WHERE c.order_id = s.order_id)
                           OR NOT EXISTS (SELECT FROM shipping.shipment_line l WHERE l.shipment_id = s.shipment_id)
                    UNION ALL SELECT 'shipment_line of ' || shipment_id FROM shipping.shipment_line l
                        WHERE NOT EXISTS (SELECT FROM shipping.shipment s WHERE s.shipment_id = l.shipment_id)
                    UNION ALL SELECT 'parcel ' || parcel_id FROM shipping.parcel p
                        WHERE NOT EXISTS (SELECT FROM shipping.shipment s WHERE s.shipment_id = p.shipment_id)
                )
                SELECT (SELECT count(*) FROM shipping.consignment) + (SELECT count(*) FROM shipping.shipment)
                       + (SELECT count(*) FROM shipping.shipment_line) + (SELECT count(*) FROM shipping.parcel) AS examined,
                       count(*) AS broken, min(id) AS example FROM orphan",
    },
];

/// Every aggregate's row that keeps a head, against its history in the journal.
pub(super) const HEADS: &[(&str, &str)] =
    &[("shipping", "SELECT order_id, version, head_hash, correlation_id FROM shipping.consignment")];
