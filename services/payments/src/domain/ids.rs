/// An order. A payment has the id of its order: there is one each.
pub enum Order {}
/// Identifies an order and its payment.
pub type OrderId = kernel::Id<Order>;

/// A shopper.
pub enum Buyer {}
/// Identifies a buyer.
pub type BuyerId = kernel::Id<Buyer>;

/// Whose goods are sold.
pub enum Seller {}
/// Identifies a seller.
pub type SellerId = kernel::Id<Seller>;
