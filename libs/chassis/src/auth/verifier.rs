use std::sync::Arc;

use anyhow::Context as _;
use contracts::access::Role;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use messaging::Clock;
use tonic::metadata::{Ascii, MetadataValue};

use super::claims::Claims;
use super::keys::Keys;
use super::{Denied, Principal};
use crate::Settings;
use crate::start::until_reachable;

/// How far the issuer's clock and ours may be apart.
const LEEWAY_SECS: i64 = 10;

/// Verifies tokens.
#[derive(Clone, Debug)]
pub struct Verifier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: Arc<Keys>,
    validation: Validation,
    clock: Clock,
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
        Ok(Self(Arc::new(Inner { keys: Arc::new(keys), validation, clock: settings.clock() })))
    }

    /// Who holds the token of an `authorization` header.
    pub(super) async fn verify(&self, authorization: &MetadataValue<Ascii>) -> Result<Principal, Denied> {
        let token = bearer(authorization).ok_or(Denied::TokenInvalid)?;
        let claims = self.claims(token).await?;
        let now_secs = self.0.clock.now().unix_micros().div_euclid(1_000_000);
        if claims.exp.saturating_add(LEEWAY_SECS) <= now_secs {
            return Err(Denied::TokenExpired);
        }
        if claims.nbf.is_some_and(|nbf| nbf.saturating_sub(LEEWAY_SECS) > now_secs) {
            return Err(Denied::TokenInvalid);
        }
        let mut authorization = authorization.clone();
        authorization.set_sensitive(true);
        Ok(Principal {
            subject: claims.sub,
            roles: claims.roles.iter().filter_map(|name| Role::from_name(name)).collect(),
            scopes: claims.scope.split_whitespace().map(str::to_owned).collect(),
            seller_id: claims.seller_id,
            authorization,
        })
    }

    /// What a token says, once its signature, issuer and audience are found good.
    async fn claims(&self, token: &str) -> Result<Claims, Denied> {
        let invalid = |error| {
            tracing::debug!(%error, "token refused");
            Denied::TokenInvalid
        };
        let header = decode_header(token).map_err(invalid)?;
        let name = header.kid.ok_or(Denied::TokenInvalid)?;
        let key = self.0.keys.find(&name).await.ok_or(Denied::TokenInvalid)?;
        Ok(decode(token, &key, &self.0.validation).map_err(invalid)?.claims)
    }
}

/// The scheme's name has no case (RFC 9110).
fn bearer(authorization: &MetadataValue<Ascii>) -> Option<&str> {
    let (scheme, token) = authorization.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
