//! What became true.

use kernel::Timestamp;

use super::allocation::{Allocation, Shortage};
use super::ids::OrderId;
use super::stock::StockItem;

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Every line of the order is held.
    InventoryReserved {
        /// The order.
        order_id: OrderId,
        /// What is held where.
        allocations: Vec<Allocation>,
        /// Until when.
        expires_at: Timestamp,
    },
    /// There was not enough for every line; nothing is held.
    InventoryRejected {
        /// The order.
        order_id: OrderId,
        /// What there was not enough of.
        shortages: Vec<Shortage>,
    },
    /// What was held belongs to the order.
    InventoryCommitted {
        /// The order.
        order_id: OrderId,
        /// What is committed where.
        allocations: Vec<Allocation>,
    },
    /// The payment came after the reservation had expired.
    InventoryCommitRefused {
        /// The order.
        order_id: OrderId,
    },
    /// The time of the reservation passed.
    ReservationExpired {
        /// The order.
        order_id: OrderId,
    },
    /// What was held is on sale again.
    InventoryReleased {
        /// The order.
        order_id: OrderId,
        /// What was given back where.
        allocations: Vec<Allocation>,
    },
    /// Goods came in.
    StockAdded {
        /// The stock after it.
        stock_item: StockItem,
        /// Units.
        quantity: i64,
        /// Why.
        reason: String,
    },
    /// A count was put right.
    StockAdjusted {
        /// The stock after it.
        stock_item: StockItem,
        /// Units, with their sign.
        delta: i64,
        /// Why.
        reason: String,
    },
    /// Goods left for an order.
    StockRemoved {
        /// The stock after it.
        stock_item: StockItem,
        /// Units.
        quantity: i64,
        /// The order.
        order_id: OrderId,
    },
}
