-- A cart. Its row is what a change locks: lines are only ever written while it is held.
CREATE TABLE cart (
    id               uuid        PRIMARY KEY,
    -- The buyer that owns it, or, for a guest's cart, the SHA-256 of the secret that opens it; never the secret itself.
    buyer_id         uuid,
    guest_token_hash bytea       CONSTRAINT cart_guest_token_hash CHECK (octet_length(guest_token_hash) = 32),
    -- Currency of every price in it.
    currency         text        NOT NULL CONSTRAINT cart_currency CHECK (char_length(currency) = 3),
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    -- Where the cart's history stands: number and hash of its last event, and the journey that it belongs to.
    version          bigint      NOT NULL CONSTRAINT cart_version CHECK (version > 0),
    head_hash        bytea       NOT NULL CONSTRAINT cart_head_hash CHECK (octet_length(head_hash) = 32),
    correlation_id   uuid        NOT NULL,
    CONSTRAINT cart_has_one_owner CHECK (num_nonnulls(buyer_id, guest_token_hash) = 1),
    CONSTRAINT cart_times CHECK (updated_at >= created_at)
) WITH (
    -- Every change of a cart updates its row: leave room for the new one on the same page.
    fillfactor = 70
);

-- A SKU in a cart. The primary key keeps it there once, and finds a cart's lines.
CREATE TABLE cart_line (
    cart_id          uuid     NOT NULL CONSTRAINT cart_line_of_cart REFERENCES cart,
    sku              text     NOT NULL CONSTRAINT cart_line_sku CHECK (sku ~ '^[A-Z0-9._-]{1,64}$'),
    -- Lines are shown in the order of their places; a new line gets the highest so far plus one.
    place            integer  NOT NULL CONSTRAINT cart_line_place CHECK (place > 0),
    product_id       uuid     NOT NULL,
    seller_id        uuid     NOT NULL,
    title            text     NOT NULL CONSTRAINT cart_line_title CHECK (char_length(title) BETWEEN 1 AND 200),
    quantity         smallint NOT NULL CONSTRAINT cart_line_quantity CHECK (quantity BETWEEN 1 AND 999),
    -- The price of one unit that the buyer saw, in minor units of the cart's currency, and which version of it that was.
    unit_price_minor bigint   NOT NULL CONSTRAINT cart_line_unit_price CHECK (unit_price_minor > 0),
    price_version    bigint   NOT NULL CONSTRAINT cart_line_price_version CHECK (price_version > 0),
    PRIMARY KEY (cart_id, sku),
    CONSTRAINT cart_line_has_its_place UNIQUE (cart_id, place)
);
