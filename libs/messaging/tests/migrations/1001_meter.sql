-- A meter counts what flows through it. Its total is a sum, so an event that took effect twice would show.
CREATE TABLE meter (
    id             uuid   PRIMARY KEY,
    total          bigint NOT NULL,
    version        bigint NOT NULL,
    head_hash      bytea  NOT NULL,
    correlation_id uuid   NOT NULL,
    -- A limit that the domain does not know: for batches that fail as a whole.
    CONSTRAINT meter_fits CHECK (total < 1000000)
);

-- What was added to which meter, in the order in which it took effect.
CREATE TABLE reading (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    meter  uuid   NOT NULL,
    amount bigint NOT NULL
);
