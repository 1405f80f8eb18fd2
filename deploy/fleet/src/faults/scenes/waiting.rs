//! The scene of the sagas in which orders wait for stock.

use anyhow::{Context, Result};

use super::{SKU, Stage};
use crate::catalogue::Catalogue;
use crate::shopper::let_orders_wait;

/// More than any warehouse of the catalogue has.
const TOO_MANY: i32 = 500;

/// Buyers who wait for stock would not wait any longer.
pub(in super::super) async fn cancelled_in_line(stage: &mut Stage) -> Result<()> {
    let catalogue = Catalogue::read()?;
    let seller = catalogue.seller_of(SKU).context("somebody sells it")?;
    let_orders_wait(&stage.fleet, seller, SKU, 100 * i64::from(TOO_MANY)).await.context("SetStockPolicy")?;
    let buyers = stage.buyers_of(TOO_MANY).await?;
    let submitted = stage.submit(&buyers, "tok_approved").await?;
    stage.until(&submitted, "orders.order_state WHERE order_id = ANY($1) AND waits_until IS NOT NULL").await?;
    stage.cancel(&buyers, &submitted).await?;
    let heard = "inventory.inbox i JOIN orders.journal j USING (event_id)
                 WHERE j.aggregate_id = ANY($1) AND j.event_type = 'tradewind.orders.v1.OrderCancelled'
                   AND i.consumer = 'inventory.saga'";
    stage.until(&submitted, heard).await
}
