//! The scenes in which goods come back and money is given back, and the end of an order.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use contracts::checkout::v1::{Checkout, OrderOutcome};
use contracts::orders::v1::{Order, OrderPaymentStatus, OrderStatus, Refund, RefundStatus};
use contracts::shipping::v1::{Return, ReturnCondition, ReturnLabel, ReturnParcelStatus, ReturnStatus};

use super::carrier::hand_over;
use super::deliveries::until;
use super::scenes::{expect, outcome, spoken, tell_orders, until_available};
use super::{Stage, tell};
use crate::databases::Databases;
use crate::depot::{Came, Depot};
use crate::shopper::{Shopper, available, request_id};
use crate::statement::Ledger;
use crate::story::Journey;
use crate::topology::Deadlines;

/// How long a refund may take, or a return to be awaited.
const REFUND_MAX: Duration = Duration::from_secs(10);
/// How long an order may take to be closed once its time has passed.
const CLOSE_MAX: Duration = Duration::from_secs(15);

/// An order that came back, to be told of again at its end.
pub(super) struct SentBack {
    buyer: Shopper,
    checkout: Checkout,
}

/// Two units come back, one of them damaged.
pub(super) async fn one_of_two_damaged(stage: &mut Stage) -> Result<SentBack> {
    stage.scene("Two cushions come back, one of them damaged");
    let sam = Shopper::new(&stage.fleet, "Sam")?;
    let before = available(&stage.fleet, "CUSHION-WOOL").await?;
    let checkout = delivered(stage, &sam, &[("CUSHION-WOOL", 3)], "tok_approved").await?;
    let order_id = &checkout.orders[0].order_id;
    let depot = Depot::new(&stage.fleet)?;
    sam.request_return(order_id, &[("CUSHION-WOOL", 2)], &request_id()).await.context("RequestRefund")?;
    let goods_return = awaited(&depot, order_id).await?;
    let come = [ReturnCondition::Resalable, ReturnCondition::Damaged];
    for condition in come {
        let came = [("CUSHION-WOOL", 1, condition)];
        depot.receive(&goods_return, &came, false, &request_id()).await.context("ReceiveReturn")?;
    }
    let refund = until_refund(&sam, order_id, 1, RefundStatus::Refunded).await?;
    // Three have left, one is on sale again, one is written off.
    until_available(stage, "CUSHION-WOOL", before - 2).await?;
    tell(format_args!(
        "Sam sends two of three back, and they come one by one: one is on sale again, one is written off. {} of {} go back to his card.",
        spoken(refund.amount.as_ref()),
        spoken(checkout.orders[0].total.as_ref())
    ));
    tell_orders(stage, &checkout).await?;
    Ok(SentBack { buyer: sam, checkout })
}

/// The carrier that brought the goods takes them back under a label, and people say in what condition they came.
pub(super) async fn sent_back_by_label(stage: &mut Stage) -> Result<()> {
    stage.scene("A scarf goes back under a label");
    let wim = Shopper::new(&stage.fleet, "Wim")?;
    let submitted = wim.buy(&[("SCARF-MOSS", 1)], "tok_approved").await?;
    let checkout = outcome(stage, &wim, &submitted).await?;
    expect(&checkout, OrderOutcome::Paid, "")?;
    let order_id = &checkout.orders[0].order_id;
    let depot = Depot::new(&stage.fleet)?;
    let shipment_id = &depot.shipments(order_id).await?[0].shipment_id;
    let parcel = depot.dispatch_by_sandbox(shipment_id, &request_id()).await.context("DispatchParcel")?;
    hand_over(&stage.fleet, &parcel.tracking_number).await?;
    until(&wim, order_id, OrderStatus::Delivered).await?;

    wim.request_return(order_id, &[("SCARF-MOSS", 1)], &request_id()).await.context("RequestRefund")?;
    let goods_return = awaited(&depot, order_id).await?;
    let warehouse_id = &goods_return.lines[0].warehouse_id;
    let bought = wim.buy_label(&goods_return, warehouse_id, &request_id()).await.context("BuyReturnLabel")?;
    let again = wim.buy_label(&goods_return, warehouse_id, &request_id()).await.context("BuyReturnLabel")?;
    ensure!(again.labels == bought.labels, "one return has two labels: {again:?}");
    let number = &bought.labels.first().context("a return without its label")?.tracking_number;
    hand_over(&stage.fleet, number).await?;
    seen(&depot, order_id, ReturnParcelStatus::OnItsWay).await?;
    seen(&depot, order_id, ReturnParcelStatus::Arrived).await?;
    // That the parcel is there gives nothing back: somebody has to look into it.
    received(&depot, order_id, &[("SCARF-MOSS", 1, ReturnCondition::Resalable)]).await?;
    let refund = until_refund(&wim, order_id, 1, RefundStatus::Refunded).await?;
    tell(format_args!(
        "Wim prints a label for his scarf, twice, and it is the same one: {number}. The carrier tells how far it is; when the warehouse has looked at it, {} go back to his card.",
        spoken(refund.amount.as_ref())
    ));
    tell_orders(stage, &checkout).await
}

/// Goods that come back are exchanged: once for the same again, and once for nothing, because that was the last.
pub(super) async fn exchanged(stage: &mut Stage) -> Result<()> {
    stage.scene("A cap is exchanged, and the last brass sconce cannot be");
    let xia = Shopper::new(&stage.fleet, "Xia")?;
    let checkout = delivered(stage, &xia, &[("CAP-KNIT", 2)], "tok_approved").await?;
    let (set_aside, new) = sent_back_in_exchange(stage, &xia, &checkout, "CAP-KNIT").await?;
    until(&xia, &new.order_id, OrderStatus::Paid).await?;
    let depot = Depot::new(&stage.fleet)?;
    for shipment in depot.shipments(&new.order_id).await? {
        let parcel = depot.dispatch(&shipment.shipment_id, &[], &request_id()).await.context("DispatchParcel")?;
        depot.deliver(&shipment.shipment_id, &parcel).await.context("RecordDelivery")?;
    }
    until(&xia, &new.order_id, OrderStatus::Delivered).await?;
    tell(format_args!(
        "One of Xia's two caps has a hole. {} of her {} pay for an order that brings another, and her card is not asked.",
        spoken(set_aside.amount.as_ref()),
        spoken(checkout.orders[0].total.as_ref())
    ));

    let yan = Shopper::new(&stage.fleet, "Yan")?;
    let all = i32::try_from(available(&stage.fleet, "SCONCE-BRASS").await?)?;
    let checkout = delivered(stage, &yan, &[("SCONCE-BRASS", all)], "tok_approved").await?;
    let (set_aside, new) = sent_back_in_exchange(stage, &yan, &checkout, "SCONCE-BRASS").await?;
    until(&yan, &new.order_id, OrderStatus::Failed).await?;
    let deadline = Instant::now() + REFUND_MAX;
    while yan.order(&new.order_id).await?.payment_status() != OrderPaymentStatus::Refunded {
        ensure!(Instant::now() < deadline, "what was set aside for order {} is not back", new.order_id);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tell(format_args!(
        "Yan has all {all} brass sconces there were, and one of them is bent: there is no other, so {} go back to the card that he paid with.",
        spoken(set_aside.amount.as_ref())
    ));
    Ok(())
}

/// One unit comes back damaged, and is to be exchanged. Answers the refund that was set aside, and the order that it pays for.
async fn sent_back_in_exchange(
    stage: &Stage,
    buyer: &Shopper,
    checkout: &Checkout,
    sku: &str,
) -> Result<(Refund, Order)> {
    let order_id = &checkout.orders[0].order_id;
    buyer.request_exchange(order_id, &[(sku, 1)], &request_id()).await.context("RequestRefund")?;
    let depot = Depot::new(&stage.fleet)?;
    received(&depot, order_id, &[(sku, 1, ReturnCondition::Damaged)]).await?;
    let set_aside = until_refund(buyer, order_id, 1, RefundStatus::Refunded).await?;
    let new = buyer.order(&set_aside.exchange_order_id).await.context("GetOrder")?;
    ensure!(new.exchange_for_order_id == *order_id, "it is sent for another order: {new:?}");
    Ok((set_aside, new))
}

/// Money is given back of the seller's own accord, and the provider refuses at first.
pub(super) async fn goodwill_refused_by_the_provider(stage: &mut Stage) -> Result<()> {
    stage.scene("Goodwill, and a provider that refuses at first");
    let tess = Shopper::new(&stage.fleet, "Tess")?;
    let checkout = delivered(stage, &tess, &[("LANTERN-PAPER", 1)], "tok_refund_fails_1").await?;
    let order_id = &checkout.orders[0].order_id;
    let depot = Depot::new(&stage.fleet)?;
    let total = checkout.orders[0].total.clone().context("an order has a total")?;
    let amount = contracts::google::r#type::Money { units: 5, nanos: 0, ..total.clone() };
    depot.give_goodwill(order_id, &amount, &request_id()).await.context("RequestRefund")?;
    let refused = until_refund(&tess, order_id, 1, RefundStatus::Failed).await?;
    let too_much = depot.give_goodwill(order_id, &total, &request_id()).await.err().context("more than was paid")?;
    depot.retry_refund(order_id, 1).await.context("RetryRefund")?;
    until_refund(&tess, order_id, 1, RefundStatus::Refunded).await?;
    tell(format_args!(
        "Tess's lantern is creased and she keeps it: {} are hers. The provider says {}; asked again by the same key, it gives them back.",
        spoken(Some(&amount)),
        refused.reason
    ));
    tell(format_args!("Her whole sum on top of it is refused: {}", too_much.message()));
    tell_orders(stage, &checkout).await
}

/// The time in which goods may be sent back passes: the last thing that happens to an order. Then its story and its ledger.
pub(super) async fn closed(stage: &mut Stage, sent_back: &SentBack) -> Result<()> {
    stage.scene("An order is closed");
    let SentBack { buyer, checkout } = sent_back;
    let order_id = &checkout.orders[0].order_id;
    let deadline = Instant::now() + Deadlines::DEMO.return_window + CLOSE_MAX;
    while buyer.order(order_id).await.context("GetOrder")?.status() != OrderStatus::Closed {
        ensure!(Instant::now() < deadline, "order {order_id} is not closed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let refusal = buyer.request_return(order_id, &[("CUSHION-WOOL", 1)], &request_id()).await;
    ensure!(refusal.is_err(), "goods of a closed order came back");
    tell(format_args!(
        "{} s after the cushions came, nothing more may happen to Sam's order. Its story, and its ledger:\n",
        Deadlines::DEMO.return_window.as_secs()
    ));
    // A moment for the last event, so that nobody reads of it as one that nobody heard.
    until_published(stage).await?;
    let databases = Databases::of(&stage.fleet);
    let journey = Journey::read(&databases, checkout.checkout_id.parse()?).await?;
    let ledger = Ledger::read(&databases, order_id.parse()?).await?;
    ensure!(ledger.balances(), "the postings of order {order_id} do not sum to zero");
    println!("{}\n{ledger}", journey.story(order_id.parse()?));
    Ok(())
}

async fn until_published(stage: &Stage) -> Result<()> {
    let deadline = Instant::now() + CLOSE_MAX;
    let waiting = "SELECT count(*) FROM orders.outbox";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(stage.fleet.database()).await? > 0 {
        ensure!(Instant::now() < deadline, "events of orders are not published");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Buys, pays, and waits until everything has arrived in one parcel.
async fn delivered(stage: &mut Stage, buyer: &Shopper, lines: &[(&str, i32)], card: &str) -> Result<Checkout> {
    let submitted = buyer.buy(lines, card).await?;
    let checkout = outcome(stage, buyer, &submitted).await?;
    expect(&checkout, OrderOutcome::Paid, "")?;
    let order_id = &checkout.orders[0].order_id;
    let depot = Depot::new(&stage.fleet)?;
    for shipment in depot.shipments(order_id).await? {
        let parcel = depot.dispatch(&shipment.shipment_id, &[], &request_id()).await.context("DispatchParcel")?;
        depot.deliver(&shipment.shipment_id, &parcel).await.context("RecordDelivery")?;
    }
    until(buyer, order_id, OrderStatus::Delivered).await?;
    Ok(checkout)
}

/// The return of an order that is still to come, once shipping has heard of it.
async fn awaited(depot: &Depot, order_id: &str) -> Result<Return> {
    let deadline = Instant::now() + REFUND_MAX;
    loop {
        let returns = depot.returns(order_id).await.context("ListReturns")?;
        if let Some(open) = returns.into_iter().find(|goods_return| goods_return.status() == ReturnStatus::Open) {
            return Ok(open);
        }
        ensure!(Instant::now() < deadline, "no return of order {order_id} is awaited");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until the carrier has seen what is sent back at least so far, and answers its label.
async fn seen(depot: &Depot, order_id: &str, status: ReturnParcelStatus) -> Result<ReturnLabel> {
    let deadline = Instant::now() + REFUND_MAX;
    loop {
        let goods_return = awaited(depot, order_id).await?;
        let label = goods_return.labels.first().context("a return without its label")?;
        if label.status() as i32 >= status as i32 {
            return Ok(label.clone());
        }
        ensure!(Instant::now() < deadline, "what is sent back of order {order_id} is not {status:?}: {label:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Takes in what is awaited of an order.
pub(super) async fn received(depot: &Depot, order_id: &str, came: &[Came<'_>]) -> Result<()> {
    let goods_return = awaited(depot, order_id).await?;
    let after = depot.receive(&goods_return, came, false, &request_id()).await.context("ReceiveReturn")?;
    ensure!(after.status() == ReturnStatus::Received, "more is awaited of order {order_id}: {after:?}");
    Ok(())
}

/// Waits until an order's refund has come so far, and answers it.
pub(super) async fn until_refund(buyer: &Shopper, order_id: &str, number: i32, status: RefundStatus) -> Result<Refund> {
    let deadline = Instant::now() + REFUND_MAX;
    loop {
        let refunds = buyer.order(order_id).await.context("GetOrder")?.refunds;
        let refund = refunds.into_iter().find(|refund| refund.refund_number == number);
        if let Some(refund) = refund.as_ref().filter(|refund| refund.status() == status) {
            return Ok(refund.clone());
        }
        ensure!(Instant::now() < deadline, "refund {number} of order {order_id} is not {status:?}: {refund:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
