use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a token says. Issuer and audience are checked by the verifier and not kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Claims {
    /// Whom the token was issued to.
    pub(super) sub: Uuid,
    /// Roles by name; those that we do not know are passed over, so that an issuer may move first.
    #[serde(default)]
    pub(super) roles: Vec<String>,
    /// Scopes, separated by spaces.
    #[serde(default)]
    pub(super) scope: String,
    /// The seller that a shop's employee acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) seller_id: Option<Uuid>,
    /// Seconds since 1970 until which the token is good.
    pub(super) exp: i64,
    /// Seconds since 1970 from which the token is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) nbf: Option<i64>,
}
