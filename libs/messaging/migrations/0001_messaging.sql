-- The five tables that every service's schema has. libs/messaging is the only code that touches them.

-- Append-only history of every event of every aggregate. The primary key is also the optimistic lock: two writers that
-- decide on the same version cannot both commit. The service's role may insert and select, nothing else.
CREATE TABLE journal (
    aggregate_id   uuid        NOT NULL,
    version        bigint      NOT NULL CHECK (version > 0),
    event_id       uuid        NOT NULL,
    aggregate_type text        NOT NULL,
    -- Full name of the protobuf message; the package in it is the topic.
    event_type     text        NOT NULL,
    -- The protobuf bytes exactly as they are sent.
    payload        bytea       NOT NULL,
    -- The journey that the aggregate belongs to, and the event that directly caused this one.
    correlation_id uuid        NOT NULL,
    causation_id   uuid,
    -- Who caused it: 'buyer:<id>', 'seller:<id>', 'operator:<id>', 'service:<name>' or 'carrier:<name>'.
    actor          text        NOT NULL,
    -- W3C trace context of the transaction that recorded it.
    traceparent    text,
    occurred_at    timestamptz NOT NULL,
    -- SHA-256 chain per aggregate: hash covers previous_hash and every column above but the trace context.
    previous_hash  bytea       NOT NULL CHECK (octet_length(previous_hash) = 32),
    hash           bytea       NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (aggregate_id, version)
);
-- Timelines follow a journey. Rows come in the order of time and journeys are named by UUIDv7, so an index of block ranges finds
-- them, and costs next to nothing where every event pays for it; several ranges each, because a journey may go on weeks later.
CREATE INDEX journal_correlation ON journal USING brin (correlation_id uuid_minmax_multi_ops);

-- A thin queue that points into the journal. A row lives until the broker has acknowledged its event. CACHE 1 keeps the
-- order of ids the order of commits per aggregate, because a row is inserted after its aggregate's row was locked.
CREATE TABLE outbox (
    id           bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    aggregate_id uuid        NOT NULL,
    version      bigint      NOT NULL,
    created_at   timestamptz NOT NULL,
    -- How often the broker refused the event itself; after 10 refusals it is held back, and its aggregate with it.
    attempts     smallint    NOT NULL DEFAULT 0,
    last_error   text,
    parked_at    timestamptz,
    -- It was acknowledged before and is to be sent once more: it waits for nothing, and nothing waits for it.
    again        boolean     NOT NULL DEFAULT false
) WITH (
    -- Rows are many and short-lived: clean up early, or every reader walks the dead.
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0
);
-- No index by aggregate: every event would pay for it, and the relay, which seldom asks for one aggregate, reads a table that is
-- nearly empty.
-- The relay leaves out aggregates of which an event is held back; nearly always there is none.
CREATE INDEX outbox_held_back ON outbox (aggregate_id) WHERE parked_at IS NOT NULL;

-- What each consumer has taken effect of: written in the transaction of the effect. Ids are UUIDv7, so a range of ids is a
-- range of time, and old parts drop without a delete.
CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    PRIMARY KEY (event_id, consumer)
) PARTITION BY RANGE (event_id);
-- Catches ids outside every day that was prepared; empty in practice.
CREATE TABLE inbox_default PARTITION OF inbox DEFAULT;

-- The sequenced dead letter: an event that could not take effect, and the later ones of its aggregate, in order.
CREATE TABLE parked_event (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer        text        NOT NULL,
    event_id        uuid        NOT NULL,
    event_type      text        NOT NULL,
    aggregate_id    uuid        NOT NULL,
    topic           text        NOT NULL,
    kafka_partition integer     NOT NULL,
    kafka_offset    bigint      NOT NULL,
    -- Key, headers (as [[name, value], ...]) and payload exactly as they came.
    key             bytea,
    headers         jsonb       NOT NULL,
    payload         bytea       NOT NULL,
    -- Why it is parked; a follower names the event that it waits behind.
    reason          text        NOT NULL,
    parked_at       timestamptz NOT NULL,
    -- parked: waits for an operator. retried: took effect later. skipped: never will, for the reason that was given.
    state           text        NOT NULL DEFAULT 'parked' CHECK (state IN ('parked', 'retried', 'skipped')),
    resolved_at     timestamptz,
    resolved_by     text,
    resolution      text,
    -- Whether it was announced on <consumer>.dlq.
    announced_at    timestamptz,
    CHECK ((state = 'parked') = (resolved_at IS NULL)),
    CHECK (state <> 'skipped' OR resolution IS NOT NULL),
    UNIQUE (consumer, event_id)
);
-- Every batch asks whether its aggregates are parked; nearly always none is.
CREATE INDEX parked_event_waiting ON parked_event (consumer, topic, aggregate_id, id) WHERE state = 'parked';
CREATE INDEX parked_event_unannounced ON parked_event (id) WHERE announced_at IS NULL;

-- The smallest UUIDv7 of a day.
CREATE FUNCTION inbox_first_id(day date) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM day::timestamp) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Prepares the inbox's next days and drops those past `keep_days`. Owned by the migrating role and run with its rights,
-- because the service's own role may not create or drop tables. The day of an id is its first 48 bits, in milliseconds.
CREATE FUNCTION inbox_maintain(today date, keep_days integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    day  date;
    part name;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('inbox_maintain'), hashtext(current_schema()));
    FOR day IN SELECT today + n FROM generate_series(-1, 7) AS n LOOP
        part := 'inbox_' || to_char(day, 'YYYYMMDD');
        IF to_regclass(part) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE inbox INCLUDING ALL)', part);
            -- A service that slept past its prepared days may have entered ids meanwhile: they move along.
            LOCK TABLE inbox_default IN ACCESS EXCLUSIVE MODE;
            EXECUTE format('WITH moved AS (DELETE FROM inbox_default WHERE event_id >= %L AND event_id < %L RETURNING *)
                            INSERT INTO %I SELECT * FROM moved',
                inbox_first_id(day), inbox_first_id(day + 1), part);
            EXECUTE format('ALTER TABLE inbox ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                part, inbox_first_id(day), inbox_first_id(day + 1));
        END IF;
    END LOOP;
    FOR part IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'inbox'::regclass AND c.relname ~ '^inbox_[0-9]{8}$'
          AND to_date(substr(c.relname, 7), 'YYYYMMDD') < today - keep_days
    LOOP
        EXECUTE format('DROP TABLE %I', part);
    END LOOP;
END $$;
