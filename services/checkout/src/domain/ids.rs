//! The identities that checkout names. Only quotes, checkouts and orders are born here.

use kernel::Id;

/// Names an offer.
pub enum Quote {}
/// A quote's id.
pub type QuoteId = Id<Quote>;

/// Names an accepted offer.
pub enum Checkout {}
/// A checkout's id: also the correlation id of everything that follows from it.
pub type CheckoutId = Id<Checkout>;

/// Names an order. Its id is given here, so that a submission can answer with it at once.
pub enum Order {}
/// An order's id.
pub type OrderId = Id<Order>;

/// Names a cart.
pub enum Cart {}
/// A cart's id.
pub type CartId = Id<Cart>;

/// Names a buyer.
pub enum Buyer {}
/// A buyer's id.
pub type BuyerId = Id<Buyer>;

/// Names a seller.
pub enum Seller {}
/// A seller's id.
pub type SellerId = Id<Seller>;

/// Names a product.
pub enum Product {}
/// A product's id.
pub type ProductId = Id<Product>;
