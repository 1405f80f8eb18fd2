use kernel::{Classified, ErrorKind, Money};

use super::{OperationKey, OrderId};

/// Why a fact may not happen. An event is parked, and an operator looks; the caller of a command is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An order was confirmed whose payment is not authorized.
    #[error("order {order_id} is confirmed, but its payment is not authorized")]
    NotAuthorized {
        /// The order.
        order_id: OrderId,
    },
    /// An order was modified that there is no payment of.
    #[error("order {order_id} is modified, and there is no payment of it")]
    NothingToModify {
        /// The order.
        order_id: OrderId,
    },
    /// An order was modified whose money is being taken, or was: orders modifies nothing that it has confirmed.
    #[error("order {order_id} is modified, and its money is taken or is to be")]
    ModifiedTooLate {
        /// The order.
        order_id: OrderId,
    },
    /// An order was modified, and would cost more than before.
    #[error("order {order_id} is modified to cost {modified}, and {due} is due")]
    ModifiedToMore {
        /// The order.
        order_id: OrderId,
        /// What is due.
        due: Money,
        /// What is to be due.
        modified: Money,
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
    /// More cash came in than is due, or another amount than came in before.
    #[error("{collected} in cash was collected for order {order_id}, and {due} is due")]
    CashMismatch {
        /// The order.
        order_id: OrderId,
        /// What is due.
        due: Money,
        /// What was collected.
        collected: Money,
    },
    /// An order ended whose cash is in: it was delivered, and orders ends no such order.
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
    /// A refund was approved of more than was captured and is not to be given back yet.
    #[error("a refund of {approved} of order {order_id} is approved, and {left} is left of what was captured")]
    RefundTooLarge {
        /// The order.
        order_id: OrderId,
        /// What was captured, less what is given back or to be.
        left: Money,
        /// What is to be given back.
        approved: Money,
    },
    /// A refund was approved before, over another amount.
    #[error("refund {number} of order {order_id} is approved over {approved}, and was over {asked} before")]
    RefundMismatch {
        /// The order.
        order_id: OrderId,
        /// Which of its refunds.
        number: i32,
        /// What is to be given back since it was first approved.
        asked: Money,
        /// What is approved now.
        approved: Money,
    },
    /// A refund is to be asked for again that was not refused.
    #[error("refund {number} of order {order_id} was not refused")]
    RefundNotFailed {
        /// The order.
        order_id: OrderId,
        /// Which of its refunds.
        number: i32,
    },
    /// An order was delivered that nothing was taken for, nor is to be taken at the door.
    #[error("order {order_id} is delivered, and it is neither paid for nor to be paid at the door")]
    DeliveredUnpaid {
        /// The order.
        order_id: OrderId,
    },
}

impl Classified for Refusal {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAuthorized { .. }
            | Self::NothingToModify { .. }
            | Self::ModifiedTooLate { .. }
            | Self::ModifiedToMore { .. }
            | Self::UnknownOperation { .. }
            | Self::CashNotDue { .. }
            | Self::CashMismatch { .. }
            | Self::CashTaken { .. }
            | Self::NothingCaptured { .. }
            | Self::RefundTooLarge { .. }
            | Self::RefundMismatch { .. }
            | Self::RefundNotFailed { .. }
            | Self::DeliveredUnpaid { .. } => ErrorKind::FailedPrecondition,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NotAuthorized { .. } => "PAYMENT_NOT_AUTHORIZED",
            Self::NothingToModify { .. } => "NOTHING_TO_MODIFY",
            Self::ModifiedTooLate { .. } => "MODIFIED_TOO_LATE",
            Self::ModifiedToMore { .. } => "MODIFIED_TO_MORE",
            Self::UnknownOperation { .. } => "OPERATION_UNKNOWN",
            Self::CashNotDue { .. } => "CASH_NOT_DUE",
            Self::CashMismatch { .. } => "CASH_MISMATCH",
            Self::CashTaken { .. } => "CASH_TAKEN",
            Self::NothingCaptured { .. } => "NOTHING_CAPTURED",
            Self::RefundTooLarge { .. } => "REFUND_TOO_LARGE",
            Self::RefundMismatch { .. } => "REFUND_MISMATCH",
            Self::RefundNotFailed { .. } => "REFUND_NOT_FAILED",
            Self::DeliveredUnpaid { .. } => "DELIVERED_UNPAID",
        }
    }
}
