//! What the refund saga claims of goods that fail or come back, of money that goes back, and of orders that are closed.

use super::Check;

/// What the databases can be asked.
pub(super) const CHECKS: &[Check] = &[
    Check {
        invariant: "I2 stock",
        claim: "each unit that left has arrived, has failed or is on its way, and is only one of these",
        query: "WITH packed AS (
                    SELECT p.shipment_id, c.key AS sku, sum(c.value::bigint) FILTER (WHERE delivered_at IS NOT NULL) AS arrived,
                           sum(c.value::bigint) FILTER (WHERE failed_at IS NOT NULL) AS failed,
                           sum(c.value::bigint) FILTER (WHERE num_nonnulls(delivered_at, failed_at) = 0) AS on_the_way
                    FROM shipping.parcel p CROSS JOIN jsonb_each_text(p.contents) AS c GROUP BY 1, 2
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id) FILTER (WHERE wrong) AS example
                FROM (SELECT shipment_id || ' ' || sku AS id, l.dispatched <>
                             coalesce(arrived, 0) + coalesce(failed, 0) + coalesce(on_the_way, 0) AS wrong
                      FROM shipping.shipment_line l LEFT JOIN packed USING (shipment_id, sku)) AS t",
    },
    Check {
        invariant: "I2 stock",
        claim: "what came back is at most what was awaited, and of each shipment counted as taken back",
        query: "WITH awaited AS (
                    SELECT g.return_id, w.key AS warehouse_id, u.key AS sku, u.value::bigint AS units
                    FROM shipping.goods_return g CROSS JOIN jsonb_each(g.awaited) AS w CROSS JOIN jsonb_each_text(w.value) AS u
                ), received AS (
                    SELECT r.return_id, g.order_id, w.key AS warehouse_id, u.key AS sku, sum(u.value::bigint) AS units,
                           coalesce(sum(u.value::bigint) FILTER (WHERE c.key <> 'NOT_ACCEPTED'), 0) AS accepted
                    FROM shipping.goods_receipt r JOIN shipping.goods_return g USING (return_id)
                    CROSS JOIN jsonb_each(r.received) AS w CROSS JOIN jsonb_each(w.value) AS c CROSS JOIN jsonb_each_text(c.value) AS u
                    GROUP BY 1, 2, 3, 4
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id) FILTER (WHERE wrong) AS example
                FROM (SELECT return_id || ' ' || sku AS id, coalesce(received.units, 0) > coalesce(awaited.units, 0) AS wrong
                      FROM awaited FULL JOIN received USING (return_id, warehouse_id, sku)
                      UNION ALL
                      SELECT l.shipment_id || ' ' || l.sku, l.taken_back > l.dispatched OR l.taken_back <> coalesce((
                                 SELECT sum(accepted) FROM received r
                                 WHERE r.order_id = s.order_id AND r.warehouse_id = s.warehouse_id::text AND r.sku = l.sku), 0)
                      FROM shipping.shipment_line l JOIN shipping.shipment s USING (shipment_id)) AS t",
    },
    Check {
        invariant: "I2 stock",
        claim: "the stock took back for each order what its warehouses received, in its condition",
        query: "WITH received AS (
                    SELECT g.order_id, w.key AS warehouse_id, u.key AS sku, lower(c.key) AS condition, sum(u.value::bigint) AS units
                    FROM shipping.goods_receipt r JOIN shipping.goods_return g USING (return_id)
                    CROSS JOIN jsonb_each(r.received) AS w CROSS JOIN jsonb_each(w.value) AS c CROSS JOIN jsonb_each_text(c.value) AS u
                    GROUP BY 1, 2, 3, 4
                ), taken AS (
                    SELECT r.order_id, a->>'warehouse_id' AS warehouse_id, a->>'sku' AS sku, c.key AS condition, c.value::bigint AS units
                    FROM inventory.reservation r CROSS JOIN jsonb_array_elements(r.allocations) AS a
                    CROSS JOIN jsonb_each_text(a->'returned') AS c
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT order_id AS id, coalesce(received.units, 0) <> coalesce(taken.units, 0) AS wrong
                      FROM received FULL JOIN taken USING (order_id, warehouse_id, sku, condition)) AS t",
    },
    Check {
        invariant: "I2 stock",
        claim: "what is on hand is what was stocked, less what parcels took, plus what came back sound",
        query: "WITH sent AS (
                    SELECT s.warehouse_id, l.sku, sum(l.dispatched) AS units
                    FROM shipping.shipment s JOIN shipping.shipment_line l USING (shipment_id) GROUP BY 1, 2
                ), received AS (
                    SELECT w.key::uuid AS warehouse_id, u.key AS sku, sum(u.value::bigint) AS units,
                           sum(u.value::bigint) FILTER (WHERE c.key = 'DAMAGED') AS damaged
                    FROM shipping.goods_receipt r CROSS JOIN jsonb_each(r.received) AS w CROSS JOIN jsonb_each(w.value) AS c
                    CROSS JOIN jsonb_each_text(c.value) AS u WHERE c.key <> 'NOT_ACCEPTED' GROUP BY 1, 2
                ), moved AS (
                    SELECT stock_item_id, sum(quantity) FILTER (WHERE movement_type = 'remove') AS removed,
                           sum(quantity) FILTER (WHERE movement_type = 'return') AS returned,
                           sum(quantity) FILTER (WHERE movement_type = 'write_off') AS written_off
                    FROM inventory.stock_movement GROUP BY 1
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(sku) FILTER (WHERE wrong) AS example
                FROM (SELECT i.sku, coalesce(removed, 0) <> -coalesce(sent.units, 0)
                             OR coalesce(returned, 0) <> coalesce(received.units, 0)
                             OR coalesce(written_off, 0) > -coalesce(received.damaged, 0) AS wrong
                      FROM inventory.stock_item i LEFT JOIN moved USING (stock_item_id)
                      LEFT JOIN sent ON sent.warehouse_id = i.warehouse_id AND sent.sku = i.sku
                      LEFT JOIN received ON received.warehouse_id = i.warehouse_id AND received.sku = i.sku) AS t",
    },
    Check {
        invariant: "I2 stock",
        claim: "what was stopped of an order in parts is on sale again, and paid back",
        query: "WITH stopped AS (
                    SELECT s.order_id, sum(l.stopped) AS units
                    FROM shipping.shipment s JOIN shipping.shipment_line l USING (shipment_id) GROUP BY 1
                ), released AS (
                    SELECT r.order_id, sum((a->>'released')::bigint) AS units
                    FROM inventory.reservation r CROSS JOIN jsonb_array_elements(r.allocations) AS a GROUP BY 1
                ), paid_back AS (
                    SELECT o.order_id, sum((l->>'quantity')::bigint) AS units
                    FROM orders.order_state o CROSS JOIN jsonb_array_elements(o.refunds) AS r
                    CROSS JOIN jsonb_array_elements(r->'lines') AS l
                    WHERE r->>'kind' = 'BEFORE_DISPATCH' AND r->>'status' NOT IN ('REQUESTED', 'REJECTED') GROUP BY 1
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT order_id AS id, stopped.units <> coalesce(released.units, 0)
                             OR stopped.units <> coalesce(paid_back.units, 0) AS wrong
                      FROM stopped LEFT JOIN released USING (order_id) LEFT JOIN paid_back USING (order_id)) AS t",
    },
    Check {
        invariant: "I1 money",
        claim: "what was given up for parcels that failed is for what they held, each once, and for no others",
        query: "WITH given_up AS (
                    SELECT o.order_id, (r->>'parcel_id')::uuid AS parcel_id, count(*) AS times, sum(lines.units) AS units
                    FROM orders.order_state o CROSS JOIN jsonb_array_elements(o.refunds) AS r CROSS JOIN LATERAL (
                        SELECT sum((l->>'quantity')::bigint) AS units FROM jsonb_array_elements(r->'lines') AS l) AS lines
                    WHERE r->>'kind' = 'PARCEL_FAILED' GROUP BY 1, 2
                ), failed AS (
                    SELECT p.parcel_id, s.order_id, (SELECT sum(c.value::bigint) FROM jsonb_each_text(p.contents) AS c) AS units
                    FROM shipping.parcel p JOIN shipping.shipment s USING (shipment_id) WHERE p.failed_at IS NOT NULL
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT order_id AS id, CASE WHEN given_up.units IS NULL THEN o.payment_status <> 'REFUNDED'
                                                  ELSE times <> 1 OR given_up.units IS DISTINCT FROM failed.units END AS wrong
                      FROM given_up FULL JOIN failed USING (order_id, parcel_id) JOIN orders.order_state o USING (order_id)) AS t",
    },
    Check {
        invariant: "I1 money",
        claim: "the refunds of an order are together at most what was captured, however far each is",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT o.order_id AS id, asked.minor > coalesce(o.captured_minor, 0)
                             OR coalesce(p.asked_back_minor > p.captured_minor, false) AS wrong
                      FROM orders.order_state o LEFT JOIN payments.payment p USING (order_id)
                      CROSS JOIN LATERAL (
                          SELECT coalesce(sum((r->'amount'->>'minor')::bigint), 0) AS minor FROM jsonb_array_elements(o.refunds) AS r
                          WHERE r->>'status' IN ('APPROVED', 'FAILED', 'REFUNDED')
                             OR r->>'status' = 'REQUESTED' AND r->>'kind' <> 'BEFORE_DISPATCH') AS asked) AS t",
    },
    Check {
        invariant: "I1 money",
        claim: "orders, payments and the ledger say the same of each refund",
        query: "WITH ours AS (
                    SELECT o.order_id, (r->>'number')::integer AS number, (r->'amount'->>'minor')::bigint AS minor
                    FROM orders.order_state o CROSS JOIN jsonb_array_elements(o.refunds) AS r WHERE r->>'status' = 'REFUNDED'
                ), theirs AS (
                    SELECT p.order_id, (r->>'number')::integer AS number, (r->>'amount_minor')::bigint AS minor,
                           (r->>'follows_from_end')::boolean AS is_for_end,
                           coalesce((r->>'is_set_aside')::boolean, false)
                           OR num_nonnulls(p.card_token, p.exchange->>'charged_order_id') = 0 AS is_credit
                    FROM payments.payment p CROSS JOIN jsonb_array_elements(p.refunds) AS r WHERE r->>'standing' = 'done'
                ), posted AS (
                    SELECT t.order_id, t.number, -sum(g.amount_minor) AS minor, bool_and(g.account = 'buyer_credit') AS is_credit
                    FROM payments.ledger_transaction t JOIN payments.ledger_posting g USING (transaction_id)
                    WHERE t.kind = 'refund' AND g.account IN ('provider_clearing', 'buyer_credit') GROUP BY 1, 2
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id) FILTER (WHERE wrong) AS example
                FROM (SELECT order_id || ':' || number AS id, ours.minor IS DISTINCT FROM theirs.minor AS wrong
                      FROM ours FULL JOIN (SELECT * FROM theirs WHERE NOT is_for_end) AS theirs USING (order_id, number)
                      UNION ALL
                      SELECT order_id || ':' || number,
                             (theirs.minor, theirs.is_credit) IS DISTINCT FROM (posted.minor, posted.is_credit)
                      FROM theirs FULL JOIN posted USING (order_id, number)) AS t",
    },
    Check {
        invariant: "I1 money",
        claim: "what is set aside for an exchange is spent for the order that it was set aside for, or went back, and pays for no other",
        query: "WITH set_aside AS (
                    SELECT p.order_id, (r->>'number')::integer AS number, (r->>'amount_minor')::bigint AS minor
                    FROM payments.payment p CROSS JOIN jsonb_array_elements(p.refunds) AS r WHERE (r->>'is_set_aside')::boolean
                ), promised AS (
                    SELECT o.order_id, (r->>'number')::integer AS number, (r->>'exchange_order_id')::uuid AS new_id
                    FROM orders.order_state o CROSS JOIN jsonb_array_elements(o.refunds) AS r
                    WHERE r->>'status' = 'REFUNDED' AND r->>'exchange_order_id' IS NOT NULL
                ), paid_by AS (
                    SELECT (n.exchange->>'order_id')::uuid AS order_id, (n.exchange->>'refund_number')::integer AS number,
                           n.order_id AS new_id, n.total_minor AS minor, n.status,
                           CASE WHEN p.exchange IS NOT DISTINCT FROM n.exchange THEN p.captured_minor END AS captured_minor
                    FROM orders.placed_order n LEFT JOIN payments.payment p USING (order_id) WHERE n.exchange IS NOT NULL
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id) FILTER (WHERE wrong) AS example
                FROM (SELECT order_id || ':' || number AS id,
                             set_aside.minor IS DISTINCT FROM paid_by.minor OR promised.new_id IS DISTINCT FROM paid_by.new_id
                             -- It is taken when the order is confirmed, and given back if it is not to be.
                             OR paid_by.captured_minor IS DISTINCT FROM
                                CASE WHEN paid_by.status = 'CREATED' THEN 0 ELSE paid_by.minor END AS wrong
                      FROM set_aside FULL JOIN promised USING (order_id, number) FULL JOIN paid_by USING (order_id, number)) AS t",
    },
    Check {
        invariant: "I1 money",
        claim: "each unit is paid back once at most, and all units of an order are all of its money",
        query: "WITH paid_back AS (
                    SELECT o.order_id, l->>'sku' AS sku, sum((l->>'quantity')::bigint) AS units,
                           sum((l->'amount'->>'minor')::bigint) AS minor
                    FROM orders.order_state o CROSS JOIN jsonb_array_elements(o.refunds) AS r
                    CROSS JOIN jsonb_array_elements(r->'lines') AS l WHERE r->>'status' <> 'REJECTED' GROUP BY 1, 2
                ), priced AS (
                    SELECT s.order_id, s.total_minor, t->>'sku' AS sku, (t->>'quantity')::bigint AS units, (t->'amount'->>'minor')::bigint AS minor
                    FROM orders.order_snapshot s CROSS JOIN jsonb_array_elements(s.sku_totals) AS t
                ), compared AS (
                    SELECT order_id, total_minor, paid_back.units > priced.units OR paid_back.minor > priced.minor AS is_too_much,
                           coalesce(paid_back.units, 0) = priced.units AS is_all
                    FROM priced LEFT JOIN paid_back USING (order_id, sku)
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT order_id AS id, coalesce(bool_or(is_too_much), false) OR bool_and(is_all) AND total_minor <> (
                                 SELECT sum((r->'amount'->>'minor')::bigint) FROM jsonb_array_elements(o.refunds) AS r
                                 WHERE r->>'status' <> 'REJECTED') AS wrong
                      FROM compared JOIN orders.order_state o USING (order_id) GROUP BY order_id, total_minor, o.refunds) AS t",
    },
    Check {
        invariant: "I1 money",
        claim: "escrow is empty once an order has arrived and is paid, and nobody earned anything before",
        query: "WITH held AS (
                    SELECT t.order_id, coalesce(sum(g.amount_minor) FILTER (WHERE g.account = 'escrow'), 0) AS escrow,
                           coalesce(sum(g.amount_minor) FILTER (WHERE g.account = 'seller_balance'), 0) AS seller,
                           coalesce(sum(g.amount_minor) FILTER (WHERE g.account = 'commission'), 0) AS commission
                    FROM payments.ledger_transaction t JOIN payments.ledger_posting g USING (transaction_id) GROUP BY 1
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT order_id AS id, CASE WHEN p.captured_minor = p.refunded_minor THEN (escrow, seller, commission) <> (0, 0, 0)
                                                  WHEN o.fulfilment_status = 'DELIVERED' AND o.payment_status = 'CAPTURED' THEN escrow <> 0
                                                  ELSE (seller, commission) <> (0, 0) END AS wrong
                      FROM held JOIN payments.payment p USING (order_id) JOIN orders.order_state o USING (order_id)) AS t",
    },
    Check {
        invariant: "I3 end",
        claim: "of a closed order nothing is under way: no refund, no parcel, no return, no call",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT o.order_id AS id, o.fulfilment_status NOT IN ('RELEASED', 'DELIVERED', 'FAILED')
                             OR coalesce(p.status NOT IN ('captured', 'refunded'), true)
                             OR EXISTS (SELECT FROM jsonb_array_elements(o.refunds) AS r
                                        WHERE r->>'status' IN ('REQUESTED', 'APPROVED', 'FAILED'))
                             OR EXISTS (SELECT FROM shipping.shipment s JOIN shipping.parcel c USING (shipment_id)
                                        WHERE s.order_id = o.order_id AND num_nonnulls(c.delivered_at, c.failed_at) = 0)
                             OR EXISTS (SELECT FROM shipping.goods_return g
                                        WHERE g.order_id = o.order_id AND g.refund_number IS NOT NULL AND g.status = 'OPEN')
                             OR EXISTS (SELECT FROM payments.provider_operation c
                                        WHERE c.order_id = o.order_id AND c.status = 'pending') AS wrong
                      FROM orders.order_state o LEFT JOIN payments.payment p USING (order_id) WHERE o.status = 'CLOSED') AS t",
    },
    Check {
        invariant: "I3 end",
        claim: "an order whose time is over is closed, unless something of it is under way",
        // The job looks every 10 s.
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT order_id AS id, status <> 'CLOSED' AND fulfilment_status IN ('RELEASED', 'DELIVERED', 'FAILED')
                             AND NOT EXISTS (SELECT FROM jsonb_array_elements(refunds) AS r
                                             WHERE r->>'status' IN ('REQUESTED', 'APPROVED', 'FAILED')) AS wrong
                      FROM orders.order_state WHERE close_at < now() - interval '20 seconds'
                        AND status IN ('PAID', 'DELIVERED', 'REFUNDED', 'CLOSED')) AS t",
    },
];
