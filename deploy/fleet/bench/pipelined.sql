-- One order in nine transactions, one for each step of the checkout saga. Each is one statement, and so one round trip: a tenth
-- faster than a pipeline of single statements. A step enters the event that it heard into the inbox, writes its state, records
-- the event that it tells in journal and outbox, and takes the one before out of the outbox.
--
-- Client c writes the orders c * 10^9 + 1, 2, 3, ...; started with -D n=0.
\set n :n + 1
\set id :client_id * 1000000000 + :n
\set a random(1, 1000)
\set b random(1001, 2000)

-- checkout: the quote is accepted
WITH state AS (INSERT INTO checkout (id, buyer_id, total) VALUES (:id, :a, 4200)),
     recorded AS (INSERT INTO journal VALUES (:id, 1, 'CheckoutSubmitted', decode(repeat('ab', 600), 'hex')))
INSERT INTO outbox VALUES (:id, 1);

-- orders: the order is created
WITH heard AS (INSERT INTO inbox VALUES (:id, 1)),
     state_1 AS (INSERT INTO placed_order VALUES (:id, :a, 'Am Kai 1, 20457 Hamburg, DE', 4200, 'CREATED')),
     state_2 AS (INSERT INTO order_line VALUES (:id, 0, :a, 1, 1700, 323), (:id, 1, :b, 1, 1700, 323)),
     recorded AS (INSERT INTO journal VALUES (:id, 2, 'OrderCreated', decode(repeat('ab', 550), 'hex'))),
     told AS (INSERT INTO outbox VALUES (:id, 2))
DELETE FROM outbox WHERE aggregate_id = :id AND version = 1;

-- inventory: both lines are reserved
WITH heard AS (INSERT INTO inbox VALUES (:id, 2)),
     state_1 AS (UPDATE stock SET available = available - 1 WHERE sku IN (:a, :b)),
     state_2 AS (INSERT INTO reservation VALUES (:id, 'active', '[[1,1],[2,1]]')),
     recorded AS (INSERT INTO journal VALUES (:id, 3, 'InventoryReserved', decode(repeat('ab', 200), 'hex'))),
     told AS (INSERT INTO outbox VALUES (:id, 3))
DELETE FROM outbox WHERE aggregate_id = :id AND version = 2;

-- payments: the provider said yes, asked under the order's id
WITH heard AS (INSERT INTO inbox VALUES (:id, 3)),
     state AS (INSERT INTO payment VALUES (:id, 'authorized', 4200, 0)),
     recorded AS (INSERT INTO journal VALUES (:id, 4, 'PaymentAuthorized', decode(repeat('ab', 60), 'hex'))),
     told AS (INSERT INTO outbox VALUES (:id, 4))
DELETE FROM outbox WHERE aggregate_id = :id AND version = 3;

-- inventory: what was reserved is committed
WITH heard AS (INSERT INTO inbox VALUES (:id, 4)),
     state AS (UPDATE reservation SET status = 'committed' WHERE order_id = :id),
     recorded AS (INSERT INTO journal VALUES (:id, 5, 'InventoryCommitted', decode(repeat('ab', 80), 'hex'))),
     told AS (INSERT INTO outbox VALUES (:id, 5))
DELETE FROM outbox WHERE aggregate_id = :id AND version = 4;

-- orders: confirmed
WITH heard AS (INSERT INTO inbox VALUES (:id, 5)),
     state AS (UPDATE placed_order SET status = 'CONFIRMED' WHERE id = :id),
     recorded AS (INSERT INTO journal VALUES (:id, 6, 'OrderConfirmed', decode(repeat('ab', 80), 'hex'))),
     told AS (INSERT INTO outbox VALUES (:id, 6))
DELETE FROM outbox WHERE aggregate_id = :id AND version = 5;

-- payments: captured
WITH heard AS (INSERT INTO inbox VALUES (:id, 6)),
     state_1 AS (UPDATE payment SET status = 'captured', captured = amount WHERE order_id = :id),
     state_2 AS (INSERT INTO posting VALUES (:id, 'escrow', -4200), (:id, 'provider_clearing', 4200)),
     recorded AS (INSERT INTO journal VALUES (:id, 7, 'PaymentCaptured', decode(repeat('ab', 60), 'hex'))),
     told AS (INSERT INTO outbox VALUES (:id, 7))
DELETE FROM outbox WHERE aggregate_id = :id AND version = 6;

-- orders: paid
WITH heard AS (INSERT INTO inbox VALUES (:id, 7)),
     state AS (UPDATE placed_order SET status = 'PAID' WHERE id = :id),
     recorded AS (INSERT INTO journal VALUES (:id, 8, 'OrderPaid', decode(repeat('ab', 80), 'hex'))),
     told AS (INSERT INTO outbox VALUES (:id, 8))
DELETE FROM outbox WHERE aggregate_id = :id AND version = 7;

-- checkout: the buyer is told
WITH heard AS (INSERT INTO inbox VALUES (:id, 8)),
     state AS (UPDATE checkout SET outcome = 'PAID' WHERE id = :id)
DELETE FROM outbox WHERE aggregate_id = :id AND version = 8;
