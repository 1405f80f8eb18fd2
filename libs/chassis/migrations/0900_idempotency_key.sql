-- The answers of commands that were carried out. A command that comes again under the same key gets the same answer
-- and does nothing. libs/chassis is the only code that touches it.
CREATE TABLE idempotency_key (
    -- Who asked: the subject of the caller's token, or 'guest'.
    principal    text        NOT NULL,
    -- Short name of the RPC, such as 'CancelOrder'.
    method       text        NOT NULL,
    -- The caller's request_id.
    key          text        NOT NULL,
    -- SHA-256 of the request: the same key with another request is refused.
    request_hash bytea       NOT NULL CHECK (octet_length(request_hash) = 32),
    -- The encoded answer. Null only inside the transaction that does the work, so nobody else ever sees a null.
    answer       bytea,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (principal, method, key)
) WITH (
    -- Every row is updated once, by the transaction that inserts it: leave it room on its own page.
    fillfactor = 60
);
-- Old keys are deleted by age. Rows come in the order of time, so a block range index finds them at next to no cost.
CREATE INDEX idempotency_key_created ON idempotency_key USING brin (created_at);
