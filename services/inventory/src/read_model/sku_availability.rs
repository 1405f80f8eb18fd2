//! What each seller has of each SKU that it stocked: the rows of its warehouses, summed up.
//!
//! Warehouses that are closed count like any other: that one is closed or opened is no fact of a journal. What can be promised to an order
//! right now is asked of the stock itself (`BatchGetAvailability`).

use std::collections::BTreeMap;

use messaging::Error;
use messaging::read_model::Table;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row as _};
use uuid::Uuid;

use super::figures::{Figures, SellerSku, Sums};
use super::listing::{self, Cursor, Question};
use crate::domain::ids::SellerId;

/// Its table.
pub const TABLE: Table = Table {
    name: "sku_availability_view",
    differences: "
    SELECT format('the availability of %s of seller %s', sku, seller_id)
    FROM (SELECT * FROM sku_availability_view WHERE generation = $1) AS a
    FULL JOIN (SELECT * FROM sku_availability_view WHERE generation = $2) AS b USING (seller_id, sku)
    WHERE coalesce(a.places, 0) <> coalesce(b.places, 0)
       OR coalesce(a.warehouses, 0) <> coalesce(b.warehouses, 0)
       OR coalesce(a.total, 0) <> coalesce(b.total, 0)
       OR coalesce(a.reserved, 0) <> coalesce(b.reserved, 0)
       OR coalesce(a.committed, 0) <> coalesce(b.committed, 0)
    ORDER BY seller_id, sku LIMIT $3",
};

/// Changes sums.
pub(super) async fn save(tx: &mut PgConnection, changes: &BTreeMap<SellerSku, Sums>) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO sku_availability_view AS view (generation, seller_id, sku, places, warehouses, total, reserved, committed)
         SELECT * FROM unnest($1::integer[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
         ON CONFLICT (generation, seller_id, sku) DO UPDATE
         SET places = view.places + excluded.places, warehouses = view.warehouses + excluded.warehouses,
             total = view.total + excluded.total, reserved = view.reserved + excluded.reserved,
             committed = view.committed + excluded.committed",
    )
    .bind(changes.keys().map(|key| key.generation).collect::<Vec<_>>())
    .bind(changes.keys().map(|key| key.seller_id).collect::<Vec<_>>())
    .bind(changes.keys().map(|key| key.sku.as_str()).collect::<Vec<_>>())
    .bind(changes.values().map(|sums| sums.places).collect::<Vec<_>>())
    .bind(changes.values().map(|sums| sums.warehouses).collect::<Vec<_>>())
    .bind(changes.values().map(|sums| sums.figures.total).collect::<Vec<_>>())
    .bind(changes.values().map(|sums| sums.figures.reserved).collect::<Vec<_>>())
    .bind(changes.values().map(|sums| sums.figures.committed).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

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
    let view = ("sku_availability_view", "seller_id", "places > 0");
    let rows = listing::page(view, seller_id.uuid(), question, after, limit).fetch_all(pool).await?;
    rows.iter().map(from_row).collect()
}
