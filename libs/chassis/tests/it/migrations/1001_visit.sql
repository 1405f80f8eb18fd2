-- Who came by. Only ever appended to.
CREATE TABLE visit (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    visitor text   NOT NULL
);
