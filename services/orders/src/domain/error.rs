//! Why a fact may not happen to an order.

use kernel::{Classified, ErrorKind, Money, Sku};

use super::ids::OrderId;
use super::order::Standing;
use super::status::Milestone;

/// Why a fact may not happen to an order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// There is no such order.
    #[error("there is no order {0}")]
    NotFound(OrderId),
    /// It is too late to cancel: after PAID it is a refund, after FAILED there is nothing to cancel.
    #[error("order {order_id} is {} and cannot be cancelled", milestone.as_str())]
    NotCancellable {
        /// The order.
        order_id: OrderId,
        /// What it has reached.
        milestone: Milestone,
    },
    /// The money does not go back in this way at this point: see `domain/policy/refund_eligibility.rs`.
    #[error("order {order_id} is {}: its money does not go back in this way", milestone.as_str())]
    NotRefundable {
        /// The order.
        order_id: OrderId,
        /// What it has reached.
        milestone: Milestone,
    },
    /// The time in which goods may be sent back has passed.
    #[error("the time in which goods of order {0} may be sent back has passed")]
    ReturnWindowClosed(OrderId),
    /// Nothing of that SKU was ordered.
    #[error("there is no {sku} in order {order_id}")]
    NotInOrder {
        /// The order.
        order_id: OrderId,
        /// The variant.
        sku: Sku,
    },
    /// More units are not to leave than were ordered and are not asked back yet.
    #[error("order {order_id} has {left} of {sku} that are not asked back yet, not {asked}")]
    MoreThanOrdered {
        /// The order.
        order_id: OrderId,
        /// The variant.
        sku: Sku,
        /// Units that are asked back.
        asked: i64,
        /// Units that can be.
        left: i64,
    },
    /// More units are asked back than were delivered and are not asked back yet.
    #[error("order {order_id} has {left} of {sku} that can be sent back, not {asked}")]
    MoreThanDelivered {
        /// The order.
        order_id: OrderId,
        /// The variant.
        sku: Sku,
        /// Units that are asked back.
        asked: i64,
        /// Units that can be.
        left: i64,
    },
    /// More money is asked back than was paid and is not asked back yet.
    #[error("of order {order_id} {left} can go back, not {asked}")]
    MoreThanPaid {
        /// The order.
        order_id: OrderId,
        /// The amount that is asked back.
        asked: Money,
        /// The amount that can be.
        left: Money,
    },
    /// A checkout asks for an order whose id belongs to one that was agreed differently.
    #[error("order {0} exists already and holds something else")]
    AlreadyExists(OrderId),
    /// The fact cannot be true of an order that stands there: its sender is at fault, or we are.
    #[error("it contradicts order {order_id}, which is {standing}")]
    Contradicted {
        /// The order.
        order_id: OrderId,
        /// Where it stands.
        standing: Standing,
    },
}

impl Classified for OrderError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::NotCancellable { .. }
            | Self::NotRefundable { .. }
            | Self::ReturnWindowClosed(_)
            | Self::NotInOrder { .. }
            | Self::MoreThanOrdered { .. }
            | Self::MoreThanDelivered { .. }
            | Self::MoreThanPaid { .. }
            | Self::Contradicted { .. } => ErrorKind::FailedPrecondition,
            Self::AlreadyExists(_) => ErrorKind::AlreadyExists,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "ORDER_NOT_FOUND",
            Self::NotCancellable { .. } => "ORDER_NOT_CANCELLABLE",
            Self::NotRefundable { .. } => "ORDER_NOT_REFUNDABLE",
            Self::ReturnWindowClosed(_) => "RETURN_WINDOW_CLOSED",
            Self::NotInOrder { .. } => "NOT_IN_ORDER",
            Self::MoreThanOrdered { .. } => "MORE_THAN_ORDERED",
            Self::MoreThanDelivered { .. } => "MORE_THAN_DELIVERED",
            Self::MoreThanPaid { .. } => "MORE_THAN_PAID",
            Self::AlreadyExists(_) => "ORDER_ALREADY_EXISTS",
            Self::Contradicted { .. } => "ORDER_CONTRADICTED",
        }
    }
}
