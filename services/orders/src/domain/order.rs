//! An order: where it stands, and the steps that it can take.

use std::fmt;

use kernel::{Decision, Money, Timestamp};

use super::error::OrderError;
use super::event::Event;
use super::ids::{BuyerId, CheckoutId, OrderId, SellerId};
use super::policy::CheckoutPolicy;
use super::shipping_instruction::{Allocation, ShippingInstruction};
use super::snapshot::{Address, Snapshot};
use super::status::{CancelReason, FailureReason, FulfilmentStatus, OneWay, PaymentStatus, Status, Walk};

/// What becomes of a fact that concerns an order.
pub type Answer = Decision<Event, OrderError>;

/// Where an order stands: its milestone over its two axes.
///
/// CREATED has nothing committed, and at most an authorization. CONFIRMED is authorized and allocated. PAID is captured. SHIPPED
/// and DELIVERED are what the fulfilment axis says of every parcel; before that it says partly. FAILED and CANCELLED wait for
/// what is still under way to be undone, and their axes show how far that is.
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
    /// What the buyer pays.
    pub total: Money,
    /// Whether it is paid in cash on delivery.
    pub cash_on_delivery: bool,
    /// When it is cancelled if it is still unpaid.
    pub unpaid_deadline: Timestamp,
    /// What is committed to it where; empty before CONFIRMED.
    pub allocations: Vec<Allocation>,
    /// Who wants it cancelled, and waits for its parcels to be stopped.
    pub cancellation: Option<Cancellation>,
    /// How far a refund is that is under way.
    pub refund: Option<Refund>,
    /// Where it stands; moved only by the steps below.
    pub standing: Standing,
}

/// How far a refund of the whole amount is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refund {
    /// Somebody wants the money back, and the parcels are being stopped.
    Requested,
    /// They are stopped, and the money is on its way.
    Approved,
}

impl Refund {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Requested, Self::Approved];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "REQUESTED",
            Self::Approved => "APPROVED",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|refund| refund.as_str() == name)
    }
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
    /// A new order over what was agreed.
    pub fn create(snapshot: &Snapshot, policy: &CheckoutPolicy, now: Timestamp) -> (Self, Event) {
        let terms = snapshot.terms();
        let order = Self {
            id: terms.order_id,
            checkout_id: terms.checkout_id,
            buyer_id: terms.buyer_id,
            seller_id: terms.seller_id,
            ship_to: terms.ship_to.clone(),
            total: terms.total,
            cash_on_delivery: terms.payment_method.is_cash_on_delivery(),
            unpaid_deadline: policy.unpaid_deadline(now),
            allocations: Vec::new(),
            cancellation: None,
            refund: None,
            standing: Standing::CREATED,
        };
        let created = Event::Created { snapshot: Box::new(snapshot.clone()), unpaid_deadline: order.unpaid_deadline };
        (order, created)
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
            shipping_instruction: self.cash_on_delivery.then(|| Box::new(self.shipping_instruction())),
        })
    }

    /// CONFIRMED to PAID, and then the goods may leave; in cash DELIVERED to PAID.
    pub fn pay(&mut self) -> Event {
        self.standing.payment = PaymentStatus::Captured;
        self.enter(Status::Paid);
        Event::Paid {
            order_id: self.id,
            checkout_id: self.checkout_id,
            shipping_instruction: (!self.cash_on_delivery).then(|| Box::new(self.shipping_instruction())),
        }
    }

    fn shipping_instruction(&self) -> ShippingInstruction {
        ShippingInstruction {
            buyer_id: self.buyer_id,
            seller_id: self.seller_id,
            ship_to: self.ship_to.clone(),
            allocations: self.allocations.clone(),
            cash_to_collect: self.cash_on_delivery.then_some(self.total),
        }
    }

    /// To SHIPPED: every parcel has left.
    pub fn ship(&mut self) -> Event {
        self.standing.fulfilment = FulfilmentStatus::Shipped;
        self.enter(Status::Shipped);
        Event::Shipped { order_id: self.id, checkout_id: self.checkout_id }
    }

    /// SHIPPED to DELIVERED: every parcel has arrived.
    pub fn deliver(&mut self) -> Event {
        self.standing.fulfilment = FulfilmentStatus::Delivered;
        self.enter(Status::Delivered);
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

    /// CREATED or CONFIRMED to CANCELLED.
    pub fn cancel(&mut self, reason: CancelReason, note: &str) -> Answer {
        if reason == CancelReason::CaptureFailed {
            self.standing.payment = PaymentStatus::CaptureFailed;
        }
        self.enter(Status::Cancelled(reason));
        let note = note.to_owned();
        Decision::applied(Event::Cancelled { order_id: self.id, checkout_id: self.checkout_id, reason, note })
    }

    /// Asks for the parcels to be stopped, so that the order can be cancelled.
    pub fn request_cancellation(&mut self, cancellation: Cancellation) -> Answer {
        self.cancellation = Some(cancellation);
        Decision::applied(Event::CancellationRequested { order_id: self.id, checkout_id: self.checkout_id })
    }

    /// Asks for the parcels to be stopped, so that the money can go back.
    pub fn request_refund(&mut self) -> Event {
        self.refund = Some(Refund::Requested);
        Event::RefundRequested { order_id: self.id, checkout_id: self.checkout_id, amount: self.total }
    }

    /// Grants a refund.
    pub fn approve_refund(&mut self) -> Event {
        self.refund = Some(Refund::Approved);
        Event::RefundApproved { order_id: self.id, checkout_id: self.checkout_id, amount: self.total }
    }

    /// Does not grant a refund: a parcel had left.
    pub fn reject_refund(&mut self) -> Event {
        self.refund = None;
        Event::RefundRejected { order_id: self.id, checkout_id: self.checkout_id }
    }

    /// PAID to REFUNDED.
    pub fn refunded(&mut self) -> Event {
        self.refund = None;
        self.standing.payment = PaymentStatus::Refunded;
        self.enter(Status::Refunded);
        Event::Refunded { order_id: self.id, checkout_id: self.checkout_id }
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
