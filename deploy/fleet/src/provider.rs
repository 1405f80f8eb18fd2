//! What the payment provider and payments say about an order's money.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use contracts::access::Role;
use contracts::payments::v1::payments_service_client::PaymentsServiceClient;
use contracts::payments::v1::{GetPaymentRequest, PaymentStatus};
use kernel::Id;
use sandbox_provider::Charge;
use serde::Deserialize;
use tonic::Request;

use crate::fleet::Fleet;
use crate::shopper::Buyer;
use crate::topology::PROVIDER;

/// How long a payment may take to its end once its order has one.
const SETTLE_MAX: Duration = Duration::from_secs(20);

#[derive(Deserialize)]
struct Charges {
    charges: Vec<Charge>,
}

/// Everything that the provider has on its books.
pub async fn all_charges(fleet: &Fleet) -> Result<Vec<Charge>> {
    let url = format!("{}/v1/charges", fleet.endpoint(PROVIDER));
    // reqwest wants one even for plain HTTP; somebody else in this process may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let answer = reqwest::get(url).await.context("asking the provider for its charges")?;
    Ok(answer.json::<Charges>().await?.charges)
}

/// How often the provider charged for an order.
pub async fn charges(fleet: &Fleet, order_id: &str) -> Result<u32> {
    let charges = all_charges(fleet).await?;
    Ok(charges.iter().filter(|charge| charge.payment == order_id).map(|charge| charge.captures).sum())
}

/// Waits until the payment of an order has reached its end.
pub async fn until_settled(fleet: &Fleet, order_id: &str) -> Result<()> {
    let token = fleet.keys().token(Role::Operator, Id::<Buyer>::generate().uuid(), None);
    let mut payments = PaymentsServiceClient::new(fleet.channel("payments")?);
    let deadline = Instant::now() + SETTLE_MAX;
    loop {
        let mut request = Request::new(GetPaymentRequest { order_id: order_id.to_owned() });
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?);
        let status = match payments.get_payment(request).await {
            Ok(answer) => answer.into_inner().payment.context("no payment in the answer")?.status(),
            Err(_) => PaymentStatus::Unspecified,
        };
        match status {
            PaymentStatus::Captured
            | PaymentStatus::Declined
            | PaymentStatus::Voided
            | PaymentStatus::Refunded
            | PaymentStatus::Closed => return Ok(()),
            other if Instant::now() > deadline => bail!("the payment of {order_id} is {other:?} still"),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
