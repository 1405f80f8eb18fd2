//! What is asked of every list of stock, and the statement that answers it.

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};
use uuid::Uuid;

/// Which entries are listed, by what can be promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stock {
    /// Whatever it is.
    Any,
    /// Something can be.
    In,
    /// Nothing can be.
    Out,
}

impl Stock {
    /// The least and the most that can be promised of them.
    const fn bounds(self) -> (i64, i64) {
        match self {
            Self::Any => (i64::MIN, i64::MAX),
            Self::In => (1, i64::MAX),
            Self::Out => (i64::MIN, 0),
        }
    }
}

/// How a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// By SKU.
    Sku,
    /// By what can be promised, then by SKU, the least first.
    AvailableAscending,
    /// The exact reverse.
    AvailableDescending,
}

/// What is asked of a list: the entries to which all of it applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// By what can be promised.
    pub stock: Stock,
    /// What the SKU begins with.
    pub sku_prefix: String,
    /// How it is sorted.
    pub sort: Sort,
}

/// The entry behind which a page begins: what can be promised of it, and its SKU.
pub type Cursor = (i64, String);

/// Sorts after every SKU, and as the next character after every one that begins with the characters before it.
const BEHIND_EVERY_SKU: char = '~';

impl Sort {
    /// Before every entry.
    fn beginning(self) -> Cursor {
        match self {
            Self::Sku | Self::AvailableAscending => (i64::MIN, String::new()),
            Self::AvailableDescending => (i64::MAX, BEHIND_EVERY_SKU.to_string()),
        }
    }

    /// What is behind a place, and the order. Every statement takes the same parameters, also one that needs fewer.
    const fn clauses(self) -> (&'static str, &'static str) {
        match self {
            Self::Sku => ("sku > $3 AND $2::bigint IS NOT NULL", "sku"),
            Self::AvailableAscending => ("(available, sku) > ($2, $3)", "available, sku"),
            Self::AvailableDescending => ("(available, sku) < ($2, $3)", "available DESC, sku DESC"),
        }
    }
}

/// The entries of a view that belong to an owner, behind a place, at most `limit`. What else they must meet may take parameters from `$9` on.
///
/// The names and the condition are words of this service, never a caller's.
pub(super) fn page<'q>(
    (view, owner, condition): (&str, &str, &str),
    owner_id: Uuid,
    question: &Question,
    after: Option<Cursor>,
    limit: i64,
) -> Query<'q, Postgres, PgArguments> {
    let (behind, order) = question.sort.clauses();
    let (available, sku) = after.unwrap_or_else(|| question.sort.beginning());
    let (least, most) = question.stock.bounds();
    sqlx::query(AssertSqlSafe(format!(
        "SELECT * FROM {view}
         WHERE generation = (SELECT generation FROM read_model_generation WHERE state = 'serving')
           AND {owner} = $1 AND {behind} AND sku >= $4 AND sku < $5
           AND available BETWEEN $6 AND $7 AND {condition}
         ORDER BY {order} LIMIT $8"
    )))
    .bind(owner_id)
    .bind(available)
    .bind(sku)
    .bind(question.sku_prefix.clone())
    .bind(format!("{}{BEHIND_EVERY_SKU}", question.sku_prefix))
    .bind(least)
    .bind(most)
    .bind(limit)
}
