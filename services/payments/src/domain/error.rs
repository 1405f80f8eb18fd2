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
}

impl Classified for Refusal {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAuthorized { .. }
            | Self::UnknownOperation { .. }
            | Self::CashNotDue { .. }
            | Self::CashMismatch { .. }
            | Self::CashTaken { .. } => ErrorKind::FailedPrecondition,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NotAuthorized { .. } => "PAYMENT_NOT_AUTHORIZED",
            Self::UnknownOperation { .. } => "OPERATION_UNKNOWN",
            Self::CashNotDue { .. } => "CASH_NOT_DUE",
            Self::CashMismatch { .. } => "CASH_MISMATCH",
            Self::CashTaken { .. } => "CASH_TAKEN",
        }
    }
}
