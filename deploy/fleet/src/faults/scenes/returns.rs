//! The scenes in which parcels fail, goods come back and money is given back.

use anyhow::{Context, Result, ensure};
use contracts::google::r#type::Money;
use contracts::shipping::v1::{ParcelFailure, ReturnCondition};
use tonic::{Code, Status};

use super::{SKU, Stage};
use crate::depot::Depot;
use crate::shopper::{Shopper, Submitted, cents, request_id, usd};

type Buyers = Vec<(Shopper, contracts::checkout::v1::Quote)>;

/// Every refund that was asked for so far is given back, and there is one.
const PAID_BACK: &str = r#"orders.order_state WHERE order_id = ANY($1) AND refunds <> '[]'
    AND NOT jsonb_path_exists(refunds, '$[*] ? (@.status != "REFUNDED")')"#;

/// Goods arrive, and goodwill is given for six tenths of the sum, twice.
pub(in super::super) async fn goodwill_twice(stage: &mut Stage) -> Result<()> {
    let (_, submitted, depot) = arrived(stage, 1).await?;
    for each in &submitted {
        let amount = six_tenths(each.checkout.orders[0].total.as_ref().context("an order has a total")?);
        let order_id = order_id(each);
        depot.give_goodwill(order_id, &amount, &request_id()).await.context("RequestRefund")?;
        may_be_refused(depot.give_goodwill(order_id, &amount, &request_id()).await)?;
    }
    stage.until(&submitted, PAID_BACK).await
}

/// Of two units in two parcels the first is lost and paid back before the second leaves.
pub(in super::super) async fn first_parcel_lost(stage: &mut Stage) -> Result<()> {
    let (_, submitted) = paid(stage, 2).await?;
    let depot = Depot::new(&stage.fleet)?;
    send(&depot, &submitted, 1, Some(ParcelFailure::Lost)).await?;
    stage.until(&submitted, PAID_BACK).await?;
    let heard = "payments.journal j JOIN inventory.inbox i USING (event_id)
                 WHERE j.aggregate_id = ANY($1) AND j.event_type LIKE '%PaymentRefunded'";
    stage.until(&submitted, heard).await?;
    send(&depot, &submitted, 1, None).await?;
    stage.until(&submitted, "orders.order_state WHERE order_id = ANY($1) AND status = 'DELIVERED'").await
}

/// Parcels are lost, their money goes back, and then they turn up.
pub(in super::super) async fn lost_and_found(stage: &mut Stage) -> Result<()> {
    let (_, submitted) = paid(stage, 1).await?;
    let depot = Depot::new(&stage.fleet)?;
    let parcels = send(&depot, &submitted, 1, Some(ParcelFailure::Lost)).await?;
    stage.until(&submitted, PAID_BACK).await?;
    for (shipment_id, parcel_id) in &parcels {
        may_be_refused(depot.deliver(shipment_id, parcel_id).await)?;
    }
    Ok(())
}

/// Two units come back one by one.
pub(in super::super) async fn back_in_two_receipts(stage: &mut Stage) -> Result<()> {
    let (buyers, submitted, depot) = arrived(stage, 3).await?;
    for ((buyer, _), each) in buyers.iter().zip(&submitted) {
        buyer.request_return(order_id(each), &[(SKU, 2)], &request_id()).await.context("RequestRefund")?;
    }
    stage.until(&submitted, "shipping.goods_return WHERE order_id = ANY($1)").await?;
    come_back(&submitted, &depot, 2).await?;
    stage.until(&submitted, PAID_BACK).await
}

/// What came back, in exchange, is sent anew.
pub(in super::super) async fn exchanged(stage: &mut Stage) -> Result<()> {
    let (_, submitted, depot) = to_be_exchanged(stage).await?;
    come_back(&submitted, &depot, 1).await?;
    stage.until(&submitted, &sent_anew("PAID")).await
}

/// Inventory stands still, so that nothing is held yet of what is to be sent anew when its buyers would rather have their money.
pub(in super::super) async fn exchanged_and_cancelled(stage: &mut Stage) -> Result<()> {
    let (buyers, submitted, depot) = to_be_exchanged(stage).await?;
    stage.fleet.process("inventory-0")?.pause()?;
    let cancelled = cancelled_before_it_is_held(stage, &buyers, &submitted, &depot).await;
    stage.fleet.process("inventory-0")?.resume()?;
    cancelled
}

async fn cancelled_before_it_is_held(
    stage: &mut Stage,
    buyers: &Buyers,
    submitted: &[Submitted],
    depot: &Depot,
) -> Result<()> {
    come_back(submitted, depot, 1).await?;
    stage.until(submitted, &sent_anew("CREATED")).await?;
    for ((buyer, _), each) in buyers.iter().zip(submitted) {
        let order = buyer.order(order_id(each)).await.context("GetOrder")?;
        let new_id = &order.refunds.first().context("no refund")?.exchange_order_id;
        buyer.cancel(new_id).await.context("CancelOrder")?;
        stage.acknowledged.cancelled(new_id)?;
    }
    Ok(())
}

/// Where the orders stand that send anew what came back of others.
fn sent_anew(status: &str) -> String {
    format!("orders.placed_order WHERE (exchange->>'order_id')::uuid = ANY($1) AND status = '{status}'")
}

/// Of two units that have arrived one is on its way back, in exchange.
async fn to_be_exchanged(stage: &mut Stage) -> Result<(Buyers, Vec<Submitted>, Depot)> {
    let (buyers, submitted, depot) = arrived(stage, 2).await?;
    for ((buyer, _), each) in buyers.iter().zip(&submitted) {
        buyer.request_exchange(order_id(each), &[(SKU, 1)], &request_id()).await.context("RequestRefund")?;
    }
    stage.until(&submitted, "shipping.goods_return WHERE order_id = ANY($1)").await?;
    Ok((buyers, submitted, depot))
}

/// So many units of each come back, one by one.
async fn come_back(submitted: &[Submitted], depot: &Depot, units: usize) -> Result<()> {
    for each in submitted {
        let goods_return = depot.returns(order_id(each)).await?.pop().context("no return is awaited")?;
        for _ in 0..units {
            let came = [(SKU, 1, ReturnCondition::Resalable)];
            depot.receive(&goods_return, &came, false, &request_id()).await.context("ReceiveReturn")?;
        }
    }
    Ok(())
}

/// Of three units two are stopped before they leave, one by one.
pub(in super::super) async fn stopped_in_two_parts(stage: &mut Stage) -> Result<()> {
    let (buyers, submitted) = paid(stage, 3).await?;
    for ((buyer, _), each) in buyers.iter().zip(&submitted) {
        for _ in 0..2 {
            buyer.request_part(order_id(each), &[(SKU, 1)], &request_id()).await.context("RequestRefund")?;
        }
    }
    stage.until(&submitted, PAID_BACK).await?;
    let heard =
        "inventory.reservation WHERE order_id = ANY($1) AND jsonb_path_exists(allocations, '$[*] ? (@.released >= 2)')";
    stage.until(&submitted, heard).await
}

/// Buyers of so many units, to each of whom they have come in one parcel.
async fn arrived(stage: &mut Stage, units: i32) -> Result<(Buyers, Vec<Submitted>, Depot)> {
    let (buyers, submitted) = paid(stage, units).await?;
    let depot = Depot::new(&stage.fleet)?;
    send(&depot, &submitted, i64::from(units), None).await?;
    stage.until(&submitted, "orders.order_state WHERE order_id = ANY($1) AND status = 'DELIVERED'").await?;
    Ok((buyers, submitted, depot))
}

/// Buyers of so many units, each of whom has paid.
async fn paid(stage: &mut Stage, units: i32) -> Result<(Buyers, Vec<Submitted>)> {
    let buyers = stage.buyers_of(units).await?;
    let submitted = stage.submit(&buyers, "tok_approved").await?;
    stage.until(&submitted, "orders.order_state WHERE order_id = ANY($1) AND status = 'PAID'").await?;
    Ok((buyers, submitted))
}

/// So many units of each leave in a parcel, which arrives or fails. Answers the shipments and the parcels.
async fn send(
    depot: &Depot,
    submitted: &[Submitted],
    units: i64,
    failure: Option<ParcelFailure>,
) -> Result<Vec<(String, String)>> {
    let mut parcels = Vec::new();
    for each in submitted {
        let shipment_id = depot.shipments(order_id(each)).await?.remove(0).shipment_id;
        let parcel_id = depot.dispatch(&shipment_id, &[(SKU, units)], &request_id()).await.context("DispatchParcel")?;
        match failure {
            Some(failure) => depot.fail(&shipment_id, &parcel_id, failure).await.context("RecordFailure")?,
            None => depot.deliver(&shipment_id, &parcel_id).await.context("RecordDelivery")?,
        }
        parcels.push((shipment_id, parcel_id));
    }
    Ok(parcels)
}

fn order_id(submitted: &Submitted) -> &str {
    &submitted.checkout.orders[0].order_id
}

fn six_tenths(amount: &Money) -> Money {
    usd(cents(amount) * 6 / 10)
}

/// A fleet that is whole refuses it, and one that is broken may not.
fn may_be_refused<T>(answer: Result<T, Status>) -> Result<()> {
    if let Err(refusal) = answer {
        ensure!(refusal.code() == Code::FailedPrecondition, "refused otherwise: {refusal}");
    }
    Ok(())
}
