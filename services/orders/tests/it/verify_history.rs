//! `orders verify-history`: whatever is changed behind the service's back is found and named.

use clap::Parser as _;
use orders::app::verify_history::Finding;
use orders::domain::ids::OrderId;
use orders::domain::snapshot::Terms;
use sqlx::{AssertSqlSafe, Executor as _};

use crate::back_office::BackOffice;
use crate::others::{authorized, captured, committed};

/// An intruder who owns the tables, and has taken down every wall that an owner can take down.
async fn take_walls_down(office: &BackOffice) {
    let walls = "ALTER TABLE order_snapshot DISABLE TRIGGER USER;
         ALTER TABLE order_line DISABLE TRIGGER USER;
         ALTER TABLE order_line DROP CONSTRAINT order_line_adds_up;
         ALTER TABLE order_state DROP CONSTRAINT order_paid_has_stock_and_money;
         ALTER TABLE order_snapshot DROP CONSTRAINT order_total_adds_up";
    office.store.pool().execute(walls).await.unwrap();
}

/// An order with three entries in its history.
async fn paid_order(office: &BackOffice) -> OrderId {
    let order_id = office.new_order().await;
    office.hear(&[authorized(order_id), committed(order_id), captured(order_id)]).await;
    assert_eq!(office.history(order_id).await.len(), 3);
    order_id
}

/// Runs statements in which `$id` stands for the order.
async fn tamper(office: &BackOffice, order_id: OrderId, statements: &str) {
    let statements = statements.replace("$id", &format!("'{order_id}'"));
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(office.store.pool()).await.unwrap();
}

fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| finding.fault.to_string()).collect()
}

/// What is done to an order, and all that is found.
const CASES: &[(&str, &[&str])] = &[
    // One bit, in each column of the journal.
    (
        "UPDATE journal SET payload = set_byte(payload, 9, get_byte(payload, 9) # 1) WHERE aggregate_id = $id AND version = 2",
        &["its history is not as it was written: version 2 was changed after it was written"],
    ),
    (
        "UPDATE journal SET occurred_at = occurred_at + interval '1 microsecond' WHERE aggregate_id = $id AND version = 1",
        &["its history is not as it was written: version 1 was changed after it was written"],
    ),
    (
        "UPDATE journal SET actor = 'buyer:nobody' WHERE aggregate_id = $id AND version = 2",
        &["its history is not as it was written: version 2 was changed after it was written"],
    ),
    (
        "UPDATE journal SET correlation_id = gen_random_uuid() WHERE aggregate_id = $id AND version = 2",
        &["its history is not as it was written: version 2 was changed after it was written"],
    ),
    (
        "UPDATE journal SET causation_id = NULL WHERE aggregate_id = $id AND version = 2",
        &["its history is not as it was written: version 2 was changed after it was written"],
    ),
    (
        "UPDATE journal SET event_id = gen_random_uuid() WHERE aggregate_id = $id AND version = 2",
        &["its history is not as it was written: version 2 was changed after it was written"],
    ),
    (
        "UPDATE journal SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE aggregate_id = $id AND version = 2",
        &["its history is not as it was written: version 2 was changed after it was written"],
    ),
    (
        "UPDATE journal SET previous_hash = set_byte(previous_hash, 0, get_byte(previous_hash, 0) # 1)
         WHERE aggregate_id = $id AND version = 3",
        &["its history is not as it was written: version 3 does not continue the record before it"],
    ),
    // Rows of the journal: deleted in the middle, at the tail, altogether, and swapped.
    (
        "DELETE FROM journal WHERE aggregate_id = $id AND version = 2",
        &["its history is not as it was written: version 2 is missing: 3 follows"],
    ),
    (
        "DELETE FROM journal WHERE aggregate_id = $id AND version = 3",
        &[
            "its history is not as it was written: the history ends at version 2, the aggregate stands at 3",
            "it is PAID, and its history leads to CONFIRMED",
        ],
    ),
    ("DELETE FROM journal WHERE aggregate_id = $id", &["its history is missing"]),
    (
        "UPDATE journal SET version = 9 WHERE aggregate_id = $id AND version = 2;
         UPDATE journal SET version = 2 WHERE aggregate_id = $id AND version = 3;
         UPDATE journal SET version = 3 WHERE aggregate_id = $id AND version = 9",
        &[
            "its history is not as it was written: version 2 does not continue the record before it",
            "it is PAID, and its history leads to CONFIRMED",
        ],
    ),
    // What was agreed.
    (
        "UPDATE order_snapshot SET buyer_id = gen_random_uuid() WHERE order_id = $id",
        &["what was agreed was changed in the tables: buyer_id"],
    ),
    (
        "UPDATE order_snapshot SET shipping_service = 'standard' WHERE order_id = $id",
        &["what was agreed was changed in the tables: shipping_service"],
    ),
    (
        "UPDATE order_snapshot SET ship_to = jsonb_set(ship_to, '{locality}', '\"Bremen\"') WHERE order_id = $id",
        &["what was agreed was changed in the tables: ship_to"],
    ),
    (
        "UPDATE order_snapshot SET shipping_minor = shipping_minor - 1, total_minor = total_minor - 1 WHERE order_id = $id",
        &["what was agreed was changed in the tables: shipping, total"],
    ),
    (
        "UPDATE order_snapshot SET card_token = NULL WHERE order_id = $id",
        &["what was agreed was changed in the tables: payment_method"],
    ),
    (
        "UPDATE order_line SET title = 'A useless thing' WHERE order_id = $id AND position = 1",
        &["what was agreed was changed in the tables: lines[1]"],
    ),
    (
        "UPDATE order_line SET tax_rate = 0.07 WHERE order_id = $id AND position = 0",
        &["what was agreed was changed in the tables: lines[0]"],
    ),
    (
        "DELETE FROM order_line WHERE order_id = $id AND position = 1",
        &["what was agreed was changed in the tables: lines[1]"],
    ),
    (
        "UPDATE order_line SET position = 1 - position + 10 WHERE order_id = $id;
         UPDATE order_line SET position = position - 10 WHERE order_id = $id",
        &["what was agreed was changed in the tables: lines[0], lines[1]"],
    ),
    (
        "UPDATE order_snapshot SET snapshot_hash = sha256('something else') WHERE order_id = $id",
        &[
            "what was agreed was changed in the tables: snapshot_hash",
            "its snapshot hash is not the one that its OrderCreated states",
        ],
    ),
    (
        "UPDATE order_snapshot SET currency = 'XXX' WHERE order_id = $id",
        &["its rows cannot be read: currency: \"XXX\" is not a currency: expected an ISO 4217 code such as EUR"],
    ),
    (
        "UPDATE order_snapshot SET ship_to = '[]' WHERE order_id = $id",
        &["its rows cannot be read: error occurred while decoding column \"ship_to\": \
           invalid length 0, expected struct Address with 10 elements at line 1 column 2"],
    ),
    // Where the order stands.
    (
        "UPDATE order_state SET status = 'CANCELLED', reason = 'UNPAID' WHERE order_id = $id",
        &["it is CANCELLED (UNPAID), and its history leads to PAID"],
    ),
    (
        "UPDATE order_state SET unpaid_deadline = '2030-01-01T00:00:00Z' WHERE order_id = $id",
        &["its unpaid deadline is 2030-01-01T00:00:00.000000Z, and $deadline in its history"],
    ),
    (
        "UPDATE order_state SET version = 4 WHERE order_id = $id",
        &["its history is not as it was written: the history ends at version 3, the aggregate stands at 4"],
    ),
    (
        "UPDATE order_state SET head_hash = sha256('something else') WHERE order_id = $id",
        &["its history is not as it was written: the history ends at version 3, the aggregate stands at 3"],
    ),
    ("DELETE FROM order_state WHERE order_id = $id", &["its row in order_state is missing"]),
    ("DELETE FROM order_snapshot WHERE order_id = $id", &["its row in order_snapshot is missing"]),
    (
        "DELETE FROM order_state WHERE order_id = $id; DELETE FROM order_line WHERE order_id = $id;
         DELETE FROM order_snapshot WHERE order_id = $id",
        &["its row in order_snapshot is missing", "its row in order_state is missing"],
    ),
];

#[tokio::test]
async fn whatever_is_changed_is_found_and_named() {
    let (office, _replica) = BackOffice::open().await;
    take_walls_down(&office).await;
    let bystander = paid_order(&office).await;
    let mut tampered = Vec::new();
    for (statements, expected) in CASES {
        let order_id = paid_order(&office).await;
        assert_eq!(office.verify(Some(order_id)).await, []);
        let deadline = office.order(order_id).await.unpaid_deadline.to_string();
        tamper(&office, order_id, statements).await;
        let expected: Vec<_> = expected.iter().map(|fault| fault.replace("$deadline", &deadline)).collect();
        assert_eq!(told(&office.verify(Some(order_id)).await), expected, "{statements}");
        tampered.push(order_id);
    }
    // All orders at once: each of them is named, and nobody else.
    let mut named: Vec<_> = office.verify(None).await.into_iter().map(|finding| finding.order_id).collect();
    named.dedup();
    assert_eq!(named, tampered);
    assert_eq!(office.verify(Some(bystander)).await, []);
}

#[tokio::test]
async fn rows_that_changed_places_between_two_orders_are_found_at_both() {
    let (office, _replica) = BackOffice::open().await;
    take_walls_down(&office).await;
    let (one, other) = (paid_order(&office).await, paid_order(&office).await);
    let swap = format!(
        "UPDATE journal SET version = version + 10 WHERE aggregate_id = $id AND version = 2;
         UPDATE journal SET aggregate_id = $id WHERE aggregate_id = '{other}' AND version = 2;
         UPDATE journal SET aggregate_id = '{other}', version = 2 WHERE aggregate_id = $id AND version = 12"
    );
    tamper(&office, one, &swap).await;
    for order_id in [one, other] {
        let expected = ["its history is not as it was written: version 2 does not continue the record before it"];
        assert_eq!(told(&office.verify(Some(order_id)).await), expected);
    }
}

#[tokio::test]
async fn terms_that_were_changed_together_with_their_hash_are_found() {
    let (office, _replica) = BackOffice::open().await;
    take_walls_down(&office).await;
    let order_id = paid_order(&office).await;
    let agreed = office.order(order_id).await.snapshot.terms().clone();
    let mut cheaper = agreed.clone();
    cheaper.lines[1].title = "Silver spoon".to_owned();
    let hash = Terms::hash(&cheaper);
    let forge = format!(
        "UPDATE order_line SET title = 'Silver spoon' WHERE order_id = $id AND position = 1;
         UPDATE order_snapshot SET snapshot_hash = '\\x{hash}' WHERE order_id = $id"
    );
    tamper(&office, order_id, &forge).await;
    let expected = ["its snapshot hash is not the one that its OrderCreated states"];
    assert_eq!(told(&office.verify(Some(order_id)).await), expected);
}

#[tokio::test]
async fn the_subcommand_fails_if_anything_was_changed() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = paid_order(&office).await;
    let only = order_id.to_string();
    let run = async |more: &[&str]| {
        let command = ["orders", "--database-url", office.database.url(), "verify-history"];
        orders::run(orders::Args::parse_from([&command[..], more].concat())).await.map_err(|error| error.to_string())
    };
    assert_eq!(run(&[]).await, Ok(()));
    assert_eq!(run(&["--order", &only]).await, Ok(()));
    let unknown = OrderId::generate();
    let answer = run(&["--order", &unknown.to_string()]).await;
    assert_eq!(answer, Err(format!("there is no trace of order {unknown}")));

    tamper(&office, order_id, "DELETE FROM journal WHERE aggregate_id = $id AND version = 2").await;
    let failure = Err("1 orders verified: 1 things are not as they were written".to_owned());
    assert_eq!(run(&[]).await, failure);
    assert_eq!(run(&["--order", &only]).await, failure);
}

#[tokio::test]
async fn the_database_refuses_to_change_what_was_agreed() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.new_order().await;
    for statement in [
        "UPDATE order_snapshot SET buyer_id = gen_random_uuid()",
        "DELETE FROM order_line",
        "UPDATE order_line SET title = 'A useless thing'",
        "TRUNCATE order_snapshot CASCADE",
    ] {
        let error = office.store.pool().execute(statement).await.unwrap_err().to_string();
        assert!(error.contains("what was agreed does not change"), "{statement}: {error}");
    }
    // Nor does it take a state that cannot be.
    for statement in [
        "UPDATE order_state SET status = 'PAID'",
        "UPDATE order_state SET status = 'FAILED'",
        "UPDATE order_state SET fulfilment_status = 'ALLOCATED'",
    ] {
        let error = office.store.pool().execute(statement).await.unwrap_err().to_string();
        assert!(error.contains("violates check constraint"), "{statement}: {error}");
    }
    assert_eq!(office.verify(Some(order_id)).await, []);
}
