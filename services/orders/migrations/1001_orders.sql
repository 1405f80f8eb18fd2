-- An order is kept in three tables: what was agreed (order_snapshot and its order_lines, written once for each version of it) and where the
-- order stands (order_state, small, because every step of the saga rewrites its row).

-- What was agreed. The service's role may insert and select, nothing else.
CREATE TABLE order_snapshot (
    order_id       uuid        NOT NULL,
    checkout_id    uuid        NOT NULL,
    buyer_id       uuid        NOT NULL,
    seller_id      uuid        NOT NULL,
    -- The fields of google.type.PostalAddress, as the buyer gave them.
    ship_to        jsonb       NOT NULL,
    -- Every amount of an order is in this currency.
    currency       text        NOT NULL CHECK (char_length(currency) = 3),
    subtotal_minor bigint      NOT NULL CHECK (subtotal_minor >= 0),
    shipping_minor bigint      NOT NULL CHECK (shipping_minor >= 0),
    tax_minor      bigint      NOT NULL CHECK (tax_minor >= 0),
    total_minor    bigint      NOT NULL,
    -- The provider's token for the card; null for cash on delivery and an exchange.
    card_token     text        CHECK (char_length(card_token) BETWEEN 1 AND 200),
    -- How the seller is to send it, such as "express".
    shipping_service text      NOT NULL CHECK (char_length(shipping_service) BETWEEN 1 AND 50),
    -- SHA-256 over all of the above and the lines, but not over what follows (domain/snapshot.rs).
    snapshot_hash  bytea       NOT NULL CHECK (octet_length(snapshot_hash) = 32),
    -- [{"sku", "quantity", "amount"}, ...]: what all units of each SKU cost, with tax: the lines, added up. Refunds are priced by it, and
    -- so every decision has it at hand.
    sku_totals     jsonb       NOT NULL,
    created_at     timestamptz NOT NULL,
    -- 1, and one more each time that units were taken away before it was confirmed.
    terms_version  integer     NOT NULL DEFAULT 1 CHECK (terms_version > 0),
    -- The order that it was split off; null for one that came from a checkout.
    split_from     uuid,
    -- {"order_id", "refund_number", "charged_order_id"}: what goes back of another order, if that pays for this one (domain/exchange.rs). Hashed, too.
    exchange       jsonb,
    PRIMARY KEY (order_id, terms_version),
    CONSTRAINT order_is_paid_in_one_way CHECK (num_nonnulls(card_token, exchange) <= 1),
    CONSTRAINT order_total_adds_up CHECK (total_minor = subtotal_minor + shipping_minor + tax_minor)
);
-- No index by buyer or seller: lists are read from a view (1003_read_models.sql).
-- What was split off an order; nearly no order was.
CREATE INDEX order_snapshot_split_from ON order_snapshot (split_from, order_id) WHERE split_from IS NOT NULL AND terms_version = 1;

-- The lines of what was agreed. The service's role may insert and select, nothing else.
CREATE TABLE order_line (
    -- No foreign keys here and below: an order's rows are written by one transaction, and a look at the parent with a lock on it for
    -- each row is a tenth of what the database does for an order. `orders verify-history` finds a row without its snapshot.
    order_id            uuid    NOT NULL,
    -- From 0, in the order of the quote.
    position            integer NOT NULL CHECK (position >= 0),
    sku                 text    NOT NULL CHECK (char_length(sku) BETWEEN 1 AND 64),
    product_id          uuid    NOT NULL,
    title               text    NOT NULL,
    quantity            integer NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
    unit_price_minor    bigint  NOT NULL CHECK (unit_price_minor >= 0),
    price_version       bigint  NOT NULL,
    line_subtotal_minor bigint  NOT NULL,
    -- A fraction: 0.19 is 19 %.
    tax_rate            numeric NOT NULL CHECK (tax_rate >= 0),
    tax_minor           bigint  NOT NULL CHECK (tax_minor >= 0),
    terms_version       integer NOT NULL DEFAULT 1 CHECK (terms_version > 0),
    PRIMARY KEY (order_id, terms_version, position),
    CONSTRAINT order_line_adds_up CHECK (line_subtotal_minor = unit_price_minor * quantity)
);

-- The second wall of invariant I4: whoever owns the tables, too, must take it down before a snapshot can change. A statement
-- that only inserts never comes here.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was agreed does not change: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER order_snapshot_never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON order_snapshot
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER order_line_never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON order_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Where an order stands: its milestone over its two axes (domain/status.rs), and how far its history goes.
CREATE TABLE order_state (
    order_id          uuid        PRIMARY KEY,
    status            text        NOT NULL CHECK (status IN ('CREATED', 'CONFIRMED', 'PAID', 'SHIPPED', 'DELIVERED', 'REFUNDED',
                                                              'CLOSED', 'FAILED', 'CANCELLED')),
    -- Why it failed or was cancelled: a stable reason.
    reason            text,
    payment_status    text        NOT NULL CHECK (payment_status IN ('UNPAID', 'AUTHORIZED', 'CAPTURED', 'DECLINED',
                                                                     'CAPTURE_FAILED', 'VOIDED', 'REFUNDED')),
    fulfilment_status text        NOT NULL CHECK (fulfilment_status IN ('UNALLOCATED', 'ALLOCATED', 'RELEASED', 'PARTLY_SHIPPED',
                                                                         'SHIPPED', 'DELIVERED', 'FAILED')),
    -- [{"sku", "warehouse_id", "quantity"}, ...]: what is committed to it where; empty before CONFIRMED. It ships from there.
    allocations       jsonb       NOT NULL DEFAULT '[]',
    -- Why it is to be cancelled and in whose words, while its parcels are being stopped.
    cancel_reason     text,
    cancel_note       text,
    -- [{"number", "kind", "status", "amount", "lines", "parcel_id", "reason", "exchange_order_id"}, ...]: what was asked back so far (domain/refund.rs).
    refunds           jsonb       NOT NULL DEFAULT '[]',
    -- What was taken, in minor units; null before.
    captured_minor    bigint      CHECK (captured_minor > 0),
    -- When it is closed if nothing else is under way; null before that is known.
    close_at          timestamptz,
    unpaid_deadline   timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    -- How far its history goes, the hash that the history ends with, and the checkout (messaging::Head).
    version           bigint      NOT NULL CHECK (version > 0),
    head_hash         bytea       NOT NULL CHECK (octet_length(head_hash) = 32),
    correlation_id    uuid        NOT NULL,
    -- Until when it waits for stock, or waited; null if it never had to.
    waits_until       timestamptz,
    -- Which version of what was agreed holds.
    terms_version     integer     NOT NULL DEFAULT 1 CHECK (terms_version > 0),
    CONSTRAINT order_reason_belongs_to_an_end CHECK ((status IN ('FAILED', 'CANCELLED')) = (reason IS NOT NULL)),
    CONSTRAINT order_cancel_note_comes_with_a_reason CHECK ((cancel_reason IS NULL) = (cancel_note IS NULL)),
    CONSTRAINT order_created_has_no_stock CHECK (status <> 'CREATED' OR fulfilment_status = 'UNALLOCATED'),
    -- In cash the goods go first: they may leave before the money is here, and the money may be heard of before they arrive.
    CONSTRAINT order_confirmed_has_stock_and_authorization CHECK (
        status <> 'CONFIRMED' OR (payment_status IN ('AUTHORIZED', 'CAPTURED')
                                  AND (fulfilment_status IN ('ALLOCATED', 'PARTLY_SHIPPED')
                                       -- Inventory may be heard of before shipping, which has stopped the parcels.
                                       OR fulfilment_status = 'RELEASED' AND cancel_reason IS NOT NULL))),
    CONSTRAINT order_paid_has_stock_and_money CHECK (
        status <> 'PAID' OR payment_status = 'CAPTURED' AND (
            fulfilment_status IN ('ALLOCATED', 'PARTLY_SHIPPED', 'DELIVERED')
            -- Inventory may be heard of before payments, and before shipping.
            OR fulfilment_status = 'RELEASED' AND jsonb_path_exists(
                refunds, '$[*] ? (@.kind == "BEFORE_DISPATCH" && (@.status == "REQUESTED" || @.status == "APPROVED" || @.status == "FAILED"))'))),
    CONSTRAINT order_refunded_has_its_money_back CHECK (status <> 'REFUNDED' OR payment_status = 'REFUNDED'),
    CONSTRAINT order_shipped_has_left CHECK (
        status <> 'SHIPPED' OR (fulfilment_status IN ('SHIPPED', 'FAILED') AND payment_status IN ('AUTHORIZED', 'CAPTURED'))),
    CONSTRAINT order_delivered_has_arrived CHECK (
        status <> 'DELIVERED' OR (fulfilment_status = 'DELIVERED' AND payment_status IN ('AUTHORIZED', 'CAPTURED'))),
    CONSTRAINT order_closed_had_its_time CHECK (
        status <> 'CLOSED' OR (close_at IS NOT NULL AND payment_status IN ('CAPTURED', 'REFUNDED')
                               AND fulfilment_status IN ('RELEASED', 'DELIVERED', 'FAILED'))),
    CONSTRAINT order_on_its_way_has_allocations CHECK (
        status IN ('CREATED', 'FAILED', 'CANCELLED') OR jsonb_array_length(allocations) > 0)
) WITH (
    -- A row is rewritten a few times within a second and then rests: leave room to do that in place.
    fillfactor = 60
);
-- The job asks who is past the deadline; an order stays in here for a moment only.
CREATE INDEX order_state_unpaid ON order_state (unpaid_deadline) WHERE status = 'CREATED';
-- Another job asks who may be closed; an order comes in here when it has arrived, and stays until its goods may not
-- come back any more: no step of a checkout pays for it.
CREATE INDEX order_state_to_close ON order_state (close_at) WHERE close_at IS NOT NULL AND status <> 'CLOSED';

-- An order as it is read, with each version of what was agreed.
CREATE VIEW agreed_order AS
SELECT order_id, checkout_id, buyer_id, seller_id, ship_to, currency, subtotal_minor, shipping_minor, tax_minor, total_minor,
       card_token, exchange, shipping_service, snapshot_hash, n.terms_version, s.terms_version AS latest_terms_version, split_from,
       coalesce((SELECT created_at FROM order_snapshot WHERE order_id = n.order_id AND terms_version = 1 AND n.terms_version > 1),
                n.created_at) AS created_at,
       status, reason, payment_status, fulfilment_status, cancel_reason, refunds, close_at, unpaid_deadline, waits_until, updated_at,
       version, head_hash, correlation_id
FROM order_snapshot n JOIN order_state s USING (order_id);

-- An order as it is read, with what is agreed now.
CREATE VIEW placed_order AS SELECT * FROM agreed_order WHERE terms_version = latest_terms_version;
