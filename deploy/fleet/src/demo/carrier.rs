//! The scene in which nobody reports a parcel by hand: the carrier tells, and only the carrier is believed.

use anyhow::{Context, Result, ensure};
use contracts::checkout::v1::OrderOutcome;
use contracts::orders::v1::OrderStatus;
use reqwest::StatusCode;

use super::deliveries::until;
use super::scenes::{expect, outcome, tell_orders};
use super::{Stage, tell};
use crate::depot::Depot;
use crate::fleet::Fleet;
use crate::shopper::{Shopper, request_id};
use crate::topology::{CARRIER, WEBHOOKS};

/// A label is bought, and the carrier's webhooks say what becomes of the parcel.
pub(super) async fn the_carrier_tells(stage: &mut Stage) -> Result<()> {
    stage.scene("The carrier tells, and only the carrier is believed");
    let uma = Shopper::new(&stage.fleet, "Uma")?;
    let submitted = uma.buy(&[("BULB-WARM", 1)], "tok_approved").await?;
    let checkout = outcome(stage, &uma, &submitted).await?;
    expect(&checkout, OrderOutcome::Paid, "")?;
    let order_id = &checkout.orders[0].order_id;
    let depot = Depot::new(&stage.fleet)?;
    let shipment_id = &depot.shipments(order_id).await?[0].shipment_id;
    let parcel = depot.dispatch_by_sandbox(shipment_id, &request_id()).await.context("DispatchParcel")?;

    let http = reqwest::Client::new();
    let forged = http
        .post(format!("{}/webhooks/carriers/sandbox", stage.fleet.endpoint(WEBHOOKS)))
        .header("webhook-id", "forged")
        .header("webhook-timestamp", now_seconds())
        .header("webhook-signature", "v1,AAAA")
        .body(format!(r#"{{"tracking_number":"{}","scan":{{"kind":"lost"}}}}"#, parcel.tracking_number))
        .send()
        .await?;
    ensure!(forged.status() == StatusCode::UNAUTHORIZED, "a forged webhook was answered {}", forged.status());

    hand_over(&stage.fleet, &parcel.tracking_number).await?;
    until(&uma, order_id, OrderStatus::Delivered).await?;
    tell(format_args!(
        "Uma's bulb leaves under a label that was bought for it, {}. Somebody who says that it is lost is not believed; the carrier's signed word that it arrived is.",
        parcel.tracking_number
    ));
    tell_orders(stage, &checkout).await
}

/// Somebody hands a parcel to the carrier.
pub(super) async fn hand_over(fleet: &Fleet, tracking_number: &str) -> Result<()> {
    let handover = format!("{}/v1/parcels/{tracking_number}/handover", fleet.endpoint(CARRIER));
    let answer = reqwest::Client::new().post(handover).send().await?;
    answer.error_for_status().context("handing the parcel over")?;
    Ok(())
}

fn now_seconds() -> i64 {
    messaging::Clock::system().now().unix_micros() / 1_000_000
}
