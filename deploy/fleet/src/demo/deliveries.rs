//! The scenes in which goods leave and arrive, or do not.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use contracts::checkout::v1::{Checkout, OrderOutcome};
use contracts::google::r#type::Money;
use contracts::orders::v1::{OrderStatus, RefundKind, RefundStatus};
use contracts::shipping::v1::{ParcelFailure, ReturnCondition};
use tonic_types::StatusExt;

use super::returns::{received, until_refund};
use super::scenes::{expect, outcome, spoken, tell_orders, until_available};
use super::{Stage, tell};
use crate::depot::Depot;
use crate::shopper::{self, Shopper, available, request_id};

/// How long an order may take to hear of its parcels.
const STATUS_MAX: Duration = Duration::from_secs(10);

/// An order whose goods lie in two warehouses.
pub(super) async fn two_parcels(stage: &mut Stage) -> Result<()> {
    stage.scene("Two parcels from two warehouses");
    // The last two sun catchers were sold this morning; one more has come, to another warehouse.
    let seller = stage.catalogue.seller_of("SUNCATCHER-1").context("nobody offers sun catchers")?;
    shopper::open_warehouse(&stage.fleet, seller, "ANNEX", 2, &[("SUNCATCHER-1", 1)]).await?;
    let ida = Shopper::new(&stage.fleet, "Ida")?;
    let submitted = ida.buy(&[("SUNCATCHER-1", 1), ("BULB-WARM", 3)], "tok_approved").await?;
    let checkout = outcome(stage, &ida, &submitted).await?;
    expect(&checkout, OrderOutcome::Paid, "")?;
    let order_id = &checkout.orders[0].order_id;
    let depot = Depot::new(&stage.fleet)?;
    let shipments = depot.shipments(order_id).await?;
    ensure!(shipments.len() == 2, "two warehouses send two shipments, not {}", shipments.len());
    let mut parcels = Vec::new();
    for shipment in &shipments {
        parcels.push(depot.dispatch(&shipment.shipment_id, &[], &request_id()).await.context("DispatchParcel")?);
    }
    let too_many = depot
        .dispatch(&shipments[0].shipment_id, &[], &request_id())
        .await
        .err()
        .context("more left than was ordered")?;
    let reason = too_many.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    until(&ida, order_id, OrderStatus::Shipped).await?;
    for (shipment, parcel) in shipments.iter().zip(&parcels) {
        depot.deliver(&shipment.shipment_id, parcel).await.context("RecordDelivery")?;
    }
    until(&ida, order_id, OrderStatus::Delivered).await?;
    tell(format_args!(
        "Ida's order leaves in two parcels; a third is refused with {reason}. SHIPPED with the second, DELIVERED with its arrival."
    ));
    tell_orders(stage, &checkout).await
}

/// An order that is paid at the door.
pub(super) async fn paid_at_the_door(stage: &mut Stage) -> Result<()> {
    stage.scene("Paid at the door");
    let jon = Shopper::new(&stage.fleet, "Jon")?;
    let submitted = jon.buy_in_cash(&[("MITTENS", 2)]).await?;
    let checkout = outcome(stage, &jon, &submitted).await?;
    expect(&checkout, OrderOutcome::Confirmed, "")?;
    let order = &checkout.orders[0];
    let depot = Depot::new(&stage.fleet)?;
    let shipment_id = &depot.shipments(&order.order_id).await?[0].shipment_id;
    let parcel = depot.dispatch(shipment_id, &[("MITTENS", 1)], &request_id()).await.context("DispatchParcel")?;
    depot.deliver(shipment_id, &parcel).await.context("RecordDelivery")?;
    let parcel = depot.dispatch(shipment_id, &[], &request_id()).await.context("DispatchParcel")?;
    depot.deliver(shipment_id, &parcel).await.context("RecordDelivery")?;
    until(&jon, &order.order_id, OrderStatus::Delivered).await?;
    let total = order.total.as_ref().context("an order has a total")?;
    depot.remit(&order.order_id, total).await.context("RecordRemittance")?;
    until(&jon, &order.order_id, OrderStatus::Paid).await?;
    tell("Jon's mittens come one by one; the carrier passes his cash on, and only then is the order PAID.");
    tell_orders(stage, &refreshed(&jon, &checkout).await?).await
}

/// An order in two parcels of which one never comes: its money goes back, and the order is delivered all the same.
pub(super) async fn one_parcel_lost(stage: &mut Stage) -> Result<()> {
    stage.scene("One of two parcels is lost");
    let seller = stage.catalogue.seller_of("SUNCATCHER-1").context("nobody offers sun catchers")?;
    shopper::open_warehouse(&stage.fleet, seller, "ATTIC", 3, &[("SUNCATCHER-1", 1)]).await?;
    let pia = Shopper::new(&stage.fleet, "Pia")?;
    let submitted = pia.buy(&[("SUNCATCHER-1", 1), ("BULB-WARM", 2)], "tok_approved").await?;
    let checkout = outcome(stage, &pia, &submitted).await?;
    expect(&checkout, OrderOutcome::Paid, "")?;
    let order_id = &checkout.orders[0].order_id;
    let depot = Depot::new(&stage.fleet)?;
    let mut lost = None;
    for shipment in depot.shipments(order_id).await? {
        let shipment_id = &shipment.shipment_id;
        let parcel = depot.dispatch(shipment_id, &[], &request_id()).await.context("DispatchParcel")?;
        if shipment.lines.iter().any(|line| line.sku == "SUNCATCHER-1") {
            depot.fail(shipment_id, &parcel, ParcelFailure::Lost).await.context("RecordFailure")?;
            lost = Some((shipment.shipment_id, parcel));
        } else {
            depot.deliver(shipment_id, &parcel).await.context("RecordDelivery")?;
        }
    }
    let (shipment_id, parcel) = lost.context("nobody sent the sun catcher")?;
    until(&pia, order_id, OrderStatus::Delivered).await?;
    let refund = until_refund(&pia, order_id, 1, RefundStatus::Refunded).await?;
    ensure!(refund.kind() == RefundKind::ParcelFailed, "it went back for a {:?}", refund.kind());
    let found = depot.deliver(&shipment_id, &parcel).await.err().context("what was paid back was delivered")?;
    let reason = found.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    tell(format_args!(
        "Pia's bulbs come, her sun catcher does not: {} go back to her card, and the order is DELIVERED. Should it turn up: {reason}.",
        spoken(refund.amount.as_ref())
    ));
    tell_orders(stage, &checkout).await
}

/// Two orders to be paid at the door: of one a parcel is refused, of the other everything.
pub(super) async fn refused_at_the_door(stage: &mut Stage) -> Result<()> {
    stage.scene("Refused at the door, in part and whole");
    let depot = Depot::new(&stage.fleet)?;
    let (quin, rosa) = (Shopper::new(&stage.fleet, "Quin")?, Shopper::new(&stage.fleet, "Rosa")?);
    let before = available(&stage.fleet, "SLIPPER-38").await?;
    let mut checkouts = Vec::new();
    for (buyer, lines) in [(&quin, &[("SLIPPER-42", 1), ("SLIPPER-38", 1)][..]), (&rosa, &[("SLIPPER-38", 1)])] {
        let submitted = buyer.buy_in_cash(lines).await?;
        let checkout = outcome(stage, buyer, &submitted).await?;
        expect(&checkout, OrderOutcome::Confirmed, "")?;
        checkouts.push(checkout);
    }
    let [his, hers] = [0, 1].map(|n: usize| checkouts[n].orders[0].order_id.clone());
    for order_id in [&his, &hers] {
        let shipment_id = &depot.shipments(order_id).await?[0].shipment_id;
        if order_id == &his {
            let taken =
                depot.dispatch(shipment_id, &[("SLIPPER-42", 1)], &request_id()).await.context("DispatchParcel")?;
            depot.deliver(shipment_id, &taken).await.context("RecordDelivery")?;
        }
        let refused = depot.dispatch(shipment_id, &[], &request_id()).await.context("DispatchParcel")?;
        depot.fail(shipment_id, &refused, ParcelFailure::Refused).await.context("RecordFailure")?;
    }
    until(&quin, &his, OrderStatus::Delivered).await?;
    let waived = until_refund(&quin, &his, 1, RefundStatus::Waived).await?;
    let total = checkouts[0].orders[0].total.clone().context("an order has a total")?;
    let due = less(&total, waived.amount.as_ref());
    let refusal = depot.remit(&his, &total).await.err().context("the carrier passed on what nobody paid")?;
    let reason = refusal.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    depot.remit(&his, &due).await.context("RecordRemittance")?;
    until(&quin, &his, OrderStatus::Paid).await?;
    until(&rosa, &hers, OrderStatus::Cancelled).await?;
    // What was refused comes back by itself.
    for order_id in [&his, &hers] {
        received(&depot, order_id, &[("SLIPPER-38", 1, ReturnCondition::Resalable)]).await?;
    }
    until_available(stage, "SLIPPER-38", before).await?;
    tell(format_args!(
        "Quin takes one pair of two: the whole sum from the carrier is refused with {reason}, {} are due. Rosa takes nothing: nothing is \
         due. Both pairs are back on sale.",
        spoken(Some(&due))
    ));
    tell_orders(stage, &refreshed(&quin, &checkouts[0]).await?).await?;
    tell_orders(stage, &refreshed(&rosa, &checkouts[1]).await?).await
}

/// Two buyers change their minds: one while her parcel waits, one after it has left.
pub(super) async fn parcels_to_be_stopped(stage: &mut Stage) -> Result<()> {
    stage.scene("Two parcels are to be stopped");
    let depot = Depot::new(&stage.fleet)?;
    let (kay, leo) = (Shopper::new(&stage.fleet, "Kay")?, Shopper::new(&stage.fleet, "Leo")?);
    let mut checkouts = Vec::new();
    for buyer in [&kay, &leo] {
        let submitted = buyer.buy_in_cash(&[("CAP-KNIT", 1)]).await?;
        let checkout = outcome(stage, buyer, &submitted).await?;
        expect(&checkout, OrderOutcome::Confirmed, "")?;
        checkouts.push(checkout);
    }
    let [hers, his] = [0, 1].map(|n: usize| checkouts[n].orders[0].order_id.clone());
    depot.shipments(&hers).await?;
    let asked = kay.cancel(&hers).await.context("CancelOrder")?;
    ensure!(asked.cancellation_requested, "her parcel is stopped before her order is cancelled");
    until(&kay, &hers, OrderStatus::Cancelled).await?;
    stage.acknowledged.cancelled(&hers)?;

    let shipment_id = &depot.shipments(&his).await?[0].shipment_id;
    depot.dispatch(shipment_id, &[], &request_id()).await.context("DispatchParcel")?;
    until(&leo, &his, OrderStatus::Shipped).await?;
    let refusal = leo.cancel(&his).await.err().context("an order that has left was cancelled")?;
    let reason = refusal.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    tell(format_args!("Kay's cap had not left: her order is cancelled. Leo's had: refused with {reason}."));
    tell_orders(stage, &refreshed(&kay, &checkouts[0]).await?).await?;
    tell_orders(stage, &checkouts[1]).await
}

/// Two buyers want their money back: one while her parcel waits, one at the moment at which it leaves.
pub(super) async fn money_back(stage: &mut Stage) -> Result<()> {
    stage.scene("Money back before dispatch, and too late");
    let depot = Depot::new(&stage.fleet)?;
    let (mia, ned) = (Shopper::new(&stage.fleet, "Mia")?, Shopper::new(&stage.fleet, "Ned")?);
    let before = available(&stage.fleet, "BOARD-OAK").await?;
    let mut checkouts = Vec::new();
    for (buyer, sku) in [(&mia, "BOARD-OAK"), (&ned, "KNIFE-BREAD")] {
        let submitted = buyer.buy(&[(sku, 1)], "tok_approved").await?;
        let checkout = outcome(stage, buyer, &submitted).await?;
        expect(&checkout, OrderOutcome::Paid, "")?;
        checkouts.push(checkout);
    }
    let [hers, his] = [0, 1].map(|n: usize| checkouts[n].orders[0].order_id.clone());
    depot.shipments(&hers).await?;
    let asked = mia.request_refund(&hers).await.context("RequestRefund")?;
    ensure!(asked.refunds.iter().any(|refund| refund.status() == RefundStatus::Requested), "her refund is under way");
    until(&mia, &hers, OrderStatus::Refunded).await?;
    until_available(stage, "BOARD-OAK", before).await?;

    let shipment_id = &depot.shipments(&his).await?[0].shipment_id;
    let name = request_id();
    let (left, asked) = tokio::join!(depot.dispatch(shipment_id, &[], &name), ned.request_refund(&his));
    let outcome = match (left, asked) {
        (Ok(_), _) => OrderStatus::Shipped,
        (Err(_), Ok(_)) => OrderStatus::Refunded,
        (Err(left), Err(asked)) => anyhow::bail!("neither the parcel ({left}) nor the wish ({asked}) came first"),
    };
    until(&ned, &his, outcome).await?;
    tell(format_args!("Mia's money is back, and her board on sale. Ned's wish and his parcel meet: {outcome:?}."));
    tell_orders(stage, &checkouts[0]).await?;
    tell_orders(stage, &checkouts[1]).await
}

/// One of three is taken back before it leaves, and the order goes on with two.
pub(super) async fn a_part_taken_back(stage: &mut Stage) -> Result<()> {
    stage.scene("One of three is taken back before it leaves");
    let depot = Depot::new(&stage.fleet)?;
    let vera = Shopper::new(&stage.fleet, "Vera")?;
    let before = available(&stage.fleet, "BOWL-S").await?;
    let submitted = vera.buy(&[("BOWL-S", 3)], "tok_approved").await?;
    let checkout = outcome(stage, &vera, &submitted).await?;
    expect(&checkout, OrderOutcome::Paid, "")?;
    let order_id = &checkout.orders[0].order_id;
    let shipment_id = &depot.shipments(order_id).await?[0].shipment_id;
    vera.request_part(order_id, &[("BOWL-S", 1)], &request_id()).await.context("RequestRefund")?;
    let refund = until_refund(&vera, order_id, 1, RefundStatus::Refunded).await?;
    until_available(stage, "BOWL-S", before - 2).await?;
    let three = depot.dispatch(shipment_id, &[("BOWL-S", 3)], &request_id()).await;
    let reason =
        three.err().context("three left")?.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    let parcel = depot.dispatch(shipment_id, &[], &request_id()).await.context("DispatchParcel")?;
    until(&vera, order_id, OrderStatus::Shipped).await?;
    depot.deliver(shipment_id, &parcel).await.context("RecordDelivery")?;
    until(&vera, order_id, OrderStatus::Delivered).await?;
    tell(format_args!(
        "{} of {} go back to Vera's card, and her bowl on sale. Three may not leave any more ({reason}), two do: DELIVERED.",
        spoken(refund.amount.as_ref()),
        spoken(checkout.orders[0].total.as_ref())
    ));
    tell_orders(stage, &checkout).await
}

/// An amount less another of the same currency.
fn less(amount: &Money, part: Option<&Money>) -> Money {
    const NANOS: i64 = 1_000_000_000;
    let nanos = |money: &Money| money.units * NANOS + i64::from(money.nanos);
    let left = nanos(amount) - part.map_or(0, nanos);
    let rest = i32::try_from(left % NANOS).expect("below 10^9");
    Money { currency_code: amount.currency_code.clone(), units: left / NANOS, nanos: rest }
}

/// Waits until an order has reached a status.
pub(super) async fn until(buyer: &Shopper, order_id: &str, status: OrderStatus) -> Result<()> {
    let deadline = Instant::now() + STATUS_MAX;
    loop {
        let order = buyer.order(order_id).await.context("GetOrder")?;
        if order.status() == status {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "order {order_id} is {:?}, not {status:?}", order.status());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The checkout as it is shown now.
pub(super) async fn refreshed(buyer: &Shopper, checkout: &Checkout) -> Result<Checkout> {
    buyer.checkout(&checkout.checkout_id).await.context("GetCheckout")
}
