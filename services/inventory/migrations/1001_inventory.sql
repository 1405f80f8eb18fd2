-- Where a seller keeps stock.
CREATE TABLE warehouse (
    warehouse_id   uuid        PRIMARY KEY,
    seller_id      uuid        NOT NULL,
    code           text        NOT NULL CHECK (code ~ '^[A-Z0-9-]{1,20}$'),
    name           text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    -- The lowest is taken from first.
    priority       integer     NOT NULL CHECK (priority BETWEEN 0 AND 1000),
    created_at     timestamptz NOT NULL,
    -- Nothing is promised from a warehouse that is closed.
    closed         boolean     NOT NULL DEFAULT false,
    -- The fields of google.type.PostalAddress: those who take from the nearest compare region and postal code.
    address        jsonb       CHECK (address IS NULL OR coalesce(address ->> 'region_code', '') ~ '^[A-Z]{2}$'),
    CONSTRAINT warehouse_code_taken UNIQUE (seller_id, code)
);

-- How a seller's stock is promised; one without a row here takes it by priority.
CREATE TABLE stock_policy (
    seller_id           uuid PRIMARY KEY,
    allocation_strategy text NOT NULL CHECK (allocation_strategy IN ('priority', 'nearest', 'fewest_splits'))
);

-- What a seller says of a SKU; 0 where it says nothing. A SKU of which nothing is said has no row.
CREATE TABLE sku_policy (
    seller_id           uuid    NOT NULL REFERENCES stock_policy,
    sku                 text    NOT NULL CHECK (char_length(sku) BETWEEN 1 AND 64),
    -- At how many units that can be promised in a warehouse it is low.
    low_stock_threshold bigint  NOT NULL CHECK (low_stock_threshold BETWEEN 0 AND 1000000),
    -- Units that are never promised.
    safety_stock        bigint  NOT NULL CHECK (safety_stock BETWEEN 0 AND 1000000),
    -- The most units that one order may have.
    order_limit         bigint  NOT NULL CHECK (order_limit BETWEEN 0 AND 1000000),
    -- For how many seconds an order holds it.
    reservation_seconds bigint  NOT NULL CHECK (reservation_seconds = 0 OR reservation_seconds BETWEEN 120 AND 900),
    -- For how many units orders may wait together, and for how many they do: a seller may lower the limit while they wait.
    backorder_limit     bigint  NOT NULL CHECK (backorder_limit BETWEEN 0 AND 1000000),
    waiting             bigint  NOT NULL DEFAULT 0 CHECK (waiting >= 0),
    PRIMARY KEY (seller_id, sku)
);

-- The stock of one SKU in one warehouse, in units. Invariant I2 is the CHECKs: no decision, however wrong, can promise what
-- is not there.
CREATE TABLE stock_item (
    stock_item_id  uuid   PRIMARY KEY,
    sku            text   NOT NULL CHECK (char_length(sku) BETWEEN 1 AND 64),
    warehouse_id   uuid   NOT NULL REFERENCES warehouse,
    -- The warehouse's seller, kept here so that an order's stock is found by (seller, SKU) in one index.
    seller_id      uuid   NOT NULL,
    total          bigint NOT NULL CHECK (total BETWEEN 0 AND 1000000000),
    reserved       bigint NOT NULL CHECK (reserved >= 0),
    committed      bigint NOT NULL CHECK (committed >= 0),
    -- How far its history goes, and the hash that the history ends with (messaging::Head).
    version        bigint NOT NULL,
    head_hash      bytea  NOT NULL CHECK (octet_length(head_hash) = 32),
    correlation_id uuid   NOT NULL,
    CONSTRAINT stock_never_oversold CHECK (total - reserved - committed >= 0),
    CONSTRAINT stock_item_sku_warehouse UNIQUE (sku, warehouse_id)
) WITH (
    -- A hot SKU's row changes thousands of times a minute: leave room to change it in place.
    fillfactor = 50
);
-- An order names a seller and SKUs; shoppers ask by SKU alone.
CREATE INDEX stock_item_seller_sku ON stock_item (sku, seller_id);

-- What is held for one order. Its key is the order's id: an order has one reservation.
CREATE TABLE reservation (
    order_id       uuid        PRIMARY KEY,
    status         text        NOT NULL CHECK (status IN ('backordered', 'active', 'committed', 'released', 'expired', 'commit_refused',
                                                          'rejected', 'tombstone')),
    -- [{"stock_item_id", "sku", "warehouse_id", "quantity", "dispatched", "released", "returned"}, ...]: what is, or was, held where, how
    -- many units of that have left, how many were given back while the rest was the order's, and how many of those that left came back in
    -- which condition; none where nothing is said.
    allocations    jsonb       NOT NULL,
    expires_at     timestamptz,
    version        bigint      NOT NULL,
    head_hash      bytea       NOT NULL CHECK (octet_length(head_hash) = 32),
    correlation_id uuid        NOT NULL,
    -- {"seller_id", "demand", "short", "region_code", "postal_code", "until_micros"}: what it waits for, while it does.
    backorder      jsonb,
    -- The version of what was agreed about the order that it is for: 1, and one more each time that units were taken away.
    terms_version  integer     NOT NULL DEFAULT 1 CHECK (terms_version > 0),
    CHECK (status <> 'active' OR expires_at IS NOT NULL),
    CHECK ((status = 'backordered') = (backorder IS NOT NULL)),
    -- No more leaves than is held.
    CONSTRAINT reservation_dispatched_at_most_what_it_holds
        CHECK (NOT jsonb_path_exists(allocations, '$[*] ? (@.dispatched < 0 || @.dispatched > @.quantity)')),
    -- No more is given back part by part than is held and has not left.
    CONSTRAINT reservation_released_at_most_what_has_not_left
        CHECK (NOT jsonb_path_exists(allocations, '$[*] ? (@.released < 0 || @.released > @.quantity
            || @.dispatched + @.released > @.quantity)')),
    -- No more comes back for good than has left. What is not accepted goes to the buyer again, and may come once more.
    CONSTRAINT reservation_returned_at_most_what_has_left
        CHECK (NOT jsonb_path_exists(allocations, '$[*] ? (exists(@.returned) && (!exists(@.dispatched) || @.returned.* < 0
            || @.returned.resalable + @.returned.damaged > @.dispatched))'))
) WITH (fillfactor = 70);
-- The sweeper looks for what is past its time; nearly every reservation is committed before.
CREATE INDEX reservation_due ON reservation (expires_at) WHERE status = 'active';
-- The sweeper looks at those that wait, the oldest order first.
CREATE INDEX reservation_backordered ON reservation (order_id) WHERE status = 'backordered';
-- Whoever reconciles asks what is held; an order's goods leave within days.
CREATE INDEX reservation_held ON reservation (order_id)
    WHERE status = 'active' OR status = 'committed' AND
          jsonb_path_exists(allocations, '$[*] ? (!exists(@.dispatched) && !exists(@.released) || @.dispatched < @.quantity
                    && !exists(@.released) || @.released < @.quantity && !exists(@.dispatched)
                    || @.dispatched + @.released < @.quantity)');

-- Every change of what is on hand, for ever: the sum of a stock item's movements is its total. The service may only append.
CREATE TABLE stock_movement (
    -- Of goods that left it follows from the parcel and the stock item: a parcel takes its goods off a stock item once. So it does of goods
    -- that came back, from the order, the stock item and how much had come back by then, and of goods that leave for another warehouse.
    movement_id    uuid        PRIMARY KEY,
    stock_item_id  uuid        NOT NULL REFERENCES stock_item,
    movement_type  text        NOT NULL CHECK (movement_type IN ('add', 'remove', 'adjust', 'return', 'write_off',
                                                             'transfer_out', 'transfer_in')),
    -- Units, with their sign.
    quantity       bigint      NOT NULL CHECK (quantity <> 0),
    reason         text        NOT NULL CHECK (char_length(reason) <= 200),
    actor          text        NOT NULL,
    created_at     timestamptz NOT NULL,
    CHECK (movement_type NOT IN ('add', 'return', 'transfer_in') OR quantity > 0),
    CHECK (movement_type NOT IN ('remove', 'write_off', 'transfer_out') OR quantity < 0)
);
-- Listed newest first. Not every id tells when the movement was.
CREATE INDEX stock_movement_item ON stock_movement (stock_item_id, created_at, movement_id);

-- Units of one SKU on their way between two warehouses of a seller. On the way they are in no warehouse's total.
CREATE TABLE transfer (
    transfer_id       uuid        PRIMARY KEY,
    seller_id         uuid        NOT NULL,
    sku               text        NOT NULL CHECK (char_length(sku) BETWEEN 1 AND 64),
    from_warehouse_id uuid        NOT NULL REFERENCES warehouse,
    to_warehouse_id   uuid        NOT NULL REFERENCES warehouse,
    -- Units that left, that arrived so far, and that are known not to arrive.
    quantity          bigint      NOT NULL CHECK (quantity > 0),
    received          bigint      NOT NULL CHECK (received >= 0),
    lost              bigint      NOT NULL CHECK (lost >= 0),
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    version           bigint      NOT NULL,
    head_hash         bytea       NOT NULL CHECK (octet_length(head_hash) = 32),
    correlation_id    uuid        NOT NULL,
    CHECK (from_warehouse_id <> to_warehouse_id),
    -- Every unit that left arrives, is lost or is still on its way; what is lost is known when nothing is on its way any more.
    CONSTRAINT transfer_conserves_units
        CHECK (received + lost = quantity OR lost = 0 AND received < quantity)
);
-- A seller's transfers, newest first; ids are UUIDv7.
CREATE INDEX transfer_seller ON transfer (seller_id, transfer_id);
