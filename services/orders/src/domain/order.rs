//! An order: where it stands, and the steps that it can take.

use std::fmt;

use kernel::{Decision, Money, Timestamp};

use super::error::OrderError;
use super::event::Event;
use super::ids::{BuyerId, CheckoutId, OrderId, ParcelId, SellerId};
use super::policy::Policy;
use super::policy::fulfilment::lets_goods_leave;
use super::refund::{Refund, RefundKind, RefundLine, RefundNumber, RefundStatus, Rejection, Units};
use super::shipping_instruction::{Allocation, ShippingInstruction};
use super::snapshot::{Address, ShippingService, SkuTotal, Snapshot, TermsVersion};
use super::status::{CancelReason, FailureReason, FulfilmentStatus, Milestone, OneWay, PaymentStatus, Status, Walk};

/// What becomes of a fact that concerns an order.
pub type Answer = Decision<Event, OrderError>;

/// Where an order stands: its milestone over its two axes.
///
/// CREATED has nothing committed, and at most an authorization. CONFIRMED is authorized and allocated. PAID is captured. SHIPPED
/// and DELIVERED are what the fulfilment axis says of every parcel; before that it says partly. REFUNDED has all of its money back,
/// and CLOSED is over. FAILED and CANCELLED wait for what is still under way to be undone, and their axes show how far that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Standing {
    /// The milestone.
    pub status: Status,
    /// The payment axis.
    pub payment: PaymentStatus,
    /// The fulfilment axis.
    pub fulfilment: FulfilmentStatus,
}

impl Standing {
    /// Where every order begins.
    pub const CREATED: Self =
        Self { status: Status::Created, payment: PaymentStatus::Unpaid, fulfilment: FulfilmentStatus::Unallocated };
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {}", self.status, self.payment.as_str(), self.fulfilment.as_str())
    }
}

/// An order, as far as decisions need it. What was agreed in full is its [`Snapshot`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// The checkout that it came from.
    pub checkout_id: CheckoutId,
    /// The buyer.
    pub buyer_id: BuyerId,
    /// The seller.
    pub seller_id: SellerId,
    /// Where the parcels go.
    pub ship_to: Address,
    /// How they are sent.
    pub shipping_service: ShippingService,
    /// The version of what is agreed.
    pub terms_version: TermsVersion,
    /// The order that it was split off, if it was.
    pub split_from: Option<OrderId>,
    /// What the buyer pays.
    pub total: Money,
    /// Whether it is paid in cash on delivery.
    pub cash_on_delivery: bool,
    /// The order whose goods came back, if what goes back of it pays for this one.
    pub exchange_for: Option<OrderId>,
    /// When it is cancelled if it is still unpaid.
    pub unpaid_deadline: Timestamp,
    /// Until when it waits for stock, or waited; none if it never had to.
    pub waits_until: Option<Timestamp>,
    /// What is committed to it where; empty before CONFIRMED.
    pub allocations: Vec<Allocation>,
    /// Who wants it cancelled, and waits for its parcels to be stopped.
    pub cancellation: Option<Cancellation>,
    /// What all units of each SKU cost, by which refunds are priced.
    pub sku_totals: Vec<SkuTotal>,
    /// What was asked back so far, oldest first.
    pub refunds: Vec<Refund>,
    /// What was taken; none before.
    pub captured: Option<Money>,
    /// When it is closed if nothing else is under way; none before it is known.
    pub close_at: Option<Timestamp>,
    /// Where it stands; moved only by the steps below.
    pub standing: Standing,
}

/// Why an order is to be cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cancellation {
    /// Who asked.
    pub reason: CancelReason,
    /// In their own words; may be empty.
    pub note: String,
}

impl Order {
    /// A new order over what was agreed, split off another or not.
    pub fn create(snapshot: &Snapshot, split_from: Option<OrderId>, policy: &Policy, now: Timestamp) -> (Self, Event) {
        let terms = snapshot.terms();
        let order = Self {
            id: terms.order_id,
            checkout_id: terms.checkout_id,
            buyer_id: terms.buyer_id,
            seller_id: terms.seller_id,
            ship_to: terms.ship_to.clone(),
            shipping_service: terms.shipping_service.clone(),
            terms_version: 1,
            split_from,
            total: terms.total,
            cash_on_delivery: terms.payment_method.is_cash_on_delivery(),
            exchange_for: terms.payment_method.exchange().map(|exchange| exchange.order_id),
            unpaid_deadline: policy.unpaid_deadline(now),
            waits_until: None,
            allocations: Vec::new(),
            cancellation: None,
            sku_totals: terms.sku_totals(),
            refunds: Vec::new(),
            captured: None,
            close_at: None,
            standing: Standing::CREATED,
        };
        let unpaid_deadline = order.unpaid_deadline;
        (order, Event::Created { snapshot: Box::new(snapshot.clone()), unpaid_deadline, split_from })
    }

    /// What is agreed from now on is less than before. It stays CREATED.
    pub fn modify(&mut self, agreed: &Snapshot, split_off: Vec<(OrderId, Units)>, note: &str) -> Event {
        self.terms_version += 1;
        self.total = agreed.terms().total;
        self.sku_totals = agreed.terms().sku_totals();
        let (snapshot, terms_version, note) = (Box::new(agreed.clone()), self.terms_version, note.to_owned());
        Event::Modified { snapshot, terms_version, split_off, note }
    }

    /// How it goes from its confirmation on.
    pub const fn walk(&self) -> Walk {
        if self.cash_on_delivery { Walk::CashOnDelivery } else { Walk::Prepaid }
    }

    /// CREATED to CONFIRMED. Inventory commits only for an authorized payment, so the payment is authorized even if payments'
    /// own word for it, on another topic, is still on its way. What is paid in cash may leave now.
    pub fn confirm(&mut self, allocations: &[Allocation]) -> Answer {
        self.standing.payment = PaymentStatus::Authorized;
        self.standing.fulfilment = FulfilmentStatus::Allocated;
        self.allocations = allocations.to_vec();
        self.enter(Status::Confirmed);
        Decision::applied(Event::Confirmed {
            order_id: self.id,
            checkout_id: self.checkout_id,
            cash_on_delivery: self.cash_on_delivery,
            shipping_instruction: self.shipping_instruction(Milestone::Confirmed),
        })
    }

    /// CONFIRMED to PAID, and then the goods may leave; in cash DELIVERED to PAID, and then they may come back for a while.
    pub fn pay(&mut self, policy: &Policy, now: Timestamp) -> Event {
        self.standing.payment = PaymentStatus::Captured;
        self.enter(Status::Paid);
        if self.cash_on_delivery {
            self.close_at = Some(policy.close_deadline(now));
        }
        Event::Paid {
            order_id: self.id,
            checkout_id: self.checkout_id,
            shipping_instruction: self.shipping_instruction(Milestone::Paid),
        }
    }

    /// What is to be sent, if that is what lets the goods leave.
    fn shipping_instruction(&self, reached: Milestone) -> Option<Box<ShippingInstruction>> {
        let instruction = || ShippingInstruction {
            buyer_id: self.buyer_id,
            seller_id: self.seller_id,
            ship_to: self.ship_to.clone(),
            shipping_service: self.shipping_service.clone(),
            allocations: self.allocations.clone(),
            cash_to_collect: self.cash_on_delivery.then_some(self.total),
            sku_totals: if self.cash_on_delivery { self.sku_totals.clone() } else { Vec::new() },
        };
        lets_goods_leave(self.walk(), reached).then(|| Box::new(instruction()))
    }

    /// To SHIPPED: every parcel has left.
    pub fn ship(&mut self) -> Event {
        self.standing.fulfilment = FulfilmentStatus::Shipped;
        self.enter(Status::Shipped);
        Event::Shipped { order_id: self.id, checkout_id: self.checkout_id }
    }

    /// SHIPPED to DELIVERED: every parcel has arrived that did not fail. Prepaid, the goods may come back for a while.
    pub fn deliver(&mut self, policy: &Policy, now: Timestamp) -> Event {
        self.standing.fulfilment = FulfilmentStatus::Delivered;
        self.enter(Status::Delivered);
        if !self.cash_on_delivery {
            self.close_at = Some(policy.close_deadline(now));
        }
        Event::Delivered { order_id: self.id, checkout_id: self.checkout_id }
    }

    /// CREATED to FAILED.
    pub fn fail(&mut self, reason: FailureReason, detail: &str) -> Answer {
        if reason == FailureReason::PaymentDeclined {
            self.standing.payment = PaymentStatus::Declined;
        }
        self.enter(Status::Failed(reason));
        let detail = detail.to_owned();
        Decision::applied(Event::Failed { order_id: self.id, checkout_id: self.checkout_id, reason, detail })
    }

    /// CREATED or CONFIRMED to CANCELLED; in cash also SHIPPED, if nothing arrives.
    pub fn cancel(&mut self, reason: CancelReason, note: &str) -> Answer {
        Decision::applied(self.cancelled(reason, note))
    }

    /// The same, for a step that has told something before it.
    pub fn cancelled(&mut self, reason: CancelReason, note: &str) -> Event {
        if reason == CancelReason::CaptureFailed {
            self.standing.payment = PaymentStatus::CaptureFailed;
        }
        self.enter(Status::Cancelled(reason));
        Event::Cancelled { order_id: self.id, checkout_id: self.checkout_id, reason, note: note.to_owned() }
    }

    /// Asks for the parcels to be stopped, so that the order can be cancelled.
    pub fn request_cancellation(&mut self, cancellation: Cancellation) -> Answer {
        self.cancellation = Some(cancellation);
        Decision::applied(Event::CancellationRequested { order_id: self.id, checkout_id: self.checkout_id })
    }

    /// Asks for money back.
    pub fn request_refund(&mut self, wanted: Wanted, note: &str) -> Event {
        let refund = self.add_refund(wanted, RefundStatus::Requested).clone();
        Event::RefundRequested { order_id: self.id, checkout_id: self.checkout_id, refund, note: note.to_owned() }
    }

    /// Notes that nothing is to be given back for what did not arrive.
    pub fn waive(&mut self, wanted: Wanted) {
        self.add_refund(wanted, RefundStatus::Waived);
    }

    fn add_refund(&mut self, wanted: Wanted, status: RefundStatus) -> &Refund {
        let Wanted { kind, amount, lines, parcel_id, exchange_order_id } = wanted;
        let number = self.refunds.last().map_or(1, |last| last.number + 1);
        self.refunds.push(Refund { number, kind, status, amount, lines, parcel_id, reason: None, exchange_order_id });
        self.refunds.last().expect("it was just added")
    }

    /// Grants the refund of that number, which exists.
    pub fn approve_refund(&mut self, number: RefundNumber) -> Event {
        let refund = self.refund_mut(number).expect("the caller found it");
        refund.status = RefundStatus::Approved;
        let (amount, exchange_order_id) = (refund.amount, refund.exchange_order_id);
        Event::RefundApproved { order_id: self.id, checkout_id: self.checkout_id, number, amount, exchange_order_id }
    }

    /// Does not grant the refund of that number, which exists.
    pub fn reject_refund(&mut self, number: RefundNumber, reason: Rejection) -> Event {
        let refund = self.refund_mut(number).expect("the caller found it");
        refund.status = RefundStatus::Rejected;
        refund.reason = Some(reason.as_str().to_owned());
        Event::RefundRejected { order_id: self.id, checkout_id: self.checkout_id, number, reason }
    }

    /// The money of the refund of that number, which exists, is back. To REFUNDED if now all of it is.
    pub fn complete_refund(&mut self, number: RefundNumber, now: Timestamp) -> Vec<Event> {
        let refund = self.refund_mut(number).expect("the caller found it");
        refund.status = RefundStatus::Refunded;
        refund.reason = None;
        let amount = refund.amount;
        let (order_id, checkout_id, refunded) = (self.id, self.checkout_id, self.refunded());
        let mut events = vec![Event::RefundCompleted { order_id, checkout_id, number, amount, refunded }];
        if refunded == self.due() {
            self.standing.payment = PaymentStatus::Refunded;
            self.enter(Status::Refunded);
            self.close_at = Some(now);
            events.push(Event::Refunded { order_id, checkout_id });
        }
        events
    }

    /// To CLOSED: nothing more happens to it.
    pub fn close(&mut self) -> Event {
        self.enter(Status::Closed);
        Event::Closed { order_id: self.id, checkout_id: self.checkout_id }
    }

    /// Notes what payments said. The milestone stays, and nobody else hears of it.
    pub fn note_payment(&mut self, heard: PaymentStatus) -> Answer {
        match Step::between(self.standing.payment, heard) {
            Step::Forward => {
                self.standing.payment = heard;
                Decision::noted()
            }
            Step::Same => Decision::AlreadyApplied,
            Step::Back => Decision::Ignored("the payment has moved on since"),
            Step::Elsewhere => self.contradicted(),
        }
    }

    /// Notes what inventory said. The milestone stays, and nobody else hears of it.
    pub fn note_fulfilment(&mut self, heard: FulfilmentStatus) -> Answer {
        match Step::between(self.standing.fulfilment, heard) {
            Step::Forward => {
                self.standing.fulfilment = heard;
                Decision::noted()
            }
            Step::Same => Decision::AlreadyApplied,
            Step::Back => Decision::Ignored("the stock has moved on since"),
            Step::Elsewhere => self.contradicted(),
        }
    }

    /// The answer to a fact that cannot be true of the order as it stands.
    pub fn contradicted(&self) -> Answer {
        Decision::Refused(OrderError::Contradicted { order_id: self.id, standing: self.standing })
    }

    fn enter(&mut self, status: Status) {
        debug_assert!(
            self.walk().leads(self.standing.status.milestone(), status.milestone()),
            "{} does not lead to {status}",
            self.standing.status
        );
        self.standing.status = status;
    }
}

/// What is to go back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Why.
    pub kind: RefundKind,
    /// How much.
    pub amount: Money,
    /// For which units.
    pub lines: Vec<RefundLine>,
    /// For which parcel that failed.
    pub parcel_id: Option<ParcelId>,
    /// The order that is to send the units anew, if they are exchanged.
    pub exchange_order_id: Option<OrderId>,
}

impl Wanted {
    /// Money for these lines; for none of a parcel that failed, and no exchange.
    pub fn new(kind: RefundKind, amount: Money, lines: Vec<RefundLine>) -> Self {
        Self { kind, amount, lines, parcel_id: None, exchange_order_id: None }
    }
}

/// Where a state that was heard of lies, seen from the present one.
enum Step {
    Forward,
    Same,
    Back,
    Elsewhere,
}

impl Step {
    fn between<S: OneWay>(present: S, heard: S) -> Self {
        if present == heard {
            Self::Same
        } else if present.leads_to(heard) {
            Self::Forward
        } else if heard.leads_to(present) {
            Self::Back
        } else {
            Self::Elsewhere
        }
    }
}
