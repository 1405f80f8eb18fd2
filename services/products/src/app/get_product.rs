//! Reads one product.

use messaging::EventStore;

use super::Error;
use crate::adapters::postgres::product::{self, Stored};
use crate::adapters::postgres::snapshot;
use crate::domain::{Authority, ProductId, Refusal};

/// The product, if there is one that the caller may see.
pub async fn get_product(store: &EventStore, product_id: ProductId, authority: Authority) -> Result<Stored, Error> {
    let stored = product::find(&mut *snapshot(store.pool()).await?, product_id).await?;
    Ok(stored.filter(|stored| authority.sees(&stored.product)).ok_or(Refusal::ProductNotFound)?)
}
