-- One order in one transaction without events, statement by statement, as a program that owns all tables would write it: no inbox,
-- no journal, no outbox, and nothing between the first row and the last. Started with -D n=0.
\set n :n + 1
\set id :client_id * 1000000000 + :n
\set a random(1, 1000)
\set b random(1001, 2000)

BEGIN;
INSERT INTO checkout VALUES (:id, :a, 4200, 'PAID');
INSERT INTO placed_order VALUES (:id, :a, 'Am Kai 1, 20457 Hamburg, DE', 4200, 'PAID');
INSERT INTO order_line VALUES (:id, 0, :a, 1, 1700, 323), (:id, 1, :b, 1, 1700, 323);
UPDATE stock SET available = available - 1 WHERE sku IN (:a, :b);
INSERT INTO reservation VALUES (:id, 'committed', '[[1,1],[2,1]]');
INSERT INTO payment VALUES (:id, 'captured', 4200, 4200);
INSERT INTO posting VALUES (:id, 'escrow', -4200), (:id, 'provider_clearing', 4200);
COMMIT;
