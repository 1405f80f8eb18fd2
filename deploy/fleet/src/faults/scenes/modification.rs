//! The scenes in which orders are modified.

use anyhow::{Context, Result, bail};
use contracts::checkout::v1::Quote;
use sqlx::Connection as _;
use tonic::Code;

use super::{SKU, Stage};
use crate::shopper::{Shopper, Submitted};

/// Buyers take one of two things away while the provider is thinking: less is to be taken than it was asked to hold.
pub(in super::super) async fn less_than_was_held(stage: &mut Stage) -> Result<()> {
    let (buyers, submitted) = authorizing(stage).await?;
    keep_one(&buyers, &submitted).await
}

/// Buyers take one of two things away after inventory has committed both, and before orders has heard of that.
pub(in super::super) async fn less_than_was_committed(stage: &mut Stage) -> Result<()> {
    let (buyers, submitted) = authorizing(stage).await?;
    let mut connection = stage.fleet.database().acquire().await?;
    let mut holder = connection.begin().await?;
    sqlx::query("LOCK TABLE orders.inbox IN EXCLUSIVE MODE").execute(&mut *holder).await?;
    stage.until(&submitted, "inventory.reservation WHERE order_id = ANY($1) AND status = 'committed'").await?;
    let kept = keep_one(&buyers, &submitted).await;
    holder.rollback().await?;
    kept
}

/// Buyers who pay at the door take one of two things away when it is too late.
pub(in super::super) async fn after_confirmation(stage: &mut Stage) -> Result<()> {
    let buyers = stage.buyers_of(2).await?;
    let submitted = stage.submit_in_cash(&buyers).await?;
    stage.until(&submitted, "orders.order_state WHERE order_id = ANY($1) AND status = 'CONFIRMED'").await?;
    for ((buyer, _), submitted) in buyers.iter().zip(&submitted) {
        match buyer.modify(&submitted.checkout.orders[0].order_id, SKU, 1).await {
            Ok(_) => {}
            Err(status) if status.code() == Code::FailedPrecondition => {}
            Err(status) => bail!("ModifyOrder: {status}"),
        }
    }
    Ok(())
}

/// Buyers of two things each, whose cards the provider is thinking about.
async fn authorizing(stage: &mut Stage) -> Result<(Vec<(Shopper, Quote)>, Vec<Submitted>)> {
    let buyers = stage.buyers_of(2).await?;
    let submitted = stage.submit(&buyers, "tok_slow_2000").await?;
    stage.until(&submitted, "payments.payment WHERE order_id = ANY($1) AND status = 'authorizing'").await?;
    Ok((buyers, submitted))
}

async fn keep_one(buyers: &[(Shopper, Quote)], submitted: &[Submitted]) -> Result<()> {
    for ((buyer, _), submitted) in buyers.iter().zip(submitted) {
        buyer.modify(&submitted.checkout.orders[0].order_id, SKU, 1).await.context("ModifyOrder")?;
    }
    Ok(())
}
