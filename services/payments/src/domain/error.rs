use kernel::{Classified, ErrorKind};

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
}

impl Classified for Refusal {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAuthorized { .. } | Self::UnknownOperation { .. } => ErrorKind::FailedPrecondition,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NotAuthorized { .. } => "PAYMENT_NOT_AUTHORIZED",
            Self::UnknownOperation { .. } => "OPERATION_UNKNOWN",
        }
    }
}
