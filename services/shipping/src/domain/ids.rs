//! The ids that shipping names.

use kernel::Id;
use sha2::{Digest as _, Sha256};
use uuid::Builder;

/// Begins what is hashed, so that nothing else that is derived from the same two ids is ever the same.
const SHIPMENT_TAG: &[u8] = b"tradewind.shipping.shipment.1";
/// The same for returns. What follows is as long as a number or as an id, so the two are never the same either.
const RETURN_TAG: &[u8] = b"tradewind.shipping.return.1";

/// Names an order; only for its id.
pub enum Order {}
/// Names a shipment; only for its id.
pub enum Shipment {}
/// Names a parcel; only for its id.
pub enum Parcel {}
/// Names a return; only for its id.
pub enum Return {}
/// Names a receipt; only for its id.
pub enum Receipt {}
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
/// A return's id: [`return_of_refund`], [`return_of_parcel`].
pub type ReturnId = Id<Return>;
/// The id of what is taken in of a return at once.
pub type ReceiptId = Id<Receipt>;
/// A warehouse's id.
pub type WarehouseId = Id<Warehouse>;
/// A buyer's id.
pub type BuyerId = Id<Buyer>;
/// A seller's id.
pub type SellerId = Id<Seller>;
/// The id of an answer to what sending costs.
pub type QuoteId = Id<Quote>;

/// Which of an order's refunds: 1, 2, 3 and so on. Orders give it.
pub type RefundNumber = i32;

/// The id of what a warehouse sends for an order. It follows from both, so an order has one shipment of a warehouse, however often
/// that is asked for.
pub fn shipment_id(order_id: OrderId, warehouse_id: WarehouseId) -> ShipmentId {
    derived(SHIPMENT_TAG, order_id, warehouse_id.uuid().as_bytes())
}

/// The id of what a buyer sends back for a refund. It follows from both, so a refund has one return.
pub fn return_of_refund(order_id: OrderId, refund_number: RefundNumber) -> ReturnId {
    derived(RETURN_TAG, order_id, &refund_number.to_be_bytes())
}

/// The id of the return of a parcel that failed. It follows from both, so a parcel comes back once.
pub fn return_of_parcel(order_id: OrderId, parcel_id: ParcelId) -> ReturnId {
    derived(RETURN_TAG, order_id, parcel_id.uuid().as_bytes())
}

/// It begins with the moment that the order's id begins with, so new rows stay together in an index.
fn derived<T>(tag: &[u8], order_id: OrderId, rest: &[u8]) -> Id<T> {
    let order = order_id.uuid().into_bytes();
    let digest = Sha256::new().chain_update(tag).chain_update(order).chain_update(rest).finalize();
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&order[..6]);
    bytes[6..].copy_from_slice(&digest[..10]);
    Id::from_uuid(Builder::from_custom_bytes(bytes).into_uuid())
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
    fn a_return_id_follows_from_its_order_and_its_refund_or_its_parcel_for_ever() {
        let order_id = ORDER.parse().unwrap();
        let id = return_of_refund(order_id, 2);
        assert_eq!(id.to_string(), "01890a5d-ac96-8ddd-8a5b-6300c20120fa");
        assert_eq!(id.uuid().get_version_num(), 8);
        let parcel_id = WAREHOUSE.parse().unwrap();
        assert_eq!(return_of_parcel(order_id, parcel_id).to_string(), "01890a5d-ac96-8c35-83e6-4810c74080c5");
    }

    #[test]
    fn another_refund_or_another_parcel_has_another_return_and_no_shipment_has_its_id() {
        let (order_id, parcel_id) = (ORDER.parse().unwrap(), ParcelId::generate());
        assert_ne!(return_of_refund(order_id, 1), return_of_refund(order_id, 2));
        assert_ne!(return_of_refund(order_id, 1), return_of_refund(OrderId::generate(), 1));
        let id = return_of_parcel(order_id, parcel_id);
        assert_ne!(id, return_of_parcel(order_id, ParcelId::generate()));
        assert_ne!(id.uuid(), shipment_id(order_id, WarehouseId::from_uuid(parcel_id.uuid())).uuid());
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
