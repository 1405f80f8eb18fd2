//! The scene in which an order that waits is split, and what is left of it is made less.

use anyhow::{Context, Result, ensure};
use contracts::checkout::v1::OrderOutcome;
use contracts::orders::v1::{Order, OrderStatus};

use super::deliveries::until;
use super::scenes::{outcome, spoken};
use super::{Stage, tell};
use crate::shopper::{Shopper, cents, open_warehouse, request_id};

const SOLD_OUT: &str = "SUNCATCHER-1";
const THERE: &str = "LANTERN-PAPER";

/// Of an order that waits, what is there becomes an order of its own, and the buyer wants less of the rest.
pub(super) async fn split_and_modified(stage: &mut Stage) -> Result<()> {
    stage.scene("Of an order that waits, what is there goes first, and then the buyer wants less");
    let ilse = Shopper::new(&stage.fleet, "Ilse")?;
    let quote = ilse.quote(&[(SOLD_OUT, 2), (THERE, 3)]).await?;
    let submitted = ilse.submit(&quote, "tok_approved", &request_id()).await.context("SubmitCheckout")?;
    let checkout = outcome(stage, &ilse, &submitted).await?;
    ensure!(checkout.orders[0].outcome() == OrderOutcome::Backordered, "it waits: {checkout:?}");
    let order_id = checkout.orders[0].order_id.clone();
    let waiting = ilse.order(&order_id).await?;
    let agreed = total(&waiting)?;

    let (rest, lanterns) = ilse.split(&order_id, THERE, 3).await.context("SplitOrder")?;
    ensure!(total(&rest)? + total(&lanterns)? == agreed, "both cost together what was agreed");
    until(&ilse, &lanterns.order_id, OrderStatus::Paid).await?;
    let shown = ilse.outcome(&checkout.checkout_id).await?;
    ensure!(shown.orders.len() == 2, "the checkout shows both orders: {shown:?}");
    tell(format!(
        "Ilse waits for two sun catchers and three lanterns for {}; she has the lanterns sent first: {} are paid at once,",
        spoken(waiting.total.as_ref()),
        spoken(lanterns.total.as_ref())
    ));
    tell(format!(
        "and {} wait on. Nothing is charged twice, and nothing is lost between the two.",
        spoken(rest.total.as_ref())
    ));

    let fewer = ilse.modify(&order_id, SOLD_OUT, 1).await.context("ModifyOrder")?;
    ensure!(fewer.terms_version == 3 && total(&fewer)? < total(&rest)?, "it costs less: {fewer:?}");
    let first = ilse.order_as_agreed(&order_id, 1).await?;
    ensure!(total(&first)? == agreed && first.lines.len() == 2, "what was agreed at first can be read: {first:?}");
    let seller = stage.catalogue.seller_of(SOLD_OUT).context("somebody sells it")?;
    open_warehouse(&stage.fleet, seller, "LAST-DELIVERY", 3, &[(SOLD_OUT, 1)]).await?;
    until(&ilse, &order_id, OrderStatus::Paid).await?;
    let paid = ilse.order(&order_id).await?;
    ensure!(total(&paid)? == total(&fewer)?, "she pays for one");
    tell(format!(
        "One sun catcher will do after all: when one comes in, {} are taken. All three versions of the order can be read.",
        spoken(paid.total.as_ref())
    ));
    let too_late = ilse.modify(&order_id, SOLD_OUT, 0).await.err().context("a paid order is not modified")?;
    tell(format!("Now it is paid, and does not change any more: {}.", too_late.message()));
    Ok(())
}

fn total(order: &Order) -> Result<i64> {
    order.total.as_ref().map(cents).context("an order has a total")
}
