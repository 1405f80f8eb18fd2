-- Labels by which buyers send goods back. A row is written under the lock of its consignment, like those of its return.
CREATE TABLE return_label (
    return_id       uuid        NOT NULL,
    -- Where the parcel goes: one of the warehouses that the return is awaited in.
    warehouse_id    uuid        NOT NULL,
    carrier         text        NOT NULL CHECK (char_length(carrier) BETWEEN 1 AND 50),
    tracking_number text        NOT NULL CHECK (char_length(tracking_number) BETWEEN 1 AND 50),
    bought_at       timestamptz NOT NULL,
    -- Where the parcel is, as the carrier says. It goes one way (domain/return_label.rs).
    status          text        NOT NULL CHECK (status IN ('LABEL_BOUGHT', 'ON_ITS_WAY', 'LOST', 'ARRIVED')),
    -- When we were told that it is there; null before the carrier has seen it.
    moved_at        timestamptz,
    -- Whether the carrier is asked where it is: not once that is known for good, nor once nothing more of the return is awaited.
    is_followed     boolean     NOT NULL,
    -- When the carrier was last asked about it; null before.
    asked_at        timestamptz,
    -- A return has one label for each warehouse.
    PRIMARY KEY (return_id, warehouse_id),
    CONSTRAINT return_label_moves_when_it_is_seen CHECK ((moved_at IS NULL) = (status = 'LABEL_BOUGHT')),
    CONSTRAINT return_label_is_followed_to_its_end CHECK (NOT is_followed OR status IN ('LABEL_BOUGHT', 'ON_ITS_WAY')),
    -- A carrier gives a number once.
    CONSTRAINT return_label_tracking_number_taken UNIQUE (carrier, tracking_number)
) WITH (fillfactor = 70);
-- Asked about first is what was not asked about for the longest time.
CREATE INDEX return_label_under_way ON return_label ((coalesce(asked_at, bought_at))) WHERE is_followed;
