use kernel::{Money, Timestamp};

use super::{OperationKey, OrderId, Outcome, Terms};

/// What payments reacts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// There is an order to pay for.
    OrderCreated {
        /// The order.
        order_id: OrderId,
        /// What was agreed.
        terms: Terms,
    },
    /// Every line of the order is held.
    InventoryReserved {
        /// The order.
        order_id: OrderId,
        /// Until when.
        expires_at: Timestamp,
    },
    /// Stock is committed: the money may be taken.
    OrderConfirmed {
        /// The order.
        order_id: OrderId,
    },
    /// The order failed or was cancelled: whatever is held or taken for it is given back.
    OrderEnded {
        /// The order.
        order_id: OrderId,
    },
    /// The provider said what became of an operation.
    ProviderAnswered {
        /// The operation.
        key: OperationKey,
        /// What became of it.
        outcome: Outcome,
    },
    /// A carrier passed on what it collected at the door.
    CashCollected {
        /// The order.
        order_id: OrderId,
        /// How much.
        amount: Money,
    },
    /// Orders wants the money of an order given back.
    RefundApproved {
        /// The order.
        order_id: OrderId,
        /// How much: all that was captured.
        amount: Money,
    },
}

impl Fact {
    /// The order that it is about.
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::OrderCreated { order_id, .. }
            | Self::InventoryReserved { order_id, .. }
            | Self::OrderConfirmed { order_id }
            | Self::OrderEnded { order_id }
            | Self::CashCollected { order_id, .. }
            | Self::RefundApproved { order_id, .. } => *order_id,
            Self::ProviderAnswered { key, .. } => key.order_id,
        }
    }
}
