-- The least tables of a correct order: what the ceilings of `fleet bench` write. Ids are ascending numbers instead of UUIDs, there
-- are no hash chains, no foreign keys and no second indexes; each payload is as long as the fleet's own.
CREATE TABLE checkout (id bigint PRIMARY KEY, buyer_id bigint NOT NULL, total bigint NOT NULL, outcome text)
    WITH (fillfactor = 80);
CREATE TABLE placed_order (id bigint PRIMARY KEY, buyer_id bigint NOT NULL, ship_to text NOT NULL, total bigint NOT NULL,
                           status text NOT NULL) WITH (fillfactor = 60);
CREATE TABLE order_line (order_id bigint, position int, sku bigint NOT NULL, quantity int NOT NULL, price bigint NOT NULL,
                         tax bigint NOT NULL, PRIMARY KEY (order_id, position));
CREATE TABLE stock (sku bigint PRIMARY KEY, available bigint NOT NULL CHECK (available >= 0)) WITH (fillfactor = 50);
CREATE TABLE reservation (order_id bigint PRIMARY KEY, status text NOT NULL, allocations text NOT NULL) WITH (fillfactor = 70);
CREATE TABLE payment (order_id bigint PRIMARY KEY, status text NOT NULL, amount bigint NOT NULL, captured bigint NOT NULL)
    WITH (fillfactor = 50);
CREATE TABLE posting (order_id bigint, account text, amount bigint NOT NULL, PRIMARY KEY (order_id, account));

CREATE TABLE journal (aggregate_id bigint, version int, event_type text NOT NULL, payload bytea NOT NULL,
                      occurred_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (aggregate_id, version));
CREATE TABLE outbox (aggregate_id bigint, version int, PRIMARY KEY (aggregate_id, version))
    WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE TABLE inbox (aggregate_id bigint, version int, PRIMARY KEY (aggregate_id, version));

INSERT INTO stock SELECT sku, 1000000000 FROM generate_series(1, 2000) AS sku;
VACUUM ANALYZE;
