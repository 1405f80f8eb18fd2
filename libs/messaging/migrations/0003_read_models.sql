-- What read models follow from, and which generation of their rows is read. libs/messaging is the only code that touches these two.

-- Events of other services that this one's read models follow from, exactly as they came: a broker keeps them for a week, a rebuild may come
-- years later. The service's own events are in its journal.
CREATE TABLE heard_event (
    aggregate_id uuid        NOT NULL,
    topic        text        NOT NULL,
    -- Version of the aggregate from this event on.
    version      bigint      NOT NULL,
    event_id     uuid        NOT NULL,
    event_type   text        NOT NULL,
    payload      bytea       NOT NULL,
    occurred_at  timestamptz NOT NULL,
    PRIMARY KEY (aggregate_id, topic, version)
);

-- Each row of a read model belongs to a generation. One generation is served; while another is being built, both are kept up to date. Rows of
-- one that is leaving are being deleted, and with the last of them it goes from here.
CREATE TABLE read_model_generation (
    generation integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state      text    NOT NULL CHECK (state IN ('building', 'serving', 'leaving'))
);
CREATE UNIQUE INDEX read_model_generation_one ON read_model_generation (state) WHERE state <> 'leaving';
INSERT INTO read_model_generation (state) VALUES ('serving');
