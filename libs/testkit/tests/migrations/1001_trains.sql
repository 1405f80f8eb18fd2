-- Trains and the seats that are booked on them: the smallest service that takes part in a saga.
CREATE TABLE train (
    id   uuid   PRIMARY KEY,
    -- Seats that nobody has.
    free bigint NOT NULL
);

CREATE TABLE booking (
    order_id       uuid        PRIMARY KEY,
    seat           text        NOT NULL,
    luggage        boolean     NOT NULL,
    version        bigint      NOT NULL,
    head_hash      bytea       NOT NULL,
    correlation_id uuid        NOT NULL,
    saved_at       timestamptz NOT NULL
);
