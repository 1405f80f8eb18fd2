-- What is known under an order's id: its payment, or what came before it. An order has one payment, so its id is the key.
CREATE TABLE payment (
    order_id        uuid        PRIMARY KEY,
    -- 'hold': stock is held, what is to be paid was not heard of yet. 'tombstone': the order ended before its payment was heard
    -- of; refuses whatever would begin one later. The others are the statuses of the contract.
    status          text        NOT NULL CHECK (status IN ('hold', 'tombstone', 'pending', 'authorizing', 'authorized',
                                                           'capturing', 'captured', 'capture_failed', 'declined', 'voiding',
                                                           'voided', 'refunding', 'refunded', 'closed')),
    -- The order failed or was cancelled: nothing more is asked for but giving back.
    order_ended     boolean     NOT NULL,
    -- The provider refused to void: an operator has to settle it.
    needs_operator  boolean     NOT NULL,
    buyer_id        uuid,
    -- Whose money it becomes.
    seller_id       uuid,
    -- Amounts are in minor units of the currency. This one is what was agreed at first.
    amount_minor    bigint      CHECK (amount_minor > 0),
    captured_minor  bigint      NOT NULL DEFAULT 0,
    refunded_minor  bigint      NOT NULL DEFAULT 0,
    -- The sum of its refunds, whether the money is back or not.
    asked_back_minor bigint     NOT NULL DEFAULT 0,
    -- [{"number", "amount_minor", "follows_from_end", "is_set_aside" if it is, "standing", "refused_attempt"}, ...]: what goes back, in the order in which it was
    -- asked for (domain/refund.rs). In this row, because every decision about one needs all of them.
    refunds         jsonb       NOT NULL DEFAULT '[]',
    -- The order arrived.
    delivered       boolean     NOT NULL DEFAULT false,
    -- What the marketplace keeps, as a fraction, once the rest is the seller's; 0.05 is 5 %.
    commission_rate numeric     CHECK (commission_rate BETWEEN 0 AND 1),
    currency        text        CHECK (char_length(currency) = 3),
    -- The provider's token for the card; never a card number. None: cash on delivery, or an exchange.
    card_token      text        CHECK (char_length(card_token) BETWEEN 1 AND 200),
    hold_expires_at timestamptz,
    -- Since when it is authorized by card, while it is only that.
    authorized_at   timestamptz,
    -- Why it was declined or failed.
    reason          text,
    -- How far its history goes, and the hash that the history ends with (messaging::Head).
    version         bigint      NOT NULL,
    head_hash       bytea       NOT NULL CHECK (octet_length(head_hash) = 32),
    correlation_id  uuid        NOT NULL,
    -- When its intent became known; before that, when the order was first heard of.
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    -- What is to be paid: it falls when units are taken away from the order before that is paid, and this much is captured.
    due_minor       bigint,
    -- What was due when it was to be authorized, and so is held at most. Apart from due_minor, because that may have fallen since then, and
    -- what is held is given up whole.
    authorized_minor bigint,
    -- Which version of what was agreed due_minor is of, so that no version takes effect twice; amount_minor is version 1.
    terms_version   integer     NOT NULL DEFAULT 1 CHECK (terms_version >= 1),
    -- {"order_id", "refund_number", "charged_order_id"}: what was set aside of another order, if that pays for this one (domain/payment.rs).
    exchange        jsonb,
    CONSTRAINT payment_is_in_one_way CHECK (num_nonnulls(card_token, exchange) <= 1),
    CONSTRAINT payment_has_terms_unless_it_has_not_begun
        CHECK (num_nulls(buyer_id, seller_id, amount_minor, due_minor, currency)
               = CASE WHEN status IN ('hold', 'tombstone') THEN 5 ELSE 0 END),
    CONSTRAINT payment_has_an_age_while_it_is_only_authorized
        CHECK ((authorized_at IS NOT NULL) = (status = 'authorized' AND card_token IS NOT NULL)),
    CONSTRAINT payment_holds_an_amount_once_that_is_asked_for
        CHECK ((authorized_minor IS NULL) = (status IN ('hold', 'tombstone', 'pending', 'declined', 'closed'))),
    -- Nothing is ever added to an order: what is due falls only.
    CONSTRAINT payment_due_at_most_its_amount CHECK (due_minor BETWEEN 1 AND amount_minor),
    CONSTRAINT payment_holds_at_least_what_is_due CHECK (authorized_minor BETWEEN due_minor AND amount_minor),
    -- Invariant I1, behind the domain's back.
    CONSTRAINT payment_captured_at_most_what_is_due CHECK (captured_minor BETWEEN 0 AND coalesce(due_minor, 0)),
    CONSTRAINT payment_refunded_at_most_what_was_asked_back CHECK (refunded_minor BETWEEN 0 AND asked_back_minor),
    CONSTRAINT payment_asked_back_at_most_what_was_captured CHECK (asked_back_minor <= captured_minor),
    -- Nobody earns what is not there yet.
    CONSTRAINT payment_released_was_delivered_and_captured
        CHECK (commission_rate IS NULL OR (delivered AND captured_minor > 0))
) WITH (
    -- A row changes about five times in its first seconds: leave it room on its own page.
    fillfactor = 50
);
-- The job asks which authorizations are old; a payment stays in here for a moment only.
CREATE INDEX payment_authorized ON payment (authorized_at) WHERE authorized_at IS NOT NULL;

-- What is asked of the provider. A row is committed with the state that wants it and carried out afterwards: a crash at any
-- point repeats the call under the same key.
CREATE TABLE provider_operation (
    -- The provider knows it as '<order id>:<kind>:<number>'. No foreign keys here and below: parent and child are written by one
    -- transaction, and a look at the parent with a lock on it for each row is a tenth of what the database does for an order. The fleet's
    -- proofs look for orphans instead.
    order_id     uuid        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('authorize', 'capture', 'void', 'refund')),
    -- Which of the order's refunds.
    number       integer     NOT NULL DEFAULT 1,
    amount_minor bigint      NOT NULL CHECK (amount_minor > 0),
    currency     text        NOT NULL CHECK (char_length(currency) = 3),
    -- 'pending': to be asked, or asked without an answer; a refund that was declined also once it is to be asked for again. There is no
    -- 'unknown': nobody may take it for an outcome.
    status       text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'succeeded', 'declined')),
    -- Why it was declined.
    reason       text,
    -- How often a worker set out to call; from the second time on it first asks what became of the call before.
    attempts     integer     NOT NULL DEFAULT 0,
    -- When a worker may take it, and until when the one that did may keep it: a worker that dies loses it then. Both are the
    -- database's time, so that replicas whose clocks disagree agree on this. Taking it changes no indexed column.
    due_at       timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz,
    -- The replica that took it last. When that replica starts again it need not wait for what its former self had taken.
    claimed_by   text,
    -- The event that it was decided on and its trace, for the history of what follows from the answer.
    caused_by    uuid,
    traceparent  text,
    created_at   timestamptz NOT NULL,
    completed_at timestamptz,
    -- Invariant I1: a payment is authorized once and captured once, so nobody can be charged twice; and each refund is asked for once.
    CONSTRAINT provider_operation_once_per_kind PRIMARY KEY (order_id, kind, number),
    CONSTRAINT provider_operation_only_refunds_are_numbered CHECK (number >= 1 AND (number = 1 OR kind = 'refund')),
    CHECK ((status = 'pending') = (completed_at IS NULL)),
    CHECK ((status = 'declined') = (reason IS NOT NULL))
) WITH (fillfactor = 70);
-- Workers look for what is due; nearly every operation is completed.
CREATE INDEX provider_operation_due ON provider_operation (due_at) WHERE status = 'pending';

-- The double-entry ledger. The service may only append.
CREATE TABLE ledger_transaction (
    transaction_id uuid        PRIMARY KEY,
    -- What moved the money: a capture or a refund, through the provider or of cash; or the release, when what was captured became the
    -- seller's. Postings are listed by order.
    order_id       uuid        NOT NULL,
    kind           text        NOT NULL CHECK (kind IN ('capture', 'refund', 'release')),
    -- Which of the order's refunds.
    number         integer     NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL,
    CONSTRAINT ledger_operation_posted_once UNIQUE (order_id, kind, number),
    CONSTRAINT ledger_only_refunds_are_numbered CHECK (number >= 1 AND (number = 1 OR kind = 'refund'))
);

CREATE TABLE ledger_posting (
    -- Listings go by it.
    posting_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id uuid   NOT NULL,
    account        text   NOT NULL CHECK (account IN ('provider_clearing', 'carrier_clearing', 'escrow', 'seller_balance',
                                                      'commission', 'buyer_credit')),
    -- Whose balance it is.
    seller_id      uuid,
    -- Minor units: positive debits the account, negative credits it.
    amount_minor   bigint NOT NULL CHECK (amount_minor <> 0),
    currency       text   NOT NULL CHECK (char_length(currency) = 3),
    CONSTRAINT ledger_posting_seller_has_the_balance CHECK ((account = 'seller_balance') = (seller_id IS NOT NULL))
);
CREATE INDEX ledger_posting_transaction ON ledger_posting (transaction_id);
-- A seller's balance is the sum of these.
CREATE INDEX ledger_posting_seller ON ledger_posting (seller_id) INCLUDE (currency, amount_minor) WHERE seller_id IS NOT NULL;

-- Invariant I1: the postings that one statement inserts sum to zero in each transaction and currency. As every statement that
-- ever inserted did, so does every transaction.
CREATE FUNCTION ledger_refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    unbalanced uuid;
BEGIN
    SELECT transaction_id INTO unbalanced FROM inserted
    GROUP BY transaction_id, currency HAVING sum(amount_minor) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger transaction % does not balance', unbalanced
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transaction_balances';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_transaction_balances AFTER INSERT ON ledger_posting
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_unbalanced();
