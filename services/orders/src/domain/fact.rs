//! What orders react to: events of other services, commands and deadlines.

use kernel::{Money, Text};

use super::ids::{CheckoutId, OrderId};
use super::shipping_instruction::Allocation;
use super::snapshot::Snapshot;

/// The words of whoever cancels.
pub type CancelNote = Text<500>;

/// What orders react to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A buyer accepted a quote.
    CheckoutSubmitted {
        /// The checkout.
        checkout_id: CheckoutId,
        /// What each of its orders is to hold; no two have the same id.
        snapshots: Vec<Snapshot>,
    },
    /// Something happened that concerns one order.
    Order(OrderId, OrderFact),
}

impl Fact {
    /// The orders that it concerns.
    pub fn order_ids(&self) -> Vec<OrderId> {
        match self {
            Self::CheckoutSubmitted { snapshots, .. } => {
                snapshots.iter().map(|snapshot| snapshot.terms().order_id).collect()
            }
            Self::Order(order_id, _) => vec![*order_id],
        }
    }
}

/// What happened that concerns one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderFact {
    /// payments: the amount is held.
    PaymentAuthorized,
    /// payments: the issuer said no, for its own reason.
    PaymentDeclined {
        /// Such as `INSUFFICIENT_FUNDS`.
        issuer_reason: String,
    },
    /// payments: the money was taken.
    PaymentCaptured,
    /// payments: the provider refused to take the money.
    CaptureFailed,
    /// payments: the authorization was given up.
    PaymentVoided,
    /// payments: money was given back.
    PaymentRefunded {
        /// What was given back in all.
        refunded: Money,
    },
    /// inventory: the stock belongs to the order.
    InventoryCommitted {
        /// What is committed where.
        allocations: Vec<Allocation>,
    },
    /// inventory: there is not enough for every line.
    InventoryRejected,
    /// inventory: the payment came too late.
    InventoryCommitRefused,
    /// inventory: the time of the reservation passed.
    ReservationExpired,
    /// inventory: what was held is on sale again.
    InventoryReleased,
    /// shipping: a parcel left.
    ShipmentDispatched {
        /// Whether every unit of the order has left.
        order_dispatched: bool,
    },
    /// shipping: a parcel arrived.
    ShipmentDelivered {
        /// Whether every unit of the order has arrived.
        order_delivered: bool,
    },
    /// shipping: nothing has left, and nothing will.
    ShipmentCancelled,
    /// shipping: the parcels cannot be stopped any more.
    ShipmentCancelRefused,
    /// A command: somebody wants to cancel.
    CancelRequested {
        /// Who.
        by: Canceller,
        /// Why, in their own words.
        note: Option<CancelNote>,
    },
    /// A command: somebody wants the money back.
    RefundRequested,
    /// A deadline: the job found the order unpaid after its time.
    UnpaidDeadlinePassed,
}

/// Who may ask to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canceller {
    /// The order's buyer.
    Buyer,
    /// An employee of the marketplace.
    Operator,
}
