//! What orders do on each journey of the checkout saga, and what undoes it. [`testkit::steps`] plays the table.

use kernel::{Id, Quantity, Timestamp};
use messaging::Subscription;
use orders::adapters::events::SUBSCRIPTIONS;
use orders::domain::fact::{Canceller, Commitment, Fact, FailedParcel, OrderFact, StoppedPart};
use orders::domain::ids::{OrderId, ParcelId, WarehouseId};
use orders::domain::refund::{RefundRequest, Units};
use orders::domain::shipping_instruction::Allocation;
use orders::domain::snapshot::{Exchange, PaymentMethod, Snapshot, Terms};
use orders::domain::status::Status;
use orders::domain::world::World;
use orders::{Orders, SERVICE};
use testkit::steps::{Broken, Journey, Row, Step, Table};

use crate::back_office::{Checkout, RETURN_WINDOW, UNPAID_AFTER, participant, terms_of, with_two_spoons};

const CHECKOUT: &str = "checkout";
const INVENTORY: &str = "inventory";
const PAYMENTS: &str = "payments";
const SHIPPING: &str = "shipping";
const BUYER: &str = "the buyer";
const CLOCK: &str = "the clock";

const CREATED: &str = "OrderCreated";
const BACKORDERED: &str = "OrderBackordered";
const MODIFIED: &str = "OrderModified";
const CONFIRMED: &str = "OrderConfirmed";
const PAID: &str = "OrderPaid";
const SHIPPED: &str = "OrderShipped";
const DELIVERED: &str = "OrderDelivered";
const STOPPING: &str = "OrderCancellationRequested";
const WANTED_BACK: &str = "RefundRequested";
const GRANTED: &str = "RefundApproved";
const COMPLETED: &str = "RefundCompleted";
const REFUNDED: &str = "OrderRefunded";
const CLOSED: &str = "OrderClosed";
const FAILED: &str = "OrderFailed";
const CANCELLED: &str = "OrderCancelled";

/// An order of a checkout of its own.
struct Placed {
    terms: Terms,
}

impl Placed {
    /// The same with a second spoon, which costs as much again.
    fn of_two(&self) -> Self {
        Self { terms: with_two_spoons(self.terms.clone()) }
    }

    fn id(&self) -> OrderId {
        self.terms.order_id
    }

    fn submitted(&self, payment_method: PaymentMethod) -> Step<Fact> {
        let snapshot = Snapshot::freeze(Terms { payment_method, ..self.terms.clone() }).unwrap();
        let fact = Fact::CheckoutSubmitted { checkout_id: self.terms.checkout_id, snapshots: vec![snapshot] };
        Step::new(CHECKOUT, "CheckoutSubmitted", fact).tells(&[CREATED])
    }

    /// Whatever others say of an order follows from its creation.
    fn says(&self, from: &'static str, name: &'static str, fact: OrderFact) -> Step<Fact> {
        Step::new(from, name, Fact::Order(self.id(), fact)).needs(&[CREATED])
    }

    fn rejected(&self) -> Step<Fact> {
        self.says(INVENTORY, "InventoryRejected", OrderFact::InventoryRejected)
    }

    fn backordered(&self) -> Step<Fact> {
        let until = Timestamp::from_unix_micros(1_900_000_000_000_000);
        self.says(INVENTORY, "InventoryBackordered", OrderFact::InventoryBackordered { until })
    }

    fn committed(&self) -> Step<Fact> {
        self.says(INVENTORY, "InventoryCommitted", OrderFact::InventoryCommitted(self.commitment(1)))
    }

    fn commitment(&self, terms_version: i32) -> Commitment {
        let sku = "SPOON".parse().unwrap();
        let warehouse_id = WarehouseId::from_uuid(self.id().uuid());
        Commitment { terms_version, allocations: vec![Allocation { sku, warehouse_id, quantity: Quantity::ONE }] }
    }

    /// One spoon of two is left.
    fn modified(&self) -> Step<Fact> {
        let left = [("SPOON".parse().unwrap(), 1)].into();
        self.says(BUYER, "ModifyOrder", OrderFact::ModificationRequested { left, note: None }).commanded()
    }

    fn committed_as_modified(&self) -> Step<Fact> {
        self.says(INVENTORY, "InventoryCommitted", OrderFact::InventoryCommitted(self.commitment(2))).needs(&[MODIFIED])
    }

    fn holds_less(&self, is_committed: bool) -> Step<Fact> {
        let committed = is_committed.then(|| self.commitment(2));
        self.says(INVENTORY, "ReservationModified", OrderFact::ReservationModified { committed }).needs(&[MODIFIED])
    }

    fn dispatched(&self, order_dispatched: bool) -> Step<Fact> {
        self.says(SHIPPING, "ShipmentDispatched", OrderFact::ShipmentDispatched { order_dispatched })
    }

    fn stopped(&self) -> Step<Fact> {
        self.says(SHIPPING, "ShipmentCancelled", OrderFact::ShipmentCancelled).needs(&[STOPPING])
    }

    fn refund(&self) -> Step<Fact> {
        let request = RefundRequest::BeforeDispatch;
        self.says(BUYER, "RequestRefund", OrderFact::RefundRequested { request, note: None })
    }

    fn refund_granted(&self) -> Step<Fact> {
        self.says(SHIPPING, "ShipmentCancelled", OrderFact::ShipmentCancelled).needs(&[WANTED_BACK]).tells(&[GRANTED])
    }

    /// That somebody wants a part back is a wish of its own each time, and so no step that can be repeated; what is told of one that nobody
    /// wanted back is.
    fn part_stopped(&self) -> Step<Fact> {
        let part = StoppedPart {
            number: 2,
            units: [("SPOON".parse().unwrap(), 1)].into(),
            order_dispatched: false,
            order_delivered: false,
            order_failed: false,
        };
        self.says(SHIPPING, "ShipmentCancelled", OrderFact::PartStopped(part)).is_refused()
    }

    fn part_not_stopped(&self) -> Step<Fact> {
        self.says(SHIPPING, "ShipmentCancelRefused", OrderFact::ShipmentCancelRefused { number: Some(2) }).is_refused()
    }

    fn part_released(&self) -> Step<Fact> {
        self.says(INVENTORY, "InventoryReleased", OrderFact::InventoryReleased { partial: true }).is_refused()
    }

    fn not_stopped(&self) -> Step<Fact> {
        self.says(SHIPPING, "ShipmentCancelRefused", OrderFact::ShipmentCancelRefused { number: None })
            .needs(&[STOPPING])
    }

    fn delivered(&self, order_delivered: bool) -> Step<Fact> {
        self.says(SHIPPING, "ShipmentDelivered", OrderFact::ShipmentDelivered { order_delivered })
    }

    fn commit_refused(&self) -> Step<Fact> {
        self.says(INVENTORY, "InventoryCommitRefused", OrderFact::InventoryCommitRefused)
    }

    fn expired(&self) -> Step<Fact> {
        self.says(INVENTORY, "ReservationExpired", OrderFact::ReservationExpired)
    }

    fn released(&self) -> Step<Fact> {
        self.says(INVENTORY, "InventoryReleased", OrderFact::InventoryReleased { partial: false })
    }

    fn authorized(&self) -> Step<Fact> {
        self.says(PAYMENTS, "PaymentAuthorized", OrderFact::PaymentAuthorized)
    }

    fn declined(&self) -> Step<Fact> {
        let issuer_reason = "INSUFFICIENT_FUNDS".to_owned();
        self.says(PAYMENTS, "PaymentDeclined", OrderFact::PaymentDeclined { issuer_reason })
    }

    fn captured(&self) -> Step<Fact> {
        self.says(PAYMENTS, "PaymentCaptured", OrderFact::PaymentCaptured { amount: self.terms.total })
            .needs(&[CONFIRMED])
    }

    fn capture_failed(&self) -> Step<Fact> {
        self.says(PAYMENTS, "CaptureFailed", OrderFact::CaptureFailed).needs(&[CONFIRMED])
    }

    fn voided(&self) -> Step<Fact> {
        self.says(PAYMENTS, "PaymentVoided", OrderFact::PaymentVoided)
    }

    /// The order ended while its money was taken.
    fn undone(&self) -> Step<Fact> {
        let refunded = self.terms.total;
        self.says(PAYMENTS, "PaymentRefunded", OrderFact::PaymentRefunded { number: None, refunded })
    }

    fn refunded(&self) -> Step<Fact> {
        let refunded = self.terms.total;
        self.says(PAYMENTS, "PaymentRefunded", OrderFact::PaymentRefunded { number: Some(1), refunded })
            .tells(&[COMPLETED, REFUNDED])
    }

    fn refund_failed(&self) -> Step<Fact> {
        let reason = "REFUND_REFUSED".to_owned();
        self.says(PAYMENTS, "RefundFailed", OrderFact::RefundFailed { number: Some(1), reason }).needs(&[GRANTED])
    }

    /// The spoon is all that was ordered.
    fn lost(&self) -> Step<Fact> {
        let parcel = FailedParcel {
            parcel_id: ParcelId::from_uuid(self.id().uuid()),
            units: [("SPOON".parse().unwrap(), 1)].into(),
            order_delivered: false,
            order_failed: true,
        };
        self.says(SHIPPING, "ShipmentFailed", OrderFact::ShipmentFailed(parcel))
    }

    /// It was asked back by nobody: a parcel that came back.
    fn received(&self) -> Step<Fact> {
        let fact = OrderFact::ReturnReceived { number: None, accepted: Units::new(), complete: true };
        self.says(SHIPPING, "ReturnReceived", fact)
    }

    fn closed(&self) -> Step<Fact> {
        self.says(CLOCK, "the end of the return window", OrderFact::CloseDeadlinePassed).at(RETURN_WINDOW)
    }

    fn cancel(&self) -> Step<Fact> {
        self.says(BUYER, "CancelOrder", OrderFact::CancelRequested { by: Canceller::Buyer, note: None })
    }

    fn deadline(&self) -> Step<Fact> {
        self.says(CLOCK, "the unpaid deadline", OrderFact::UnpaidDeadlinePassed).at(UNPAID_AFTER)
    }

    fn created(&self, payment_method: PaymentMethod) -> Row<Fact> {
        let cancelled = || self.cancel().tells(&[CANCELLED]);
        self.submitted(payment_method)
            .undone_by([cancelled(), self.released()])
            .or_by([self.deadline().tells(&[CANCELLED])])
            .or_by([self.rejected().tells(&[FAILED])])
            .or_by([self.declined().tells(&[FAILED]), self.released()])
            .or_by([self.expired().tells(&[CANCELLED]), self.released(), self.declined()])
            // Bank and inventory say yes after the buyer went.
            .or_by([cancelled(), self.committed(), self.authorized(), self.voided(), self.released()])
            .or_by([
                self.expired().tells(&[CANCELLED]),
                self.released(),
                self.authorized(),
                self.commit_refused().is_ignored(),
                self.voided(),
            ])
    }

    fn authorized_row(&self) -> Row<Fact> {
        self.authorized()
            .undone_by([self.cancel().tells(&[CANCELLED]), self.released(), self.voided()])
            .or_by([self.deadline().tells(&[CANCELLED]), self.voided(), self.released()])
            .or_by([self.commit_refused().tells(&[FAILED]), self.voided()])
    }

    /// An order that is paid by what was set aside: however it ends before it is paid, that goes back.
    #[rustfmt::skip]
    fn exchange_journeys(&self) -> Vec<Journey<Fact>> {
        let of = Id::generate();
        let exchange = PaymentMethod::Exchange(Exchange { order_id: of, refund_number: 1, charged_order_id: Some(of) });
        let cancelled = || self.cancel().tells(&[CANCELLED]);
        vec![
            Journey::new("an order that is paid by an exchange")
                .not_undone_by([self.cancel().is_refused()])
                .then(self.submitted(exchange)
                    .undone_by([cancelled(), self.undone(), self.released()])
                    .or_by([self.deadline().tells(&[CANCELLED]), self.undone()])
                    .or_by([self.rejected().tells(&[FAILED]), self.undone()])
                    .or_by([self.declined().tells(&[FAILED]), self.released(), self.undone()])
                    .or_by([self.expired().tells(&[CANCELLED]), self.released(), self.undone()])
                    .but_not_by([self.modified().is_refused()]))
                .then(self.authorized()
                    .undone_by([cancelled(), self.released(), self.undone()])
                    .or_by([self.commit_refused().tells(&[FAILED]), self.undone()]))
                .then(self.committed().tells(&[CONFIRMED])
                    .undone_by([cancelled(), self.released(), self.undone()])
                    .or_by([cancelled(), self.captured(), self.undone(), self.released()]))
                .then(self.captured().tells(&[PAID])
                    .undone_by([self.refund().tells(&[WANTED_BACK]), self.refund_granted(), self.refunded(), self.released()])),
        ]
    }

    #[rustfmt::skip]
    fn modified_journeys(&self) -> Vec<Journey<Fact>> {
        vec![
            Journey::new("an order of which a unit is taken away")
                .not_undone_by([self.cancel().is_refused()])
                .then(self.of_two().created(PaymentMethod::Card("tok_approved".parse().unwrap())))
                .then(self.modified().tells(&[MODIFIED])
                    .undone_by([self.cancel().tells(&[CANCELLED])])
                    .or_by([self.cancel().tells(&[CANCELLED]), self.committed(), self.released()])
                    .but_not_by([self.committed().is_ignored(), self.holds_less(false).is_ignored()]))
                .then(self.committed_as_modified().tells(&[CONFIRMED])
                    .undone_by([self.cancel().tells(&[CANCELLED]), self.released(), self.voided()])
                    .but_not_by([self.modified().is_refused()]))
                .then(self.captured().tells(&[PAID])
                    .undone_by([self.refund().tells(&[WANTED_BACK]), self.refund_granted(), self.refunded(), self.released()])),
            Journey::new("an order of which a unit is taken away while its stock is committed")
                .not_undone_by([self.cancel().is_refused()])
                .then(self.of_two().created(PaymentMethod::Card("tok_approved".parse().unwrap())))
                .then(self.modified().tells(&[MODIFIED])
                    .undone_by([self.cancel().tells(&[CANCELLED])]))
                .then(self.holds_less(true).tells(&[CONFIRMED])
                    .undone_by([self.cancel().tells(&[CANCELLED]), self.released(), self.voided()])),
        ]
    }
}

impl Table for Placed {
    type Participant = Orders;

    const SUBSCRIPTIONS: &'static [Subscription] = SUBSCRIPTIONS;
    const SLATE: &'static [&'static str] =
        &["SELECT order_id, status FROM order_state WHERE status NOT IN ('FAILED', 'CANCELLED', 'REFUNDED', 'CLOSED')"];

    fn service() -> &'static chassis::Service {
        &SERVICE
    }

    fn participant() -> Orders {
        participant()
    }

    fn about_a_new_order(_: Timestamp) -> Self {
        Self { terms: terms_of(&Checkout::new(1)).remove(0) }
    }

    fn world(&self) -> World {
        World::default()
    }

    #[rustfmt::skip]
    fn journeys(&self) -> Vec<Journey<Fact>> {
        let card = PaymentMethod::Card("tok_approved".parse().unwrap());
        vec![
            Journey::new("an order that is paid for by card")
                .not_undone_by([self.cancel().is_refused()])
                .then(self.created(card))
                .then(self.authorized_row())
                .then(self.committed().tells(&[CONFIRMED])
                    .undone_by([self.cancel().tells(&[CANCELLED]), self.released(), self.voided()])
                    .or_by([self.cancel().tells(&[CANCELLED]), self.captured(), self.undone(), self.released()])
                    .or_by([self.capture_failed().tells(&[CANCELLED]), self.released(), self.voided()])
                    .but_not_by([self.deadline().is_ignored()]))
                .then(self.captured().tells(&[PAID])
                    .undone_by([self.refund().tells(&[WANTED_BACK]), self.refund_granted(), self.refunded(), self.released()])
                    .or_by([self.refund().tells(&[WANTED_BACK]), self.refund_granted(), self.refund_failed(), self.released(), self.refunded()])
                    // Inventory has heard from shipping before us.
                    .or_by([self.refund().tells(&[WANTED_BACK]), self.released(), self.refund_granted(), self.refunded()])
                    .but_not_by([self.cancel().is_refused(), self.deadline().is_ignored()])
                    .but_not_by([self.part_stopped(), self.part_not_stopped(), self.part_released()]))
                .then(self.dispatched(false).needs(&[PAID])
                    .not_undone_by([self.cancel().is_refused()]))
                .then(self.dispatched(true).needs(&[PAID]).tells(&[SHIPPED])
                    .not_undone_by([self.cancel().is_refused()]))
                .then(self.delivered(true).needs(&[PAID]).tells(&[DELIVERED])
                    .not_undone_by([self.cancel().is_refused()]))
                .then(self.closed().needs(&[DELIVERED]).tells(&[CLOSED])
                    .not_undone_by([self.cancel().is_refused()])),
            Journey::new("an order that is paid for by card and lost on its way")
                .not_undone_by([self.cancel().is_refused()])
                .then(self.created(PaymentMethod::Card("tok_approved".parse().unwrap())))
                .then(self.committed().tells(&[CONFIRMED])
                    .undone_by([self.cancel().tells(&[CANCELLED]), self.released(), self.voided()]))
                .then(self.captured().tells(&[PAID])
                    .undone_by([self.refund().tells(&[WANTED_BACK]), self.refund_granted(), self.refunded(), self.released()]))
                .then(self.dispatched(true).needs(&[PAID]).tells(&[SHIPPED])
                    .undone_by([self.lost().tells(&[WANTED_BACK, GRANTED]), self.refunded()]))
                .then(self.lost().needs(&[SHIPPED]).tells(&[WANTED_BACK, GRANTED])
                    .undone_by([self.refunded()])
                    .or_by([self.refund_failed(), self.refunded()])
                    .but_not_by([self.received().is_ignored()])),
            Journey::new("an order that waits for stock")
                .not_undone_by([self.cancel().is_refused()])
                .then(self.created(PaymentMethod::Card("tok_approved".parse().unwrap())))
                .then(self.backordered().tells(&[BACKORDERED])
                    .undone_by([self.cancel().tells(&[CANCELLED])])
                    .or_by([self.rejected().tells(&[FAILED])])
                    .but_not_by([self.deadline().is_ignored()]))
                .then(self.committed().tells(&[CONFIRMED])
                    .undone_by([self.cancel().tells(&[CANCELLED]), self.released(), self.voided()]))
                .then(self.captured().tells(&[PAID])
                    .undone_by([self.refund().tells(&[WANTED_BACK]), self.refund_granted(), self.refunded(), self.released()])),
            Journey::new("an order that is refused at the door")
                .not_undone_by([self.cancel().is_refused()])
                .then(self.created(PaymentMethod::CashOnDelivery))
                .then(self.committed().tells(&[CONFIRMED])
                    .undone_by([self.cancel().tells(&[STOPPING]), self.stopped().tells(&[CANCELLED]), self.voided(), self.released()])
                    .or_by([self.cancel().tells(&[STOPPING]), self.released(), self.stopped().tells(&[CANCELLED]), self.voided()]))
                .then(self.dispatched(true).needs(&[CONFIRMED]).tells(&[SHIPPED])
                    .undone_by([self.lost().tells(&[CANCELLED]), self.voided()])),
            Journey::new("an order that is paid for at the door")
                .not_undone_by([self.cancel().is_refused()])
                .then(self.created(PaymentMethod::CashOnDelivery))
                .then(self.authorized_row())
                .then(self.committed().tells(&[CONFIRMED])
                    .undone_by([self.cancel().tells(&[STOPPING]), self.stopped().tells(&[CANCELLED]), self.voided(), self.released()])
                    .but_not_by([self.deadline().is_ignored()]))
                .then(self.dispatched(true).needs(&[CONFIRMED]).tells(&[SHIPPED])
                    .not_undone_by([self.cancel().is_refused()]))
                .then(self.delivered(true).needs(&[CONFIRMED]).tells(&[DELIVERED])
                    .not_undone_by([self.cancel().is_refused()]))
                .then(self.captured().tells(&[PAID])
                    .not_undone_by([self.deadline().is_ignored()])),
            Journey::new("an order whose parcel leaves before it is stopped")
                .not_undone_by([self.cancel().is_refused()])
                .then(self.created(PaymentMethod::CashOnDelivery))
                .then(self.authorized_row())
                .then(self.committed().tells(&[CONFIRMED])
                    .undone_by([self.cancel().tells(&[STOPPING]), self.stopped().tells(&[CANCELLED]), self.voided(), self.released()]))
                .then(self.cancel().needs(&[CONFIRMED]).tells(&[STOPPING])
                    .undone_by([self.stopped().tells(&[CANCELLED]), self.voided(), self.released()]))
                .then(self.dispatched(true).needs(&[STOPPING]).tells(&[SHIPPED])
                    .not_undone_by([self.cancel().is_refused()]))
                .then(self.not_stopped()
                    .not_undone_by([self.cancel().is_refused()])),
        ]
        .into_iter()
        .chain(self.modified_journeys())
        .chain(self.exchange_journeys())
        .collect()
    }

    /// The order, unless it has ended.
    fn slate(&self, world: &World) -> String {
        match world.order(self.id()).map(|order| order.standing.status) {
            None | Some(Status::Failed(_) | Status::Cancelled(_) | Status::Refunded | Status::Closed) => {
                "nothing under way".to_owned()
            }
            Some(
                status @ (Status::Created | Status::Confirmed | Status::Paid | Status::Shipped | Status::Delivered),
            ) => status.to_string(),
        }
    }
}

#[test]
fn every_step_of_a_checkout_can_be_repeated_and_undone() -> Result<(), Broken> {
    println!("orders: {}", testkit::steps::decisions::<Placed>()?);
    Ok(())
}

#[tokio::test]
async fn every_step_of_a_checkout_leaves_its_rows_once_or_not_at_all() -> Result<(), Broken> {
    println!("orders: {}", testkit::steps::transactions::<Placed>().await?);
    Ok(())
}
