//! What the checkout saga claims. Another saga brings its claims, and the aggregates that keep a head, in a file of its own.

use super::Check;

/// What the databases can be asked.
pub(super) const CHECKS: &[Check] = &[
    Check {
        invariant: "I1 money",
        claim: "the postings of every ledger transaction sum to zero",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE sum <> 0) AS broken, min(id::text) FILTER (WHERE sum <> 0) AS example
                FROM (SELECT transaction_id AS id, sum(amount_minor) AS sum FROM payments.ledger_posting
                      GROUP BY transaction_id, currency) AS t",
    },
    Check {
        invariant: "I1 money",
        claim: "the ledger holds what was captured less what was refunded, and refunds stay below captures",
        query: "WITH held AS (
                    SELECT t.order_id, -sum(g.amount_minor) AS minor FROM payments.ledger_transaction t
                    JOIN payments.ledger_posting g USING (transaction_id)
                    WHERE g.account IN ('escrow', 'seller_balance', 'commission') GROUP BY 1
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT order_id AS id, p.refunded_minor > p.captured_minor
                             OR p.captured_minor - p.refunded_minor <> coalesce(held.minor, 0) AS wrong
                      FROM payments.payment p LEFT JOIN held USING (order_id)) AS t",
    },
    Check {
        invariant: "I2 stock",
        claim: "total = available + reserved + committed, none below zero",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(sku) FILTER (WHERE wrong) AS example
                FROM (SELECT sku, total < 0 OR reserved < 0 OR committed < 0 OR total - reserved - committed < 0 AS wrong
                      FROM inventory.stock_item) AS t",
    },
    Check {
        invariant: "I2 stock",
        claim: "what is on hand is the sum of its movements",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(sku) FILTER (WHERE wrong) AS example
                FROM (SELECT s.sku, s.total <> coalesce((SELECT sum(m.quantity) FROM inventory.stock_movement m
                             WHERE m.stock_item_id = s.stock_item_id), 0) AS wrong
                      FROM inventory.stock_item s) AS t",
    },
    Check {
        invariant: "I2 stock",
        claim: "what is reserved and committed is what the reservations hold and has not left",
        query: "WITH held AS (
                    SELECT (a->>'stock_item_id')::uuid AS stock_item_id,
                           sum(units) FILTER (WHERE r.status = 'active') AS reserved,
                           sum(units) FILTER (WHERE r.status = 'committed') AS committed
                    FROM inventory.reservation r CROSS JOIN jsonb_array_elements(r.allocations) AS a
                    CROSS JOIN LATERAL (SELECT (a->>'quantity')::bigint - coalesce((a->>'dispatched')::bigint, 0)
                                               - coalesce((a->>'released')::bigint, 0) AS units) AS u
                    GROUP BY 1
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(sku) FILTER (WHERE wrong) AS example
                FROM (SELECT s.sku, s.reserved <> coalesce(h.reserved, 0) OR s.committed <> coalesce(h.committed, 0) AS wrong
                      FROM inventory.stock_item s LEFT JOIN held h USING (stock_item_id)) AS t",
    },
    Check {
        invariant: "I2 stock",
        claim: "orders that wait for stock are counted in its line, and no others; they are neither held nor over",
        query: "WITH line AS (
                    SELECT r.order_id, (r.backorder ->> 'seller_id')::uuid AS seller_id, wanted.sku, wanted.units::bigint AS units
                    FROM inventory.reservation r, jsonb_each_text(r.backorder -> 'demand') AS wanted (sku, units)
                    WHERE r.status = 'backordered' AND jsonb_exists(r.backorder -> 'short', wanted.sku)
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id) FILTER (WHERE wrong) AS example
                FROM (SELECT sku AS id, coalesce(p.waiting, 0) <> coalesce(l.units, 0) AS wrong
                      FROM inventory.sku_policy p
                      FULL JOIN (SELECT seller_id, sku, sum(units) AS units FROM line GROUP BY seller_id, sku) AS l
                      USING (seller_id, sku)
                      UNION ALL
                      SELECT r.order_id::text, o.status IS DISTINCT FROM 'CREATED' OR o.waits_until IS NULL
                                               OR jsonb_array_length(r.allocations) > 0
                      FROM inventory.reservation r LEFT JOIN orders.order_state o USING (order_id)
                      WHERE r.status = 'backordered') AS t",
    },
    Check {
        invariant: "I2 stock",
        claim: "what is committed to an order is what is agreed",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT s.order_id AS id, EXISTS (
                          SELECT FROM jsonb_to_recordset(n.sku_totals) AS agreed (sku text, quantity bigint)
                          FULL JOIN (SELECT a->>'sku' AS sku, sum((a->>'quantity')::bigint) AS units
                                     FROM jsonb_array_elements(s.allocations) AS a GROUP BY 1) AS known USING (sku)
                          FULL JOIN (SELECT a->>'sku' AS sku, sum((a->>'quantity')::bigint) AS units
                                     FROM jsonb_array_elements(r.allocations) AS a GROUP BY 1) AS held USING (sku)
                          WHERE agreed.quantity IS DISTINCT FROM known.units OR agreed.quantity IS DISTINCT FROM held.units) AS wrong
                      FROM orders.order_state s
                      JOIN orders.order_snapshot n ON n.order_id = s.order_id AND n.terms_version = s.terms_version
                      LEFT JOIN inventory.reservation r ON r.order_id = s.order_id
                      WHERE jsonb_array_length(s.allocations) > 0) AS t",
    },
    Check {
        invariant: "I1 money",
        claim: "an order that was split costs as much as its parts together, and one that was modified no more than before",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT n.order_id AS id, n.total_minor + part.minor > before.total_minor
                             OR part.minor > 0 AND n.total_minor + part.minor <> before.total_minor AS wrong
                      FROM orders.order_snapshot n
                      JOIN orders.order_snapshot before ON before.order_id = n.order_id AND before.terms_version = n.terms_version - 1
                      -- What is split off at once is created at once.
                      CROSS JOIN LATERAL (SELECT coalesce(sum(p.total_minor), 0) AS minor FROM orders.order_snapshot p
                                          WHERE p.split_from = n.order_id AND p.terms_version = 1 AND p.created_at = n.created_at) AS part) AS t",
    },
    Check {
        invariant: "I1 money",
        claim: "checkout shows every order, and what is to be paid for it",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT o.order_id AS id,
                             c.total_minor IS DISTINCT FROM CASE WHEN o.exchange IS NULL THEN o.total_minor ELSE 0 END AS wrong
                      FROM orders.placed_order o LEFT JOIN checkout.checkout_order c USING (order_id)) AS t",
    },
    Check {
        invariant: "I3 end",
        claim: "every order is paid for or undone: none is under way",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT order_id AS id, status NOT IN ('PAID', 'SHIPPED', 'DELIVERED', 'REFUNDED', 'CLOSED', 'FAILED', 'CANCELLED')
                                             AND NOT (status = 'CONFIRMED' AND num_nonnulls(card_token, exchange) = 0)
                                             -- It waits for stock.
                                             AND NOT (status = 'CREATED' AND waits_until > now())
                                             OR cancel_reason IS NOT NULL OR EXISTS (
                                                 SELECT FROM jsonb_array_elements(refunds) AS r
                                                 WHERE r->>'status' IN ('REQUESTED', 'APPROVED', 'FAILED')) AS wrong
                      FROM orders.placed_order) AS t",
    },
    Check {
        invariant: "I3 end",
        claim: "paid orders hold committed stock, or it has left, and captured money",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT o.order_id AS id, r.status IS DISTINCT FROM 'committed' OR p.status IS DISTINCT FROM 'captured'
                             OR p.captured_minor + coalesce(waived.minor, 0) <> o.total_minor AS wrong
                      FROM orders.placed_order o LEFT JOIN inventory.reservation r USING (order_id)
                      LEFT JOIN payments.payment p USING (order_id)
                      CROSS JOIN LATERAL (SELECT sum((r->'amount'->>'minor')::bigint) AS minor
                                          FROM jsonb_array_elements(o.refunds) AS r WHERE r->>'status' = 'WAIVED') AS waived
                      WHERE o.payment_status = 'CAPTURED' AND o.status IN ('PAID', 'SHIPPED', 'DELIVERED', 'CLOSED')) AS t",
    },
    Check {
        invariant: "I3 end",
        claim: "failed, cancelled and refunded orders hold neither stock nor money",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT o.order_id AS id, coalesce(r.status IN ('active', 'committed') AND EXISTS (
                                 SELECT FROM jsonb_array_elements(r.allocations) AS a
                                 WHERE (a->>'quantity')::bigint > coalesce((a->>'dispatched')::bigint, 0)
                                                                  + coalesce((a->>'released')::bigint, 0)), false)
                             OR coalesce(p.status NOT IN ('declined', 'voided', 'refunded', 'closed', 'tombstone'), false) AS wrong
                      FROM orders.placed_order o LEFT JOIN inventory.reservation r USING (order_id)
                      LEFT JOIN payments.payment p USING (order_id)
                      WHERE o.status IN ('FAILED', 'CANCELLED', 'REFUNDED')
                         OR o.status = 'CLOSED' AND o.payment_status = 'REFUNDED') AS t",
    },
    Check {
        invariant: "I3 end",
        claim: "no payment waits for somebody to settle it by hand",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT order_id AS id, needs_operator OR EXISTS (
                                 SELECT FROM jsonb_array_elements(refunds) AS r WHERE r->>'standing' = 'failed') AS wrong
                      FROM payments.payment) AS t",
    },
    Check {
        invariant: "I3 end",
        claim: "checkout told every buyer what became of every order",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT c.order_id AS id, c.outcome IS DISTINCT FROM
                             CASE WHEN o.status IN ('REFUNDED', 'CLOSED') THEN 'PAID'
                                  WHEN o.status = 'CREATED' AND o.waits_until IS NOT NULL THEN 'BACKORDERED'
                                  WHEN o.status NOT IN ('SHIPPED', 'DELIVERED') THEN o.status
                                  WHEN num_nonnulls(o.card_token, o.exchange) = 0 THEN 'CONFIRMED' ELSE 'PAID' END AS wrong
                      FROM checkout.checkout_order c LEFT JOIN orders.placed_order o USING (order_id)) AS t",
    },
    Check {
        invariant: "I4 history",
        claim: "every row has the row that it belongs to",
        query: "WITH orphan AS (
                    SELECT 'order_line of order ' || order_id AS id FROM orders.order_line
                        WHERE NOT EXISTS (SELECT FROM orders.order_snapshot s WHERE s.order_id = order_line.order_id)
                    UNION ALL SELECT 'order_state of order ' || order_id FROM orders.order_state
                        WHERE NOT EXISTS (SELECT FROM orders.order_snapshot s WHERE s.order_id = order_state.order_id)
                    UNION ALL SELECT 'checkout ' || checkout_id FROM checkout.checkout
                        WHERE NOT EXISTS (SELECT FROM checkout.quote q WHERE q.quote_id = checkout.quote_id)
                    UNION ALL SELECT 'checkout_order ' || order_id FROM checkout.checkout_order
                        WHERE NOT EXISTS (SELECT FROM checkout.checkout c WHERE c.checkout_id = checkout_order.checkout_id)
                    UNION ALL SELECT 'provider_operation of order ' || order_id FROM payments.provider_operation
                        WHERE NOT EXISTS (SELECT FROM payments.payment p WHERE p.order_id = provider_operation.order_id)
                    UNION ALL SELECT 'ledger_transaction ' || transaction_id FROM payments.ledger_transaction t
                        WHERE NOT EXISTS (SELECT FROM payments.provider_operation o
                                          WHERE o.order_id = t.order_id AND o.kind = t.kind AND o.number = t.number)
                          AND NOT EXISTS (SELECT FROM payments.payment p
                                          WHERE p.order_id = t.order_id AND p.captured_minor > 0
                                            AND (p.card_token IS NULL OR t.kind = 'release' AND p.commission_rate IS NOT NULL
                                                 OR t.kind = 'refund' AND EXISTS (
                                                     SELECT FROM jsonb_array_elements(p.refunds) AS r
                                                     WHERE (r->>'number')::integer = t.number AND (r->>'is_set_aside')::boolean)))
                    UNION ALL SELECT 'ledger_posting ' || posting_id FROM payments.ledger_posting
                        WHERE NOT EXISTS (SELECT FROM payments.ledger_transaction t
                                          WHERE t.transaction_id = ledger_posting.transaction_id)
                )
                SELECT (SELECT count(*) FROM orders.order_line) + (SELECT count(*) FROM orders.order_state)
                       + (SELECT count(*) FROM checkout.checkout) + (SELECT count(*) FROM checkout.checkout_order)
                       + (SELECT count(*) FROM payments.provider_operation)
                       + (SELECT count(*) FROM payments.ledger_transaction)
                       + (SELECT count(*) FROM payments.ledger_posting) AS examined,
                       count(*) AS broken, min(id) AS example FROM orphan",
    },
];

/// Every aggregate's row that keeps a head, against its history in the journal.
pub(super) const HEADS: &[(&str, &str)] = &[
    ("products", "SELECT id, version, head_hash, correlation_id FROM products.product"),
    ("cart", "SELECT id, version, head_hash, correlation_id FROM cart.cart"),
    ("checkout", "SELECT checkout_id, version, head_hash, correlation_id FROM checkout.checkout"),
    ("orders", "SELECT order_id, version, head_hash, correlation_id FROM orders.order_state"),
    ("inventory", "SELECT order_id, version, head_hash, correlation_id FROM inventory.reservation"),
    ("inventory", "SELECT stock_item_id, version, head_hash, correlation_id FROM inventory.stock_item"),
    ("inventory", "SELECT transfer_id, version, head_hash, correlation_id FROM inventory.transfer"),
    ("payments", "SELECT order_id, version, head_hash, correlation_id FROM payments.payment"),
];
