//! The catalogue that the demo and `fleet up` load: `deploy/fleet/catalogue.toml`, made for editing.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use uuid::Uuid;

/// Everything that is on offer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Who offers it.
    #[serde(rename = "seller")]
    pub sellers: Vec<Seller>,
}

/// A seller with a warehouse.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seller {
    /// Name, for the demo's tale.
    pub name: String,
    /// Id.
    pub seller_id: Uuid,
    /// Code of the warehouse.
    pub warehouse: String,
    /// What it offers.
    #[serde(rename = "product")]
    pub products: Vec<Product>,
}

/// A product with its variants.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Title.
    pub title: String,
    /// The one option that the variants differ in; none for a product with a single variant.
    pub option: Option<String>,
    /// Variants.
    #[serde(rename = "variant")]
    pub variants: Vec<Variant>,
}

/// A variant with its price and stock.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// SKU.
    pub sku: String,
    /// Value of the product's option.
    pub value: Option<String>,
    /// Price in US cents.
    pub usd_cents: i64,
    /// Weight in grams.
    pub grams: i32,
    /// Units on hand.
    pub stock: i64,
}

impl Catalogue {
    /// Reads the file.
    pub fn read() -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue.toml");
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let catalogue: Self = toml::from_str(&text).with_context(|| format!("{} is not right", path.display()))?;
        anyhow::ensure!(!catalogue.sellers.is_empty(), "{} names no seller", path.display());
        Ok(catalogue)
    }

    /// How many products there are.
    pub fn products(&self) -> usize {
        self.sellers.iter().map(|seller| seller.products.len()).sum()
    }

    /// The seller of a SKU.
    pub fn seller_of(&self, sku: &str) -> Option<&Seller> {
        let offers = |seller: &&Seller| seller.products.iter().flat_map(|p| &p.variants).any(|v| v.sku == sku);
        self.sellers.iter().find(offers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_has_three_sellers_and_thirty_products() {
        let catalogue = Catalogue::read().unwrap();
        assert_eq!((catalogue.sellers.len(), catalogue.products()), (3, 30));
    }
}
