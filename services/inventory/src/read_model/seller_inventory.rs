//! What each seller has of each SKU that it offers or stocked, under the title of its product: the rows of its warehouses, summed up, and what
//! products told.

use std::collections::BTreeMap;

use contracts::products::v1::ProductCreated;
use messaging::Error;
use messaging::read_model::{Generation, Heard, Table};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row as _};
use uuid::Uuid;

use super::figures::{Figures, SellerSku, Sums};
use super::listing::{self, Cursor, Question};
use crate::domain::ids::SellerId;

/// Its table.
pub const TABLE: Table = Table {
    name: "seller_inventory_view",
    differences: "
    SELECT format('the inventory of %s of seller %s', sku, seller_id)
    FROM (SELECT * FROM seller_inventory_view WHERE generation = $1) AS a
    FULL JOIN (SELECT * FROM seller_inventory_view WHERE generation = $2) AS b USING (seller_id, sku)
    WHERE coalesce(a.title, '') <> coalesce(b.title, '')
       OR coalesce(a.places, 0) <> coalesce(b.places, 0)
       OR coalesce(a.warehouses, 0) <> coalesce(b.warehouses, 0)
       OR coalesce(a.total, 0) <> coalesce(b.total, 0)
       OR coalesce(a.reserved, 0) <> coalesce(b.reserved, 0)
       OR coalesce(a.committed, 0) <> coalesce(b.committed, 0)
       OR coalesce(a.in_transit, 0) <> coalesce(b.in_transit, 0)
    ORDER BY seller_id, sku LIMIT $3",
};

/// By how much a row changes, and the title that it has from then on; it keeps its own where that is empty.
pub type Change = (Sums, String);

/// How which rows change by what products told and by what their warehouses have.
///
/// # Errors
/// What products told cannot be read.
pub fn project<'a>(
    generations: &[Generation],
    heard: impl IntoIterator<Item = &'a Heard>,
    sums: &BTreeMap<SellerSku, Sums>,
) -> Result<BTreeMap<SellerSku, Change>, Error> {
    let change = |(key, sums): (&SellerSku, &Sums)| (key.clone(), (*sums, String::new()));
    let mut changes: BTreeMap<SellerSku, Change> = sums.iter().map(change).collect();
    for event in heard {
        let (seller_id, title, skus) = titled(event.read()?).map_err(Error::Corrupt)?;
        for generation in generations {
            for sku in &skus {
                let key = SellerSku { generation: *generation, seller_id, sku: sku.clone() };
                changes.entry(key).or_default().1.clone_from(&title);
            }
        }
    }
    Ok(changes)
}

/// Whose product was created, its title, and its SKUs.
///
/// # Errors
/// Says what of it cannot be read.
pub(super) fn titled(created: ProductCreated) -> Result<(Uuid, String, Vec<String>), String> {
    let product = created.product.ok_or("there is no product")?;
    let seller_id = product.seller_id.parse().map_err(|error| format!("seller_id: {error}"))?;
    Ok((seller_id, product.title, product.variants.into_iter().map(|variant| variant.sku).collect()))
}

/// Changes rows.
pub(super) async fn save(tx: &mut PgConnection, changes: &BTreeMap<SellerSku, Change>) -> Result<(), Error> {
    fn sums<'a>(
        changes: &'a BTreeMap<SellerSku, Change>,
        value: impl Fn(&Sums) -> i64 + 'a,
    ) -> impl Iterator<Item = i64> + 'a {
        changes.values().map(move |(sums, _)| value(sums))
    }
    if changes.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO seller_inventory_view AS view
             (generation, seller_id, sku, title, places, warehouses, total, reserved, committed, in_transit)
         SELECT * FROM unnest($1::integer[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
                              $9::bigint[], $10::bigint[])
         ON CONFLICT (generation, seller_id, sku) DO UPDATE
         SET title = coalesce(nullif(excluded.title, ''), view.title), places = view.places + excluded.places,
             warehouses = view.warehouses + excluded.warehouses, total = view.total + excluded.total,
             reserved = view.reserved + excluded.reserved, committed = view.committed + excluded.committed,
             in_transit = view.in_transit + excluded.in_transit",
    )
    .bind(changes.keys().map(|key| key.generation).collect::<Vec<_>>())
    .bind(changes.keys().map(|key| key.seller_id).collect::<Vec<_>>())
    .bind(changes.keys().map(|key| key.sku.as_str()).collect::<Vec<_>>())
    .bind(changes.values().map(|(_, title)| title.as_str()).collect::<Vec<_>>())
    .bind(sums(changes, |sums| sums.places).collect::<Vec<_>>())
    .bind(sums(changes, |sums| sums.warehouses).collect::<Vec<_>>())
    .bind(sums(changes, |sums| sums.figures.total).collect::<Vec<_>>())
    .bind(sums(changes, |sums| sums.figures.reserved).collect::<Vec<_>>())
    .bind(sums(changes, |sums| sums.figures.committed).collect::<Vec<_>>())
    .bind(sums(changes, |sums| sums.figures.in_transit).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// What a seller has of one SKU.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns' comments are in the migration")]
pub struct Row {
    pub seller_id: Uuid,
    pub sku: String,
    pub title: String,
    pub warehouses: i64,
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
        title: row.try_get("title")?,
        warehouses: row.try_get("warehouses")?,
        figures: Figures::all_from_row(row)?,
        available: row.try_get("available")?,
    })
}

/// A seller's SKUs behind a place, at most `limit`; on request only those of which something is in transit.
pub async fn list(
    pool: &PgPool,
    seller_id: SellerId,
    question: &Question,
    in_transit: bool,
    after: Option<Cursor>,
    limit: i64,
) -> Result<Vec<Row>, Error> {
    let view = ("seller_inventory_view", "seller_id", "(places > 0 OR title <> '') AND (NOT $9 OR in_transit > 0)");
    let page = listing::page(view, seller_id.uuid(), question, after, limit).bind(in_transit);
    page.fetch_all(pool).await?.iter().map(from_row).collect()
}
