//! Tables `price` and `current_price`.

use std::collections::BTreeMap;
use std::collections::HashMap;

use kernel::{Currency, Money, Sku};
use messaging::Error;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row as _};
use time::OffsetDateTime;

use super::{corrupt, parsed};
use crate::domain::{Price, UnitPrice};

/// Adds prices to the history and puts them in force. The rows of their products are locked, or are new.
pub async fn insert(tx: &mut PgConnection, prices: &[(&Sku, Price)]) -> Result<(), Error> {
    sqlx::query(
        "WITH entry AS (
             SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[])
             AS t (sku, currency, price_version, amount_minor, effective_at)
         ), historic AS (
             INSERT INTO price (sku, currency, price_version, amount_minor, effective_at)
             SELECT sku, currency, price_version, amount_minor, effective_at FROM entry
         )
         INSERT INTO current_price (sku, currency, price_version)
         SELECT sku, currency, price_version FROM entry
         ON CONFLICT (sku, currency) DO UPDATE SET price_version = excluded.price_version",
    )
    .bind(prices.iter().map(|(sku, _)| sku.as_str()).collect::<Vec<_>>())
    .bind(prices.iter().map(|(_, price)| price.amount.currency().to_string()).collect::<Vec<_>>())
    .bind(prices.iter().map(|(_, price)| price.version).collect::<Vec<_>>())
    .bind(prices.iter().map(|(_, price)| price.amount.money().minor()).collect::<Vec<_>>())
    .bind(prices.iter().map(|(_, price)| OffsetDateTime::from(price.effective_at)).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// The prices in force of these variants, by SKU.
pub async fn in_force(
    connection: &mut PgConnection,
    skus: &[&str],
) -> Result<HashMap<Sku, BTreeMap<Currency, Price>>, Error> {
    let rows = sqlx::query(
        "SELECT sku, currency, price_version, amount_minor, effective_at
         FROM current_price JOIN price USING (sku, currency, price_version)
         WHERE sku = ANY($1)",
    )
    .bind(skus)
    .fetch_all(connection)
    .await?;
    let mut prices: HashMap<Sku, BTreeMap<Currency, Price>> = HashMap::with_capacity(skus.len());
    for row in &rows {
        let price = from_row(row)?;
        prices.entry(parsed(row, "sku")?).or_default().insert(price.amount.currency(), price);
    }
    Ok(prices)
}

/// The prices of a variant in a currency, newest first, those before version `before`.
pub async fn history(
    pool: &PgPool,
    sku: &Sku,
    currency: Currency,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Price>, Error> {
    let rows = sqlx::query(
        "SELECT currency, price_version, amount_minor, effective_at FROM price
         WHERE sku = $1 AND currency = $2 AND price_version < $3
         ORDER BY price_version DESC LIMIT $4",
    )
    .bind(sku.as_str())
    .bind(currency.code())
    .bind(before.unwrap_or(i64::MAX))
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.iter().map(from_row).collect()
}

pub(super) fn from_row(row: &PgRow) -> Result<Price, Error> {
    let amount = Money::from_minor(row.try_get("amount_minor")?, parsed(row, "currency")?);
    Ok(Price {
        amount: UnitPrice::new(amount).map_err(|error| corrupt("amount_minor", error))?,
        version: row.try_get("price_version")?,
        effective_at: row.try_get::<OffsetDateTime, _>("effective_at")?.into(),
    })
}
