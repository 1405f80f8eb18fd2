//! What checkout hears of an order on each journey of its saga, and what undoes it. [`testkit::steps`] plays the table.

use checkout::adapters::events::SUBSCRIPTIONS;
use checkout::adapters::postgres;
use checkout::app::submit_checkout::{SubmitCheckout, submit_checkouts};
use checkout::domain::checkout::{Checkout, Outcome};
use checkout::domain::fact::{Fact, News, Reason};
use checkout::domain::payment_method::PaymentMethod;
use checkout::domain::quote::Quote;
use checkout::domain::world::World;
use checkout::{Outcomes, SERVICE};
use kernel::{Id, Timestamp};
use messaging::{Subscription, UnitOfWork};
use testkit::steps::{Broken, Journey, Step, Table};

use crate::desk::a_quote;

const ORDERS: &str = "orders";

/// A checkout of one order.
struct Submission {
    quote: Quote,
    checkout: Checkout,
}

impl Submission {
    fn says(&self, name: &'static str, news: News) -> Step<Fact> {
        let fact = Fact { checkout_id: self.checkout.id, order_id: self.checkout.orders[0].id, news };
        Step::new(ORDERS, name, fact)
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
        Self { quote, checkout }
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

    /// The order, if its buyer was told that it comes.
    fn slate(&self, world: &World) -> String {
        let mut world = world.clone();
        match world.order(self.checkout.id, self.checkout.orders[0].id).map(|order| order.outcome.clone()) {
            Ok(outcome @ (Outcome::Confirmed { .. } | Outcome::Paid { .. })) => outcome.name().to_owned(),
            Ok(Outcome::Pending | Outcome::Backordered { .. } | Outcome::Failed { .. } | Outcome::Cancelled { .. }) => {
                "nothing promised".to_owned()
            }
            Err(refusal) => refusal.to_string(),
        }
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
