//! An order: where it stands, and the steps that it can take.

use std::fmt;

use kernel::{Decision, Money, Timestamp};

use super::error::OrderError;
use super::event::Event;
use super::ids::{CheckoutId, OrderId};
use super::policy::CheckoutPolicy;
use super::snapshot::Snapshot;
use super::status::{CancelReason, FailureReason, FulfilmentStatus, OneWay, PaymentStatus, Status};

/// What becomes of a fact that concerns an order.
pub type Answer = Decision<Event, OrderError>;

/// Where an order stands: its milestone over its two axes.
///
/// CREATED has nothing committed, and at most an authorization. CONFIRMED is authorized and allocated. PAID is captured and
/// allocated. FAILED and CANCELLED wait for what is still under way to be undone, and their axes show how far that is.
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
    /// What the buyer pays.
    pub total: Money,
    /// Whether it is paid in cash on delivery.
    pub cash_on_delivery: bool,
    /// When it is cancelled if it is still unpaid.
    pub unpaid_deadline: Timestamp,
    /// Where it stands; moved only by the steps below.
    pub standing: Standing,
}

impl Order {
    /// A new order over what was agreed.
    pub fn create(snapshot: &Snapshot, policy: &CheckoutPolicy, now: Timestamp) -> (Self, Event) {
        let terms = snapshot.terms();
        let order = Self {
            id: terms.order_id,
            checkout_id: terms.checkout_id,
            total: terms.total,
            cash_on_delivery: terms.payment_method.is_cash_on_delivery(),
            unpaid_deadline: policy.unpaid_deadline(now),
            standing: Standing::CREATED,
        };
        let created = Event::Created { snapshot: Box::new(snapshot.clone()), unpaid_deadline: order.unpaid_deadline };
        (order, created)
    }

    /// CREATED to CONFIRMED. Inventory commits only for an authorized payment, so the payment is authorized even if payments'
    /// own word for it, on another topic, is still on its way.
    pub fn confirm(&mut self) -> Answer {
        self.standing.payment = PaymentStatus::Authorized;
        self.standing.fulfilment = FulfilmentStatus::Allocated;
        self.enter(Status::Confirmed);
        Decision::applied(Event::Confirmed {
            order_id: self.id,
            checkout_id: self.checkout_id,
            cash_on_delivery: self.cash_on_delivery,
        })
    }

    /// CONFIRMED to PAID.
    pub fn pay(&mut self) -> Answer {
        self.standing.payment = PaymentStatus::Captured;
        self.enter(Status::Paid);
        Decision::applied(Event::Paid { order_id: self.id, checkout_id: self.checkout_id })
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
        debug_assert!(self.standing.status.leads_to(status), "{} does not lead to {status}", self.standing.status);
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
