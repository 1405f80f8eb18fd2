-- All shipments of one order: what orders said about its sending, and how far the history goes. Its key is the order's id: an order
-- is sent once. Its row is locked before anything about the order's shipments is read or written.
CREATE TABLE consignment (
    order_id             uuid   PRIMARY KEY,
    buyer_id             uuid   NOT NULL,
    seller_id            uuid   NOT NULL,
    -- The fields of google.type.PostalAddress, as the buyer gave them.
    ship_to              jsonb  NOT NULL,
    -- How it is to be sent, as the buyer chose of what was offered.
    shipping_service     text   NOT NULL CHECK (char_length(shipping_service) BETWEEN 1 AND 50),
    -- What the carrier collects, in minor units of the currency; null for an order that is paid for.
    cash_minor           bigint CHECK (cash_minor > 0),
    cash_currency        text   CHECK (char_length(cash_currency) = 3),
    -- What all units of each SKU cost, in the same: by the share of units that do not arrive less is collected. {} for an order that is
    -- paid for.
    sku_totals           jsonb  NOT NULL CHECK (jsonb_typeof(sku_totals) = 'object'),
    -- What became of the wish to stop the order; null if there was none.
    cancellation         text   CHECK (cancellation IN ('STOPPED', 'REFUSED')),
    -- {"2": {"asked": {SKU: units}, "stopped": {warehouse: {SKU: units}}}, ...}: what became of the wishes of refunds to stop a part of the
    -- order, by their numbers; nothing is stopped where too much had left. A document, because it is read with its row only.
    part_stops           jsonb  NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(part_stops) = 'object'),
    -- The carrier's reference for passing the cash on; null before.
    remittance_reference text   CHECK (char_length(remittance_reference) BETWEEN 1 AND 50),
    -- How far its history goes, and the hash that the history ends with (messaging::Head).
    version              bigint NOT NULL CHECK (version > 0),
    head_hash            bytea  NOT NULL CHECK (octet_length(head_hash) = 32),
    correlation_id       uuid   NOT NULL,
    CONSTRAINT consignment_cash_has_a_currency CHECK ((cash_minor IS NULL) = (cash_currency IS NULL)),
    CONSTRAINT consignment_cash_is_for_goods CHECK ((cash_minor IS NULL) = (sku_totals = '{}')),
    CONSTRAINT consignment_remits_cash_only CHECK (remittance_reference IS NULL OR cash_minor IS NOT NULL),
    CONSTRAINT consignment_remits_what_left CHECK (remittance_reference IS NULL OR cancellation IS DISTINCT FROM 'STOPPED')
) WITH (
    -- A row changes with each parcel: leave room to do that in place.
    fillfactor = 70
);

-- What one warehouse sends for one order.
CREATE TABLE shipment (
    -- Follows from the order and the warehouse (domain/ids.rs). No foreign keys here and below: the rows of a consignment are
    -- written under its lock, and a look at the parent with a lock on it for each row costs the database more than the row
    -- (docs/adr/0011-what-an-order-costs-the-database.md).
    shipment_id  uuid        PRIMARY KEY,
    order_id     uuid        NOT NULL,
    warehouse_id uuid        NOT NULL,
    -- The consignment's seller, kept here so that a seller's shipments are listed from one index.
    seller_id    uuid        NOT NULL,
    -- Follows from the parcels and the cancellation (domain/consignment.rs), kept here to be listed by.
    status       text        NOT NULL
                 CHECK (status IN ('PENDING', 'PARTLY_DISPATCHED', 'DISPATCHED', 'DELIVERED', 'CANCELLED', 'FAILED')),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT shipment_once_per_warehouse UNIQUE (order_id, warehouse_id)
);
-- A seller's list goes from the newest order to the oldest: order ids are UUIDv7.
CREATE INDEX shipment_seller ON shipment (seller_id, order_id, shipment_id);
-- What a seller still has to do is asked for the most, and is soon a small part of what there is.
CREATE INDEX shipment_seller_open ON shipment (seller_id, order_id, shipment_id)
    WHERE status IN ('PENDING', 'PARTLY_DISPATCHED', 'DISPATCHED');

-- What a shipment holds. Rows and not a document in the shipment's row, because of the CHECKs: they count what leaves and what is taken
-- back by themselves, and so stop too much also when whoever decides has seen too little.
CREATE TABLE shipment_line (
    shipment_id uuid   NOT NULL,
    sku         text   NOT NULL CHECK (char_length(sku) BETWEEN 1 AND 64),
    -- Units.
    quantity    bigint NOT NULL CHECK (quantity > 0),
    -- Units that have left; each parcel adds its own.
    dispatched  bigint NOT NULL,
    -- Units that came back and were accepted; each receipt adds its own.
    taken_back  bigint NOT NULL,
    -- Units that will not leave because a part of the order was stopped; each part adds its own.
    stopped     bigint NOT NULL CHECK (stopped >= 0),
    PRIMARY KEY (shipment_id, sku),
    CONSTRAINT shipment_line_ships_at_most_what_it_holds CHECK (dispatched BETWEEN 0 AND quantity - stopped),
    CONSTRAINT shipment_line_takes_back_at_most_what_left CHECK (taken_back BETWEEN 0 AND dispatched)
) WITH (fillfactor = 70);

-- What was handed to a carrier at once.
CREATE TABLE parcel (
    parcel_id       uuid        PRIMARY KEY,
    shipment_id     uuid        NOT NULL,
    carrier         text        NOT NULL CHECK (char_length(carrier) BETWEEN 1 AND 50),
    tracking_number text        NOT NULL CHECK (char_length(tracking_number) BETWEEN 1 AND 50),
    -- Units by SKU: {"CUP": 2}. A document, because it is written once and read with its parcel only.
    contents        jsonb       NOT NULL CHECK (jsonb_typeof(contents) = 'object' AND contents <> '{}'),
    dispatched_at   timestamptz NOT NULL,
    -- When we were told that its recipient has it. Another replica's clock may be behind, so it may come before dispatched_at.
    delivered_at    timestamptz,
    -- Why it did not arrive, and when we were told.
    failure         text        CHECK (failure IN ('LOST', 'REFUSED', 'RETURNED_TO_SENDER')),
    failed_at       timestamptz,
    CONSTRAINT parcel_fails_for_a_reason CHECK ((failed_at IS NULL) = (failure IS NULL)),
    CONSTRAINT parcel_arrives_or_fails CHECK (delivered_at IS NULL OR failed_at IS NULL),
    -- A carrier gives a number once. The first of two that claim it has it.
    CONSTRAINT parcel_tracking_number_taken UNIQUE (carrier, tracking_number)
);
-- The parcels of a shipment, oldest first: ids are UUIDv7.
CREATE INDEX parcel_shipment ON parcel (shipment_id, parcel_id);

-- Goods on their way back to the warehouses that they left.
CREATE TABLE goods_return (
    -- Follows from the order and the refund or the parcel (domain/ids.rs).
    return_id     uuid        PRIMARY KEY,
    order_id      uuid        NOT NULL,
    -- The refund that waits for what the buyer sends back; null for a parcel that failed.
    refund_number integer     CHECK (refund_number > 0),
    -- The parcel that failed; null for what the buyer sends back.
    parcel_id     uuid,
    -- {warehouse: {SKU: units}}: what is to come back, and where to. It never changes.
    awaited       jsonb       NOT NULL CHECK (jsonb_typeof(awaited) = 'object' AND awaited <> '{}'),
    status        text        NOT NULL CHECK (status IN ('OPEN', 'RECEIVED')),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT goods_return_is_of_a_refund_or_a_parcel CHECK (num_nonnulls(refund_number, parcel_id) = 1),
    -- Also the index that the returns of an order are found by.
    CONSTRAINT goods_return_once_for_each UNIQUE NULLS NOT DISTINCT (order_id, refund_number, parcel_id)
) WITH (fillfactor = 70);

-- What came back at once, in whatever condition.
CREATE TABLE goods_receipt (
    receipt_id  uuid        PRIMARY KEY,
    return_id   uuid        NOT NULL,
    -- {warehouse: {condition: {SKU: units}}}; {} where nothing came and nothing more is awaited.
    received    jsonb       NOT NULL CHECK (jsonb_typeof(received) = 'object'),
    received_at timestamptz NOT NULL
);
-- The receipts of a return, oldest first: ids are UUIDv7.
CREATE INDEX goods_receipt_return ON goods_receipt (return_id, receipt_id);
