//! Webhooks that come in, signed as the Standard Webhooks specification says: an id, a time, and HMAC-SHA256 over both and the body.

use std::str::FromStr;
use std::time::Duration;

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::Timestamp;
use sha2::Sha256;

/// How far the time of a webhook may be from ours: one that is older may be replayed by somebody who saw it.
pub const TOLERANCE: Duration = Duration::from_mins(5);

/// Longest id that is taken.
const ID_BYTES_MAX: usize = 200;
/// Shortest key that is taken: the specification wants 24 to 64 bytes.
const KEY_BYTES_MIN: usize = 24;

/// The key that a sender signs with. It is never shown.
#[derive(Clone)]
pub struct WebhookKey(Vec<u8>);

/// Why something is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook key is whsec_ and at least {KEY_BYTES_MIN} bytes in base64")]
pub struct InvalidKey;

/// Why a webhook is not taken. Nothing of it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// A header is missing or is not what it should be.
    #[error("header {0} is missing or malformed")]
    Header(&'static str),
    /// It was signed too long ago, or by a clock that is far ahead.
    #[error("it was not signed within {} s of now", TOLERANCE.as_secs())]
    Stale,
    /// Nobody who knows the key signed this.
    #[error("the signature is not that of the body")]
    Signature,
}

impl FromStr for WebhookKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let key = text.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
        key.filter(|key| key.len() >= KEY_BYTES_MIN).map(Self).ok_or(InvalidKey)
    }
}

impl std::fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookKey(***)")
    }
}

impl WebhookKey {
    /// Checks that a webhook was signed with this key, lately, and answers its id: what is repeated comes under the same one.
    ///
    /// # Errors
    /// It is not to be trusted, for the reason given.
    pub fn verify<'h>(&self, headers: &'h HeaderMap, body: &[u8], now: Timestamp) -> Result<&'h str, Rejected> {
        let id = header(headers, "webhook-id")?;
        if id.is_empty() || id.len() > ID_BYTES_MAX {
            return Err(Rejected::Header("webhook-id"));
        }
        let timestamp = header(headers, "webhook-timestamp")?;
        let seconds: i64 = timestamp.parse().map_err(|_| Rejected::Header("webhook-timestamp"))?;
        let signatures = header(headers, "webhook-signature")?;
        let now_seconds = now.unix_micros() / 1_000_000;
        if now_seconds.abs_diff(seconds) > TOLERANCE.as_secs() {
            return Err(Rejected::Stale);
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key may have any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        // While a key is changed a sender signs with both. The comparison takes the same time wherever they differ.
        let is_ours = |signature: &str| {
            let bytes = signature.strip_prefix("v1,").and_then(|signature| STANDARD.decode(signature).ok());
            bytes.is_some_and(|bytes| mac.clone().verify_slice(&bytes).is_ok())
        };
        if signatures.split(' ').any(is_ours) { Ok(id) } else { Err(Rejected::Signature) }
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<&'h str, Rejected> {
    headers.get(name).and_then(|value| value.to_str().ok()).ok_or(Rejected::Header(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SECONDS: i64 = 1_614_265_330;

    /// The example of the specification.
    fn headers() -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek".parse().unwrap());
        headers.insert("webhook-timestamp", SECONDS.into());
        headers.insert("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".parse().unwrap());
        headers
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_micros(seconds * 1_000_000)
    }

    fn verify(headers: &HeaderMap, body: &[u8], seconds: i64) -> Result<String, Rejected> {
        let key: WebhookKey = KEY.parse().unwrap();
        key.verify(headers, body, at(seconds)).map(str::to_owned)
    }

    #[test]
    fn the_example_of_the_specification_is_taken() {
        assert_eq!(verify(&headers(), BODY, SECONDS).as_deref(), Ok("msg_p5jXN8AQM9LWM0D4loKWxJek"));
    }

    #[test]
    fn a_body_that_was_changed_and_a_signature_of_another_key_are_not_taken() {
        assert_eq!(verify(&headers(), br#"{"test": 2432232315}"#, SECONDS), Err(Rejected::Signature));
        let other: WebhookKey = format!("whsec_{}", STANDARD.encode([7; 24])).parse().unwrap();
        assert_eq!(other.verify(&headers(), BODY, at(SECONDS)), Err(Rejected::Signature));
        let mut another_id = headers();
        another_id.insert("webhook-id", "msg_2".parse().unwrap());
        assert_eq!(verify(&another_id, BODY, SECONDS), Err(Rejected::Signature));
    }

    #[test]
    fn one_right_signature_among_several_is_enough() {
        let mut headers = headers();
        let both = format!("v1,AAAA v2,what {}", headers["webhook-signature"].to_str().unwrap());
        headers.insert("webhook-signature", both.parse().unwrap());
        assert!(verify(&headers, BODY, SECONDS).is_ok());
    }

    #[test]
    fn what_was_signed_long_ago_or_in_the_future_is_not_taken() {
        let tolerance = i64::try_from(TOLERANCE.as_secs()).unwrap();
        for (seconds, is_taken) in [
            (SECONDS + tolerance, true),
            (SECONDS - tolerance, true),
            (SECONDS + tolerance + 1, false),
            (SECONDS - tolerance - 1, false),
        ] {
            assert_eq!(verify(&headers(), BODY, seconds).is_ok(), is_taken, "{seconds}");
        }
    }

    #[test]
    fn a_header_that_is_missing_or_malformed_is_named() {
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            let mut without = headers();
            without.remove(name);
            assert_eq!(verify(&without, BODY, SECONDS), Err(Rejected::Header(name)));
        }
        let mut headers = headers();
        headers.insert("webhook-timestamp", "yesterday".parse().unwrap());
        assert_eq!(verify(&headers, BODY, SECONDS), Err(Rejected::Header("webhook-timestamp")));
    }

    #[test]
    fn a_key_is_long_enough_and_never_shown() {
        assert!("whsec_AAAA".parse::<WebhookKey>().is_err());
        assert!("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse::<WebhookKey>().is_err());
        assert_eq!(format!("{:?}", KEY.parse::<WebhookKey>().unwrap()), "WebhookKey(***)");
    }
}
