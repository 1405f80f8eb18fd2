-- What carriers told us, as it came: stored before anything is made of it, and for as long as operators want to look at it.
CREATE TABLE carrier_webhook (
    carrier     text        NOT NULL CHECK (char_length(carrier) BETWEEN 1 AND 50),
    -- The carrier's own id: what is repeated comes under the same one, and is kept once.
    webhook_id  text        NOT NULL CHECK (char_length(webhook_id) BETWEEN 1 AND 200),
    body        bytea       NOT NULL,
    received_at timestamptz NOT NULL,
    -- When something was made of it, and what; null before.
    taken_at    timestamptz,
    outcome     text,
    PRIMARY KEY (carrier, webhook_id),
    CHECK ((taken_at IS NULL) = (outcome IS NULL))
) WITH (fillfactor = 70);
-- Nearly every one is taken at once.
CREATE INDEX carrier_webhook_waiting ON carrier_webhook (received_at) WHERE taken_at IS NULL;

-- When the carrier was last asked about a parcel of which nothing final was heard; null before.
ALTER TABLE parcel ADD COLUMN asked_at timestamptz;
-- Asked about first is what was not asked about for the longest time.
CREATE INDEX parcel_under_way ON parcel ((coalesce(asked_at, dispatched_at)))
    WHERE delivered_at IS NULL AND failed_at IS NULL;
