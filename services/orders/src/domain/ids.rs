//! The ids that orders name.

use kernel::Id;

/// Names an order; only for its id.
pub enum Order {}
/// Names a checkout; only for its id.
pub enum Checkout {}
/// Names a buyer; only for its id.
pub enum Buyer {}
/// Names a seller; only for its id.
pub enum Seller {}
/// Names a product; only for its id.
pub enum Product {}
/// Names a warehouse; only for its id.
pub enum Warehouse {}
/// Names a parcel; only for its id.
pub enum Parcel {}

/// An order's id; also the id of its reservation and of its payment.
pub type OrderId = Id<Order>;
/// The checkout that orders come from; also the correlation id of their saga.
pub type CheckoutId = Id<Checkout>;
/// A buyer's id.
pub type BuyerId = Id<Buyer>;
/// A seller's id.
pub type SellerId = Id<Seller>;
/// A product's id.
pub type ProductId = Id<Product>;
/// A warehouse's id.
pub type WarehouseId = Id<Warehouse>;
/// A parcel's id.
pub type ParcelId = Id<Parcel>;
