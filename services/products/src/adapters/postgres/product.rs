//! Tables `product` and `variant`.

use std::collections::{BTreeMap, HashMap, HashSet};

use kernel::{Currency, Sku};
use messaging::{Error, Head};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row as _};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{corrupt, parsed, price};
use crate::domain::error::TakenSku;
use crate::domain::{
    Description, Listing, OptionName, OptionValue, Price, Product, ProductId, ProductOption, SellerId, Status, Variant,
    Weight,
};

/// A product and where its history stands.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The product.
    pub product: Product,
    /// Version and hash of its last event.
    pub head: Head,
}

/// An option as the column `options` keeps it.
#[derive(Serialize, Deserialize)]
struct OptionColumn {
    name: OptionName,
    values: Vec<OptionValue>,
}

/// Inserts a new product. Answers which of its SKUs are taken; if any is, the transaction must be rolled back. Waits for a
/// product with the same SKU that is being created in another transaction.
pub async fn insert(tx: &mut PgConnection, stored: &Stored) -> Result<Vec<TakenSku>, Error> {
    let Stored { product, head } = stored;
    sqlx::query(
        "INSERT INTO product (id, seller_id, title, description, status, options, created_at, updated_at,
                              version, head_hash, correlation_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(product.id.uuid())
    .bind(product.seller_id.uuid())
    .bind(product.title.as_str())
    .bind(product.description.as_str())
    .bind(product.status.as_str())
    .bind(options_column(&product.options))
    .bind(OffsetDateTime::from(product.created_at))
    .bind(OffsetDateTime::from(product.updated_at))
    .bind(head.version)
    .bind(head.hash.as_slice())
    .bind(head.correlation_id)
    .execute(&mut *tx)
    .await?;
    let taken = insert_variants(tx, product).await?;
    if taken.is_empty() {
        let variants = product.variants.iter();
        let prices = variants.flat_map(|variant| variant.prices.values().map(|price| (&variant.sku, *price)));
        let prices: Vec<(&Sku, Price)> = prices.collect();
        price::insert(tx, &prices).await?;
    }
    Ok(taken)
}

/// Inserts those variants whose SKU is free, and answers the others. In the order of the SKUs, so that two products with
/// several SKUs in common never wait for each other in a circle.
async fn insert_variants(tx: &mut PgConnection, product: &Product) -> Result<Vec<TakenSku>, Error> {
    let variants = &product.variants;
    let inserted: Vec<String> = sqlx::query_scalar(
        "INSERT INTO variant (sku, product_id, position, option_values, weight_grams)
         SELECT sku, $1, place - 1, option_values, weight_grams
         FROM unnest($2::text[], $3::jsonb[], $4::integer[]) WITH ORDINALITY
         AS t (sku, option_values, weight_grams, place)
         ORDER BY sku
         ON CONFLICT (sku) DO NOTHING
         RETURNING sku",
    )
    .bind(product.id.uuid())
    .bind(variants.iter().map(|variant| variant.sku.as_str()).collect::<Vec<_>>())
    .bind(variants.iter().map(|variant| Json(&variant.option_values)).collect::<Vec<_>>())
    .bind(variants.iter().map(|variant| variant.weight.grams()).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    let inserted: HashSet<&str> = inserted.iter().map(String::as_str).collect();
    let is_taken = |(index, variant): (usize, &Variant)| {
        (!inserted.contains(variant.sku.as_str())).then(|| TakenSku { sku: variant.sku.clone(), variant: index })
    };
    Ok(variants.iter().enumerate().filter_map(is_taken).collect())
}

/// Saves what can change of a product's own row, with its head. The row is locked.
pub async fn update(tx: &mut PgConnection, stored: &Stored) -> Result<(), Error> {
    sqlx::query("UPDATE product SET status = $2, updated_at = $3, version = $4, head_hash = $5 WHERE id = $1")
        .bind(stored.product.id.uuid())
        .bind(stored.product.status.as_str())
        .bind(OffsetDateTime::from(stored.product.updated_at))
        .bind(stored.head.version)
        .bind(stored.head.hash.as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

/// Loads and locks a product.
pub async fn load(tx: &mut PgConnection, id: ProductId) -> Result<Option<Stored>, Error> {
    let row =
        sqlx::query("SELECT * FROM product WHERE id = $1 FOR UPDATE").bind(id.uuid()).fetch_optional(&mut *tx).await?;
    Ok(complete(tx, row.as_slice()).await?.pop())
}

/// Loads and locks the product that has this variant.
pub async fn load_with_variant(tx: &mut PgConnection, sku: &Sku) -> Result<Option<Stored>, Error> {
    let row =
        sqlx::query("SELECT * FROM product WHERE id = (SELECT product_id FROM variant WHERE sku = $1) FOR UPDATE")
            .bind(sku.as_str())
            .fetch_optional(&mut *tx)
            .await?;
    Ok(complete(tx, row.as_slice()).await?.pop())
}

/// Reads a product, in a [`super::snapshot`].
pub async fn find(tx: &mut PgConnection, id: ProductId) -> Result<Option<Stored>, Error> {
    let row = sqlx::query("SELECT * FROM product WHERE id = $1").bind(id.uuid()).fetch_optional(&mut *tx).await?;
    Ok(complete(tx, row.as_slice()).await?.pop())
}

/// Reads the products of a listing, newest first, those made before the product `before`; in a [`super::snapshot`].
pub async fn list(
    tx: &mut PgConnection,
    listing: Listing,
    before: Option<ProductId>,
    limit: u32,
) -> Result<Vec<Stored>, Error> {
    let before = before.map_or(Uuid::max(), ProductId::uuid);
    // Three statements rather than one with conditions, so that each is served by its own index.
    let query = match listing {
        Listing::OnSale => {
            sqlx::query("SELECT * FROM product WHERE status = 'published' AND id < $1 ORDER BY id DESC LIMIT $2")
        }
        Listing::OnSaleOf(_) => sqlx::query(
            "SELECT * FROM product WHERE status = 'published' AND id < $1 AND seller_id = $3 ORDER BY id DESC LIMIT $2",
        ),
        Listing::AllOf(_) => {
            sqlx::query("SELECT * FROM product WHERE id < $1 AND seller_id = $3 ORDER BY id DESC LIMIT $2")
        }
    };
    let query = query.bind(before).bind(i64::from(limit));
    let query = match listing {
        Listing::OnSale => query,
        Listing::OnSaleOf(seller_id) | Listing::AllOf(seller_id) => query.bind(seller_id.uuid()),
    };
    let rows = query.fetch_all(&mut *tx).await?;
    complete(tx, &rows).await
}

/// Reads the variants and prices that belong to rows of `product`.
async fn complete(tx: &mut PgConnection, rows: &[PgRow]) -> Result<Vec<Stored>, Error> {
    let ids = rows.iter().map(|row| row.try_get("id")).collect::<Result<Vec<Uuid>, _>>()?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let variant_rows = sqlx::query(
        "SELECT sku, product_id, option_values, weight_grams FROM variant
         WHERE product_id = ANY($1) ORDER BY product_id, position",
    )
    .bind(ids)
    .fetch_all(&mut *tx)
    .await?;
    let skus = variant_rows.iter().map(|row| row.try_get("sku")).collect::<Result<Vec<&str>, _>>()?;
    let mut prices = price::in_force(tx, &skus).await?;
    let mut variants: HashMap<Uuid, Vec<Variant>> = HashMap::with_capacity(rows.len());
    for row in &variant_rows {
        let prices = prices.remove(&parsed::<Sku>(row, "sku")?).unwrap_or_default();
        variants.entry(row.try_get("product_id")?).or_default().push(variant_from_row(row, prices)?);
    }
    let stored = |row| product_from_row(row, variants.remove(&row.try_get("id")?).unwrap_or_default());
    rows.iter().map(stored).collect()
}

fn product_from_row(row: &PgRow, variants: Vec<Variant>) -> Result<Stored, Error> {
    let description: &str = row.try_get("description")?;
    let product = Product {
        id: ProductId::from_uuid(row.try_get("id")?),
        seller_id: SellerId::from_uuid(row.try_get("seller_id")?),
        title: parsed(row, "title")?,
        description: Description::new(description).map_err(|error| corrupt("description", error))?,
        status: status_from_row(row)?,
        options: options_from_row(row)?,
        variants,
        created_at: row.try_get::<OffsetDateTime, _>("created_at")?.into(),
        updated_at: row.try_get::<OffsetDateTime, _>("updated_at")?.into(),
    };
    Ok(Stored { product, head: Head::from_row(row)? })
}

pub(super) fn variant_from_row(row: &PgRow, prices: BTreeMap<Currency, Price>) -> Result<Variant, Error> {
    let Json(option_values) = row.try_get("option_values")?;
    let weight = Weight::from_grams(row.try_get("weight_grams")?).map_err(|error| corrupt("weight_grams", error))?;
    Ok(Variant { sku: parsed(row, "sku")?, option_values, weight, prices })
}

pub(super) fn status_from_row(row: &PgRow) -> Result<Status, Error> {
    let name: &str = row.try_get("status")?;
    Status::from_name(name).ok_or_else(|| corrupt("status", name))
}

pub(super) fn options_from_row(row: &PgRow) -> Result<Vec<ProductOption>, Error> {
    let Json(options): Json<Vec<OptionColumn>> = row.try_get("options")?;
    let option = |option: OptionColumn| {
        ProductOption::new(option.name, option.values).map_err(|error| corrupt("options", error))
    };
    options.into_iter().map(option).collect()
}

fn options_column(options: &[ProductOption]) -> Json<Vec<OptionColumn>> {
    let column =
        |option: &ProductOption| OptionColumn { name: option.name().clone(), values: option.values().to_vec() };
    Json(options.iter().map(column).collect())
}
