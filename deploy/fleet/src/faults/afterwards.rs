//! What follows after goods were sent: those that failed or were sent back come in, money is given back for the trouble, and at the end of a
//! campaign whatever was left over, and the end of every order.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use contracts::orders::v1::{Order, OrderStatus, RefundStatus};
use contracts::shipping::v1::{ParcelFailure, Return, ReturnCondition, ReturnStatus};
use sqlx::PgPool;
use tokio::time::sleep;
use tonic::Code;
use uuid::Uuid;

use super::sending::{Fate, Sending};
use crate::depot::{Came, Depot};
use crate::fleet::Fleet;
use crate::load::persist::persist;
use crate::shopper::{request_id, usd};
use crate::topology::replica;

/// How often something is looked at that has to happen first.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// How long it is waited for. Whatever takes longer is left to the last round: the order may wait for an operator.
const WAIT_MAX: Duration = Duration::from_secs(15);
/// What is given back out of goodwill: 1 USD.
const GOODWILL_CENTS: i64 = 100;
/// By how much the clocks of orders are set ahead at the end: more than any clock is wrong in a campaign.
const AHEAD_SECS: u32 = 1_800;

impl<F: Fn(Code) + Copy> Sending<'_, F> {
    /// What follows once everything was handed over.
    pub(super) async fn see_off(&self, order: &Order, fate: Fate) -> Result<(), String> {
        match fate {
            Fate::Arrive | Fate::OneFails(ParcelFailure::Lost) | Fate::AllFail(ParcelFailure::Lost) => Ok(()),
            Fate::OneFails(_) | Fate::AllFail(_) => self.take_in(&[ReturnCondition::Resalable; 2]).await,
            Fate::SentBack(skus, conditions) => self.send_back(order, false, skus, &conditions).await,
            Fate::Exchanged(skus, conditions) => self.send_back(order, true, skus, &conditions).await,
            Fate::Goodwill => self.give_goodwill().await,
        }
    }

    /// The buyer sends one unit of so many SKUs back, for the money or in exchange. That it is too late is an answer too.
    async fn send_back(
        &self,
        order: &Order,
        in_exchange: bool,
        skus: usize,
        conditions: &[ReturnCondition],
    ) -> Result<(), String> {
        if !self.until_it_arrived().await? {
            return Ok(());
        }
        let units: &Vec<_> = &order.lines.iter().take(skus).map(|line| (line.sku.as_str(), 1)).collect();
        let name = &request_id();
        let ask = || async move {
            let asked = if in_exchange {
                self.buyer.request_exchange(self.order_id, units, name).await
            } else {
                self.buyer.request_return(self.order_id, units, name).await
            };
            match asked {
                Ok(order) => Ok(Some(order)),
                Err(status) if status.code() == Code::FailedPrecondition => Ok(None),
                Err(status) => Err(status.into()),
            }
        };
        let Some(asked) = persist(self.failed, ask).await? else { return Ok(()) };
        self.note_refunds(&asked)?;
        self.take_in(conditions).await
    }

    /// Takes in what is awaited, each SKU by itself and in its condition, as soon as shipping awaits it.
    async fn take_in(&self, conditions: &[ReturnCondition]) -> Result<(), String> {
        let is_open = |goods_return: &&Return| goods_return.status() == ReturnStatus::Open;
        let deadline = Instant::now() + WAIT_MAX;
        let returns = loop {
            let returns = persist(self.failed, || async { Ok(self.depot.returns(self.order_id).await?) }).await?;
            if returns.iter().any(|goods_return| is_open(&goods_return)) {
                break returns;
            }
            if Instant::now() > deadline {
                return Ok(());
            }
            sleep(LOOK_EVERY).await;
        };
        for goods_return in returns.iter().filter(is_open) {
            for (line, condition) in goods_return.lines.iter().zip(conditions.iter().cycle()) {
                let (name, came) = (&request_id(), &[(line.sku.as_str(), line.quantity, *condition)]);
                let receive = || async move {
                    match self.depot.receive(goods_return, came, false, name).await {
                        Ok(_) => Ok(()),
                        Err(status) => Err(status.into()),
                    }
                };
                persist(self.failed, receive).await?;
            }
        }
        Ok(())
    }

    /// Gives some of the money back, and lets the provider be asked again until it does.
    async fn give_goodwill(&self) -> Result<(), String> {
        if !self.until_it_arrived().await? {
            return Ok(());
        }
        let (name, amount) = (&request_id(), &usd(GOODWILL_CENTS));
        let give = || async move {
            match self.depot.give_goodwill(self.order_id, amount, name).await {
                Ok(order) => Ok(Some(order)),
                Err(status) if status.code() == Code::FailedPrecondition => Ok(None),
                Err(status) => Err(status.into()),
            }
        };
        let Some(given) = persist(self.failed, give).await? else { return Ok(()) };
        self.note_refunds(&given)?;
        let deadline = Instant::now() + WAIT_MAX;
        while Instant::now() < deadline {
            let order = self.look().await?;
            let refused = order.refunds.iter().find(|refund| refund.status() == RefundStatus::Failed);
            match refused.map(|refund| refund.refund_number) {
                Some(number) => persist(self.failed, || retry(self.depot, self.order_id, number)).await?,
                None if order.refunds.iter().all(|refund| refund.status() == RefundStatus::Refunded) => return Ok(()),
                None => {}
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Waits until the order has arrived and is paid for. Answers whether it did in time.
    async fn until_it_arrived(&self) -> Result<bool, String> {
        let deadline = Instant::now() + WAIT_MAX;
        while Instant::now() < deadline {
            let order = self.look().await?;
            match order.status() {
                OrderStatus::Paid if order.cash_on_delivery => return Ok(true),
                OrderStatus::Delivered if !order.cash_on_delivery => return Ok(true),
                OrderStatus::Closed | OrderStatus::Refunded | OrderStatus::Cancelled | OrderStatus::Failed => {
                    return Ok(false);
                }
                OrderStatus::Unspecified
                | OrderStatus::Created
                | OrderStatus::Confirmed
                | OrderStatus::Paid
                | OrderStatus::Shipped
                | OrderStatus::Delivered => sleep(LOOK_EVERY).await,
            }
        }
        Ok(false)
    }

    fn note_refunds(&self, order: &Order) -> Result<(), String> {
        let mut acknowledged = self.ledger.acknowledged();
        let numbers = order.refunds.iter().map(|refund| refund.refund_number);
        numbers
            .into_iter()
            .try_for_each(|number| acknowledged.refund(self.order_id, number))
            .map_err(|error| error.to_string())
    }
}

/// That it is not refused, or no more, is an answer too: the provider may have been asked again meanwhile.
async fn retry(depot: &Depot, order_id: &str, number: i32) -> Result<()> {
    match depot.retry_refund(order_id, number).await {
        Err(status) if status.code() != Code::FailedPrecondition => Err(status.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Takes in whatever is still on its way back and lets the provider be asked again for whatever it refused, until nothing is left or time is
/// over: while things went wrong some of it could not be seen yet.
pub async fn last_round(fleet: &Fleet, max: Duration) -> Result<()> {
    let depot = Depot::new(fleet)?;
    let deadline = Instant::now() + max;
    while Instant::now() < deadline {
        for order_id in orders(fleet.database(), IN_OPEN_RETURNS).await? {
            for goods_return in depot.returns(&order_id).await? {
                if goods_return.status() == ReturnStatus::Open {
                    let missing = missing(&goods_return);
                    let came: Vec<Came<'_>> =
                        missing.iter().map(|(sku, units)| (*sku, *units, ReturnCondition::Resalable)).collect();
                    depot.receive(&goods_return, &came, true, &request_id()).await?;
                }
            }
        }
        let refused: Vec<(Uuid, i32)> = sqlx::query_as(REFUSED).fetch_all(fleet.database()).await?;
        for (order_id, number) in refused {
            retry(&depot, &order_id.to_string(), number).await?;
        }
        if orders(fleet.database(), WITH_OPEN_REFUNDS).await?.is_empty()
            && orders(fleet.database(), IN_OPEN_RETURNS).await?.is_empty()
        {
            return Ok(());
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

const IN_OPEN_RETURNS: &str = "SELECT DISTINCT order_id FROM shipping.goods_return WHERE status = 'OPEN'";
const WITH_OPEN_REFUNDS: &str = "
    SELECT order_id FROM orders.order_state WHERE EXISTS (
        SELECT FROM jsonb_array_elements(refunds) AS r WHERE r->>'status' IN ('REQUESTED', 'APPROVED', 'FAILED'))";
const REFUSED: &str = "
    SELECT order_id, CASE WHEN (r->>'follows_from_end')::boolean THEN 0 ELSE (r->>'number')::integer END
    FROM payments.payment CROSS JOIN jsonb_array_elements(refunds) AS r WHERE r->>'standing' = 'failed'";
/// Those that were due some time ago already if it were as late as orders is about to be told.
const TO_CLOSE: &str = "
    SELECT order_id FROM orders.order_state
    WHERE close_at IS NOT NULL AND status IN ('PAID', 'DELIVERED', 'REFUNDED')
      AND fulfilment_status IN ('RELEASED', 'DELIVERED', 'FAILED') AND NOT EXISTS (
        SELECT FROM jsonb_array_elements(refunds) AS r WHERE r->>'status' IN ('REQUESTED', 'APPROVED', 'FAILED'))";

async fn orders(database: &PgPool, query: &'static str) -> Result<Vec<String>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(query).fetch_all(database).await?;
    Ok(ids.iter().map(Uuid::to_string).collect())
}

/// What has not come back yet, by SKU.
fn missing(goods_return: &Return) -> BTreeMap<&str, i64> {
    let mut missing: BTreeMap<&str, i64> = BTreeMap::new();
    for line in &goods_return.lines {
        *missing.entry(&line.sku).or_default() += line.quantity;
    }
    for line in &goods_return.received {
        *missing.entry(&line.sku).or_default() -= line.quantity;
    }
    missing.retain(|_, units| *units > 0);
    missing
}

/// Lets the time pass in which goods may be sent back: orders gets a clock that is ahead of all that it had. Answers how many orders are not
/// closed though they could be, after `max`.
pub async fn close(fleet: &mut Fleet, max: Duration) -> Result<usize> {
    let names: Vec<_> = (0..fleet.replicas()).map(|number| replica("orders", number)).collect();
    let ahead = AHEAD_SECS.to_string();
    for name in &names {
        fleet.kill9(name).await?;
        fleet.process(name)?.respawn_with(&[("TRADEWIND_CLOCK_OFFSET_SECS", &ahead)])?;
    }
    let deadline = Instant::now() + max;
    let left = loop {
        let left = orders(fleet.database(), TO_CLOSE).await?.len();
        if left == 0 || Instant::now() > deadline {
            break left;
        }
        sleep(LOOK_EVERY).await;
    };
    for name in &names {
        fleet.kill9(name).await?;
        fleet.respawn(name)?;
        fleet.until_serving(name).await?;
    }
    Ok(left)
}
