-- Read models: rows that follow from the journal and from heard events alone, moments later (src/read_model). Each row belongs to a generation
-- (read_model_generation); `orders rebuild` makes a new one.

-- One order on one page.
CREATE TABLE order_detail_view (
    generation integer NOT NULL,
    order_id   uuid    NOT NULL,
    -- tradewind.orders.v1.OrderDetail.
    document   bytea   NOT NULL,
    PRIMARY KEY (generation, order_id)
);

-- One order in a list.
CREATE TABLE order_list_view (
    generation       integer     NOT NULL,
    order_id         uuid        NOT NULL,
    buyer_id         uuid        NOT NULL,
    seller_id        uuid        NOT NULL,
    status           text        NOT NULL,
    -- Why it failed or was cancelled; otherwise empty.
    reason           text        NOT NULL,
    -- Both amounts below are in it.
    currency         text        NOT NULL,
    total_minor      bigint      NOT NULL,
    refunded_minor   bigint      NOT NULL,
    cash_on_delivery boolean     NOT NULL,
    -- Title of the first line.
    title            text        NOT NULL,
    -- How the seller is to send it, such as "express".
    shipping_service text        NOT NULL,
    -- Each once, sorted.
    skus             text[]      NOT NULL,
    units            bigint      NOT NULL,
    awaits_dispatch  boolean     NOT NULL,
    open_refunds     integer     NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    PRIMARY KEY (generation, order_id)
) WITH (
    -- A row is rewritten a few times and then rests.
    fillfactor = 80
);
CREATE INDEX order_list_view_buyer ON order_list_view (generation, buyer_id, created_at, order_id);
CREATE INDEX order_list_view_seller ON order_list_view (generation, seller_id, created_at, order_id);
-- A seller's own system asks what changed since it asked last. A buyer's few orders are sorted when they are asked for.
CREATE INDEX order_list_view_seller_updated ON order_list_view (generation, seller_id, updated_at, order_id);

-- A seller's orders, counted: the rows of the list, summed up. A row whose sums are all zero says as much as none.
CREATE TABLE seller_dashboard_view (
    generation      integer NOT NULL,
    seller_id       uuid    NOT NULL,
    -- On which the orders were created, in UTC.
    day             date    NOT NULL,
    currency        text    NOT NULL,
    status          text    NOT NULL,
    orders          bigint  NOT NULL,
    units           bigint  NOT NULL,
    total_minor     bigint  NOT NULL,
    refunded_minor  bigint  NOT NULL,
    awaits_dispatch bigint  NOT NULL,
    open_refunds    bigint  NOT NULL,
    PRIMARY KEY (generation, seller_id, day, currency, status)
) WITH (fillfactor = 50);
