//! What became true.

use kernel::Sku;

use super::{Price, Product, ProductId, SellerId, UnitPrice};

/// What became true of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was created, as a draft.
    Created(Product),
    /// The price of a variant changed in one currency.
    PriceChanged {
        /// The product.
        product_id: ProductId,
        /// The variant.
        sku: Sku,
        /// The price before, if there was one in this currency.
        previous: Option<UnitPrice>,
        /// The price from now on.
        price: Price,
    },
    /// It went on sale.
    Published {
        /// The product.
        product_id: ProductId,
        /// Its seller.
        seller_id: SellerId,
    },
    /// It was taken off sale.
    Unpublished {
        /// The product.
        product_id: ProductId,
        /// Its seller.
        seller_id: SellerId,
    },
}
