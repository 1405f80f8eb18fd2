-- What the jobs that watch over orders know.

-- Up to when a job has looked at the orders that changed.
CREATE TABLE job_progress (
    job          text        PRIMARY KEY,
    looked_until timestamptz NOT NULL
);
-- They ask which orders changed since. A row stays where it was written and changes in its first seconds mostly, so an index of block
-- ranges finds those that changed of late; unlike any other it costs next to nothing where every step of an order pays for it.
CREATE INDEX order_state_updated ON order_state USING brin (updated_at) WITH (pages_per_range = 32, autosummarize = on);

-- Orders whose next step is somebody else's and does not come. A row goes when its order moves on.
CREATE TABLE stuck_order (
    order_id      uuid        PRIMARY KEY,
    -- When the order last changed: it is the same silence as long as this is.
    silent_since  timestamptz NOT NULL,
    -- How often what it waits for was asked for again, the last event that did so, and when it did.
    times_sent    integer     NOT NULL CHECK (times_sent > 0),
    last_event_id uuid        NOT NULL,
    last_sent_at  timestamptz NOT NULL,
    -- When an operator was told; it is not sent again after that by itself.
    told_at       timestamptz
);

-- Where orders, payments and inventory do not agree about an order.
CREATE TABLE reconcile_difference (
    difference_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id      uuid        NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('PAYMENT_HELD_FOR_ENDED_ORDER', 'STOCK_HELD_FOR_ENDED_ORDER',
                                                       'RESERVATION_WITHOUT_ORDER', 'CONFIRMED_WITHOUT_STOCK', 'PAID_WITHOUT_MONEY',
                                                       'REFUND_TOTALS_DIFFER')),
    -- What the services say, for people.
    details       text        NOT NULL,
    found_at      timestamptz NOT NULL,
    -- How often a command was given to heal it, and why the last one was not carried out.
    attempts      integer     NOT NULL DEFAULT 0,
    last_error    text,
    -- When it was found to be gone.
    healed_at     timestamptz
);
-- The same difference is found once until it is gone.
CREATE UNIQUE INDEX reconcile_difference_open ON reconcile_difference (order_id, kind) WHERE healed_at IS NULL;
