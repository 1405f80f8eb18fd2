//! The stock of each SKU in each warehouse: what the histories contribute, summed up.

use std::collections::BTreeMap;

use messaging::Error;
use messaging::read_model::{Generation, Table};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row as _};
use uuid::Uuid;

use super::contribution::{Contributions, Share};
use super::figures::{Figures, Place, SellerSku, Sums};
use super::listing::{self, Cursor, Question};
use crate::domain::ids::WarehouseId;

/// Its table.
pub const TABLE: Table = Table {
    name: "warehouse_stock_view",
    differences: "
    SELECT format('the stock of %s in warehouse %s', sku, warehouse_id)
    FROM (SELECT * FROM warehouse_stock_view WHERE generation = $1) AS a
    FULL JOIN (SELECT * FROM warehouse_stock_view WHERE generation = $2) AS b USING (warehouse_id, sku)
    WHERE a.seller_id IS DISTINCT FROM b.seller_id
       OR coalesce(a.named_by, 0) <> coalesce(b.named_by, 0)
       OR coalesce(a.total, 0) <> coalesce(b.total, 0)
       OR coalesce(a.reserved, 0) <> coalesce(b.reserved, 0)
       OR coalesce(a.committed, 0) <> coalesce(b.committed, 0)
       OR coalesce(a.in_transit, 0) <> coalesce(b.in_transit, 0)
    ORDER BY warehouse_id, sku LIMIT $3",
};

/// By how much a row changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Whose stock it is, if that is said.
    pub seller_id: Option<Uuid>,
    /// How many histories more say so.
    pub named_by: i64,
    /// By how much the figures change.
    pub figures: Figures,
}

impl Change {
    fn add(&mut self, share: &Share) {
        self.seller_id = self.seller_id.or(share.seller_id);
        self.named_by += i64::from(share.seller_id.is_some());
        self.figures += share.figures;
    }

    fn take(&mut self, share: &Share) {
        self.named_by -= i64::from(share.seller_id.is_some());
        self.figures -= share.figures;
    }
}

/// By how much which rows change.
pub type Changes = BTreeMap<(Generation, Place), Change>;

/// By how much which rows change when contributions take the place of those that were there.
pub fn project(before: &Contributions, now: &Contributions) -> Changes {
    let mut changes = Changes::new();
    for (key, contribution) in now.iter().filter(|(key, contribution)| before.get(key) != Some(contribution)) {
        let at = |place: &Place| (key.0, place.clone());
        for (place, share) in before.get(key).into_iter().flat_map(|contribution| &contribution.shares) {
            changes.entry(at(place)).or_default().take(share);
        }
        for (place, share) in &contribution.shares {
            changes.entry(at(place)).or_default().add(share);
        }
    }
    changes.retain(|_, change| change.named_by != 0 || change.figures != Figures::default());
    changes
}

/// Changes rows, and answers by how much that changes what their sellers have.
pub(super) async fn save(tx: &mut PgConnection, changes: &Changes) -> Result<BTreeMap<SellerSku, Sums>, Error> {
    if changes.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query(
        "INSERT INTO warehouse_stock_view AS view
             (generation, warehouse_id, sku, seller_id, named_by, total, reserved, committed, in_transit)
         SELECT * FROM unnest($1::integer[], $2::uuid[], $3::text[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
                              $9::bigint[])
         ON CONFLICT (generation, warehouse_id, sku) DO UPDATE
         SET seller_id = coalesce(view.seller_id, excluded.seller_id), named_by = view.named_by + excluded.named_by,
             total = view.total + excluded.total, reserved = view.reserved + excluded.reserved,
             committed = view.committed + excluded.committed, in_transit = view.in_transit + excluded.in_transit
         RETURNING *",
    )
    .bind(changes.keys().map(|(generation, _)| *generation).collect::<Vec<_>>())
    .bind(changes.keys().map(|(_, place)| place.warehouse_id).collect::<Vec<_>>())
    .bind(changes.keys().map(|(_, place)| place.sku.as_str()).collect::<Vec<_>>())
    .bind(changes.values().map(|change| change.seller_id).collect::<Vec<_>>())
    .bind(changes.values().map(|change| change.named_by).collect::<Vec<_>>())
    .bind(changes.values().map(|change| change.figures.total).collect::<Vec<_>>())
    .bind(changes.values().map(|change| change.figures.reserved).collect::<Vec<_>>())
    .bind(changes.values().map(|change| change.figures.committed).collect::<Vec<_>>())
    .bind(changes.values().map(|change| change.figures.in_transit).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    let mut sums: BTreeMap<SellerSku, Sums> = BTreeMap::new();
    for row in &rows {
        let (generation, row) = (row.try_get("generation")?, from_row(row)?);
        let Some(seller_id) = row.seller_id else { continue };
        let key = SellerSku { generation, seller_id, sku: row.place.sku.clone() };
        let change = changes.get(&(generation, row.place.clone())).copied().unwrap_or_default();
        *sums.entry(key).or_default() += change_of_sums(&row, change);
    }
    sums.retain(|_, sums| *sums != Sums::default());
    Ok(sums)
}

/// By how much a row that has changed changes what its seller has. Once it is known whose it is, all of it counts.
fn change_of_sums(after: &Row, change: Change) -> Sums {
    let mut sums = Sums::of(after.figures);
    if after.named_by > change.named_by {
        let mut before = after.figures;
        before -= change.figures;
        sums -= Sums::of(before);
    }
    sums
}

/// The stock of one SKU in one warehouse.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns' comments are in the migration")]
pub struct Row {
    pub place: Place,
    pub seller_id: Option<Uuid>,
    pub named_by: i64,
    pub figures: Figures,
    pub available: i64,
}

impl Row {
    /// Where a page that goes on behind this row begins.
    pub fn cursor(&self) -> Cursor {
        (self.available, self.place.sku.clone())
    }
}

fn from_row(row: &PgRow) -> Result<Row, Error> {
    Ok(Row {
        place: Place { warehouse_id: row.try_get("warehouse_id")?, sku: row.try_get("sku")? },
        seller_id: row.try_get("seller_id")?,
        named_by: row.try_get("named_by")?,
        figures: Figures::all_from_row(row)?,
        available: row.try_get("available")?,
    })
}

/// The stock of a warehouse behind a place, at most `limit`.
pub async fn list(
    pool: &PgPool,
    warehouse_id: WarehouseId,
    question: &Question,
    after: Option<Cursor>,
    limit: i64,
) -> Result<Vec<Row>, Error> {
    let view = ("warehouse_stock_view", "warehouse_id", "seller_id IS NOT NULL");
    let rows = listing::page(view, warehouse_id.uuid(), question, after, limit).fetch_all(pool).await?;
    rows.iter().map(from_row).collect()
}
