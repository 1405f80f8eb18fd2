-- What the witness did about each event: one row for each time that an event took effect, in the order of the effects. A second
-- effect of one event is a second row, whoever dropped it elsewhere.
CREATE TABLE effect (
    effect_id    bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    event_id     uuid   NOT NULL,
    topic        text   NOT NULL,
    aggregate_id uuid   NOT NULL,
    version      bigint NOT NULL
);
