//! The second wall: what the database refuses, whatever the domain decides (invariant I1).

use kernel::Id;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::till::{Order, Till};

/// A captured payment, with one ledger transaction.
async fn captured() -> (Till, Order) {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_approved");
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    till.told(&order, &["PaymentAuthorized"]).await;
    till.publish(&[&order.confirmed()]).await;
    till.told(&order, &["PaymentAuthorized", "PaymentCaptured"]).await;
    (till, order)
}

/// The constraint that a statement runs into; none if it is let through.
async fn refused_by(connection: &mut PgConnection, statement: &'static str, ids: &[Uuid]) -> Option<String> {
    let mut query = sqlx::query(statement);
    for id in ids {
        query = query.bind(id);
    }
    let error = query.execute(connection).await.err()?;
    Some(error.as_database_error()?.constraint()?.to_owned())
}

async fn transaction_of(till: &Till, order: &Order) -> Uuid {
    let transaction = sqlx::query_scalar("SELECT transaction_id FROM ledger_transaction WHERE order_id = $1");
    transaction.bind(order.id.uuid()).fetch_one(till.store.pool()).await.unwrap()
}

#[tokio::test]
async fn postings_that_do_not_balance_are_refused() {
    let (till, order) = captured().await;
    let transaction_id = transaction_of(&till, &order).await;
    let mut connection = till.store.pool().acquire().await.unwrap();
    let unbalanced = [
        "INSERT INTO ledger_posting (transaction_id, account, amount_minor, currency) VALUES ($1, 'escrow', 1, 'EUR')",
        "INSERT INTO ledger_posting (transaction_id, account, amount_minor, currency)
         VALUES ($1, 'escrow', 1, 'EUR'), ($1, 'provider_clearing', -2, 'EUR')",
        "INSERT INTO ledger_posting (transaction_id, account, amount_minor, currency)
         VALUES ($1, 'escrow', 1, 'EUR'), ($1, 'provider_clearing', -1, 'USD')",
    ];
    for statement in unbalanced {
        let constraint = refused_by(&mut connection, statement, &[transaction_id]).await;
        assert_eq!(constraint.as_deref(), Some("ledger_transaction_balances"), "{statement}");
    }
    let balanced = "INSERT INTO ledger_posting (transaction_id, account, amount_minor, currency)
                    VALUES ($1, 'escrow', 1, 'EUR'), ($1, 'provider_clearing', -1, 'EUR')";
    assert_eq!(refused_by(&mut connection, balanced, &[transaction_id]).await, None);
}

#[tokio::test]
async fn a_posting_to_an_account_that_there_is_not_is_refused() {
    let (till, order) = captured().await;
    let transaction_id = transaction_of(&till, &order).await;
    let mut connection = till.store.pool().acquire().await.unwrap();
    let statement = "INSERT INTO ledger_posting (transaction_id, account, amount_minor, currency)
                     VALUES ($1, 'petty_cash', 1, 'EUR'), ($1, 'escrow', -1, 'EUR')";
    let constraint = refused_by(&mut connection, statement, &[transaction_id]).await;
    assert_eq!(constraint.as_deref(), Some("ledger_posting_account_check"));
    let nobodys = "INSERT INTO ledger_posting (transaction_id, account, amount_minor, currency)
                   VALUES ($1, 'seller_balance', 1, 'EUR'), ($1, 'escrow', -1, 'EUR')";
    let constraint = refused_by(&mut connection, nobodys, &[transaction_id]).await;
    assert_eq!(constraint.as_deref(), Some("ledger_posting_seller_has_the_balance"));
}

#[tokio::test]
async fn cash_is_not_posted_beside_a_capture_by_the_provider() {
    let (till, order) = captured().await;
    let mut connection = till.store.pool().acquire().await.unwrap();
    let statement = "WITH posted AS (INSERT INTO ledger_transaction VALUES (gen_random_uuid(), $1, 'capture', 1, now())
                                     RETURNING transaction_id)
                     INSERT INTO ledger_posting (transaction_id, account, amount_minor, currency)
                     SELECT transaction_id, leg.* FROM posted,
                            (VALUES ('carrier_clearing', 1, 'EUR'), ('escrow', -1, 'EUR')) AS leg";
    let constraint = refused_by(&mut connection, statement, &[order.id.uuid()]).await;
    assert_eq!(constraint.as_deref(), Some("ledger_operation_posted_once"));
}

#[tokio::test]
async fn two_transactions_of_one_statement_do_not_balance_each_other() {
    let (till, order) = captured().await;
    let other_id = Id::<Order>::generate().uuid();
    let mut connection = till.store.pool().acquire().await.unwrap();
    sqlx::query(
        "WITH asked AS (INSERT INTO provider_operation (order_id, kind, amount_minor, currency, created_at)
                        VALUES ($1, 'refund', 1, 'EUR', now()))
         INSERT INTO ledger_transaction VALUES ($2, $1, 'refund', 1, now())",
    )
    .bind(order.id.uuid())
    .bind(other_id)
    .execute(&mut *connection)
    .await
    .unwrap();
    let statement = "INSERT INTO ledger_posting (transaction_id, account, amount_minor, currency)
                     VALUES ($1, 'escrow', 1, 'EUR'), ($2, 'provider_clearing', -1, 'EUR')";
    let ids = [transaction_of(&till, &order).await, other_id];
    let constraint = refused_by(&mut connection, statement, &ids).await;
    assert_eq!(constraint.as_deref(), Some("ledger_transaction_balances"));
}

#[tokio::test]
async fn what_would_charge_twice_or_refund_too_much_is_refused() {
    let (till, order) = captured().await;
    let mut connection = till.store.pool().acquire().await.unwrap();
    let walls = [
        ("UPDATE payment SET refunded_minor = 1 WHERE order_id = $1", "payment_refunded_at_most_what_was_asked_back"),
        (
            "UPDATE payment SET asked_back_minor = captured_minor + 1 WHERE order_id = $1",
            "payment_asked_back_at_most_what_was_captured",
        ),
        (
            "UPDATE payment SET commission_rate = 0.05 WHERE order_id = $1",
            "payment_released_was_delivered_and_captured",
        ),
        (
            "UPDATE payment SET authorized_at = now() WHERE order_id = $1",
            "payment_has_an_age_while_it_is_only_authorized",
        ),
        (
            "UPDATE payment SET captured_minor = due_minor + 1 WHERE order_id = $1",
            "payment_captured_at_most_what_is_due",
        ),
        (
            "UPDATE payment SET due_minor = captured_minor - 1 WHERE order_id = $1",
            "payment_captured_at_most_what_is_due",
        ),
        ("UPDATE payment SET due_minor = amount_minor + 1 WHERE order_id = $1", "payment_due_at_most_its_amount"),
        (
            "UPDATE payment SET authorized_minor = due_minor - 1 WHERE order_id = $1",
            "payment_holds_at_least_what_is_due",
        ),
        (
            "UPDATE payment SET authorized_minor = NULL WHERE order_id = $1",
            "payment_holds_an_amount_once_that_is_asked_for",
        ),
        ("UPDATE payment SET terms_version = 0 WHERE order_id = $1", "payment_terms_version_check"),
        (
            "INSERT INTO provider_operation (order_id, kind, amount_minor, currency, created_at)
             VALUES ($1, 'capture', 1, 'EUR', now())",
            "provider_operation_once_per_kind",
        ),
        (
            "INSERT INTO provider_operation (order_id, kind, number, amount_minor, currency, created_at)
             VALUES ($1, 'capture', 2, 1, 'EUR', now())",
            "provider_operation_only_refunds_are_numbered",
        ),
        (
            "INSERT INTO ledger_transaction VALUES (gen_random_uuid(), $1, 'release', 2, now())",
            "ledger_only_refunds_are_numbered",
        ),
        (
            "INSERT INTO ledger_transaction VALUES (gen_random_uuid(), $1, 'capture', 1, now())",
            "ledger_operation_posted_once",
        ),
    ];
    for (statement, wall) in walls {
        let constraint = refused_by(&mut connection, statement, &[order.id.uuid()]).await;
        assert_eq!(constraint.as_deref(), Some(wall), "{statement}");
    }
    till.assert_books_balance().await;
}
