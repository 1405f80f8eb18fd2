//! The ids that shipping names.

use kernel::Id;
use sha2::{Digest as _, Sha256};
use uuid::Builder;

/// Begins what is hashed, so that nothing else that is derived from the same two ids is ever the same.
const SHIPMENT_TAG: &[u8] = b"tradewind.shipping.shipment.1";

/// Names an order; only for its id.
pub enum Order {}
/// Names a shipment; only for its id.
pub enum Shipment {}
/// Names a parcel; only for its id.
pub enum Parcel {}
/// Names a warehouse; only for its id.
pub enum Warehouse {}
/// Names a buyer; only for its id.
pub enum Buyer {}
/// Names a seller; only for its id.
pub enum Seller {}
/// Names an answer to what sending costs; only for its id.
pub enum Quote {}

/// An order's id; also the id of its consignment.
pub type OrderId = Id<Order>;
/// A shipment's id: [`shipment_id`].
pub type ShipmentId = Id<Shipment>;
/// A parcel's id.
pub type ParcelId = Id<Parcel>;
/// A warehouse's id.
pub type WarehouseId = Id<Warehouse>;
/// A buyer's id.
pub type BuyerId = Id<Buyer>;
/// A seller's id.
pub type SellerId = Id<Seller>;
/// The id of an answer to what sending costs.
pub type QuoteId = Id<Quote>;

/// The id of what a warehouse sends for an order. It follows from both, so an order has one shipment of a warehouse, however often
/// that is asked for. It begins with the moment that the order's id begins with, so new rows stay together in an index.
pub fn shipment_id(order_id: OrderId, warehouse_id: WarehouseId) -> ShipmentId {
    let (order, warehouse) = (order_id.uuid().into_bytes(), warehouse_id.uuid().into_bytes());
    let digest = Sha256::new().chain_update(SHIPMENT_TAG).chain_update(order).chain_update(warehouse).finalize();
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&order[..6]);
    bytes[6..].copy_from_slice(&digest[..10]);
    ShipmentId::from_uuid(Builder::from_custom_bytes(bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    const WAREHOUSE: &str = "018e4c1f-2b1d-7a61-9d0e-6a1f5c0f7e11";

    #[test]
    fn a_shipment_id_follows_from_its_order_and_its_warehouse_for_ever() {
        let id = shipment_id(ORDER.parse().unwrap(), WAREHOUSE.parse().unwrap());
        assert_eq!(id.to_string(), "01890a5d-ac96-8443-aad3-15ee6743c2a9");
        assert_eq!(id.uuid().get_version_num(), 8);
    }

    #[test]
    fn another_order_or_another_warehouse_has_another_shipment() {
        let (order, warehouse) = (ORDER.parse().unwrap(), WAREHOUSE.parse().unwrap());
        let id = shipment_id(order, warehouse);
        assert_ne!(shipment_id(order, WarehouseId::generate()), id);
        assert_ne!(shipment_id(OrderId::generate(), warehouse), id);
        // Nor is it the same when the two ids change places.
        let swapped = shipment_id(OrderId::from_uuid(warehouse.uuid()), WarehouseId::from_uuid(order.uuid()));
        assert_ne!(swapped, id);
    }
}
