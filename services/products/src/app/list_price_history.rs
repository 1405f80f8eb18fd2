//! Lists the prices that a variant has had.

use kernel::{Currency, Sku};
use messaging::EventStore;

use super::Error;
use crate::adapters::postgres::{offer, price};
use crate::domain::{Price, Refusal};

/// At most `limit` prices of the variant in the currency, newest first, those before version `before`. A variant that was
/// never offered in the currency has none.
pub async fn list_price_history(
    store: &EventStore,
    sku: &Sku,
    currency: Currency,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Price>, Error> {
    let prices = price::history(store.pool(), sku, currency, before, limit).await?;
    if prices.is_empty() && !offer::exists(store.pool(), sku).await? {
        return Err(Refusal::VariantNotFound(sku.clone()).into());
    }
    Ok(prices)
}
