-- Every price that a variant has had, in each currency. Append-only: the service's role may not change or delete a row.
-- The primary key is the second wall against two changes that both believe to be the next.
CREATE TABLE price (
    sku           text        NOT NULL CONSTRAINT price_of_variant REFERENCES variant,
    currency      text        NOT NULL CONSTRAINT price_currency CHECK (char_length(currency) = 3),
    -- 1 for the first price in a currency, one more with each change.
    price_version bigint      NOT NULL CONSTRAINT price_version CHECK (price_version > 0),
    -- Price of one unit in minor units of the currency, before tax.
    amount_minor  bigint      NOT NULL CONSTRAINT price_amount CHECK (amount_minor > 0),
    effective_at  timestamptz NOT NULL,
    PRIMARY KEY (sku, currency, price_version)
);

-- Which price is in force: a pointer into the history, so that reading today's prices does not walk all earlier ones.
CREATE TABLE current_price (
    sku           text   NOT NULL,
    currency      text   NOT NULL,
    price_version bigint NOT NULL,
    PRIMARY KEY (sku, currency),
    CONSTRAINT current_price_is_in_history FOREIGN KEY (sku, currency, price_version) REFERENCES price
);
