//! A variant with what a cart or a quote needs to know of its product, read by SKU in one statement.

use std::collections::HashMap;

use kernel::Sku;
use messaging::Error;
use sqlx::{PgPool, Row as _};

use super::product::{options_from_row, status_from_row, variant_from_row};
use super::{parsed, price};
use crate::domain::{ProductId, ProductOption, SellerId, Status, Title, Variant};

/// A variant with what a cart or a quote needs to know of its product.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The variant.
    pub variant: Variant,
    /// The product's options, which name the variant's values.
    pub options: Vec<ProductOption>,
    /// The product.
    pub product_id: ProductId,
    /// Its seller.
    pub seller_id: SellerId,
    /// Its title.
    pub title: Title,
    /// Whether it is on sale.
    pub status: Status,
}

/// Reads the offers of these SKUs; those that nobody offers are missing.
pub async fn find(pool: &PgPool, skus: &[Sku]) -> Result<HashMap<Sku, Offer>, Error> {
    // A row for each price: one statement is one moment, so status and prices belong together.
    let rows = sqlx::query(
        "SELECT sku, option_values, weight_grams, product_id, seller_id, title, status, options,
                currency, price_version, amount_minor, effective_at
         FROM variant
         JOIN product ON product.id = variant.product_id
         JOIN current_price USING (sku)
         JOIN price USING (sku, currency, price_version)
         WHERE sku = ANY($1)",
    )
    .bind(skus.iter().map(Sku::as_str).collect::<Vec<_>>())
    .fetch_all(pool)
    .await?;
    let mut offers: HashMap<Sku, Offer> = HashMap::with_capacity(skus.len());
    for row in &rows {
        let sku: Sku = parsed(row, "sku")?;
        let price = price::from_row(row)?;
        if let Some(offer) = offers.get_mut(&sku) {
            offer.variant.prices.insert(price.amount.currency(), price);
            continue;
        }
        let offer = Offer {
            variant: variant_from_row(row, [(price.amount.currency(), price)].into())?,
            options: options_from_row(row)?,
            product_id: ProductId::from_uuid(row.try_get("product_id")?),
            seller_id: SellerId::from_uuid(row.try_get("seller_id")?),
            title: parsed(row, "title")?,
            status: status_from_row(row)?,
        };
        offers.insert(sku, offer);
    }
    Ok(offers)
}

/// Whether anybody offers this SKU.
pub async fn exists(pool: &PgPool, sku: &Sku) -> Result<bool, Error> {
    let exists = sqlx::query_scalar("SELECT EXISTS (SELECT FROM variant WHERE sku = $1)");
    Ok(exists.bind(sku.as_str()).fetch_one(pool).await?)
}
