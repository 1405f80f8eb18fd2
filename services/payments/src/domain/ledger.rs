//! The double-entry ledger: where money is and whose it is.
//!
//! | what happened | debit | credit |
//! | --- | --- | --- |
//! | captured | provider clearing: the provider owes us | escrow: we owe it to whom it is due |
//! | collected in cash | carrier clearing: it came in through a carrier | escrow |
//! | refunded | escrow | provider clearing |
//!
//! An authorization moves no money and posts nothing.

use kernel::Money;

use super::{OperationKey, OperationKind, OrderId};

/// Where money is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// What the provider has taken for us and not paid out yet.
    ProviderClearing,
    /// What carriers have collected at the door for us.
    CarrierClearing,
    /// What we hold for others until it is theirs.
    Escrow,
}

impl Account {
    /// The account's name, in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProviderClearing => "provider_clearing",
            Self::CarrierClearing => "carrier_clearing",
            Self::Escrow => "escrow",
        }
    }
}

/// One leg of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Posting {
    /// The account.
    pub account: Account,
    /// Positive debits the account, negative credits it.
    pub amount: Money,
}

/// Postings that belong together. Their sum is zero: there is no way to make one whose is not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Transaction {
    operation: OperationKey,
    postings: [Posting; 2],
}

impl Transaction {
    /// What an operation that succeeded moved; none if it moved no money. The amount is above zero.
    pub fn of(operation: OperationKey, amount: Money) -> Option<Self> {
        let (debit, credit) = match operation.kind {
            OperationKind::Capture => (Account::ProviderClearing, Account::Escrow),
            OperationKind::Refund => (Account::Escrow, Account::ProviderClearing),
            OperationKind::Authorize | OperationKind::Void => return None,
        };
        Some(Self::moving(operation, amount, debit, credit))
    }

    /// What was collected in cash. It is the capture of a payment that the provider is never asked to capture, so it is posted under
    /// the key that such an operation would have. The amount is above zero.
    pub fn of_cash(order_id: OrderId, amount: Money) -> Self {
        let capture = OperationKey { order_id, kind: OperationKind::Capture };
        Self::moving(capture, amount, Account::CarrierClearing, Account::Escrow)
    }

    fn moving(operation: OperationKey, amount: Money, debit: Account, credit: Account) -> Self {
        let opposite = amount.checked_neg().expect("every amount above zero has an opposite");
        let postings = [Posting { account: debit, amount }, Posting { account: credit, amount: opposite }];
        Self { operation, postings }
    }

    /// The operation that moved the money, or that would have if it were not cash. Each posts once.
    pub fn operation(&self) -> OperationKey {
        self.operation
    }

    /// The legs.
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }
}

#[cfg(test)]
mod tests {
    use kernel::Currency;
    use proptest::prelude::*;

    use super::*;

    fn transaction(kind: OperationKind, minor: i64) -> Option<Transaction> {
        let key = OperationKey { order_id: OrderId::generate(), kind };
        Transaction::of(key, Money::from_minor(minor, Currency::EUR))
    }

    #[test]
    fn only_what_moves_money_is_posted() {
        assert_eq!(transaction(OperationKind::Authorize, 1), None);
        assert_eq!(transaction(OperationKind::Void, 1), None);
    }

    #[test]
    fn a_capture_debits_what_the_provider_owes_and_credits_escrow() {
        let capture = transaction(OperationKind::Capture, 1_234).unwrap();
        let legs: Vec<_> = capture.postings().iter().map(|leg| (leg.account, leg.amount.minor())).collect();
        assert_eq!(legs, [(Account::ProviderClearing, 1_234), (Account::Escrow, -1_234)]);
    }

    #[test]
    fn cash_debits_what_came_in_through_a_carrier_and_is_the_one_capture_of_its_order() {
        let order_id = OrderId::generate();
        let cash = Transaction::of_cash(order_id, Money::from_minor(1_234, Currency::EUR));
        let legs: Vec<_> = cash.postings().iter().map(|leg| (leg.account, leg.amount.minor())).collect();
        assert_eq!(legs, [(Account::CarrierClearing, 1_234), (Account::Escrow, -1_234)]);
        assert_eq!(cash.operation(), OperationKey { order_id, kind: OperationKind::Capture });
    }

    proptest! {
        #[test]
        fn every_transaction_sums_to_zero_and_a_refund_undoes_its_capture(minor in 1..=i64::MAX) {
            let balance = |account, transactions: &[&Transaction]| {
                let legs = transactions.iter().flat_map(|transaction| transaction.postings());
                legs.filter(|leg| leg.account == account).map(|leg| i128::from(leg.amount.minor())).sum::<i128>()
            };
            let capture = transaction(OperationKind::Capture, minor).unwrap();
            let refund = transaction(OperationKind::Refund, minor).unwrap();
            for each in [&capture, &refund] {
                prop_assert_eq!(balance(Account::ProviderClearing, &[each]) + balance(Account::Escrow, &[each]), 0);
            }
            for account in [Account::ProviderClearing, Account::Escrow] {
                prop_assert_eq!(balance(account, &[&capture, &refund]), 0);
            }
        }
    }
}
