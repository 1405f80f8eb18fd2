//! What payments does on each journey of an order, and what undoes it. [`testkit::steps`] plays the table.

mod modification;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use kernel::{Id, Mutant, Timestamp};
use messaging::{Cause, Subscription};
use payments::adapters::events::SUBSCRIPTIONS;
use payments::adapters::postgres::operation::Claim;
use payments::domain::ledger::{Account, Transaction};
use payments::domain::{
    CardToken, Entry, Exchange, Fact, Method, OperationKey, OperationKind, OrderId, Outcome, Status, Terms,
};
use payments::{Heard, Loaded, Payments, SERVICE, Work};
use testkit::steps::{Broken, Journey, Row, Step, Table, output_of_broken};

use crate::till::{LIFETIME, MARGIN, Order, PROVIDER_TIMEOUT, euros, policy};

const ORDERS: &str = "orders";
const INVENTORY: &str = "inventory";
const SHIPPING: &str = "shipping";
const PROVIDER: &str = "the provider";
const OPERATOR: &str = "an operator";
const JOB: &str = "a job";

const AUTHORIZED: &str = "PaymentAuthorized";
const DECLINED: &str = "PaymentDeclined";
const CAPTURED: &str = "PaymentCaptured";
const CAPTURE_FAILED: &str = "CaptureFailed";
const VOIDED: &str = "PaymentVoided";
const REFUNDED: &str = "PaymentRefunded";
const REFUND_FAILED: &str = "RefundFailed";

const TOTAL: i64 = Order::TOTAL_MINOR;
/// What is due of it once the order was modified, and once it was modified again.
const LESS: i64 = 3_000;
const LEAST: i64 = 2_000;
/// What goes back of it by a first refund, and by a second.
const PART: i64 = 1_010;
const REST: i64 = TOTAL - PART;

/// How long stock is held for the order.
const HOLD: Duration = Duration::from_mins(15);
/// From then on it is too late to authorize.
const TOO_LATE: Duration = HOLD.checked_sub(MARGIN).unwrap();

/// What would ask the provider, one for each participant.
static WORKERS: Mutex<Vec<Work>> = Mutex::new(Vec::new());

/// What is to be paid for one order.
struct Bill {
    order_id: OrderId,
    start: Timestamp,
}

impl Bill {
    fn step(from: &'static str, name: &'static str, fact: Fact) -> Step<Heard> {
        Step::new(from, name, Heard { fact, cause: Cause::command("service:test") })
    }

    fn created(&self, method: Method) -> Step<Heard> {
        let (buyer_id, seller_id) = (Id::from_uuid(self.order_id.uuid()), Id::from_uuid(self.order_id.uuid()));
        let terms = Terms { buyer_id, seller_id, amount: euros(TOTAL), method };
        Self::step(ORDERS, "OrderCreated", Fact::OrderCreated { order_id: self.order_id, terms })
    }

    fn by_card(&self) -> Step<Heard> {
        self.created(Method::Card(CardToken::new("tok_approved").unwrap()))
    }

    fn modified_to(&self, name: &'static str, terms_version: i32, minor: i64) -> Step<Heard> {
        let fact = Fact::OrderModified { order_id: self.order_id, terms_version, amount: euros(minor) };
        Self::step(ORDERS, name, fact).needs(&["OrderCreated"])
    }

    fn modified(&self) -> Step<Heard> {
        self.modified_to("OrderModified", 2, LESS)
    }

    fn modified_again(&self) -> Step<Heard> {
        self.modified_to("OrderModified (3)", 3, LEAST)
    }

    fn reserved(&self) -> Step<Heard> {
        let fact = Fact::InventoryReserved { order_id: self.order_id, expires_at: self.start + HOLD };
        Self::step(INVENTORY, "InventoryReserved", fact)
    }

    fn confirmed(&self) -> Step<Heard> {
        let fact = Fact::OrderConfirmed { order_id: self.order_id };
        Self::step(ORDERS, "OrderConfirmed", fact).needs(&[AUTHORIZED])
    }

    fn failed(&self) -> Step<Heard> {
        Self::step(ORDERS, "OrderFailed", Fact::OrderEnded { order_id: self.order_id })
    }

    fn cancelled(&self) -> Step<Heard> {
        Self::step(ORDERS, "OrderCancelled", Fact::OrderEnded { order_id: self.order_id })
    }

    fn delivered(&self) -> Step<Heard> {
        Self::step(ORDERS, "OrderDelivered", Fact::OrderDelivered { order_id: self.order_id })
    }

    fn approved(&self, minor: i64) -> Step<Heard> {
        let fact = Fact::RefundApproved { order_id: self.order_id, number: 1, amount: euros(minor), set_aside: false };
        Self::step(ORDERS, "RefundApproved", fact).needs(&[CAPTURED])
    }

    fn approved_too(&self, minor: i64) -> Step<Heard> {
        let fact = Fact::RefundApproved { order_id: self.order_id, number: 2, amount: euros(minor), set_aside: false };
        Self::step(ORDERS, "RefundApproved (2)", fact).needs(&["RefundApproved"])
    }

    /// The refund that follows from the end of the order is wanted again.
    fn retried(&self) -> Step<Heard> {
        let fact = Fact::RefundRetried { order_id: self.order_id, number: 0 };
        Self::step(OPERATOR, "RetryRefund", fact).needs(&[REFUND_FAILED])
    }

    fn expires(&self) -> Step<Heard> {
        let fact = Fact::AuthorizationExpired { order_id: self.order_id };
        Self::step(JOB, "the authorization expires", fact).needs(&[AUTHORIZED]).at(LIFETIME)
    }

    fn collected(&self, minor: i64) -> Step<Heard> {
        let fact = Fact::CashCollected { order_id: self.order_id, amount: euros(minor) };
        Self::step(SHIPPING, "CashCollected", fact).needs(&[AUTHORIZED])
    }

    fn answered(&self, name: &'static str, kind: OperationKind, outcome: Outcome) -> Step<Heard> {
        let key = OperationKey::new(self.order_id, kind);
        Self::step(PROVIDER, name, Fact::ProviderAnswered { key, attempt: 1, outcome })
    }

    fn authorizes(&self) -> Step<Heard> {
        let step = self.answered("it authorizes", OperationKind::Authorize, Outcome::Succeeded);
        step.needs(&["OrderCreated", "InventoryReserved"])
    }

    fn declines(&self) -> Step<Heard> {
        let step = self.answered("it declines", OperationKind::Authorize, no());
        step.needs(&["OrderCreated", "InventoryReserved"])
    }

    fn captures(&self) -> Step<Heard> {
        self.answered("it captures", OperationKind::Capture, Outcome::Succeeded).needs(&["OrderConfirmed"])
    }

    fn fails_to_capture(&self) -> Step<Heard> {
        self.answered("it fails to capture", OperationKind::Capture, no()).needs(&["OrderConfirmed"])
    }

    fn voids(&self) -> Step<Heard> {
        self.answered("it voids", OperationKind::Void, Outcome::Succeeded).needs(&["it authorizes"])
    }

    fn refuses_to_void(&self) -> Step<Heard> {
        self.answered("it refuses to void", OperationKind::Void, no()).needs(&["it authorizes", "OrderCancelled"])
    }

    fn refunds(&self) -> Step<Heard> {
        self.answered("it refunds", OperationKind::Refund, Outcome::Succeeded).needs(&["it captures"])
    }

    fn refunds_too(&self) -> Step<Heard> {
        let (key, outcome) = (OperationKey::refund(self.order_id, 2), Outcome::Succeeded);
        let fact = Fact::ProviderAnswered { key, attempt: 1, outcome };
        Self::step(PROVIDER, "it refunds (2)", fact).needs(&["RefundApproved (2)"])
    }

    /// What was set aside goes back once the order has ended.
    fn gives_back(&self, needs: &'static [&'static str]) -> Step<Heard> {
        self.answered("it refunds", OperationKind::Refund, Outcome::Succeeded).needs(needs).tells(&[REFUNDED])
    }

    fn refuses_to_refund(&self) -> Step<Heard> {
        self.answered("it refuses to refund", OperationKind::Refund, no()).needs(&["it captures", "OrderCancelled"])
    }
}

/// The journeys. By card they go through the same rows, as far as they go.
impl Bill {
    fn is_noted(&self) -> Row<Heard> {
        self.by_card().undone_by([self.failed()]).or_by([self.cancelled()])
    }

    fn is_held(&self) -> Row<Heard> {
        self.is_held_by(self.reserved())
    }

    fn is_held_by(&self, reserved: Step<Heard>) -> Row<Heard> {
        let given_up = [self.cancelled(), self.authorizes(), self.voids().tells(&[VOIDED])];
        reserved.undone_by(given_up).or_by([self.cancelled(), self.declines()])
    }

    fn is_authorized(&self) -> Row<Heard> {
        let given_up = |end| [end, self.voids().tells(&[VOIDED])];
        self.authorizes().tells(&[AUTHORIZED]).undone_by(given_up(self.failed())).or_by(given_up(self.cancelled()))
    }

    fn is_confirmed(&self) -> Row<Heard> {
        let given_back = [self.cancelled(), self.captures().tells(&[CAPTURED]), self.refunds().tells(&[REFUNDED])];
        let given_up = [self.cancelled(), self.fails_to_capture(), self.voids().tells(&[VOIDED])];
        self.confirmed().undone_by(given_back).or_by(given_up)
    }

    fn authorized_in(&self, name: &'static str) -> Journey<Heard> {
        let journey = Journey::new(name).undone_by([self.cancelled()]);
        journey.then(self.is_noted()).then(self.is_held()).then(self.is_authorized())
    }

    fn confirmed_in(&self, name: &'static str) -> Journey<Heard> {
        self.authorized_in(name).then(self.is_confirmed())
    }

    fn captured_in(&self, name: &'static str) -> Journey<Heard> {
        let given_back = [self.cancelled(), self.refunds().tells(&[REFUNDED])];
        self.confirmed_in(name).then(self.captures().tells(&[CAPTURED]).undone_by(given_back))
    }

    /// Authorized and captured, or not.
    #[rustfmt::skip]
    fn by_card_journeys(&self) -> Vec<Journey<Heard>> {
        vec![
            Journey::new("an order that is paid for by card")
                // Leaves a tombstone, which refuses a later intent and a later hold.
                .undone_by([self.failed()])
                .undone_by([self.cancelled()])
                .then(self.is_noted())
                .then(self.is_held())
                .then(self.is_authorized())
                .then(self.is_confirmed())
                .then(self.captures().tells(&[CAPTURED])
                    .undone_by([self.cancelled(), self.refunds().tells(&[REFUNDED])])
                    .or_by([self.approved(TOTAL), self.refunds().tells(&[REFUNDED])])
                    // Orders cancels no order whose refund it approved.
                    .or_by([
                        self.approved(TOTAL),
                        self.cancelled().is_known(),
                        self.refunds().tells(&[REFUNDED]),
                    ])
                    // What is left goes back if it does.
                    .or_by([
                        self.approved(PART),
                        self.refunds().tells(&[REFUNDED]),
                        self.cancelled(),
                        // By the number that is free.
                        self.refunds_too().needs(&["OrderCancelled"]).tells(&[REFUNDED]),
                    ])
                    .but_not_by([self.approved(TOTAL + 1).is_refused()])),
            self.authorized_in("an authorization that grows too old")
                .then(self.expires().tells(&[CAPTURE_FAILED])
                    .undone_by([self.cancelled(), self.voids().tells(&[VOIDED])])
                    .but_not_by([self.confirmed().is_known()])),
            Journey::new("a card that is declined")
                .undone_by([self.failed()])
                .then(self.is_noted())
                .then(self.is_held())
                .then(self.declines().tells(&[DECLINED])
                    .undone_by([self.failed()])),
            Journey::new("a hold that is about to expire")
                .undone_by([self.cancelled()])
                .then(self.is_noted())
                .then(self.reserved().at(TOO_LATE).tells(&[DECLINED])
                    .undone_by([self.failed()])),
            Journey::new("an intent that comes when the hold is about to expire")
                .undone_by([self.cancelled()])
                .then(self.reserved()
                    .undone_by([self.failed()]))
                .then(self.by_card().at(TOO_LATE).tells(&[DECLINED])
                    .undone_by([self.failed()])),
            self.confirmed_in("a capture that fails")
                .then(self.fails_to_capture().tells(&[CAPTURE_FAILED])
                    .undone_by([self.cancelled(), self.voids().tells(&[VOIDED])])),
            self.authorized_in("an authorization that the provider does not give back")
                .then(self.cancelled().needs(&[AUTHORIZED])
                    .undone_by([self.voids().tells(&[VOIDED])]))
                // Left to an operator, for anything else would be a lie.
                .then(self.refuses_to_void()
                    .not_undone_by([self.failed().is_known(), self.voids().is_known()])),
        ]
    }

    /// Captured, and given back in parts, or at the second time.
    #[rustfmt::skip]
    fn refund_journeys(&self) -> Vec<Journey<Heard>> {
        vec![
            self.captured_in("an order that is delivered and refunded in parts")
                .then(self.delivered().needs(&[CAPTURED])
                    .undone_by([self.approved(TOTAL), self.refunds().tells(&[REFUNDED])]))
                .then(self.approved(PART)
                    .undone_by([
                        self.refunds().tells(&[REFUNDED]),
                        self.approved_too(REST),
                        self.refunds_too().tells(&[REFUNDED]),
                    ])
                    .but_not_by([self.approved_too(TOTAL).is_refused()]))
                .then(self.refunds().tells(&[REFUNDED]).needs(&["RefundApproved"])
                    .undone_by([self.approved_too(REST), self.refunds_too().tells(&[REFUNDED])])
                    .but_not_by([self.approved_too(REST + 1).is_refused()]))
                .then(self.approved_too(REST).needs(&[REFUNDED])
                    .undone_by([self.refunds_too().tells(&[REFUNDED])]))
                .then(self.refunds_too().tells(&[REFUNDED])
                    .undone_by([self.cancelled().is_known()])),
            self.captured_in("two refunds at once")
                .then(self.approved(PART)
                    .undone_by([
                        self.approved_too(REST),
                        self.refunds().tells(&[REFUNDED]),
                        self.refunds_too().tells(&[REFUNDED]),
                    ]))
                .then(self.approved_too(REST)
                    .undone_by([self.refunds().tells(&[REFUNDED]), self.refunds_too().tells(&[REFUNDED])]))
                .then(self.refunds().tells(&[REFUNDED]).needs(&["RefundApproved (2)"])
                    .undone_by([self.refunds_too().tells(&[REFUNDED])]))
                .then(self.refunds_too().tells(&[REFUNDED])
                    .undone_by([self.cancelled().is_known()])),
            self.captured_in("money that the provider does not give back at first")
                .then(self.cancelled().needs(&[CAPTURED])
                    .undone_by([self.refunds().tells(&[REFUNDED])]))
                .then(self.refuses_to_refund().tells(&[REFUND_FAILED])
                    .undone_by([self.retried(), self.refunds().tells(&[REFUNDED])])
                    .but_not_by([self.failed().is_known(), self.approved(TOTAL).is_known()]))
                .then(self.retried()
                    .undone_by([self.refunds().tells(&[REFUNDED])])),
        ]
    }

    /// Paid by what was set aside of an order that was paid by card.
    #[rustfmt::skip]
    fn exchange_journeys(&self) -> Vec<Journey<Heard>> {
        let exchange = Exchange { order_id: Id::generate(), refund_number: 1, charged_order_id: Some(Id::generate()) };
        let created = || self.created(Method::Exchange(exchange));
        let failed = || [self.failed().needs(&["OrderCreated"]), self.gives_back(&["OrderCreated", "OrderFailed"])];
        let cancelled = || [self.cancelled().needs(&["OrderCreated"]), self.gives_back(&["OrderCreated", "OrderCancelled"])];
        vec![
            // Its intent that comes after its end is no end, but gives back: `exchange_table.rs`.
            Journey::new("an order that is paid by an exchange")
                .not_undone_by([self.approved(TOTAL).is_refused()])
                .then(created().undone_by(failed()).or_by(cancelled()))
                .then(self.reserved().needs(&["OrderCreated"]).tells(&[AUTHORIZED]).undone_by(failed()).or_by(cancelled()))
                .then(self.confirmed().tells(&[CAPTURED])
                    .undone_by(cancelled())
                    .or_by([self.approved(TOTAL), self.refunds().needs(&["RefundApproved"]).tells(&[REFUNDED])])
                    .but_not_by([self.approved(TOTAL + 1).is_refused()])),
            Journey::new("an order that is to be paid by an exchange when the hold is about to expire")
                .not_undone_by([self.approved(TOTAL).is_refused()])
                .then(created().undone_by(failed()))
                .then(self.reserved().needs(&["OrderCreated"]).at(TOO_LATE).tells(&[DECLINED])
                    .undone_by(failed())
                    .or_by(cancelled())),
        ]
    }

    /// Paid at the door.
    #[rustfmt::skip]
    fn cash_journeys(&self) -> Vec<Journey<Heard>> {
        vec![
            Journey::new("an order that is paid for at the door")
                .undone_by([self.cancelled()])
                .then(self.created(Method::CashOnDelivery)
                    .undone_by([self.failed()]))
                .then(self.reserved().tells(&[AUTHORIZED])
                    .undone_by([self.cancelled().tells(&[VOIDED])]))
                // The carrier remits it.
                .then(self.confirmed().is_ignored()
                    .undone_by([self.cancelled().tells(&[VOIDED])])),
            Journey::new("cash that a carrier passes on")
                .undone_by([self.cancelled()])
                .then(self.created(Method::CashOnDelivery)
                    .undone_by([self.failed()]))
                // Cash comes in for what was delivered, and orders cancels no order of which something left.
                .then(self.reserved().tells(&[AUTHORIZED])
                    .not_undone_by([self.collected(TOTAL + 1).is_refused()]))
                .then(self.delivered().needs(&[AUTHORIZED])
                    .not_undone_by([self.collected(TOTAL + 1).is_refused()]))
                // Less than was agreed, because a parcel failed.
                .then(self.collected(REST).tells(&[CAPTURED])
                    .not_undone_by([self.confirmed().is_known(), self.cancelled().is_refused()]))
                // The buyer has it, as credit.
                .then(self.approved(REST).tells(&[REFUNDED])
                    .not_undone_by([self.cancelled().is_known()])),
        ]
    }
}

fn no() -> Outcome {
    Outcome::Declined("SAID_NO".to_owned())
}

/// Whether money is held or taken, or may come to be, because an answer is awaited.
fn is_money_about(status: Status) -> bool {
    match status {
        Status::Pending | Status::Declined | Status::Voided | Status::Refunded | Status::Closed => false,
        Status::Authorizing
        | Status::Authorized
        | Status::Capturing
        | Status::Captured
        | Status::CaptureFailed
        | Status::Voiding
        | Status::Refunding => true,
    }
}

impl Table for Bill {
    type Participant = Payments;

    const SUBSCRIPTIONS: &'static [Subscription] = SUBSCRIPTIONS;
    const SLATE: &'static [&'static str] = &[
        "SELECT order_id, status FROM payment
         WHERE status NOT IN ('hold', 'tombstone', 'pending', 'declined', 'voided', 'refunded', 'closed')",
        "SELECT order_id, kind FROM provider_operation WHERE status = 'pending'",
        // What an exchange takes of the buyer's credit the provider gives back.
        "SELECT t.order_id, replace(p.account, 'buyer_credit', 'provider_clearing') AS account, sum(p.amount_minor)
         FROM ledger_transaction t JOIN ledger_posting p USING (transaction_id)
         GROUP BY 1, 2 HAVING sum(p.amount_minor) <> 0",
    ];

    fn service() -> &'static chassis::Service {
        &SERVICE
    }

    fn participant() -> Payments {
        let (payments, work) = Payments::with_worker(policy(), Claim::new("payments-0".to_owned(), PROVIDER_TIMEOUT));
        WORKERS.lock().unwrap().push(work);
        payments
    }

    fn about_a_new_order(start: Timestamp) -> Self {
        Self { order_id: Id::generate(), start }
    }

    fn world(&self) -> Loaded {
        Loaded::default()
    }

    fn journeys(&self) -> Vec<Journey<Heard>> {
        let by_card = [self.by_card_journeys(), self.modification_journeys(), self.refund_journeys()];
        by_card.into_iter().flatten().chain(self.cash_journeys()).chain(self.exchange_journeys()).collect()
    }

    /// Whether money is about, what was taken and not given back, and what is in the ledger of it.
    fn slate(&self, loaded: &Loaded) -> String {
        let world = loaded.world();
        let about = match world.entries.get(&self.order_id) {
            Some(Entry::Payment(payment)) if is_money_about(payment.status) => Some(payment.status),
            Some(Entry::Payment(_) | Entry::Hold { .. } | Entry::Tombstone) | None => None,
        };
        let unanswered = world.asked.len() - world.answered.len();
        let postings = world.posted.iter().flat_map(Transaction::postings);
        let owed: i64 =
            postings.filter(|posting| posting.account == Account::Escrow).map(|posting| -posting.amount.minor()).sum();
        format!("{about:?}, {unanswered} answers awaited, {owed} minor units in escrow")
    }
}

#[test]
fn every_step_of_a_checkout_can_be_repeated_and_undone() -> Result<(), Broken> {
    println!("payments: {}", testkit::steps::decisions::<Bill>()?);
    Ok(())
}

#[tokio::test]
async fn every_step_of_a_checkout_leaves_its_rows_once_or_not_at_all() -> Result<(), Broken> {
    println!("payments: {}", testkit::steps::transactions::<Bill>().await?);
    // Its steps were interrupted many times over, and repeated; the worker hears of each operation when it is committed.
    let mut handed_over = BTreeSet::new();
    for work in WORKERS.lock().unwrap().iter_mut() {
        while let Ok(claimed) = work.handed_over.try_recv() {
            let key = claimed.operation.key;
            assert!(handed_over.insert(key), "{key} is handed over to the worker twice");
        }
    }
    assert!(!handed_over.is_empty());
    Ok(())
}

#[test]
fn a_step_that_is_broken_on_purpose_is_caught() {
    for (mutant, words) in [
        (Mutant::RefundWithoutCounting, "RefundApproved (2): the slate is not clean: None, 1 answers awaited"),
        (Mutant::KeepExchanged, "it refunds is refused; the table says that it takes effect and tells PaymentRefunded"),
        (Mutant::NoTombstone, "after nothing: OrderFailed takes effect and tells nothing"),
        (Mutant::VoidIgnoredWhileAuthorizing, "OrderCancelled is ignored; the table says that it takes effect"),
        (
            Mutant::CaptureBeforeCommit,
            "it voids is refused; the table says that it takes effect and tells PaymentVoided",
        ),
    ] {
        let told = output_of_broken(mutant, "steps::every_step_of_a_checkout_can_be_repeated_and_undone");
        assert!(told.contains(words), "{} is told as\n{told}", mutant.name());
    }
}
