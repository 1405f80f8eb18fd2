//! Tables `ledger_transaction` and `ledger_posting`. Rows are only ever added.

use kernel::{Id, Money, Timestamp};
use messaging::Error;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use super::money;
use crate::domain::ledger::Transaction;
use crate::domain::{OrderId, SellerId};

/// Posts transactions. All their postings are one statement, because that is what the balance is checked over.
pub(super) async fn save(tx: &mut PgConnection, transactions: &[Transaction], now: Timestamp) -> Result<(), Error> {
    if transactions.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = transactions.iter().map(|_| Id::<Transaction>::generate().uuid()).collect();
    let postings: Vec<_> = ids
        .iter()
        .zip(transactions)
        .flat_map(|(id, each)| each.postings().iter().map(move |posting| (*id, posting)))
        .collect();
    sqlx::query(
        "WITH posted AS (
             INSERT INTO ledger_transaction (transaction_id, order_id, kind, number, created_at)
             SELECT t.*, $10 FROM unnest($6::uuid[], $7::uuid[], $8::text[], $9::integer[]) AS t
         )
         INSERT INTO ledger_posting (transaction_id, account, seller_id, amount_minor, currency)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::text[])",
    )
    .bind(postings.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(postings.iter().map(|(_, posting)| posting.account.as_str()).collect::<Vec<_>>())
    .bind(postings.iter().map(|(_, posting)| posting.account.seller_id().map(Id::uuid)).collect::<Vec<_>>())
    .bind(postings.iter().map(|(_, posting)| posting.amount.minor()).collect::<Vec<_>>())
    .bind(postings.iter().map(|(_, posting)| posting.amount.currency().code().to_owned()).collect::<Vec<_>>())
    .bind(&ids)
    .bind(transactions.iter().map(|each| each.key().order_id.uuid()).collect::<Vec<_>>())
    .bind(transactions.iter().map(|each| each.key().kind.as_str()).collect::<Vec<_>>())
    .bind(transactions.iter().map(|each| each.key().number).collect::<Vec<_>>())
    .bind(OffsetDateTime::from(now))
    .execute(tx)
    .await?;
    Ok(())
}

/// A posting, as it is listed.
#[derive(Debug)]
pub struct Found {
    /// Its place in the ledger.
    pub posting_id: i64,
    /// The transaction that it is a leg of.
    pub transaction_id: Uuid,
    /// The order.
    pub order_id: OrderId,
    /// The account.
    pub account: String,
    /// Positive debits the account, negative credits it.
    pub amount: Money,
    /// What happened.
    pub kind: String,
    /// When it was posted.
    pub created_at: Timestamp,
}

/// The postings after `after`, oldest first, at most `limit`; of one order or of all.
pub async fn list(pool: &PgPool, order_id: Option<OrderId>, after: i64, limit: i64) -> Result<Vec<Found>, Error> {
    let query = match order_id {
        Some(order_id) => sqlx::query(
            "SELECT p.*, t.order_id, t.kind, t.created_at
             FROM ledger_transaction t JOIN ledger_posting p USING (transaction_id)
             WHERE t.order_id = $3 AND p.posting_id > $1 ORDER BY p.posting_id LIMIT $2",
        )
        .bind(after)
        .bind(limit)
        .bind(order_id.uuid()),
        None => sqlx::query(
            "SELECT p.*, t.order_id, t.kind, t.created_at
             FROM ledger_posting p JOIN ledger_transaction t USING (transaction_id)
             WHERE p.posting_id > $1 ORDER BY p.posting_id LIMIT $2",
        )
        .bind(after)
        .bind(limit),
    };
    query.fetch_all(pool).await?.iter().map(from_row).collect()
}

/// What is owed to a seller in each currency: below zero when more was given back than was earned. Their postings credit what is owed.
pub async fn balances_of_seller(pool: &PgPool, seller_id: SellerId) -> Result<Vec<Money>, Error> {
    let rows = sqlx::query(
        "SELECT currency, (-sum(amount_minor))::bigint AS balance_minor FROM ledger_posting WHERE seller_id = $1
         GROUP BY currency ORDER BY currency",
    )
    .bind(seller_id.uuid())
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| money(row, "balance_minor")).collect()
}

fn from_row(row: &PgRow) -> Result<Found, Error> {
    Ok(Found {
        posting_id: row.try_get("posting_id")?,
        transaction_id: row.try_get("transaction_id")?,
        order_id: OrderId::from_uuid(row.try_get("order_id")?),
        account: row.try_get("account")?,
        amount: money(row, "amount_minor")?,
        kind: row.try_get("kind")?,
        created_at: row.try_get::<OffsetDateTime, _>("created_at")?.into(),
    })
}
