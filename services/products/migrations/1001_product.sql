-- A product. Its row is what a change locks, whatever part of the product changes: variants and prices are only ever
-- written while it is held.
CREATE TABLE product (
    id             uuid        PRIMARY KEY,
    seller_id      uuid        NOT NULL,
    title          text        NOT NULL CONSTRAINT product_title_length CHECK (char_length(title) BETWEEN 1 AND 200),
    description    text        NOT NULL CONSTRAINT product_description_length CHECK (char_length(description) <= 5000),
    status         text        NOT NULL CONSTRAINT product_status CHECK (status IN ('draft', 'published', 'unpublished')),
    -- [{"name": "Colour", "values": ["Blue", "Red"]}, ...]: read and written as a whole, never searched.
    options        jsonb       NOT NULL CONSTRAINT product_options CHECK (jsonb_typeof(options) = 'array'),
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    -- Where the product's history stands: number and hash of its last event, and the journey that it belongs to.
    version        bigint      NOT NULL CONSTRAINT product_version CHECK (version > 0),
    head_hash      bytea       NOT NULL CONSTRAINT product_head_hash CHECK (octet_length(head_hash) = 32),
    correlation_id uuid        NOT NULL,
    CONSTRAINT product_times CHECK (updated_at >= created_at)
);
-- Shoppers list what is on sale, newest first: ids are UUIDv7, so their order is the order of creation.
CREATE INDEX product_on_sale ON product (id) WHERE status = 'published';
-- A seller lists what is its own, newest first.
CREATE INDEX product_of_seller ON product (seller_id, id);

-- One thing that can be bought. The primary key makes a SKU unique in the marketplace, also against a product that is
-- being created at the same moment.
CREATE TABLE variant (
    sku           text     PRIMARY KEY CONSTRAINT variant_sku CHECK (sku ~ '^[A-Z0-9._-]{1,64}$'),
    product_id    uuid     NOT NULL CONSTRAINT variant_of_product REFERENCES product,
    -- Place among the product's variants, from 0.
    position      smallint NOT NULL CONSTRAINT variant_position CHECK (position BETWEEN 0 AND 99),
    -- ["Blue", "L"]: one value for each of the product's options, in their order.
    option_values jsonb    NOT NULL CONSTRAINT variant_option_values CHECK (jsonb_typeof(option_values) = 'array'),
    weight_grams  integer  NOT NULL CONSTRAINT variant_weight CHECK (weight_grams BETWEEN 1 AND 1000000),
    CONSTRAINT variant_combination UNIQUE (product_id, option_values),
    -- Also the index by which a product's variants are found.
    CONSTRAINT variant_place UNIQUE (product_id, position)
);
