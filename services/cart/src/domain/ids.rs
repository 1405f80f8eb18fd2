//! The ids that cart names.

use kernel::Id;

/// Names a cart.
pub enum CartTag {}
/// Names a buyer of the accounts service.
pub enum Buyer {}
/// Names a product of the products service.
pub enum Product {}
/// Names a seller of the accounts service.
pub enum Seller {}

/// A cart.
pub type CartId = Id<CartTag>;
/// A buyer.
pub type BuyerId = Id<Buyer>;
/// A product.
pub type ProductId = Id<Product>;
/// A seller.
pub type SellerId = Id<Seller>;
