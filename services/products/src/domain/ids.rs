//! The ids that products names.

use kernel::Id;

/// Names a product.
pub enum ProductTag {}
/// Names a seller of the accounts service.
pub enum Seller {}

/// A product.
pub type ProductId = Id<ProductTag>;
/// A seller.
pub type SellerId = Id<Seller>;
