//! Why a fact may not happen to an order.

use kernel::{Classified, ErrorKind};

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
    /// The money does not go back: it was not taken, or goods have left.
    #[error("order {order_id} is {} and cannot be refunded: it is not paid, or its goods have left", milestone.as_str())]
    NotRefundable {
        /// The order.
        order_id: OrderId,
        /// What it has reached.
        milestone: Milestone,
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
            Self::NotCancellable { .. } | Self::NotRefundable { .. } | Self::Contradicted { .. } => {
                ErrorKind::FailedPrecondition
            }
            Self::AlreadyExists(_) => ErrorKind::AlreadyExists,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "ORDER_NOT_FOUND",
            Self::NotCancellable { .. } => "ORDER_NOT_CANCELLABLE",
            Self::NotRefundable { .. } => "ORDER_NOT_REFUNDABLE",
            Self::AlreadyExists(_) => "ORDER_ALREADY_EXISTS",
            Self::Contradicted { .. } => "ORDER_CONTRADICTED",
        }
    }
}
