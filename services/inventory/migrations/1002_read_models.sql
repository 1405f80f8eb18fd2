-- Read models: rows that follow from the journal and from heard events alone, moments later (src/read_model). Each row belongs to a generation
-- (read_model_generation); `inventory rebuild` makes a new one. All figures are in units.

-- What each history says about stock, as far as it was folded: what a stock item has is a sum over it, over the orders that hold some of it and over
-- transfers, and the history of a stock item that sells well is too long to be read again with every event.
CREATE TABLE stock_contribution (
    generation   integer NOT NULL,
    aggregate_id uuid    NOT NULL,
    -- Version of the aggregate up to which it is folded.
    version      bigint  NOT NULL,
    -- [{"warehouse_id", "sku", "seller_id", "total", "reserved", "committed", "in_transit"}, ...]: what it adds where; what is 0 or unknown is left out.
    shares       jsonb   NOT NULL,
    PRIMARY KEY (generation, aggregate_id)
) WITH (
    -- A row is rewritten with every event of its aggregate.
    fillfactor = 70
);

-- The stock of one SKU in one warehouse: the contributions, summed up. A row whose sums are all zero says as much as none.
CREATE TABLE warehouse_stock_view (
    generation   integer NOT NULL,
    warehouse_id uuid    NOT NULL,
    -- "C" in all views: its indexes find what begins with the same characters, wherever the database was set up.
    sku          text    COLLATE "C" NOT NULL,
    -- Reservations do not say whose stock they hold, and may be heard of before those who do. Until then the row is in no list.
    seller_id    uuid,
    -- How many histories say whose it is.
    named_by     bigint  NOT NULL,
    total        bigint  NOT NULL,
    reserved     bigint  NOT NULL,
    committed    bigint  NOT NULL,
    -- On its way to this warehouse.
    in_transit   bigint  NOT NULL,
    available    bigint  GENERATED ALWAYS AS (total - reserved - committed) STORED,
    PRIMARY KEY (generation, warehouse_id, sku)
) WITH (
    -- Here and below: a SKU that sells well changes a few times a second.
    fillfactor = 50
);
CREATE INDEX warehouse_stock_view_available ON warehouse_stock_view (generation, warehouse_id, available, sku);

-- A SKU that a seller offers or stocked: the rows of its warehouses, summed up, under the title of its product. A row without one whose sums are
-- all zero says as much as none.
CREATE TABLE seller_inventory_view (
    generation integer NOT NULL,
    seller_id  uuid    NOT NULL,
    sku        text    COLLATE "C" NOT NULL,
    -- Empty until products has told of it.
    title      text    NOT NULL,
    -- Warehouses in which it ever was, or to which it is on its way.
    places     bigint  NOT NULL,
    -- Those that have some on hand.
    warehouses bigint  NOT NULL,
    total      bigint  NOT NULL,
    reserved   bigint  NOT NULL,
    committed  bigint  NOT NULL,
    -- On its way from one warehouse to another.
    in_transit bigint  NOT NULL,
    available  bigint  GENERATED ALWAYS AS (total - reserved - committed) STORED,
    PRIMARY KEY (generation, seller_id, sku)
) WITH (fillfactor = 50);
CREATE INDEX seller_inventory_view_available ON seller_inventory_view (generation, seller_id, available, sku);
