//! What inventory refuses.

use kernel::{Classified, ErrorKind, Sku};

use super::ids::OrderId;

/// A refusal. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A payment was authorized for an order that inventory holds nothing for. Payments waits for the reservation, so this
    /// cannot be; an operator has to look.
    #[error("order {0} has a payment, and no stock was ever held for it")]
    NothingReserved(OrderId),
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
            Self::NothingReserved(_) | Self::StockBelowPromised { .. } | Self::StockLimit { .. } => {
                ErrorKind::FailedPrecondition
            }
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NothingReserved(_) => "NOTHING_RESERVED",
            Self::StockBelowPromised { .. } => "STOCK_BELOW_PROMISED",
            Self::StockLimit { .. } => "STOCK_LIMIT",
        }
    }
}
