-- An offer, as the buyer was shown it. Written once and read whole, so it is one document; never changed, so nobody locks it.
-- The service may only append.
CREATE TABLE quote (
    quote_id   uuid        PRIMARY KEY,
    buyer_id   uuid        NOT NULL,
    created_at timestamptz NOT NULL,
    -- domain::quote::Quote. Its hash is computed from it and stored nowhere, so a tampered offer is not the accepted one.
    offer      jsonb       NOT NULL
);

-- An accepted offer.
CREATE TABLE checkout (
    checkout_id    uuid        PRIMARY KEY,
    -- No foreign keys here and below: parent and child are written by one statement, or read in the same transaction, and a look
    -- at the parent with a lock on it for each row is a tenth of what the database does for an order. The fleet's proofs look for
    -- orphans instead.
    quote_id       uuid        NOT NULL,
    buyer_id       uuid        NOT NULL,
    -- What it costs is the sum of its orders' totals, which fall when orders are modified.
    currency       text        NOT NULL CHECK (char_length(currency) = 3),
    submitted_at   timestamptz NOT NULL,
    -- How far its history goes, and the hash that the history ends with (messaging::Head).
    version        bigint      NOT NULL,
    head_hash      bytea       NOT NULL CHECK (octet_length(head_hash) = 32),
    correlation_id uuid        NOT NULL,
    -- A quote is accepted once, however many accept it at the same moment.
    CONSTRAINT checkout_quote_once UNIQUE (quote_id)
);

-- What became of each order of a checkout: one for each seller, and those that were split off them. The order itself is the orders service's.
CREATE TABLE checkout_order (
    order_id    uuid   PRIMARY KEY,
    checkout_id uuid   NOT NULL,
    seller_id   uuid   NOT NULL,
    -- Minor units, in the checkout's currency. 0 as long as the order is only known from the one that it was split off.
    total_minor bigint NOT NULL CHECK (total_minor >= 0),
    outcome     text   NOT NULL CHECK (outcome IN ('PENDING', 'BACKORDERED', 'CONFIRMED', 'PAID', 'FAILED', 'CANCELLED')),
    reason      text   CHECK (char_length(reason) BETWEEN 1 AND 64),
    -- When the outcome became known here.
    outcome_at  timestamptz,
    CHECK ((outcome = 'PENDING') = (outcome_at IS NULL)),
    CHECK ((outcome IN ('FAILED', 'CANCELLED')) = (reason IS NOT NULL))
) WITH (
    -- Every row is updated once or twice: leave it room on its own page.
    fillfactor = 80
);
-- A buyer looks at all orders of a checkout.
CREATE INDEX checkout_order_of_checkout ON checkout_order (checkout_id);
