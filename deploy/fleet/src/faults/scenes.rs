//! Scenes, each of which brings about the one moment in which a mutant shows. A fleet that is whole comes through all of them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use sandbox_provider::Mode;
use sqlx::{AssertSqlSafe, Connection};

pub(super) mod modification;
pub(super) mod returns;
pub(super) mod waiting;

use super::hands;
use super::rewind::{self, To};
use crate::depot::Depot;
use crate::fleet::Fleet;
use crate::invariants::Acknowledged;
use crate::shopper::{Shopper, Submitted, request_id};
use crate::topology::Deadlines;

/// Deadlines that pass while somebody watches.
pub(super) const DEADLINES: Deadlines = Deadlines {
    reservation: Duration::from_secs(5),
    unpaid: Duration::from_secs(8),
    authorization_margin: Duration::from_secs(1),
    return_window: Deadlines::PRODUCTION.return_window,
    close_sweep: Duration::from_secs(1),
};

/// How long a scene waits for its moment.
const MOMENT_MAX: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Buyers of a scene.
const BUYERS: usize = 5;
/// What they buy.
const SKU: &str = "PAN-26";

/// What the scenes share.
pub(super) struct Stage {
    /// The fleet, one process of each service.
    pub(super) fleet: Fleet,
    /// What it acknowledged.
    pub(super) acknowledged: Acknowledged,
}

impl Stage {
    /// Buyers who each hold a quote for one thing.
    async fn buyers(&self) -> Result<Vec<(Shopper, contracts::checkout::v1::Quote)>> {
        self.buyers_of(1).await
    }

    /// Buyers who each hold a quote for so many of one thing.
    async fn buyers_of(&self, units: i32) -> Result<Vec<(Shopper, contracts::checkout::v1::Quote)>> {
        try_join_all((0..BUYERS).map(|n| async move {
            let buyer = Shopper::new(&self.fleet, &format!("Buyer {n}"))?;
            let quote = buyer.quote(&[(SKU, units)]).await?;
            Ok((buyer, quote))
        }))
        .await
    }

    /// Lets each of them accept.
    async fn submit(
        &mut self,
        buyers: &[(Shopper, contracts::checkout::v1::Quote)],
        card: &str,
    ) -> Result<Vec<Submitted>> {
        let ids: Vec<_> = buyers.iter().map(|_| request_id()).collect();
        let submissions = buyers.iter().zip(&ids).map(|((buyer, quote), id)| buyer.submit(quote, card, id));
        self.acknowledge(try_join_all(submissions).await.context("SubmitCheckout")?)
    }

    /// Lets each of them accept, and pay at the door.
    async fn submit_in_cash(&mut self, buyers: &[(Shopper, contracts::checkout::v1::Quote)]) -> Result<Vec<Submitted>> {
        let ids: Vec<_> = buyers.iter().map(|_| request_id()).collect();
        let submissions = buyers.iter().zip(&ids).map(|((buyer, quote), id)| buyer.submit_in_cash(quote, id));
        self.acknowledge(try_join_all(submissions).await.context("SubmitCheckout")?)
    }

    fn acknowledge(&mut self, submitted: Vec<Submitted>) -> Result<Vec<Submitted>> {
        for each in &submitted {
            self.acknowledged.submitted(&each.checkout)?;
        }
        Ok(submitted)
    }

    /// Lets each of them cancel.
    async fn cancel(
        &mut self,
        buyers: &[(Shopper, contracts::checkout::v1::Quote)],
        submitted: &[Submitted],
    ) -> Result<()> {
        for ((buyer, _), submitted) in buyers.iter().zip(submitted) {
            let order_id = &submitted.checkout.orders[0].order_id;
            buyer.cancel(order_id).await.context("CancelOrder")?;
            self.acknowledged.cancelled(order_id)?;
        }
        Ok(())
    }

    /// Waits until a query counts as many as there are orders of these submissions, given to it as `$1`.
    async fn until(&self, submitted: &[Submitted], query: &str) -> Result<()> {
        let orders: Vec<uuid::Uuid> =
            submitted.iter().map(|each| each.checkout.orders[0].order_id.parse()).collect::<Result<_, _>>()?;
        let deadline = Instant::now() + MOMENT_MAX;
        loop {
            let count: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {query}")))
                .bind(&orders)
                .fetch_one(self.fleet.database())
                .await?;
            if count == orders.len() as i64 {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "the moment did not come: {count} of {} are in {query}", orders.len());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn until_published(&self, service: &str) -> Result<()> {
        let deadline = Instant::now() + MOMENT_MAX;
        let query = format!("SELECT count(*) FROM {service}.outbox");
        loop {
            let waiting: i64 =
                sqlx::query_scalar(AssertSqlSafe(query.clone())).fetch_one(self.fleet.database()).await?;
            if waiting == 0 {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{waiting} events of {service} are not published");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// Orders are cancelled before inventory and payments have heard that they exist: their groups skip the creations, hear of the
/// cancellations, and are then set back to the creations.
pub(super) async fn cancelled_unheard(stage: &mut Stage) -> Result<()> {
    let buyers = stage.buyers().await?;
    for service in ["inventory", "payments"] {
        stage.fleet.kill9(&format!("{service}-0")).await?;
    }
    let submitted = stage.submit(&buyers, "tok_approved").await?;
    stage.until(&submitted, "orders.order_state WHERE order_id = ANY($1)").await?;
    stage.until_published("orders").await?;
    for service in ["inventory", "payments"] {
        rewind::set(&stage.fleet, service, To::End).await?;
    }
    stage.cancel(&buyers, &submitted).await?;
    for service in ["inventory", "payments"] {
        stage.fleet.respawn(&format!("{service}-0"))?;
        let heard = format!(
            "orders.journal j JOIN {service}.inbox i USING (event_id)
             WHERE j.aggregate_id = ANY($1) AND j.event_type LIKE '%OrderCancelled'"
        );
        stage.until(&submitted, &heard).await?;
        stage.fleet.kill9(&format!("{service}-0")).await?;
    }
    for service in ["inventory", "payments"] {
        rewind::set(&stage.fleet, service, To::Beginning).await?;
        stage.fleet.respawn(&format!("{service}-0"))?;
    }
    for service in ["inventory", "payments"] {
        let heard = format!(
            "orders.journal j JOIN {service}.inbox i USING (event_id)
             WHERE j.aggregate_id = ANY($1) AND j.event_type LIKE '%OrderCreated'"
        );
        stage.until(&submitted, &heard).await?;
    }
    Ok(())
}

/// The provider says yes after the reservation expired, and payments, whose consumer is held up, has not heard that the order was
/// cancelled for it.
pub(super) async fn authorized_too_late(stage: &mut Stage) -> Result<()> {
    let buyers = stage.buyers().await?;
    let late_ms = DEADLINES.reservation.as_millis() + 2_000;
    let submitted = stage.submit(&buyers, &format!("tok_slow_{late_ms}")).await?;
    stage.until(&submitted, "payments.payment WHERE order_id = ANY($1) AND status = 'authorizing'").await?;
    let mut connection = stage.fleet.database().acquire().await?;
    let mut holder = connection.begin().await?;
    sqlx::query("LOCK TABLE payments.inbox IN EXCLUSIVE MODE").execute(&mut *holder).await?;
    let answered = "inventory.journal WHERE aggregate_id = ANY($1)
                    AND (event_type LIKE '%InventoryCommitRefused' OR event_type LIKE '%InventoryCommitted')";
    stage.until(&submitted, answered).await?;
    holder.rollback().await?;
    Ok(())
}

/// Inventory stands still while payments is authorized.
pub(super) async fn authorized_before_stock_is_committed(stage: &mut Stage) -> Result<()> {
    let buyers = stage.buyers().await?;
    let submitted = stage.submit(&buyers, "tok_slow_800").await?;
    stage.until(&submitted, "payments.payment WHERE order_id = ANY($1) AND status = 'authorizing'").await?;
    stage.fleet.process("inventory-0")?.pause()?;
    let authorized = "payments.payment WHERE order_id = ANY($1) AND status IN ('authorized', 'captured')";
    let moment = stage.until(&submitted, authorized).await;
    stage.until_published("payments").await?;
    // A moment for orders to hear of it, whatever it is.
    tokio::time::sleep(Duration::from_millis(500)).await;
    stage.fleet.process("inventory-0")?.resume()?;
    moment
}

/// Buyers change their minds while the provider is thinking.
pub(super) async fn cancelled_while_authorizing(stage: &mut Stage) -> Result<()> {
    let buyers = stage.buyers().await?;
    let submitted = stage.submit(&buyers, "tok_slow_2000").await?;
    stage.until(&submitted, "payments.payment WHERE order_id = ANY($1) AND status = 'authorizing'").await?;
    stage.cancel(&buyers, &submitted).await
}

/// Everything is delivered again to a consumer whose effect shows twice.
pub(super) async fn everything_again(stage: &mut Stage) -> Result<()> {
    let buyers = stage.buyers().await?;
    let submitted = stage.submit(&buyers, "tok_approved").await?;
    stage.until(&submitted, "orders.order_state WHERE order_id = ANY($1) AND status = 'PAID'").await?;
    let seen = "orders.journal j JOIN witness.effect e USING (event_id)
                WHERE j.aggregate_id = ANY($1) AND j.event_type LIKE '%OrderPaid'";
    stage.until(&submitted, seen).await?;
    // It commits its offsets now and then: killed before that, it would hear everything again without our doing.
    rewind::until_at_the_end(&stage.fleet, "witness", MOMENT_MAX).await?;
    stage.fleet.kill9("witness-0").await?;
    let again = rewind::set(&stage.fleet, "witness", To::Beginning).await?;
    ensure!(again > 0, "nothing is delivered again");
    stage.fleet.respawn("witness-0")?;
    rewind::until_at_the_end(&stage.fleet, "witness", MOMENT_MAX).await
}

/// Reservations expire, because payments is dead: two events of one aggregate in one commit.
pub(super) async fn expired(stage: &mut Stage) -> Result<()> {
    let buyers = stage.buyers().await?;
    stage.fleet.kill9("payments-0").await?;
    let submitted = stage.submit(&buyers, "tok_approved").await?;
    stage.until(&submitted, "inventory.reservation WHERE order_id = ANY($1) AND status = 'expired'").await?;
    stage.until_published("inventory").await?;
    stage.fleet.respawn("payments-0")
}

/// Buyers cancel while their money is being taken, and the provider loses its answers about giving it back.
pub(super) async fn refunded_unanswered(stage: &mut Stage) -> Result<()> {
    let buyers = stage.buyers().await?;
    hands::set_provider(&stage.fleet, Mode::Slow { delay_ms: 1_500 }).await?;
    let submitted = stage.submit(&buyers, "tok_approved").await?;
    stage.until(&submitted, "payments.payment WHERE order_id = ANY($1) AND status = 'capturing'").await?;
    // What it has taken on by now it answers; what comes from now on it does and does not answer.
    hands::set_provider(&stage.fleet, Mode::Losing).await?;
    stage.cancel(&buyers, &submitted).await?;
    let attempted = "payments.provider_operation WHERE order_id = ANY($1) AND kind = 'refund' AND attempts > 1";
    stage.until(&submitted, attempted).await?;
    hands::set_provider(&stage.fleet, Mode::Up).await
}

/// Buyers who pay at the door cancel before their parcels have left, and the warehouses, who have not heard, hand them over.
pub(super) async fn stopped_at_the_depot(stage: &mut Stage) -> Result<()> {
    let buyers = stage.buyers().await?;
    let submitted = stage.submit_in_cash(&buyers).await?;
    let depot = Depot::new(&stage.fleet)?;
    let order_id = |submitted: &Submitted| submitted.checkout.orders[0].order_id.clone();
    let shipments = try_join_all(submitted.iter().map(|each| {
        let (depot, order_id) = (depot.clone(), order_id(each));
        async move { depot.shipments(&order_id).await }
    }))
    .await?;
    stage.cancel(&buyers, &submitted).await?;
    stage.until(&submitted, "shipping.consignment WHERE order_id = ANY($1) AND cancellation IS NOT NULL").await?;
    for shipment in shipments.iter().flatten() {
        let handed_over = depot.dispatch(&shipment.shipment_id, &[], &request_id()).await;
        if let Err(refusal) = handed_over {
            ensure!(refusal.code() == tonic::Code::FailedPrecondition, "refused otherwise: {refusal}");
        }
    }
    Ok(())
}

/// Buyers want their money back when their parcels have just left, and orders, whose consumer is held up, has not heard of it.
pub(super) async fn money_back(stage: &mut Stage) -> Result<()> {
    let buyers = stage.buyers().await?;
    let submitted = stage.submit(&buyers, "tok_approved").await?;
    stage.until(&submitted, "orders.order_state WHERE order_id = ANY($1) AND status = 'PAID'").await?;
    let depot = Depot::new(&stage.fleet)?;
    let mut connection = stage.fleet.database().acquire().await?;
    let mut holder = connection.begin().await?;
    sqlx::query("LOCK TABLE orders.inbox IN EXCLUSIVE MODE").execute(&mut *holder).await?;
    for ((buyer, _), submitted) in buyers.iter().zip(&submitted) {
        let order_id = &submitted.checkout.orders[0].order_id;
        let shipment_id = &depot.shipments(order_id).await?[0].shipment_id;
        depot.dispatch(shipment_id, &[], &request_id()).await.context("DispatchParcel")?;
        buyer.request_refund(order_id).await.context("RequestRefund")?;
    }
    holder.rollback().await?;
    stage.until(&submitted, "shipping.consignment WHERE order_id = ANY($1) AND cancellation = 'REFUSED'").await
}
