//! What was posted for an order, as the ledger of payments has it. How it is shown is the business of `text`.

use anyhow::{Context, Result, bail, ensure};
use kernel::{Currency, Timestamp};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::databases::Databases;

/// What was posted for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// The order.
    pub order_id: Uuid,
    /// That of every posting. None if there is none.
    pub currency: Option<Currency>,
    /// Oldest first.
    pub transactions: Vec<Transaction>,
}

/// Postings that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Its id.
    pub transaction_id: Uuid,
    /// When it was posted.
    pub at: Timestamp,
    /// What happened, such as `capture`.
    pub kind: String,
    /// Its legs.
    pub postings: Vec<Posting>,
}

/// One leg of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The account, such as `escrow`.
    pub account: String,
    /// Minor units: positive debits the account, negative credits it.
    pub minor: i64,
}

type Row = (Uuid, OffsetDateTime, String, String, i64, String);

impl Ledger {
    /// Reads what was posted for an order. Fails if payments has never heard of it.
    pub async fn read(databases: &Databases, order_id: Uuid) -> Result<Self> {
        let payments = databases.of_service("payments");
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT t.transaction_id, t.created_at, t.kind, p.account, p.amount_minor, p.currency
             FROM payments.ledger_transaction t JOIN payments.ledger_posting p USING (transaction_id)
             WHERE t.order_id = $1 ORDER BY t.created_at, t.transaction_id, p.posting_id",
        )
        .bind(order_id)
        .fetch_all(payments)
        .await
        .context("reading the ledger")?;
        if rows.is_empty() {
            let is_known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM payments.payment WHERE order_id = $1)")
                .bind(order_id)
                .fetch_one(payments)
                .await
                .context("asking payments for the order")?;
            ensure!(is_known, "payments of this fleet knows no order with the id {order_id}");
        }
        Self::of_rows(order_id, rows)
    }

    fn of_rows(order_id: Uuid, rows: Vec<Row>) -> Result<Self> {
        let mut ledger = Self { order_id, currency: None, transactions: Vec::new() };
        for (transaction_id, at, kind, account, minor, currency) in rows {
            let currency: Currency = currency.parse().context("the currency of a posting")?;
            match ledger.currency {
                Some(other) if other != currency => bail!("order {order_id} was posted in {other} and in {currency}"),
                _ => ledger.currency = Some(currency),
            }
            let posting = Posting { account, minor };
            match ledger.transactions.last_mut() {
                Some(last) if last.transaction_id == transaction_id => last.postings.push(posting),
                _ => {
                    let postings = vec![posting];
                    ledger.transactions.push(Transaction { transaction_id, at: at.into(), kind, postings });
                }
            }
        }
        Ok(ledger)
    }

    /// Every posting.
    pub fn postings(&self) -> impl Iterator<Item = &Posting> {
        self.transactions.iter().flat_map(|transaction| &transaction.postings)
    }

    /// Whether every transaction sums to zero.
    pub fn balances(&self) -> bool {
        self.transactions.iter().all(Transaction::balances)
    }
}

impl Transaction {
    /// Whether its postings sum to zero.
    pub fn balances(&self) -> bool {
        self.postings.iter().map(|posting| i128::from(posting.minor)).sum::<i128>() == 0
    }
}
