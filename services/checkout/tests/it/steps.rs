//! What checkout hears of an order on each journey of its saga, and what undoes it. [`testkit::steps`] plays the table.

use checkout::adapters::events::SUBSCRIPTIONS;
use checkout::adapters::postgres;
use checkout::app::submit_checkout::{SubmitCheckout, submit_checkouts};
use checkout::domain::checkout::{Checkout, CheckoutOrder, Outcome};
use checkout::domain::fact::{Fact, News, Reason};
use checkout::domain::ids::OrderId;
use checkout::domain::payment_method::PaymentMethod;
use checkout::domain::quote::Quote;
use checkout::domain::world::World;
use checkout::{Outcomes, SERVICE};
use kernel::{Id, Money, Timestamp};
use messaging::{Subscription, UnitOfWork};
use testkit::steps::{Broken, Journey, Step, Table};

use crate::desk::a_quote;

const ORDERS: &str = "orders";
/// What is told of another order has a key of its own, and comes sooner or later than what is told of this one.
const OTHER_KEY: &str = "orders, of the order that was split off";

/// A checkout of one order, and what may be split off it.
struct Submission {
    quote: Quote,
    checkout: Checkout,
    other_id: OrderId,
}

impl Submission {
    fn says(&self, name: &'static str, news: News) -> Step<Fact> {
        let fact = Fact { checkout_id: self.checkout.id, order_id: self.checkout.orders[0].id, news };
        Step::new(ORDERS, name, fact)
    }

    fn says_other(&self, name: &'static str, news: News) -> Step<Fact> {
        let fact = Fact { checkout_id: self.checkout.id, order_id: self.other_id, news };
        Step::new(OTHER_KEY, name, fact)
    }

    /// A part of the order costs so much of it.
    fn part(&self) -> Money {
        Money::from_minor(1_000, self.checkout.currency)
    }

    /// Units are taken away, or become the other order.
    fn modified(&self, split_off: &[OrderId]) -> Step<Fact> {
        let total = self.checkout.total().checked_sub(self.part()).unwrap();
        self.says("OrderModified", News::Modified { total, split_off: split_off.iter().copied().collect() })
    }

    fn other_created(&self) -> Step<Fact> {
        let seller_id = self.checkout.orders[0].seller_id;
        self.says_other("OrderCreated", News::Another { seller_id, to_pay: self.part() })
    }

    fn other_paid(&self) -> Step<Fact> {
        self.says_other("OrderPaid of the other", News::Paid).needs(&["OrderCreated"])
    }

    fn other_cancelled(&self) -> Step<Fact> {
        let reason = Reason::new("UNPAID").unwrap();
        self.says_other("OrderCancelled of the other", News::Cancelled(reason)).needs(&["OrderCreated"])
    }

    fn confirmed(&self) -> Step<Fact> {
        self.says("OrderConfirmed", News::Confirmed)
    }

    fn paid(&self) -> Step<Fact> {
        self.says("OrderPaid", News::Paid)
    }

    fn backordered(&self) -> Step<Fact> {
        self.says("OrderBackordered", News::Backordered)
    }

    fn failed(&self) -> Step<Fact> {
        self.says("OrderFailed", News::Failed(Reason::new("OUT_OF_STOCK").unwrap()))
    }

    fn cancelled(&self) -> Step<Fact> {
        self.says("OrderCancelled", News::Cancelled(Reason::new("UNPAID").unwrap()))
    }
}

impl Table for Submission {
    type Participant = Outcomes;

    const SUBSCRIPTIONS: &'static [Subscription] = SUBSCRIPTIONS;
    const SLATE: &'static [&'static str] =
        &["SELECT order_id, outcome FROM checkout_order WHERE outcome IN ('CONFIRMED', 'PAID')"];

    fn service() -> &'static chassis::Service {
        &SERVICE
    }

    fn participant() -> Outcomes {
        Outcomes::default()
    }

    fn about_a_new_order(start: Timestamp) -> Self {
        let quote = a_quote(start);
        let checkout = Checkout::of_quote(&quote, Id::generate(), Id::generate, start);
        Self { quote, checkout, other_id: Id::generate() }
    }

    fn world(&self) -> World {
        World::new([self.checkout.clone()])
    }

    async fn begin(&mut self, unit: &mut UnitOfWork) -> anyhow::Result<()> {
        postgres::quote::insert(unit.tx(), &self.quote).await?;
        let command = SubmitCheckout {
            buyer_id: self.quote.buyer_id,
            actor: "buyer:test".to_owned(),
            quote_id: self.quote.id,
            accepted: self.quote.hash(),
            payment_method: PaymentMethod::CashOnDelivery,
        };
        self.checkout = submit_checkouts(unit, &[&command]).await?.remove(0)?;
        Ok(())
    }

    #[rustfmt::skip]
    fn journeys(&self) -> Vec<Journey<Fact>> {
        let final_is_final = || [self.cancelled().is_refused(), self.failed().is_refused()];
        vec![
            Journey::new("an order that is paid for by card")
                .undone_by([self.failed()])
                .undone_by([self.cancelled()])
                .then(self.paid()
                    .not_undone_by(final_is_final())),
            Journey::new("an order that waits for stock")
                .undone_by([self.failed()])
                .then(self.backordered()
                    .undone_by([self.failed()])
                    .or_by([self.cancelled()]))
                .then(self.paid()
                    .not_undone_by(final_is_final())),
            Journey::new("an order that costs less once units are taken away")
                .undone_by([self.failed()])
                .then(self.modified(&[])
                    .undone_by([self.failed()])
                    .or_by([self.cancelled()]))
                .then(self.paid()
                    .not_undone_by(final_is_final())),
            Journey::new("an order that another is split off")
                .undone_by([self.failed()])
                .then(self.modified(&[self.other_id])
                    .undone_by([self.failed()]))
                .then(self.other_created()
                    .undone_by([self.failed(), self.other_cancelled()]))
                .then(self.paid()
                    .not_undone_by(final_is_final())),
            Journey::new("an order that was split off another")
                // It is not known yet.
                .not_undone_by([self.other_cancelled().is_refused()])
                .then(self.other_created()
                    .undone_by([self.other_cancelled()]))
                .then(self.other_paid()
                    .not_undone_by([self.other_cancelled().is_refused()])),
            Journey::new("an order that is paid for at the door")
                .undone_by([self.failed()])
                .undone_by([self.cancelled()])
                .then(self.confirmed()
                    .undone_by([self.cancelled()])
                    .but_not_by([self.failed().is_refused()]))
                .then(self.paid()
                    .not_undone_by(final_is_final())),
        ]
    }

    /// The orders of which the buyer was told that they come.
    fn slate(&self, world: &World) -> String {
        let orders = world.checkout(self.checkout.id).map(|checkout| checkout.orders.as_slice()).unwrap_or_default();
        let is_promised = |order: &&CheckoutOrder| match order.outcome {
            Outcome::Confirmed { .. } | Outcome::Paid { .. } => true,
            Outcome::Pending | Outcome::Backordered { .. } | Outcome::Failed { .. } | Outcome::Cancelled { .. } => {
                false
            }
        };
        let promised = orders.iter().filter(is_promised).map(|order| order.outcome.name());
        format!("promised: {}", promised.collect::<Vec<_>>().join(", "))
    }
}

#[test]
fn every_step_of_a_checkout_can_be_repeated_and_undone() -> Result<(), Broken> {
    println!("checkout: {}", testkit::steps::decisions::<Submission>()?);
    Ok(())
}

#[tokio::test]
async fn every_step_of_a_checkout_leaves_its_rows_once_or_not_at_all() -> Result<(), Broken> {
    println!("checkout: {}", testkit::steps::transactions::<Submission>().await?);
    Ok(())
}
