//! What orders react to: events of other services, commands and deadlines.

use kernel::{Money, Text, Timestamp};

use super::ids::{CheckoutId, OrderId, ParcelId};
use super::order::Order;
use super::refund::{RefundNumber, RefundRequest, Units};
use super::shipping_instruction::Allocation;
use super::snapshot::{Snapshot, TermsVersion};

/// The words of whoever cancels, or wants money back.
pub type Note = Text<500>;

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
    /// The order of which more is needed than where it stands: what was agreed in full, because it changes, or is agreed again by an exchange.
    pub fn needs_terms(&self, orders: &[Order]) -> Option<OrderId> {
        let Self::Order(order_id, fact) = self else { return None };
        let is_needed = match fact {
            OrderFact::ModificationRequested { .. }
            | OrderFact::SplitRequested { .. }
            | OrderFact::RefundRequested { request: RefundRequest::Exchange { .. }, .. } => true,
            OrderFact::ReturnReceived { number: Some(number), .. }
            | OrderFact::PaymentRefunded { number: Some(number), .. } => {
                let order = orders.iter().find(|order| order.id == *order_id);
                let refund = order.and_then(|order| order.refund(*number));
                refund.is_some_and(|refund| refund.exchange_order_id.is_some())
            }
            _ => false,
        };
        is_needed.then_some(*order_id)
    }

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
    PaymentCaptured {
        /// How much.
        amount: Money,
    },
    /// payments: the provider refused to take the money.
    CaptureFailed,
    /// payments: the authorization was given up.
    PaymentVoided,
    /// payments: money was given back.
    PaymentRefunded {
        /// For which refund; none if payments does so because the order ended.
        number: Option<RefundNumber>,
        /// What was given back in all.
        refunded: Money,
    },
    /// payments: the provider refused to give money back, and will be asked again.
    RefundFailed {
        /// For which refund; none if payments wanted to because the order ended.
        number: Option<RefundNumber>,
        /// A stable reason.
        reason: String,
    },
    /// inventory: the stock belongs to the order.
    InventoryCommitted(Commitment),
    /// inventory: it holds less, because units were taken away from the order.
    ReservationModified {
        /// What it holds now, if that belongs to the order.
        committed: Option<Commitment>,
    },
    /// inventory: there is not enough for every line, and the order waits for more.
    InventoryBackordered {
        /// How long.
        until: Timestamp,
    },
    /// inventory: there is not enough for every line.
    InventoryRejected,
    /// inventory: the payment came too late.
    InventoryCommitRefused,
    /// inventory: the time of the reservation passed.
    ReservationExpired,
    /// inventory: what was held is on sale again.
    InventoryReleased {
        /// Whether it is a part, and the rest is still committed or has left.
        partial: bool,
    },
    /// shipping: a parcel left.
    ShipmentDispatched {
        /// Whether every unit of the order has left.
        order_dispatched: bool,
    },
    /// shipping: a parcel arrived.
    ShipmentDelivered {
        /// Whether every unit of the order has arrived that did not fail.
        order_delivered: bool,
    },
    /// shipping: a parcel was lost, refused or returned to its sender.
    ShipmentFailed(FailedParcel),
    /// shipping: goods that the buyer sent back were received.
    ReturnReceived {
        /// The refund that waits for them; none for a parcel that failed.
        number: Option<RefundNumber>,
        /// What of them is accepted so far.
        accepted: Units,
        /// Whether nothing more is awaited.
        complete: bool,
    },
    /// shipping: nothing has left, and nothing will.
    ShipmentCancelled,
    /// shipping: a part will not leave.
    PartStopped(StoppedPart),
    /// shipping: the parcels, or a part of them, cannot be stopped any more.
    ShipmentCancelRefused {
        /// The refund that wanted it; none for a cancellation.
        number: Option<RefundNumber>,
    },
    /// A command: somebody wants to cancel.
    CancelRequested {
        /// Who.
        by: Canceller,
        /// Why, in their own words.
        note: Option<Note>,
    },
    /// A command: somebody wants money back.
    RefundRequested {
        /// What they ask for.
        request: RefundRequest,
        /// Why, in their own words.
        note: Option<Note>,
    },
    /// A command: somebody takes units away.
    ModificationRequested {
        /// How many units of each of these SKUs are left.
        left: Units,
        /// Why, in their own words.
        note: Option<Note>,
    },
    /// A command: somebody makes units orders of their own.
    SplitRequested {
        /// Each new order, and its units; at least one.
        parts: Vec<(OrderId, Units)>,
    },
    /// A deadline: the job found the order unpaid after its time.
    UnpaidDeadlinePassed,
    /// A deadline: the job found that nothing more may happen to the order.
    CloseDeadlinePassed,
}

/// Stock that belongs to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// For which version of what was agreed.
    pub terms_version: TermsVersion,
    /// What is committed where.
    pub allocations: Vec<Allocation>,
}

/// A parcel that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedParcel {
    /// The parcel.
    pub parcel_id: ParcelId,
    /// What is in it.
    pub units: Units,
    /// Whether every other unit of the order has arrived, and there is one.
    pub order_delivered: bool,
    /// Whether every unit of the order failed.
    pub order_failed: bool,
}

/// Units that will not leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedPart {
    /// The refund that wanted it.
    pub number: RefundNumber,
    /// What is stopped for it.
    pub units: Units,
    /// Whether every other unit of the order has left, and there is one.
    pub order_dispatched: bool,
    /// Whether every other unit of the order has arrived that did not fail, and there is one.
    pub order_delivered: bool,
    /// Whether every other unit of the order failed, and there is one.
    pub order_failed: bool,
}

/// Who may ask to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canceller {
    /// The order's buyer.
    Buyer,
    /// An employee of the marketplace.
    Operator,
}
