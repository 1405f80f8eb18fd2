//! Reads many variants by SKU.

use kernel::Sku;
use messaging::EventStore;

use super::Error;
use crate::adapters::postgres::offer::{self, Offer};

/// What was found of the SKUs that were asked for.
#[derive(Debug, Default)]
pub struct Found {
    /// The variants that exist, in the order asked.
    pub offers: Vec<Offer>,
    /// The SKUs that nobody offers, in the order asked.
    pub unknown: Vec<Sku>,
}

/// Reads the variants of these SKUs, on sale or not. A SKU that is asked for twice is answered once.
pub async fn batch_get_variants(store: &EventStore, skus: &[Sku]) -> Result<Found, Error> {
    let mut offers = offer::find(store.pool(), skus).await?;
    let mut found = Found::default();
    for sku in skus {
        if let Some(offer) = offers.remove(sku) {
            found.offers.push(offer);
        } else if !found.unknown.contains(sku) && !found.offers.iter().any(|offer| offer.variant.sku == *sku) {
            found.unknown.push(sku.clone());
        }
    }
    Ok(found)
}
