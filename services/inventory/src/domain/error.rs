//! What inventory refuses.

use kernel::{Classified, ErrorKind, Sku};

use super::ids::{OrderId, TransferId, WarehouseId};

/// A refusal. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A payment was authorized for an order that inventory holds nothing for. Payments waits for the reservation, so this
    /// cannot be; an operator has to look.
    #[error("order {0} has a payment, and no stock was ever held for it")]
    NothingReserved(OrderId),
    /// More is left of an order and of what was split off it than is held for it. Orders only takes away, so this cannot be; an operator has to
    /// look.
    #[error("order {0} was modified, and asks for more than is held for it")]
    ModifiedToMore(OrderId),
    /// Goods left for an order that no stock is committed to, or came back from one or were stopped, or money of one was given back. All of
    /// that happens only once it is, so this cannot be; an operator has to look.
    #[error(
        "goods left for order {0}, came back from it or were stopped, or its money was given back, and no stock is committed to it"
    )]
    NothingCommitted(OrderId),
    /// More left a warehouse than it holds for the order, or what it holds none of. Shipping counts with the same figures, so this
    /// cannot be; an operator has to look.
    #[error(
        "{dispatched} units of {sku} left warehouse {warehouse_id} for order {order_id}, which was given {held} there"
    )]
    DispatchedMoreThanHeld {
        /// The order.
        order_id: OrderId,
        /// The warehouse.
        warehouse_id: WarehouseId,
        /// The variant.
        sku: Sku,
        /// Units that are said to have left so far.
        dispatched: i64,
        /// Units that the order was given there.
        held: i64,
    },
    /// More is stopped in a warehouse than it holds for the order and has not let go. Shipping counts with the same figures, so this cannot
    /// be; an operator has to look.
    #[error(
        "{stopped} units of {sku} are stopped in warehouse {warehouse_id} for order {order_id}, which has {held} there"
    )]
    StoppedMoreThanHeld {
        /// The order.
        order_id: OrderId,
        /// The warehouse.
        warehouse_id: WarehouseId,
        /// The variant.
        sku: Sku,
        /// Units that are said to be stopped so far.
        stopped: i64,
        /// Units that the order was given there and that have not left.
        held: i64,
    },
    /// More came back to a warehouse than had left it for the order. Shipping counts with the same figures, so this cannot be; an
    /// operator has to look.
    #[error(
        "{returned} units of {sku} came back to warehouse {warehouse_id} from order {order_id}, and {dispatched} had left it"
    )]
    ReturnedMoreThanDispatched {
        /// The order.
        order_id: OrderId,
        /// The warehouse.
        warehouse_id: WarehouseId,
        /// The variant.
        sku: Sku,
        /// Units that are said to have come back so far.
        returned: i64,
        /// Units that have left.
        dispatched: i64,
    },
    /// Less would be left than what is promised.
    #[error("{left} units of {sku} would be left, and {promised} are promised to orders")]
    StockBelowPromised {
        /// The variant.
        sku: Sku,
        /// Units that would be left.
        left: i64,
        /// Units promised.
        promised: i64,
    },
    /// Goods arrived of a transfer that never left.
    #[error("there is no transfer {0}")]
    NoSuchTransfer(TransferId),
    /// Everything of the transfer that arrives has arrived.
    #[error("nothing more of transfer {0} is awaited")]
    TransferReceived(TransferId),
    /// More would arrive than is on its way.
    #[error("{quantity} units arrived of transfer {transfer_id}, and {in_transit} are on their way")]
    MoreThanInTransit {
        /// The transfer.
        transfer_id: TransferId,
        /// Units that are said to have arrived.
        quantity: i64,
        /// Units on their way.
        in_transit: i64,
    },
    /// More would be on hand than a warehouse may hold.
    #[error("a warehouse holds at most {} units of {sku}", super::stock::TOTAL_MAX)]
    StockLimit {
        /// The variant.
        sku: Sku,
    },
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoSuchTransfer(_) => ErrorKind::NotFound,
            Self::NothingReserved(_)
            | Self::ModifiedToMore(_)
            | Self::NothingCommitted(_)
            | Self::DispatchedMoreThanHeld { .. }
            | Self::StoppedMoreThanHeld { .. }
            | Self::ReturnedMoreThanDispatched { .. }
            | Self::StockBelowPromised { .. }
            | Self::TransferReceived(_)
            | Self::MoreThanInTransit { .. }
            | Self::StockLimit { .. } => ErrorKind::FailedPrecondition,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NothingReserved(_) => "NOTHING_RESERVED",
            Self::ModifiedToMore(_) => "MODIFIED_TO_MORE",
            Self::NothingCommitted(_) => "NOTHING_COMMITTED",
            Self::DispatchedMoreThanHeld { .. } => "DISPATCHED_MORE_THAN_HELD",
            Self::StoppedMoreThanHeld { .. } => "STOPPED_MORE_THAN_HELD",
            Self::ReturnedMoreThanDispatched { .. } => "RETURNED_MORE_THAN_DISPATCHED",
            Self::StockBelowPromised { .. } => "STOCK_BELOW_PROMISED",
            Self::NoSuchTransfer(_) => "TRANSFER_NOT_FOUND",
            Self::TransferReceived(_) => "TRANSFER_RECEIVED",
            Self::MoreThanInTransit { .. } => "MORE_THAN_IN_TRANSIT",
            Self::StockLimit { .. } => "STOCK_LIMIT",
        }
    }
}
