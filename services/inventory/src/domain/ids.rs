//! The ids that inventory names.

use kernel::Id;

/// Names an order of the orders service.
pub enum Order {}
/// Names a seller.
pub enum Seller {}
/// Names a warehouse.
pub enum WarehouseTag {}
/// Names the stock of one SKU in one warehouse.
pub enum StockItemTag {}
/// Names a movement of stock.
pub enum MovementTag {}
/// Names a shipment of the shipping service.
pub enum Shipment {}
/// Names a parcel of the shipping service.
pub enum Parcel {}
/// Names a return of the shipping service.
pub enum Return {}
/// Names a transfer.
pub enum TransferTag {}

/// An order. A reservation has the id of its order.
pub type OrderId = Id<Order>;
/// A seller.
pub type SellerId = Id<Seller>;
/// A warehouse.
pub type WarehouseId = Id<WarehouseTag>;
/// The stock of one SKU in one warehouse.
pub type StockItemId = Id<StockItemTag>;
/// A movement of stock.
pub type MovementId = Id<MovementTag>;
/// A shipment: what one warehouse sends for one order.
pub type ShipmentId = Id<Shipment>;
/// A parcel of a shipment.
pub type ParcelId = Id<Parcel>;
/// Goods of an order that come back.
pub type ReturnId = Id<Return>;
/// Goods on their way from one warehouse to another.
pub type TransferId = Id<TransferTag>;
