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
    /// Units were taken away from the order, or became an order of their own: less is to be paid for it.
    OrderModified {
        /// The order.
        order_id: OrderId,
        /// The version of what was agreed that is told, from 2.
        terms_version: i32,
        /// What is to be paid from now on.
        amount: Money,
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
        /// Which attempt that is the answer to, from 1.
        attempt: i32,
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
    /// The order arrived: its money is the seller's.
    OrderDelivered {
        /// The order.
        order_id: OrderId,
    },
    /// Orders wants money of an order given back.
    RefundApproved {
        /// The order.
        order_id: OrderId,
        /// Which of the order's refunds, from 1.
        number: i32,
        /// How much.
        amount: Money,
        /// Whether it is to be set aside, for an order that sends anew what came back.
        set_aside: bool,
    },
    /// An operator wants a refund that was refused to be asked for again.
    RefundRetried {
        /// The order.
        order_id: OrderId,
        /// Which of the order's refunds; 0 for the one that followed from its end.
        number: i32,
    },
    /// An authorization was found that may be too old.
    AuthorizationExpired {
        /// The order.
        order_id: OrderId,
    },
}

impl Fact {
    /// The order that it is about.
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::OrderCreated { order_id, .. }
            | Self::OrderModified { order_id, .. }
            | Self::InventoryReserved { order_id, .. }
            | Self::OrderConfirmed { order_id }
            | Self::OrderEnded { order_id }
            | Self::CashCollected { order_id, .. }
            | Self::OrderDelivered { order_id }
            | Self::RefundApproved { order_id, .. }
            | Self::RefundRetried { order_id, .. }
            | Self::AuthorizationExpired { order_id } => *order_id,
            Self::ProviderAnswered { key, .. } => key.order_id,
        }
    }
}
