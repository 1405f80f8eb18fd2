use std::fmt;

use kernel::{Money, Mutant};

use super::OrderId;

/// What is asked of the provider. An order's payment asks for each kind at most once, but for refunds, which are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperationKind {
    /// Hold the amount.
    Authorize,
    /// Take what is due of what is held; the provider gives up the rest.
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

/// What the provider knows an operation by: `<order id>:refund:2`. It follows from the order, the kind and the refund's number alone, so
/// whoever repeats an operation, after any crash, does so under the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationKey {
    /// The order.
    pub order_id: OrderId,
    /// What is asked.
    pub kind: OperationKind,
    /// Which of the order's refunds, from 1; 1 for the other kinds.
    pub number: i32,
}

impl OperationKey {
    /// The operation of a kind that is asked for once: any but a second refund.
    pub fn new(order_id: OrderId, kind: OperationKind) -> Self {
        Self { order_id, kind, number: 1 }
    }

    /// One of the order's refunds, from 1.
    pub fn refund(order_id: OrderId, number: i32) -> Self {
        Self { order_id, kind: OperationKind::Refund, number }
    }

    /// What the provider is asked under at that attempt, from 1: the same at every one.
    pub fn at_attempt(self, attempt: i32) -> String {
        let Self { order_id, kind, number } = self;
        let key = format!("{order_id}:{}:{number}", kind.as_str());
        let is_new = Mutant::RefundTwice.is_active() && kind == OperationKind::Refund && attempt > 1;
        if is_new { format!("{key}:{attempt}") } else { key }
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
    /// The order whose card it is about: the same order, but for what goes back of one that an exchange paid for.
    pub charged_order_id: OrderId,
}

/// What the provider says became of an operation. It never changes its mind under one key, except that a refund which it refused it may
/// grant when it is asked again; no answer is no outcome.
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
    fn the_provider_knows_an_operation_by_its_order_and_kind_and_a_refund_by_its_number_too() {
        let order_id = OrderId::generate();
        assert_eq!(OperationKey::new(order_id, OperationKind::Capture).to_string(), format!("{order_id}:capture:1"));
        assert_eq!(OperationKey::refund(order_id, 2).to_string(), format!("{order_id}:refund:2"));
    }

    #[test]
    fn every_attempt_is_made_under_the_same_key() {
        for kind in OperationKind::ALL {
            let key = OperationKey::new(OrderId::generate(), kind);
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
