//! What the fulfilment saga claims, and the aggregates of it that keep a head.

use super::Check;

/// What the databases can be asked.
pub(super) const CHECKS: &[Check] = &[
    Check {
        invariant: "I2 stock",
        claim: "what has left of each shipment is what its parcels hold, and at most what it holds and was not stopped",
        query: "WITH packed AS (
                    SELECT p.shipment_id, c.key AS sku, sum(c.value::bigint) AS units
                    FROM shipping.parcel p CROSS JOIN jsonb_each_text(p.contents) AS c GROUP BY 1, 2
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id) FILTER (WHERE wrong) AS example
                FROM (SELECT shipment_id || ' ' || sku AS id, l.dispatched IS DISTINCT FROM coalesce(packed.units, 0)
                             OR l.dispatched + l.stopped > l.quantity AS wrong
                      FROM shipping.shipment_line l FULL JOIN packed USING (shipment_id, sku)) AS t",
    },
    Check {
        invariant: "I1 money",
        claim: "cash is captured where carriers passed it on, and is what was due: less what did not arrive",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT c.order_id AS id, coalesce(p.captured_minor, 0) <>
                             CASE WHEN c.remittance_reference IS NULL THEN 0
                                  ELSE c.cash_minor - coalesce(waived.minor, 0) END AS wrong
                      FROM shipping.consignment c LEFT JOIN payments.payment p USING (order_id)
                      LEFT JOIN orders.order_state o USING (order_id)
                      CROSS JOIN LATERAL (SELECT sum((r->'amount'->>'minor')::bigint) AS minor
                                          FROM jsonb_array_elements(o.refunds) AS r WHERE r->>'status' = 'WAIVED') AS waived
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
                                                OR o.status = 'CONFIRMED' AND num_nonnulls(o.card_token, o.exchange) = 0
                                                OR o.status IN ('REFUNDED', 'CLOSED') AND o.fulfilment_status <> 'RELEASED'
                                                OR o.status = 'CANCELLED' AND o.reason = 'DELIVERY_FAILED')
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
        query: "WITH sent AS (
                    SELECT s.order_id, sum(l.quantity - l.stopped) AS held, sum(l.dispatched) AS gone, sum(p.arrived) AS arrived, sum(p.failed) AS failed
                    FROM shipping.shipment s JOIN shipping.shipment_line l USING (shipment_id)
                    CROSS JOIN LATERAL (
                        SELECT coalesce(sum((p.contents->>l.sku)::bigint) FILTER (WHERE p.delivered_at IS NOT NULL), 0) AS arrived,
                               coalesce(sum((p.contents->>l.sku)::bigint) FILTER (WHERE p.failed_at IS NOT NULL), 0) AS failed
                        FROM shipping.parcel p WHERE p.shipment_id = s.shipment_id) AS p
                    GROUP BY 1
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT order_id AS id, o.fulfilment_status IS DISTINCT FROM
                             CASE WHEN c.cancellation = 'STOPPED' THEN 'RELEASED' WHEN failed = held THEN 'FAILED'
                                  WHEN arrived + failed = held THEN 'DELIVERED' WHEN gone = held THEN 'SHIPPED'
                                  WHEN gone > 0 THEN 'PARTLY_SHIPPED' ELSE 'ALLOCATED' END AS wrong
                      FROM sent JOIN shipping.consignment c USING (order_id) LEFT JOIN orders.placed_order o USING (order_id)) AS t",
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
                    UNION ALL SELECT 'goods_return ' || return_id FROM shipping.goods_return g
                        WHERE NOT EXISTS (SELECT FROM shipping.consignment c WHERE c.order_id = g.order_id)
                           OR g.parcel_id IS NOT NULL AND NOT EXISTS (SELECT FROM shipping.parcel p WHERE p.parcel_id = g.parcel_id)
                    UNION ALL SELECT 'goods_receipt ' || receipt_id FROM shipping.goods_receipt r
                        WHERE NOT EXISTS (SELECT FROM shipping.goods_return g WHERE g.return_id = r.return_id)
                    UNION ALL SELECT 'return_label of ' || return_id FROM shipping.return_label l
                        WHERE NOT EXISTS (SELECT FROM shipping.goods_return g WHERE g.return_id = l.return_id
                                          AND g.refund_number IS NOT NULL AND g.awaited ? l.warehouse_id::text)
                )
                SELECT (SELECT count(*) FROM shipping.consignment) + (SELECT count(*) FROM shipping.shipment)
                       + (SELECT count(*) FROM shipping.shipment_line) + (SELECT count(*) FROM shipping.parcel)
                       + (SELECT count(*) FROM shipping.goods_return) + (SELECT count(*) FROM shipping.goods_receipt)
                       + (SELECT count(*) FROM shipping.return_label) AS examined,
                       count(*) AS broken, min(id) AS example FROM orphan",
    },
];

/// Every aggregate's row that keeps a head, against its history in the journal.
pub(super) const HEADS: &[(&str, &str)] =
    &[("shipping", "SELECT order_id, version, head_hash, correlation_id FROM shipping.consignment")];
