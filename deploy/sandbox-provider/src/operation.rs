use serde::{Deserialize, Serialize};

const KEY_BYTES_MAX: usize = 200;

/// What the provider is asked to do. The key is the caller's: a repeat under the same key has no second effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The caller's key, 1 to 200 bytes.
    pub key: String,
    /// What is asked.
    pub kind: Kind,
    /// The caller's name of the payment, 1 to 200 bytes. It is authorized at most once.
    pub payment: String,
    /// The amount in minor units of the currency, above zero.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// The card's test token: with an authorization, and only there. Later operations go by what was authorized.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_token: Option<String>,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Hold the amount.
    Authorize,
    /// Take what is held, or a part of it.
    Capture,
    /// Give up what is held. Only while nothing of it was captured.
    Void,
    /// Give back what was taken, or a part of it.
    Refund,
}

impl Operation {
    /// What is wrong with the request in itself, whatever the book says.
    pub fn fault(&self) -> Option<&'static str> {
        let is_name = |name: &str| !name.is_empty() && name.len() <= KEY_BYTES_MAX;
        if !is_name(&self.key) || !is_name(&self.payment) {
            return Some("key and payment have 1 to 200 bytes");
        }
        if self.amount_minor <= 0 {
            return Some("amount_minor is above zero");
        }
        if self.currency.len() != 3 || !self.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Some("currency is an ISO 4217 code");
        }
        if self.card_token.is_some() != (self.kind == Kind::Authorize) {
            return Some("card_token belongs to an authorization, and only there");
        }
        None
    }
}

/// What became of an operation. It never changes afterwards, but that a refund which was refused may be asked for again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether it was done.
    pub status: Status,
    /// Why not: a stable reason such as `INSUFFICIENT_FUNDS`. Only with [`Status::Declined`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How far an operation got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It was taken on and its outcome is not known yet; ask again.
    Processing,
    /// Done.
    Succeeded,
    /// Not done, for the reason given.
    Declined,
}

impl Answer {
    pub(crate) fn succeeded() -> Self {
        Self { status: Status::Succeeded, reason: None }
    }

    pub(crate) fn declined(reason: &str) -> Self {
        Self { status: Status::Declined, reason: Some(reason.to_owned()) }
    }

    pub(crate) fn processing() -> Self {
        Self { status: Status::Processing, reason: None }
    }
}

/// An operation and what became of it: an entry of the book and a line of its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// What was asked.
    pub operation: Operation,
    /// What was answered.
    pub answer: Answer,
}
