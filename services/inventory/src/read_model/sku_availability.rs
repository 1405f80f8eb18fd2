//! What each seller has of each SKU that it stocked: those rows of [`seller_inventory`](super::seller_inventory) that have ever been in a
//! warehouse, without what products told. It has no table of its own: nothing would be in it that is not there.
//!
//! Warehouses that are closed count like any other: that one is closed or opened is no fact of a journal. What can be promised to an order
//! right now is asked of the stock itself (`BatchGetAvailability`).

use messaging::Error;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row as _};
use uuid::Uuid;

use super::figures::Figures;
use super::listing::{self, Cursor, Question};
use crate::domain::ids::SellerId;

/// A seller's stock of one SKU.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns' comments are in the migration")]
pub struct Row {
    pub seller_id: Uuid,
    pub sku: String,
    pub warehouses: i64,
    /// Without what is in transit.
    pub figures: Figures,
    pub available: i64,
}

impl Row {
    /// Where a page that goes on behind this row begins.
    pub fn cursor(&self) -> Cursor {
        (self.available, self.sku.clone())
    }
}

fn from_row(row: &PgRow) -> Result<Row, Error> {
    Ok(Row {
        seller_id: row.try_get("seller_id")?,
        sku: row.try_get("sku")?,
        warehouses: row.try_get("warehouses")?,
        figures: Figures::from_row(row)?,
        available: row.try_get("available")?,
    })
}

/// A seller's SKUs behind a place, at most `limit`.
pub async fn list(
    pool: &PgPool,
    seller_id: SellerId,
    question: &Question,
    after: Option<Cursor>,
    limit: i64,
) -> Result<Vec<Row>, Error> {
    let view = ("seller_inventory_view", "seller_id", "places > 0");
    let rows = listing::page(view, seller_id.uuid(), question, after, limit).fetch_all(pool).await?;
    rows.iter().map(from_row).collect()
}
