use std::time::Duration;

use anyhow::Context as _;
use reqwest::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::{NoAnswer, Provider};
use crate::domain::{CardToken, Operation, OperationKind, Outcome};

/// Longest reason that is passed on; a longer one, or one that is not a word in capitals, is replaced.
const REASON_BYTES_MAX: usize = 64;

/// The sandbox provider (`deploy/sandbox-provider`), over HTTP.
#[derive(Debug, Clone)]
pub struct Sandbox {
    client: reqwest::Client,
    operations_url: String,
}

#[derive(Serialize)]
struct Request<'a> {
    key: &'a str,
    kind: &'static str,
    payment: String,
    amount_minor: i64,
    currency: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_token: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    reason: Option<String>,
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
        Ok(Self { client, operations_url: format!("{}/v1/operations", url.trim_end_matches('/')) })
    }
}

impl Provider for Sandbox {
    async fn perform(
        &self,
        key: &str,
        operation: &Operation,
        card_token: Option<&CardToken>,
    ) -> Result<Outcome, NoAnswer> {
        let currency = operation.amount.currency();
        let request = Request {
            key,
            kind: operation.key.kind.as_str(),
            payment: operation.charged_order_id.to_string(),
            amount_minor: operation.amount.minor(),
            currency: currency.code(),
            card_token: card_token.filter(|_| operation.key.kind == OperationKind::Authorize).map(CardToken::reveal),
        };
        outcome(self.client.post(&self.operations_url).json(&request).send().await.map_err(no_answer)?).await
    }

    async fn find(&self, key: &str) -> Result<Option<Outcome>, NoAnswer> {
        let response = self.client.get(format!("{}/{key}", self.operations_url)).send().await.map_err(no_answer)?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        outcome(response).await.map(Some)
    }
}

/// Only a whole `200` is an outcome. Anything else, even a refusal of the request itself, leaves it unknown: an operator sees
/// that it does not come, and nothing is assumed meanwhile.
async fn outcome(response: Response) -> Result<Outcome, NoAnswer> {
    let status = response.status();
    if status != StatusCode::OK {
        return Err(NoAnswer(format!("HTTP status {status}")));
    }
    let answer: Answer = response.json().await.map_err(no_answer)?;
    match answer.status.as_str() {
        "succeeded" => Ok(Outcome::Succeeded),
        "declined" => Ok(Outcome::Declined(stable(answer.reason))),
        other => Err(NoAnswer(format!("status {other:?}"))),
    }
}

/// A reason becomes part of our contract, so only what looks like one is passed on.
fn stable(reason: Option<String>) -> String {
    let is_word = |reason: &String| {
        let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        !reason.is_empty() && reason.len() <= REASON_BYTES_MAX && reason.bytes().all(is_plain)
    };
    reason.filter(is_word).unwrap_or_else(|| "PROVIDER_DECLINED".to_owned())
}

/// The URL is left out, and a body is never part of it: neither belongs in a log.
fn no_answer(error: reqwest::Error) -> NoAnswer {
    let error = error.without_url();
    NoAnswer(if error.is_timeout() { "timed out".to_owned() } else { error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_word_in_capitals_is_passed_on_as_a_reason() {
        assert_eq!(stable(Some("CARD_EXPIRED".to_owned())), "CARD_EXPIRED");
        for odd in ["", "Your card 4242 was declined", &"X".repeat(65)] {
            assert_eq!(stable(Some(odd.to_owned())), "PROVIDER_DECLINED", "{odd}");
        }
        assert_eq!(stable(None), "PROVIDER_DECLINED");
    }
}
