//! Webhooks as the Standard Webhooks specification has them: an id, a time and a signature over both and the body.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use tokio::time::sleep;

use crate::book::{Carrier, now_ms};
use crate::script::Scan;

/// How often it is looked for something to tell.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a subscriber may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// How long it waits before it tells again what was not taken.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Who is told.
#[derive(Debug, Clone)]
pub struct Subscriber {
    /// Where to.
    pub url: String,
    /// The key of the signatures.
    pub secret: Vec<u8>,
}

/// The signature of a webhook: `v1,` and the base64 of HMAC-SHA256 over id, time in seconds and body, with dots between.
pub fn sign(secret: &[u8], id: &str, at_seconds: u64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key may have any length");
    mac.update(format!("{id}.{at_seconds}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Tells a subscriber of scans, parcel by parcel in the order of its script, each until it is taken.
#[derive(Debug)]
pub struct Teller {
    carrier: Carrier,
    subscriber: Subscriber,
    client: reqwest::Client,
    /// How many of a parcel's were told: forgotten at a restart, and so they are told again, under the same ids.
    told: HashMap<String, usize>,
    refused: HashSet<String>,
}

impl Teller {
    /// A teller of what the carrier scans.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn new(carrier: Carrier, subscriber: Subscriber) -> anyhow::Result<Self> {
        // Fails only where a provider of cryptography is installed already, which then serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(ANSWER_MAX).build().context("cannot make an HTTP client")?;
        Ok(Self { carrier, subscriber, client, told: HashMap::new(), refused: HashSet::new() })
    }

    /// Tells until it is dropped.
    pub async fn run(mut self) {
        loop {
            let mut is_refused = false;
            for (tracking_number, scans) in self.carrier.to_tell() {
                is_refused |= !self.tell(&tracking_number, &scans).await;
            }
            sleep(if is_refused { AGAIN_AFTER } else { LOOK_EVERY }).await;
        }
    }

    /// Tells what is due of a parcel; `false` if something was not taken.
    async fn tell(&mut self, tracking_number: &str, scans: &[Scan]) -> bool {
        let mut told = self.told.get(tracking_number).copied().unwrap_or_default();
        while let Some(scan) = scans.get(told).filter(|scan| scan.at_ms <= now_ms()) {
            if !self.post(tracking_number, scan).await {
                return false;
            }
            told += 1;
            self.told.insert(tracking_number.to_owned(), told);
        }
        true
    }

    async fn post(&mut self, tracking_number: &str, scan: &Scan) -> bool {
        let id = format!("{tracking_number}-{}", scan.number);
        let body = json!({ "tracking_number": tracking_number, "scan": scan }).to_string();
        let at_seconds = now_ms() / 1_000;
        let request = self
            .client
            .post(&self.subscriber.url)
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", at_seconds)
            .header("webhook-signature", sign(&self.subscriber.secret, &id, at_seconds, body.as_bytes()))
            .body(body);
        let problem = match request.send().await {
            Ok(answer) if answer.status().is_success() => return true,
            Ok(answer) => answer.status().to_string(),
            Err(error) => error.without_url().to_string(),
        };
        if self.refused.insert(id.clone()) {
            tracing::warn!(id, problem, "a webhook was not taken; it is told again");
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
