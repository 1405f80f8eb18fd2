//! The scenes. Each plays something that goes wrong somewhere else, and fails if it does not end as it should.

use anyhow::{Context, Result, ensure};
use contracts::checkout::v1::{Checkout, OrderOutcome};
use contracts::google::r#type::Money;
use futures::future::{join_all, try_join_all};
use tonic_types::StatusExt;

use super::{Stage, tell, timeline};
use crate::depot::Depot;
use crate::provider;
use crate::shopper::{EXPRESS, Shopper, Submitted, available, request_id};
use crate::topology::Deadlines;

/// Two orders out of one cart, both paid.
pub(super) async fn cart_over_two_sellers(stage: &mut Stage) -> Result<()> {
    stage.scene("One cart, two sellers");
    let ada = Shopper::new(&stage.fleet, "Ada")?;
    let seller_id = stage.catalogue.seller_of("KETTLE-RED").context("nobody offers kettles")?.seller_id;
    let quote = ada.quote_express(&[("KETTLE-RED", 1), ("LAMP-BLACK", 2)], seller_id).await?;
    let services: Vec<_> = quote.sellers.iter().map(|seller| seller.shipping_service.clone()).collect();
    let is_there = |service: &str| services.iter().any(|chosen| chosen == service);
    ensure!(is_there(EXPRESS) && is_there("standard"), "one express, one cheaply: {services:?}");
    let submitted = ada.submit(&quote, "tok_approved", &request_id()).await.context("SubmitCheckout")?;
    tell(format_args!(
        "Ada buys a kettle of Harbour Goods, sent express, and two lamps of Lumen Atelier. Acknowledged after {} ms.",
        submitted.acknowledged_in.as_millis()
    ));
    let checkout = outcome(stage, &ada, &submitted).await?;
    expect(&checkout, OrderOutcome::Paid, "")?;
    ensure!(checkout.orders.len() == 2, "two sellers make two orders");
    let depot = Depot::new(&stage.fleet)?;
    let mut asked_for = Vec::new();
    for order in &checkout.orders {
        asked_for.extend(depot.shipments(&order.order_id).await?.into_iter().map(|shipment| shipment.shipping_service));
    }
    ensure!(asked_for == services, "the sellers are told to send {asked_for:?}");
    tell_orders(stage, &checkout).await
}

/// A declined card, and the stock back on sale.
pub(super) async fn declined_card(stage: &mut Stage) -> Result<()> {
    stage.scene("A card is declined");
    let ben = Shopper::new(&stage.fleet, "Ben")?;
    let before = available(&stage.fleet, "BLANKET-WOOL").await?;
    let submitted = ben.buy(&[("BLANKET-WOOL", 1)], "tok_insufficient_funds").await?;
    let checkout = outcome(stage, &ben, &submitted).await?;
    expect(&checkout, OrderOutcome::Failed, "PAYMENT_DECLINED")?;
    until_available(stage, "BLANKET-WOOL", before).await?;
    tell(format_args!("Ben's bank says no; the blanket is back on sale: {before} before, {before} after."));
    tell_orders(stage, &checkout).await
}

/// Twenty shoppers, two units.
pub(super) async fn last_two_units(stage: &mut Stage) -> Result<()> {
    stage.scene("Twenty shoppers after the last two units");
    let shoppers = (1..=20).map(|n| Shopper::new(&stage.fleet, &format!("Shopper {n}"))).collect::<Result<Vec<_>>>()?;
    // Everybody sees both units on sale before anybody submits.
    let quotes = try_join_all(shoppers.iter().map(|shopper| shopper.quote(&[("SUNCATCHER-1", 1)]))).await?;
    let ids: Vec<_> = shoppers.iter().map(|_| request_id()).collect();
    let submissions = shoppers.iter().zip(&quotes).zip(&ids).map(|((s, q), id)| s.submit(q, "tok_approved", id));
    let submitted = try_join_all(submissions).await.context("SubmitCheckout")?;
    let mut paid = 0;
    let mut sold_out = 0;
    for (shopper, submitted) in shoppers.iter().zip(&submitted) {
        let checkout = outcome(stage, shopper, submitted).await?;
        for order in &checkout.orders {
            match order.outcome() {
                OrderOutcome::Paid => paid += 1,
                OrderOutcome::Failed if order.reason == "OUT_OF_STOCK" => sold_out += 1,
                other => anyhow::bail!("order {} ended as {other:?} {}", order.order_id, order.reason),
            }
        }
    }
    tell(format_args!("{paid} of them have their sun catcher, {sold_out} are told that it is sold out."));
    ensure!((paid, sold_out) == (2, 18), "exactly two can be sold");
    Ok(())
}

/// A cancellation while the provider is still thinking.
pub(super) async fn buyer_cancels(stage: &mut Stage) -> Result<()> {
    stage.scene("A buyer changes her mind");
    let cleo = Shopper::new(&stage.fleet, "Cleo")?;
    let submitted = cleo.buy(&[("SCARF-MOSS", 1)], "tok_slow_1500").await?;
    let order_id = &submitted.checkout.orders[0].order_id;
    // The order exists a moment after its checkout was acknowledged.
    let cancelled = loop {
        match cleo.cancel(order_id).await {
            Ok(order) => break order,
            Err(status) if status.code() == tonic::Code::NotFound => {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            Err(status) => return Err(status).context("CancelOrder"),
        }
    };
    stage.acknowledged.cancelled(&cancelled.order_id)?;
    let checkout = outcome(stage, &cleo, &submitted).await?;
    expect(&checkout, OrderOutcome::Cancelled, "CANCELLED_BY_BUYER")?;
    provider::until_settled(&stage.fleet, order_id).await?;
    tell("Cleo cancels while her bank is thinking; its late yes is voided.");
    tell_orders(stage, &checkout).await
}

/// A provider that charges and then does not answer.
pub(super) async fn lost_answer(stage: &mut Stage) -> Result<()> {
    stage.scene("The provider's answer is lost");
    let dan = Shopper::new(&stage.fleet, "Dan")?;
    let submitted = dan.buy(&[("PAN-26", 1)], "tok_lost_answer").await?;
    let checkout = outcome(stage, &dan, &submitted).await?;
    expect(&checkout, OrderOutcome::Paid, "")?;
    let charges = provider::charges(&stage.fleet, &checkout.orders[0].order_id).await?;
    tell(format_args!(
        "The provider takes Dan's money and the line goes dead. Asked again by key: charged {charges} time."
    ));
    ensure!(charges == 1, "a lost answer must not charge twice");
    tell_orders(stage, &checkout).await
}

/// Payments dies in the middle of ten orders.
pub(super) async fn payments_killed(stage: &mut Stage) -> Result<()> {
    stage.scene("Payments is killed with -9 in mid-saga");
    let eve = Shopper::new(&stage.fleet, "Eve")?;
    let buy = || eve.buy(&[("YARN-SOCK", 3)], "tok_slow_1200");
    let submitted = try_join_all((0..10).map(|_| buy())).await?;
    stage.fleet.kill9("payments-0").await?;
    let killed = std::time::Instant::now();
    stage.fleet.respawn("payments-0")?;
    for submitted in &submitted {
        let checkout = outcome(stage, &eve, submitted).await?;
        expect(&checkout, OrderOutcome::Paid, "")?;
    }
    tell(format_args!(
        "The bank is thinking about ten orders when payments dies. Started again, it asks by key, and all ten are paid {:.1} s after the kill.",
        killed.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// The same submission five times at once.
pub(super) async fn submitted_twice(stage: &mut Stage) -> Result<()> {
    stage.scene("The same submission, sent five times at once");
    let fay = Shopper::new(&stage.fleet, "Fay")?;
    let quote = fay.quote(&[("CUSHION-WOOL", 1)]).await?;
    let id = request_id();
    let answers = join_all((0..5).map(|_| fay.submit(&quote, "tok_approved", &id))).await;
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>().context("SubmitCheckout")?;
    let checkout_id = &answers[0].checkout.checkout_id;
    ensure!(answers.iter().all(|answer| &answer.checkout.checkout_id == checkout_id), "one checkout for one request");
    let checkout = outcome(stage, &fay, &answers[0]).await?;
    expect(&checkout, OrderOutcome::Paid, "")?;
    let charges = provider::charges(&stage.fleet, &checkout.orders[0].order_id).await?;
    ensure!(charges == 1, "one submission is charged once");
    tell(format_args!("Fay's phone repeats itself; five answers name one checkout, charged {charges} time."));
    Ok(())
}

/// A quote that was changed on its way.
pub(super) async fn tampered_quote(stage: &mut Stage) -> Result<()> {
    stage.scene("A tampered quote");
    let gil = Shopper::new(&stage.fleet, "Gil")?;
    let mut quote = gil.quote(&[("SCONCE-BRASS", 1)]).await?;
    let last = quote.hash.pop().context("a quote has a hash")?;
    quote.hash.push(if last == '0' { '1' } else { '0' });
    let refusal = gil.submit(&quote, "tok_approved", &request_id()).await.err().context("it was accepted")?;
    let reason = refusal.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    ensure!(reason == "QUOTE_ALTERED", "refused with {reason}: {refusal}");
    tell(format_args!("Gil's quote has one digit changed; refused with {reason}: {}", refusal.message()));
    Ok(())
}

/// An order whose bank takes longer than its reservation.
pub(super) struct Late {
    hal: Shopper,
    submitted: Submitted,
}

/// Begins the slowest scene.
pub(super) async fn begin_late_authorization(stage: &Stage) -> Result<Late> {
    let hal = Shopper::new(&stage.fleet, "Hal")?;
    let slower = Deadlines::DEMO.reservation.as_millis() + 2_000;
    let submitted = hal.buy(&[("SHEEPSKIN", 1)], &format!("tok_slow_{slower}")).await?;
    Ok(Late { hal, submitted })
}

/// The reservation expired first, and the late authorization was voided.
pub(super) async fn end_late_authorization(stage: &mut Stage, late: Late) -> Result<()> {
    stage.scene("A reservation that expires before the bank says yes");
    let checkout = outcome(stage, &late.hal, &late.submitted).await?;
    expect(&checkout, OrderOutcome::Cancelled, "RESERVATION_EXPIRED")?;
    provider::until_settled(&stage.fleet, &checkout.orders[0].order_id).await?;
    tell("Hal's bank thinks for longer than his sheepskin is held. Its yes comes too late and is voided.");
    tell_orders(stage, &checkout).await
}

pub(super) async fn outcome(stage: &mut Stage, shopper: &Shopper, submitted: &Submitted) -> Result<Checkout> {
    stage.acknowledged.submitted(&submitted.checkout)?;
    shopper.outcome(&submitted.checkout.checkout_id).await
}

pub(super) fn expect(checkout: &Checkout, outcome: OrderOutcome, reason: &str) -> Result<()> {
    for order in &checkout.orders {
        let ended = (order.outcome(), order.reason.as_str());
        ensure!(ended == (outcome, reason), "order {} ended as {ended:?}, not as {outcome:?} {reason}", order.order_id);
    }
    Ok(())
}

pub(super) async fn until_available(stage: &Stage, sku: &str, units: i64) -> Result<()> {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while available(&stage.fleet, sku).await? != units {
        ensure!(std::time::Instant::now() < deadline, "{sku} is not back on sale");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    Ok(())
}

pub(super) async fn tell_orders(stage: &Stage, checkout: &Checkout) -> Result<()> {
    for order in &checkout.orders {
        let total = spoken(order.total.as_ref());
        let outcome = order.outcome().as_str_name().trim_start_matches("ORDER_OUTCOME_");
        tell(format_args!("order {}  {total}  {outcome} {}", order.order_id, order.reason));
        tell(format_args!("  {}", timeline::of_order(&stage.fleet, &checkout.checkout_id, &order.order_id).await?));
    }
    Ok(())
}

/// An amount of a currency with two decimals, for people.
pub(super) fn spoken(amount: Option<&Money>) -> String {
    amount.map_or_else(String::new, |amount| {
        format!("{}.{:02} {}", amount.units, amount.nanos / 10_000_000, amount.currency_code)
    })
}
