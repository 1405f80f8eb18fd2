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
    /// It is too late to modify or split it, or it has ended.
    #[error("order {order_id} is {}: what was agreed does not change any more", milestone.as_str())]
    NotModifiable {
        /// The order.
        order_id: OrderId,
        /// What it has reached.
        milestone: Milestone,
    },
    /// A modification takes units away. Those to be added are another order, with a price of their own.
    #[error(
        "order {order_id} has {ordered} of {sku}, fewer than {left}: units are not added to an order, order them anew"
    )]
    UnitsAdded {
        /// The order.
        order_id: OrderId,
        /// The variant.
        sku: Sku,
        /// Units that are to be left.
        left: i64,
        /// Units that there are.
        ordered: i64,
    },
    /// Nothing of the order would be left.
    #[error("nothing of order {0} would be left: cancel it instead")]
    NothingLeft(OrderId),
    /// An order that is modified or split, or one that is split off it, would cost nothing.
    #[error("an order would be left of order {0} that costs nothing")]
    NothingToPay(OrderId),
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
    /// More units are to be split off, or not to leave, than there are that are not asked back yet.
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
    /// An order that is paid by an exchange is to be modified or split: there is money that would have to go back at once.
    #[error("order {0} takes the place of goods that came back: cancel it, and its money goes back")]
    PaidByExchange(OrderId),
    /// What is left of an order does not pay for the units that are to be exchanged.
    #[error("what can go back of order {0} does not cover these units any more: ask for the money instead")]
    ExchangeNotCovered(OrderId),
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
            | Self::NotModifiable { .. }
            | Self::UnitsAdded { .. }
            | Self::NothingLeft(_)
            | Self::NothingToPay(_)
            | Self::NotRefundable { .. }
            | Self::ReturnWindowClosed(_)
            | Self::NotInOrder { .. }
            | Self::MoreThanOrdered { .. }
            | Self::MoreThanDelivered { .. }
            | Self::MoreThanPaid { .. }
            | Self::PaidByExchange(_)
            | Self::ExchangeNotCovered(_)
            | Self::Contradicted { .. } => ErrorKind::FailedPrecondition,
            Self::AlreadyExists(_) => ErrorKind::AlreadyExists,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "ORDER_NOT_FOUND",
            Self::NotCancellable { .. } => "ORDER_NOT_CANCELLABLE",
            Self::NotModifiable { .. } => "ORDER_NOT_MODIFIABLE",
            Self::UnitsAdded { .. } => "UNITS_ADDED",
            Self::NothingLeft(_) => "NOTHING_LEFT",
            Self::NothingToPay(_) => "NOTHING_TO_PAY",
            Self::NotRefundable { .. } => "ORDER_NOT_REFUNDABLE",
            Self::ReturnWindowClosed(_) => "RETURN_WINDOW_CLOSED",
            Self::NotInOrder { .. } => "NOT_IN_ORDER",
            Self::MoreThanOrdered { .. } => "MORE_THAN_ORDERED",
            Self::MoreThanDelivered { .. } => "MORE_THAN_DELIVERED",
            Self::MoreThanPaid { .. } => "MORE_THAN_PAID",
            Self::PaidByExchange(_) => "PAID_BY_EXCHANGE",
            Self::ExchangeNotCovered(_) => "EXCHANGE_NOT_COVERED",
            Self::AlreadyExists(_) => "ORDER_ALREADY_EXISTS",
            Self::Contradicted { .. } => "ORDER_CONTRADICTED",
        }
    }
}
