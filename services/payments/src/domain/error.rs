use kernel::{Classified, ErrorKind, Money};

use super::{OperationKey, OrderId};

/// Why a fact may not happen. Nobody can cause these from outside: the event is parked, and an operator looks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An order was confirmed whose payment is not authorized.
    #[error("order {order_id} is confirmed, but its payment is not authorized")]
    NotAuthorized {
        /// The order.
        order_id: OrderId,
    },
    /// The provider answered what was never asked.
    #[error("operation {key} is answered, but was never asked for")]
    UnknownOperation {
        /// The operation.
        key: OperationKey,
    },
    /// Cash came in for an order that owes none: it is not paid in cash, or not yet or no longer to be paid.
    #[error("cash was collected for order {order_id}, and none is due")]
    CashNotDue {
        /// The order.
        order_id: OrderId,
    },
    /// More or less cash came in than is due.
    #[error("{collected} in cash was collected for order {order_id}, and {due} is due")]
    CashMismatch {
        /// The order.
        order_id: OrderId,
        /// What is due.
        due: Money,
        /// What was collected.
        collected: Money,
    },
    /// An order ended whose cash is in: it cannot be given back through a provider.
    #[error("order {order_id} has ended, and its cash was collected")]
    CashTaken {
        /// The order.
        order_id: OrderId,
    },
    /// A refund was approved of an order whose money is not there.
    #[error("a refund of order {order_id} is approved, and nothing was captured for it")]
    NothingCaptured {
        /// The order.
        order_id: OrderId,
    },
    /// A refund was approved of an order that is paid in cash: no provider took it, so none gives it back.
    #[error("a refund of order {order_id} is approved, and it is paid in cash")]
    CashNotRefundable {
        /// The order.
        order_id: OrderId,
    },
    /// A refund was approved of more or less than was captured.
    #[error("a refund of {approved} of order {order_id} is approved, and {captured} was captured")]
    RefundMismatch {
        /// The order.
        order_id: OrderId,
        /// What was captured.
        captured: Money,
        /// What is to be given back.
        approved: Money,
    },
}

impl Classified for Refusal {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAuthorized { .. }
            | Self::UnknownOperation { .. }
            | Self::CashNotDue { .. }
            | Self::CashMismatch { .. }
            | Self::CashTaken { .. }
            | Self::NothingCaptured { .. }
            | Self::CashNotRefundable { .. }
            | Self::RefundMismatch { .. } => ErrorKind::FailedPrecondition,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NotAuthorized { .. } => "PAYMENT_NOT_AUTHORIZED",
            Self::UnknownOperation { .. } => "OPERATION_UNKNOWN",
            Self::CashNotDue { .. } => "CASH_NOT_DUE",
            Self::CashMismatch { .. } => "CASH_MISMATCH",
            Self::CashTaken { .. } => "CASH_TAKEN",
            Self::NothingCaptured { .. } => "NOTHING_CAPTURED",
            Self::CashNotRefundable { .. } => "CASH_NOT_REFUNDABLE",
            Self::RefundMismatch { .. } => "REFUND_MISMATCH",
        }
    }
}
