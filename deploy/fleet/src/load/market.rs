//! A catalogue that is made, not written: sellers with many SKUs each and more stock than a run can sell.

use rand::RngExt;
use rand::rngs::StdRng;
use uuid::Uuid;

use crate::catalogue::{Catalogue, Product, Seller, Variant};

/// Variants of one product.
const VARIANTS: usize = 20;
/// The SKUs that a hot mix wants: so many of the first seller.
const HOT_SKUS: usize = 4;

/// How large the market is.
#[derive(Debug, Clone, Copy)]
pub struct Market {
    /// Sellers.
    pub sellers: usize,
    /// SKUs of each seller; above the number of hot ones.
    pub skus: usize,
    /// Units of each SKU.
    pub stock: i64,
}

/// Which SKUs orders want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mix {
    /// Every SKU as often as any other.
    Uniform,
    /// Every other order wants one of four SKUs, and a second one of the same seller.
    Hot,
}

impl Market {
    /// 2,000 SKUs of 20 sellers.
    pub const LARGE: Self = Self { sellers: 20, skus: 100, stock: 1_000_000 };

    /// Everything that is on offer, as a catalogue to load.
    pub fn catalogue(&self) -> Catalogue {
        Catalogue { sellers: (0..self.sellers).map(|seller| self.seller(seller)).collect() }
    }

    fn seller(&self, seller: usize) -> Seller {
        let skus: Vec<usize> = (0..self.skus).collect();
        let products = skus.chunks(VARIANTS).map(|skus| Product {
            title: format!("Ware {} of seller {seller}", skus[0]),
            option: Some("Number".to_owned()),
            variants: skus.iter().map(|sku| self.variant(seller, *sku)).collect(),
        });
        Seller {
            name: format!("Seller {seller}"),
            seller_id: seller_id(seller),
            warehouse: "MAIN".to_owned(),
            products: products.collect(),
        }
    }

    fn variant(&self, seller: usize, sku: usize) -> Variant {
        Variant {
            sku: sku_name(seller, sku),
            value: Some(sku.to_string()),
            usd_cents: 500 + (sku as i64 * 37) % 5_000,
            grams: 250,
            stock: self.stock,
        }
    }

    /// Two different SKUs of one seller, as an order wants them.
    pub fn pick(&self, mix: Mix, random: &mut StdRng) -> [String; 2] {
        let (seller, first) = if mix == Mix::Hot && random.random_bool(0.5) {
            (0, random.random_range(0..HOT_SKUS))
        } else {
            (random.random_range(0..self.sellers), random.random_range(0..self.skus))
        };
        let second = (first + random.random_range(1..self.skus)) % self.skus;
        [sku_name(seller, first), sku_name(seller, second)]
    }
}

fn sku_name(seller: usize, sku: usize) -> String {
    format!("S{seller:03}-{sku:04}")
}

/// The same in every run, so that a run can be repeated.
fn seller_id(seller: usize) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + seller as u128)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::SeedableRng;

    use super::*;

    #[test]
    fn an_order_wants_two_different_skus_of_one_seller() {
        let market = Market { sellers: 3, skus: 5, stock: 1 };
        let catalogue = market.catalogue();
        let mut random = StdRng::seed_from_u64(1);
        for mix in [Mix::Uniform, Mix::Hot] {
            for _ in 0..1_000 {
                let [first, second] = market.pick(mix, &mut random);
                assert_ne!(first, second);
                let seller = |sku: &str| catalogue.seller_of(sku).unwrap().seller_id;
                assert_eq!(seller(&first), seller(&second));
            }
        }
    }

    #[test]
    fn half_of_a_hot_mix_wants_one_of_four_skus() {
        let mut random = StdRng::seed_from_u64(1);
        let hot: HashSet<_> = (0..HOT_SKUS).map(|sku| sku_name(0, sku)).collect();
        let wanted = (0..10_000).filter(|_| hot.contains(&Market::LARGE.pick(Mix::Hot, &mut random)[0])).count();
        assert!((4_800..5_300).contains(&wanted), "{wanted}");
    }

    #[test]
    fn one_seed_makes_one_sequence_of_orders() {
        let orders = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            (0..20).map(|_| Market::LARGE.pick(Mix::Uniform, &mut random)).collect::<Vec<_>>()
        };
        assert_eq!(orders(7), orders(7));
        assert_ne!(orders(7), orders(8));
    }
}
