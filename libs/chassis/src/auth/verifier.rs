use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use contracts::access::Role;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use messaging::Clock;
use tonic::metadata::{Ascii, MetadataValue};

use super::claims::Claims;
use super::keys::Keys;
use super::{Denied, Principal};
use crate::Settings;
use crate::start::until_reachable;

/// How far the issuer's clock and ours may be apart.
const LEEWAY_SECS: i64 = 10;

/// Tokens that are remembered as genuine. A caller sends the same one for minutes, and a signature costs fifty times a look-up.
const GENUINE_MAX: usize = 10_000;

/// Verifies tokens.
#[derive(Clone, Debug)]
pub struct Verifier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: Arc<Keys>,
    validation: Validation,
    clock: Clock,
    /// By the whole `authorization` header.
    genuine: Mutex<HashMap<MetadataValue<Ascii>, Genuine>>,
}

/// A token whose signature, issuer and audience were found good.
#[derive(Clone, Debug)]
struct Genuine {
    principal: Arc<Principal>,
    /// The key that it is signed with: it is genuine for as long as that key stands.
    key_id: String,
    key: Vec<u8>,
    /// Seconds since 1970: when it ends and, if it says so, when it begins.
    exp: i64,
    nbf: Option<i64>,
}

impl Verifier {
    /// Reads the keys that `settings` name, waiting for a source that is not up yet. They are read again when they are old
    /// and when a token names an unknown one.
    ///
    /// # Errors
    /// No keys are named, or they cannot be read within the start timeout.
    pub async fn new(settings: &Settings) -> anyhow::Result<Self> {
        let jwks = settings.auth.jwks.as_deref().context("no keys to verify tokens with: set TRADEWIND_JWKS")?;
        let is_transient = |error: &anyhow::Error| error.is::<reqwest::Error>() || error.is::<std::io::Error>();
        let keys =
            until_reachable("the token keys", settings.start_timeout, is_transient, async || Keys::open(jwks).await)
                .await?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&settings.auth.jwt_issuer]);
        validation.set_audience(&[&settings.auth.jwt_audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library would ask the machine's clock; ours is asked below.
        validation.validate_exp = false;
        let keys = Arc::new(keys);
        Ok(Self(Arc::new(Inner { keys, validation, clock: settings.clock(), genuine: Mutex::default() })))
    }

    /// Who holds the token of an `authorization` header.
    pub(super) async fn verify(&self, authorization: &MetadataValue<Ascii>) -> Result<Arc<Principal>, Denied> {
        let token = match self.remembered(authorization).await {
            Some(genuine) => genuine,
            None => self.examine(authorization).await?,
        };
        let now_secs = self.0.clock.now().unix_micros().div_euclid(1_000_000);
        if token.exp.saturating_add(LEEWAY_SECS) <= now_secs {
            return Err(Denied::TokenExpired);
        }
        if token.nbf.is_some_and(|nbf| nbf.saturating_sub(LEEWAY_SECS) > now_secs) {
            return Err(Denied::TokenInvalid);
        }
        Ok(token.principal)
    }

    /// The token, if it was found genuine before and its key has neither gone nor changed since.
    async fn remembered(&self, authorization: &MetadataValue<Ascii>) -> Option<Genuine> {
        let genuine = self.0.genuine.lock().unwrap_or_else(PoisonError::into_inner).get(authorization).cloned()?;
        let key = self.0.keys.find(&genuine.key_id).await?;
        (key_bytes(&key)? == genuine.key).then_some(genuine)
    }

    /// Checks signature, issuer and audience, and remembers a token that passes.
    async fn examine(&self, authorization: &MetadataValue<Ascii>) -> Result<Genuine, Denied> {
        let invalid = |error| {
            tracing::debug!(%error, "token refused");
            Denied::TokenInvalid
        };
        let token = bearer(authorization).ok_or(Denied::TokenInvalid)?;
        let key_id = decode_header(token).map_err(invalid)?.kid.ok_or(Denied::TokenInvalid)?;
        let key = self.0.keys.find(&key_id).await.ok_or(Denied::TokenInvalid)?;
        let claims: Claims = decode(token, &key, &self.0.validation).map_err(invalid)?.claims;
        let (exp, nbf) = (claims.exp, claims.nbf);
        let principal = Arc::new(principal(claims, authorization));
        let key = key_bytes(&key).ok_or(Denied::TokenInvalid)?.to_vec();
        let genuine = Genuine { principal, key_id, key, exp, nbf };
        let mut remembered = self.0.genuine.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= GENUINE_MAX {
            remembered.clear();
        }
        remembered.insert(authorization.clone(), genuine.clone());
        Ok(genuine)
    }
}

fn principal(claims: Claims, authorization: &MetadataValue<Ascii>) -> Principal {
    let mut authorization = authorization.clone();
    authorization.set_sensitive(true);
    Principal {
        subject: claims.sub,
        roles: claims.roles.iter().filter_map(|name| Role::from_name(name)).collect(),
        scopes: claims.scope.split_whitespace().map(str::to_owned).collect(),
        seller_id: claims.seller_id,
        authorization,
    }
}

fn key_bytes(key: &DecodingKey) -> Option<&[u8]> {
    key.try_get_as_bytes().ok()
}

/// The scheme's name has no case (RFC 9110).
fn bearer(authorization: &MetadataValue<Ascii>) -> Option<&str> {
    let (scheme, token) = authorization.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
