//! Keys and tokens for development and for tests. In production an accounts service signs; nothing that serves calls this.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use contracts::access::{Role, scopes_of};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kernel::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::claims::Claims;

/// What stands before the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410).
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// A key to sign tokens with.
pub struct SigningKey {
    name: String,
    seed: [u8; 32],
    encoding: EncodingKey,
}

impl SigningKey {
    /// A new key under that name (the `kid` of its tokens).
    pub fn generate(name: &str) -> Self {
        Self::from_seed(name, rand::random())
    }

    /// The key that grows from a seed, which is its secret.
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Self {
        let pkcs8 = [PKCS8_PREFIX.as_slice(), &seed].concat();
        Self { name: name.to_owned(), seed, encoding: EncodingKey::from_ed_der(&pkcs8) }
    }

    /// The secret, to be kept in a file of its own.
    pub fn seed(&self) -> [u8; 32] {
        self.seed
    }

    /// The public half as a JWKS: what `TRADEWIND_JWKS` names.
    pub fn jwks(&self) -> String {
        let mut jwk = Jwk::from_encoding_key(&self.encoding, Algorithm::EdDSA).expect("any seed is an Ed25519 key");
        jwk.common.key_id = Some(self.name.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        serde_json::to_string_pretty(&JwkSet { keys: vec![jwk] }).expect("a JWKS is plain JSON")
    }

    /// A signed token.
    pub fn sign(&self, token: &Token) -> String {
        let header = Header { kid: Some(self.name.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &token.payload(), &self.encoding).expect("claims are plain JSON")
    }
}

/// What a token is to say. [`Token::new`] makes one that is good for everything its role may do.
#[derive(Debug, Clone)]
pub struct Token {
    /// Whom it is issued to.
    pub subject: Uuid,
    /// What they are.
    pub roles: Vec<Role>,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// The seller that a shop's employee acts for.
    pub seller_id: Option<Uuid>,
    /// Who issues it.
    pub issuer: String,
    /// Whom it is for.
    pub audience: String,
    /// When it is issued.
    pub issued_at: Timestamp,
    /// From when it is good, if not from now on: clocks that are behind would refuse it.
    pub not_before: Option<Timestamp>,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

impl Token {
    /// A token of one role, with every scope that some RPC asks of it.
    pub fn new(role: Role, subject: Uuid, now: Timestamp, ttl: Duration) -> Self {
        Self {
            subject,
            roles: vec![role],
            scopes: scopes_of(role).into_iter().map(str::to_owned).collect(),
            seller_id: None,
            issuer: "tradewind".to_owned(),
            audience: "tradewind".to_owned(),
            issued_at: now,
            not_before: None,
            expires_at: now + ttl,
        }
    }

    /// The same for an employee of that seller.
    #[must_use]
    pub fn for_seller(self, seller_id: Uuid) -> Self {
        Self { seller_id: Some(seller_id), ..self }
    }

    fn payload(&self) -> Payload<'_> {
        let secs = |timestamp: Timestamp| timestamp.unix_micros().div_euclid(1_000_000);
        Payload {
            iss: &self.issuer,
            aud: &self.audience,
            iat: secs(self.issued_at),
            jti: BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>()),
            claims: Claims {
                sub: self.subject,
                roles: self.roles.iter().map(|role| role.as_str().to_owned()).collect(),
                scope: self.scopes.join(" "),
                seller_id: self.seller_id,
                exp: secs(self.expires_at),
                nbf: self.not_before.map(secs),
            },
        }
    }
}

#[derive(Serialize)]
struct Payload<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    jti: String,
    #[serde(flatten)]
    claims: Claims,
}
