//! What became true.

use kernel::Timestamp;

use super::allocation::{Allocation, Shortage};
use super::ids::OrderId;
use super::reservation::TermsVersion;
use super::stock::StockItem;
use super::transfer::Transfer;

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
    /// There is not enough for every line, and the order waits for more; nothing is held.
    InventoryBackordered {
        /// The order.
        order_id: OrderId,
        /// What there was not enough of.
        shortages: Vec<Shortage>,
        /// How long it waits.
        until: Timestamp,
    },
    /// What was held belongs to the order.
    InventoryCommitted {
        /// The order.
        order_id: OrderId,
        /// The version of what was agreed that it is committed for.
        terms_version: TermsVersion,
        /// What is committed where.
        allocations: Vec<Allocation>,
    },
    /// Less is held, because units were taken away from the order.
    ReservationModified {
        /// The order.
        order_id: OrderId,
        /// The version of what was agreed that it holds now.
        terms_version: TermsVersion,
        /// What it holds now where.
        allocations: Vec<Allocation>,
        /// What it holds no longer.
        released: Vec<Allocation>,
        /// Whether what it holds belongs to the order already.
        committed: bool,
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
        /// Whether it is a part, and the rest is still committed or has left.
        partial: bool,
    },
    /// Goods came in.
    StockAdded {
        /// The stock after it.
        stock_item: StockItem,
        /// Units.
        quantity: i64,
        /// Why.
        reason: String,
        /// The order that they come back from, if they do.
        order_id: Option<OrderId>,
    },
    /// Goods cannot be sold any more. Those that came back from an order were not on sale again before.
    StockWrittenOff {
        /// The stock after it.
        stock_item: StockItem,
        /// Units.
        quantity: i64,
        /// Why.
        reason: String,
        /// The order that they come back from, if they do.
        order_id: Option<OrderId>,
    },
    /// Nothing of a SKU can be promised any more in a warehouse.
    OutOfStock {
        /// The stock after it.
        stock_item: StockItem,
    },
    /// A SKU of which nothing could be promised any more in a warehouse can be promised again.
    BackInStock {
        /// The stock after it.
        stock_item: StockItem,
    },
    /// What can be promised of a SKU in a warehouse fell to its threshold or below.
    LowStock {
        /// The stock after it.
        stock_item: StockItem,
        /// The threshold.
        threshold: i64,
    },
    /// Goods left for another warehouse.
    TransferDispatched {
        /// The transfer.
        transfer: Transfer,
    },
    /// Goods of a transfer arrived, or are lost.
    TransferReceived {
        /// The transfer after it.
        transfer: Transfer,
        /// Units that arrived now.
        quantity: i64,
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
