//! Warehouses and carriers of a campaign: what buyers ordered is handed over in two parcels, arrives, and is paid for at the door.
//! They too try again, each thing under its own name, until they are answered.

use std::time::{Duration, Instant};

use contracts::google::r#type::Money;
use contracts::orders::v1::{Order, OrderStatus};
use contracts::shipping::v1::Shipment;
use tokio::time::sleep;
use tonic::{Code, Status};

use super::buyers::Ledger;
use crate::depot::Depot;
use crate::load::persist::persist;
use crate::shopper::{Shopper, request_id};

/// How often an order is looked at until its goods may leave, and how long.
const LOOK_EVERY: Duration = Duration::from_millis(150);
const WAIT_MAX: Duration = Duration::from_mins(2);

/// Sends an order as soon as its goods may leave; one that ends before, or is stopped, is let be.
pub async fn send(
    depot: &Depot,
    buyer: &Shopper,
    order_id: &str,
    ledger: &Ledger,
    failed: impl Fn(Code) + Copy,
) -> Result<(), String> {
    let Some(order) = until_it_may_leave(buyer, order_id, failed).await? else { return Ok(()) };
    let shipments = persist(failed, || depot.shipments(order_id)).await?;
    for shipment in &shipments {
        if !hand_over(depot, shipment, ledger, failed).await? {
            return Ok(());
        }
    }
    match order.total.filter(|_| order.cash_on_delivery) {
        Some(total) => persist(failed, || remit(depot, order_id, &total)).await,
        None => Ok(()),
    }
}

async fn until_it_may_leave(
    buyer: &Shopper,
    order_id: &str,
    failed: impl Fn(Code) + Copy,
) -> Result<Option<Order>, String> {
    let deadline = Instant::now() + WAIT_MAX;
    let look = || async move {
        // The order exists a moment after its checkout was acknowledged.
        let there = |status: Status| match status.code() {
            Code::NotFound => Status::unavailable("not there yet"),
            _ => status,
        };
        Ok(buyer.order(order_id).await.map_err(there)?)
    };
    loop {
        let order = persist(failed, look).await?;
        match order.status() {
            OrderStatus::Paid => return Ok(Some(order)),
            OrderStatus::Confirmed if order.cash_on_delivery => return Ok(Some(order)),
            OrderStatus::Failed | OrderStatus::Cancelled | OrderStatus::Refunded => return Ok(None),
            OrderStatus::Unspecified
            | OrderStatus::Created
            | OrderStatus::Confirmed
            | OrderStatus::Shipped
            | OrderStatus::Delivered => {}
        }
        if Instant::now() > deadline {
            return Err(format!("its goods may not leave after {} s", WAIT_MAX.as_secs()));
        }
        sleep(LOOK_EVERY).await;
    }
}

/// One SKU in a parcel of its own, and the rest in another. Answers whether the shipment was not stopped.
async fn hand_over(
    depot: &Depot,
    shipment: &Shipment,
    ledger: &Ledger,
    failed: impl Fn(Code) + Copy,
) -> Result<bool, String> {
    let shipment_id = shipment.shipment_id.as_str();
    let first: Vec<_> = shipment.lines.iter().take(1).map(|line| (line.sku.as_str(), line.quantity)).collect();
    let parcels = if shipment.lines.len() > 1 { vec![first, Vec::new()] } else { vec![first] };
    for lines in &parcels {
        let name = &request_id();
        let dispatch = || async move {
            match depot.dispatch(shipment_id, lines, name).await {
                Ok(parcel_id) => Ok(Some(parcel_id)),
                Err(status) if status.code() == Code::FailedPrecondition => Ok(None),
                Err(status) => Err(status.into()),
            }
        };
        let Some(parcel_id) = persist(failed, dispatch).await? else { return Ok(false) };
        ledger.acknowledged().dispatched(&parcel_id).map_err(|error| error.to_string())?;
        let parcel_id = parcel_id.as_str();
        persist(failed, || async move { Ok(depot.deliver(shipment_id, parcel_id).await?) }).await?;
    }
    Ok(true)
}

async fn remit(depot: &Depot, order_id: &str, total: &Money) -> anyhow::Result<()> {
    Ok(depot.remit(order_id, total).await?)
}
