//! The development key: until there is an accounts service, the fleet runner signs tokens.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use chassis::auth::dev::{SigningKey, Token};
use contracts::access::Role;
use kernel::Timestamp;
use uuid::Uuid;

use crate::workdir::write_secret;

/// How long a token of the fleet runner is good.
const TTL: Duration = Duration::from_hours(12);
/// How long the one that its services show to each other is: longer than any fleet is up, because nobody gives them another.
const SERVICE_TTL: Duration = Duration::from_hours(24 * 365);

/// A key that the fleet's services believe.
pub struct Keys(SigningKey);

impl Keys {
    /// A new key; its seed goes to `folder/key` (readable by us alone), its public half to `folder/jwks.json`.
    pub fn create(folder: &Path) -> Result<Self> {
        let key = SigningKey::generate("fleet-development");
        write_secret(&folder.join("key"), &hex(&key.seed()), None)?;
        fs::write(folder.join("jwks.json"), key.jwks()).context("writing jwks.json")?;
        Ok(Self(key))
    }

    /// The key of a fleet that runs already.
    pub fn of_running(folder: &Path) -> Result<Self> {
        let hex = fs::read_to_string(folder.join("key")).context("no fleet is up; start one with `make up`")?;
        let bytes = (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16));
        let bytes = bytes.collect::<Result<Vec<_>, _>>().context("the key file is damaged")?;
        let seed: [u8; 32] = bytes.try_into().ok().context("the key file is damaged")?;
        Ok(Self(SigningKey::from_seed("fleet-development", seed)))
    }

    /// The token that the services show to each other.
    pub fn service_token(&self) -> String {
        self.0.sign(&Token::new(Role::Service, Uuid::from_u128(0), now(), SERVICE_TTL))
    }

    /// A token of one role that is good for 12 hours. A seller's acts for `seller_id`.
    pub fn token(&self, role: Role, subject: Uuid, seller_id: Option<Uuid>) -> String {
        let token = Token::new(role, subject, now(), TTL);
        self.0.sign(&match seller_id {
            Some(seller_id) => token.for_seller(seller_id),
            None => token,
        })
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}

fn now() -> Timestamp {
    messaging::Clock::system().now()
}
