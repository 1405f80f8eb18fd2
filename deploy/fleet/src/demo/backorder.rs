//! The scene in which an order waits for stock.

use anyhow::{Context, Result, ensure};
use contracts::checkout::v1::{DriftKind, OrderOutcome};
use contracts::orders::v1::OrderStatus;

use super::deliveries::until;
use super::scenes::{expect, outcome};
use super::{Stage, tell};
use crate::catalogue::Seller;
use crate::shopper::{Shopper, let_orders_wait, open_warehouse, request_id};

const SOLD_OUT: &str = "SUNCATCHER-1";

/// What is sold out can be ordered, is neither held nor paid while it waits, and is the buyer's as soon as it comes.
pub(super) async fn waits_for_stock(stage: &mut Stage) -> Result<()> {
    stage.scene("What is sold out is ordered, and waits");
    let_orders_wait(&stage.fleet, seller(stage)?, SOLD_OUT, 3).await.context("SetStockPolicy")?;

    let mara = Shopper::new(&stage.fleet, "Mara")?;
    let quote = mara.quote(&[(SOLD_OUT, 1)]).await?;
    let drifts: Vec<_> = quote.drifts.iter().map(|drift| (drift.kind(), drift.blocks)).collect();
    ensure!(drifts == [(DriftKind::Backordered, false)], "the quote says that it waits: {drifts:?}");
    let submitted = mara.submit(&quote, "tok_approved", &request_id()).await.context("SubmitCheckout")?;
    let checkout = outcome(stage, &mara, &submitted).await?;
    expect(&checkout, OrderOutcome::Backordered, "")?;
    let order_id = checkout.orders[0].order_id.clone();
    let order = mara.order(&order_id).await?;
    ensure!(order.status() == OrderStatus::Created && order.wait_until_time.is_some(), "the order says until when");
    tell(
        "The seller lets three wait for the next sun catchers; Mara is told so, accepts, and her card is not touched.",
    );

    open_warehouse(&stage.fleet, seller(stage)?, "NEXT-DELIVERY", 2, &[(SOLD_OUT, 1)]).await?;
    until(&mara, &order_id, OrderStatus::Paid).await?;
    ensure!(mara.order(&order_id).await?.wait_until_time.is_none(), "it waits no more");
    tell("One comes in, is reserved for her at once, and then paid: no stock is sold before it is there.");
    Ok(())
}

fn seller(stage: &Stage) -> Result<&Seller> {
    stage.catalogue.seller_of(SOLD_OUT).context("somebody sells it")
}
