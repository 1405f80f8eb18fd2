-- What a seller charges for sending. Read and replaced whole, so it is one document. Quotes are kept by whoever asked for them (README.md).
CREATE TABLE shipping_profile (
    -- Null: the marketplace's, which holds for sellers without their own.
    seller_id uuid,
    -- domain::rates::Zones.
    zones     jsonb  NOT NULL CHECK (jsonb_typeof(zones) = 'array' AND zones <> '[]'),
    -- How often it was set.
    version   bigint NOT NULL CHECK (version > 0),
    CONSTRAINT shipping_profile_one_for_each_seller UNIQUE NULLS NOT DISTINCT (seller_id)
);
