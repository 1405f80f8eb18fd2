//! The sandbox carrier behind the port: an HTTP client. The carrier itself is `deploy/sandbox-carrier`.

use std::time::Duration;

use anyhow::Context as _;
use reqwest::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::{CarrierApi, NoAnswer, NoLabel};
use crate::adapters::wire_scan::WireScan;
use crate::domain::address::Address;
use crate::domain::ids::WarehouseId;
use crate::domain::parcel::TrackingNumber;
use crate::domain::rates::ServiceName;
use crate::domain::scan::Scan;

/// Longest refusal that is passed on.
const REFUSAL_CHARS_MAX: usize = 200;

/// The sandbox carrier (`deploy/sandbox-carrier`), over HTTP.
#[derive(Debug, Clone)]
pub struct Sandbox {
    client: reqwest::Client,
    url: String,
}

#[derive(Serialize)]
struct LabelRequest<'a> {
    key: &'a str,
    address_lines: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cash_minor: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_to: Option<String>,
}

#[derive(Deserialize)]
struct Label {
    tracking_number: String,
}

#[derive(Deserialize)]
struct Parcel {
    scans: Vec<WireScan>,
}

#[derive(Deserialize)]
struct Problem {
    error: String,
}

impl Sandbox {
    /// The sandbox at `url`. A question that is not answered within `timeout` has no answer.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn new(url: &str, timeout: Duration) -> anyhow::Result<Self> {
        // Fails only where a provider of cryptography is installed already, which then serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(timeout).build().context("cannot make an HTTP client")?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned() })
    }

    async fn label(&self, request: &LabelRequest<'_>) -> Result<TrackingNumber, NoLabel> {
        let asked = self.client.post(format!("{}/v1/labels", self.url)).json(request).send();
        let response = asked.await.map_err(no_answer)?;
        match response.status() {
            StatusCode::OK => {
                let label: Label = response.json().await.map_err(no_answer)?;
                label.tracking_number.parse().map_err(|error| NoAnswer(format!("its number: {error}")).into())
            }
            StatusCode::BAD_REQUEST => Err(NoLabel::Refused(refusal(response).await)),
            status => Err(NoAnswer(format!("HTTP status {status}")).into()),
        }
    }
}

impl CarrierApi for Sandbox {
    async fn buy_label(
        &self,
        key: &str,
        ship_to: &Address,
        service: &ServiceName,
        cash_minor: Option<i64>,
    ) -> Result<TrackingNumber, NoLabel> {
        let (address_lines, service) = (&ship_to.address_lines[..], Some(service.as_str()));
        self.label(&LabelRequest { key, address_lines, service, cash_minor, return_to: None }).await
    }

    async fn buy_return_label(
        &self,
        key: &str,
        from: &Address,
        warehouse_id: WarehouseId,
    ) -> Result<TrackingNumber, NoLabel> {
        let (address_lines, return_to) = (&from.address_lines[..], Some(warehouse_id.to_string()));
        self.label(&LabelRequest { key, address_lines, service: None, cash_minor: None, return_to }).await
    }

    async fn scans(&self, tracking_number: &str) -> Result<Vec<Scan>, NoAnswer> {
        let asked = self.client.get(format!("{}/v1/parcels/{tracking_number}", self.url)).send();
        let response = asked.await.map_err(no_answer)?;
        match response.status() {
            StatusCode::OK => {
                let parcel: Parcel = response.json().await.map_err(no_answer)?;
                Ok(parcel.scans.into_iter().map(Into::into).collect())
            }
            StatusCode::NOT_FOUND => Ok(Vec::new()),
            status => Err(NoAnswer(format!("HTTP status {status}"))),
        }
    }
}

async fn refusal(response: Response) -> String {
    let problem = response.json::<Problem>().await.map(|problem| problem.error);
    problem.unwrap_or_else(|_| "without a reason".to_owned()).chars().take(REFUSAL_CHARS_MAX).collect()
}

/// The URL is left out, and a body is never part of it: neither belongs in a log.
fn no_answer(error: reqwest::Error) -> NoAnswer {
    let error = error.without_url();
    NoAnswer(if error.is_timeout() { "timed out".to_owned() } else { error.to_string() })
}
