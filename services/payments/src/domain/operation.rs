use std::fmt;
use std::str::FromStr;

use kernel::Money;

use super::OrderId;

/// What is asked of the provider. An order's payment asks for each kind at most once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperationKind {
    /// Hold the amount.
    Authorize,
    /// Take what is held.
    Capture,
    /// Give up what is held.
    Void,
    /// Give back what was taken.
    Refund,
}

impl OperationKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Authorize, Self::Capture, Self::Void, Self::Refund];

    /// The kind's name, in keys and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What the provider knows an operation by: `<order id>:capture:1`. It follows from the order and the kind alone, so whoever
/// repeats an operation, after any crash, does so under the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationKey {
    /// The order.
    pub order_id: OrderId,
    /// What is asked.
    pub kind: OperationKind,
}

impl fmt::Display for OperationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:1", self.order_id, self.kind.as_str())
    }
}

/// The text is not the key of an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the key of an operation")]
pub struct InvalidKey(String);

impl FromStr for OperationKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let read = || {
            let (order_id, kind) = text.strip_suffix(":1")?.split_once(':')?;
            Some(Self { order_id: order_id.parse().ok()?, kind: OperationKind::from_name(kind)? })
        };
        read().ok_or_else(|| InvalidKey(text.to_owned()))
    }
}

/// An intention, committed with the state that wants it and carried out afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// What the provider knows it by.
    pub key: OperationKey,
    /// The amount asked for.
    pub amount: Money,
}

/// What the provider says became of an operation. It never changes its mind under one key; no answer is no outcome.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Done.
    Succeeded,
    /// The provider or the issuer said no, for this stable reason.
    Declined(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_as_the_same_operation() {
        for kind in OperationKind::ALL {
            let key = OperationKey { order_id: OrderId::generate(), kind };
            assert_eq!(key.to_string().parse(), Ok(key));
        }
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        let order_id = OrderId::generate();
        for text in ["", ":1", "capture:1", &format!("{order_id}:capture"), &format!("{order_id}:steal:1")] {
            assert!(text.parse::<OperationKey>().is_err(), "{text}");
        }
    }
}
