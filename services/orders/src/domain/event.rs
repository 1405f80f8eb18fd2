//! What becomes true of an order. Each is one entry of its history.

use kernel::{Money, Timestamp};

use super::ids::{CheckoutId, OrderId};
use super::refund::{Refund, RefundNumber, Rejection, Units};
use super::shipping_instruction::ShippingInstruction;
use super::snapshot::{Snapshot, TermsVersion};
use super::status::{CancelReason, FailureReason};

/// What becomes true of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was created: from a submitted checkout, by a split or by an exchange.
    Created {
        /// What was agreed. Boxed: it is many times larger than the other events.
        snapshot: Box<Snapshot>,
        /// When it is cancelled if it is still unpaid.
        unpaid_deadline: Timestamp,
        /// The order that it was split off, if it was.
        split_from: Option<OrderId>,
    },
    /// Units were taken away from it, or became orders of their own.
    Modified {
        /// What is agreed now.
        snapshot: Box<Snapshot>,
        /// The version of that.
        terms_version: TermsVersion,
        /// The orders that were split off it just now, and their units.
        split_off: Vec<(OrderId, Units)>,
        /// In the words of whoever modified it; may be empty.
        note: String,
    },
    /// There is too little stock, and it waits for more.
    Backordered {
        /// The order.
        order_id: OrderId,
        /// Its checkout.
        checkout_id: CheckoutId,
        /// How long it waits.
        until: Timestamp,
        /// When it is cancelled now if it is still unpaid.
        unpaid_deadline: Timestamp,
    },
    /// Stock is committed and payment authorized: the pivot.
    Confirmed {
        /// The order.
        order_id: OrderId,
        /// Its checkout.
        checkout_id: CheckoutId,
        /// Whether it is paid in cash on delivery.
        cash_on_delivery: bool,
        /// What is to be sent, if it is paid in cash on delivery.
        shipping_instruction: Option<Box<ShippingInstruction>>,
    },
    /// The payment was captured.
    Paid {
        /// The order.
        order_id: OrderId,
        /// Its checkout.
        checkout_id: CheckoutId,
        /// What is to be sent, unless it was sent before.
        shipping_instruction: Option<Box<ShippingInstruction>>,
    },
    /// Every parcel has left.
    Shipped {
        /// The order.
        order_id: OrderId,
        /// Its checkout.
        checkout_id: CheckoutId,
    },
    /// Every parcel has arrived.
    Delivered {
        /// The order.
        order_id: OrderId,
        /// Its checkout.
        checkout_id: CheckoutId,
    },
    /// It could not be had.
    Failed {
        /// The order.
        order_id: OrderId,
        /// Its checkout.
        checkout_id: CheckoutId,
        /// Why.
        reason: FailureReason,
        /// More on the reason, such as the issuer's own; may be empty.
        detail: String,
    },
    /// It was cancelled.
    Cancelled {
        /// The order.
        order_id: OrderId,
        /// Its checkout.
        checkout_id: CheckoutId,
        /// Why.
        reason: CancelReason,
        /// The canceller's own words; may be empty.
        note: String,
    },
    /// Somebody wants to cancel it, and its parcels are to be stopped first.
    CancellationRequested {
        /// The order.
        order_id: OrderId,
        /// Its checkout.
        checkout_id: CheckoutId,
    },
    /// Somebody wants money back.
    RefundRequested {
        /// The order.
        order_id: OrderId,
        /// Its checkout.
        checkout_id: CheckoutId,
        /// Which, why and how much.
        refund: Refund,
        /// In their own words; may be empty.
        note: String,
    },
    /// The money of a refund is to be given back.
    RefundApproved {
        /// The order.
        order_id: OrderId,
        /// Its checkout.
        checkout_id: CheckoutId,
        /// Which of its refunds.
        number: RefundNumber,
        /// How much.
        amount: Money,
        /// The order that it is set aside for; none if it goes back to the buyer.
        exchange_order_id: Option<OrderId>,
    },
    /// A refund is not granted.
    RefundRejected {
        /// The order.
        order_id: OrderId,
        /// Its checkout.
        checkout_id: CheckoutId,
        /// Which of its refunds.
        number: RefundNumber,
        /// Why.
        reason: Rejection,
    },
    /// The money of a refund is back.
    RefundCompleted {
        /// The order.
        order_id: OrderId,
        /// Its checkout.
        checkout_id: CheckoutId,
        /// Which of its refunds.
        number: RefundNumber,
        /// How much.
        amount: Money,
        /// How much went back in all.
        refunded: Money,
    },
    /// The whole amount was given back.
    Refunded {
        /// The order.
        order_id: OrderId,
        /// Its checkout.
        checkout_id: CheckoutId,
    },
    /// Nothing more happens to it.
    Closed {
        /// The order.
        order_id: OrderId,
        /// Its checkout.
        checkout_id: CheckoutId,
    },
}
