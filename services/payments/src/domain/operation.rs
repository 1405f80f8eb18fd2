use std::fmt;

use kernel::{Money, Mutant};

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

impl OperationKey {
    /// What the provider is asked under at that attempt, from 1: the same at every one.
    pub fn at_attempt(self, attempt: i32) -> String {
        let is_new = Mutant::RefundTwice.is_active() && self.kind == OperationKind::Refund;
        format!("{}:{}:{}", self.order_id, self.kind.as_str(), if is_new { attempt } else { 1 })
    }
}

impl fmt::Display for OperationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.at_attempt(1))
    }
}

/// An intention, committed with the state that wants it and carried out afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operation {
    /// What the provider knows it by.
    pub key: OperationKey,
    /// The amount asked for.
    pub amount: Money,
}

/// What the provider says became of an operation. It never changes its mind under one key; no answer is no outcome.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    fn the_provider_knows_an_operation_by_its_order_and_kind() {
        let order_id = OrderId::generate();
        let key = OperationKey { order_id, kind: OperationKind::Capture };
        assert_eq!(key.to_string(), format!("{order_id}:capture:1"));
    }

    #[test]
    fn every_attempt_is_made_under_the_same_key() {
        for kind in OperationKind::ALL {
            let key = OperationKey { order_id: OrderId::generate(), kind };
            assert!((1..4).all(|attempt| key.at_attempt(attempt) == key.to_string()));
        }
    }

    #[test]
    fn a_kind_is_found_by_its_name() {
        for kind in OperationKind::ALL {
            assert_eq!(OperationKind::from_name(kind.as_str()), Some(kind));
        }
        assert_eq!(OperationKind::from_name("steal"), None);
    }
}
