//! Lists products, newest first.

use messaging::EventStore;

use super::Error;
use crate::adapters::postgres::product::{self, Stored};
use crate::adapters::postgres::snapshot;
use crate::domain::{Listing, ProductId};

/// At most `limit` products of the listing, newest first, those made before the product `before`.
pub async fn list_products(
    store: &EventStore,
    listing: Listing,
    before: Option<ProductId>,
    limit: u32,
) -> Result<Vec<Stored>, Error> {
    Ok(product::list(&mut *snapshot(store.pool()).await?, listing, before, limit).await?)
}
