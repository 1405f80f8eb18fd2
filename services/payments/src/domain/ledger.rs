//! The double-entry ledger: where money is and whose it is.
//!
//! | what happened | debit | credit |
//! | --- | --- | --- |
//! | captured | provider clearing: the provider owes us | escrow: we owe it to whom it is due |
//! | collected in cash | carrier clearing: it came in through a carrier | escrow |
//! | released: delivered and captured | escrow | seller balance and commission |
//! | paid by an exchange | buyer credit | escrow |
//! | refunded before that | escrow | provider clearing; buyer credit, if there is no card to give it back to or it is set aside |
//! | refunded after that | seller balance and commission | the same |
//!
//! An authorization moves no money and posts nothing. Whatever comes when, an order's postings end at: the commission is that of what was
//! captured less what was refunded, rounded once; the rest is the seller's.

use kernel::Money;

use super::{Method, OrderId, Payment, Refund, SellerId, commission};

/// Where money is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// What the provider has taken for us and not paid out yet.
    ProviderClearing,
    /// What carriers have collected at the door for us.
    CarrierClearing,
    /// What we hold for others until it is theirs.
    Escrow,
    /// What we owe a seller.
    SellerBalance(SellerId),
    /// What we have earned.
    Commission,
    /// What was paid in cash and went back, or is set aside for an exchange: we owe it to buyers.
    BuyerCredit,
}

impl Account {
    /// The account's name, in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProviderClearing => "provider_clearing",
            Self::CarrierClearing => "carrier_clearing",
            Self::Escrow => "escrow",
            Self::SellerBalance(_) => "seller_balance",
            Self::Commission => "commission",
            Self::BuyerCredit => "buyer_credit",
        }
    }

    /// Whose balance it is, if it is a seller's.
    pub const fn seller_id(self) -> Option<SellerId> {
        match self {
            Self::SellerBalance(seller_id) => Some(seller_id),
            Self::ProviderClearing | Self::CarrierClearing | Self::Escrow | Self::Commission | Self::BuyerCredit => {
                None
            }
        }
    }
}

/// What moved money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It was taken, by the provider or in cash.
    Capture,
    /// It was given back.
    Refund,
    /// It became the seller's.
    Release,
}

impl Kind {
    /// The kind's name, in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Refund => "refund",
            Self::Release => "release",
        }
    }
}

/// What a transaction is about. Each is posted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The order.
    pub order_id: OrderId,
    /// What moved the money.
    pub kind: Kind,
    /// Which of the order's refunds; 1 for the other kinds.
    pub number: i32,
}

/// One leg of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Posting {
    /// The account.
    pub account: Account,
    /// Positive debits the account, negative credits it; never zero.
    pub amount: Money,
}

/// Postings that belong together. Their sum is zero: there is no way to make one whose is not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Transaction {
    key: Key,
    postings: Vec<Posting>,
}

impl Transaction {
    /// What was taken for a payment, by the provider or in cash. The amount is above zero.
    pub fn capture(payment: &Payment, amount: Money) -> Self {
        let from = match payment.terms.method {
            Method::Card(_) => Account::ProviderClearing,
            Method::CashOnDelivery => Account::CarrierClearing,
            Method::Exchange(_) => Account::BuyerCredit,
        };
        Self::moving(payment, Kind::Capture, 1, &[(from, amount)], Account::Escrow)
    }

    /// What is in escrow of a payment becomes the seller's, but for the commission. None if the payment has no rate of commission yet, or
    /// nothing is left.
    pub fn release(payment: &Payment) -> Option<Self> {
        let rate = payment.commission_rate?;
        let kept = payment.kept();
        let earned = commission(kept, rate);
        let shares = [
            (Account::SellerBalance(payment.terms.seller_id), negative(less(kept, earned))),
            (Account::Commission, negative(earned)),
        ];
        kept.is_positive().then(|| Self::moving(payment, Kind::Release, 1, &shares, Account::Escrow))
    }

    /// What is given back by a refund that the payment does not count as given back yet.
    pub fn refund(payment: &Payment, refund: &Refund) -> Self {
        let to = if payment.goes_to_credit(refund) { Account::BuyerCredit } else { Account::ProviderClearing };
        let Some(rate) = payment.commission_rate else {
            return Self::moving(payment, Kind::Refund, refund.number, &[(Account::Escrow, refund.amount)], to);
        };
        let (before, after) = (payment.kept(), less(payment.kept(), refund.amount));
        let unearned = less(commission(before, rate), commission(after, rate));
        let shares = [
            (Account::SellerBalance(payment.terms.seller_id), less(refund.amount, unearned)),
            (Account::Commission, unearned),
        ];
        Self::moving(payment, Kind::Refund, refund.number, &shares, to)
    }

    /// The shares, and on `counter` what makes them balance.
    fn moving(payment: &Payment, kind: Kind, number: i32, shares: &[(Account, Money)], counter: Account) -> Self {
        let sum = Money::sum(shares.iter().map(|(_, amount)| *amount), payment.due.currency());
        let sum = sum.expect("shares are of one currency, and together at most what was captured");
        let legs = shares.iter().copied().chain([(counter, negative(sum))]).filter(|(_, amount)| !amount.is_zero());
        let postings = legs.map(|(account, amount)| Posting { account, amount }).collect();
        Self { key: Key { order_id: payment.order_id, kind, number }, postings }
    }

    /// What it is about.
    pub fn key(&self) -> Key {
        self.key
    }

    /// The legs.
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }
}

fn negative(amount: Money) -> Money {
    amount.checked_neg().expect("every amount from zero up has an opposite")
}

fn less(amount: Money, part: Money) -> Money {
    amount.checked_sub(part).expect("parts of a payment are of one currency")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kernel::{Currency, Rate};
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{BuyerId, CardToken, Exchange, RefundStanding, Terms};

    fn euros(minor: i64) -> Money {
        Money::from_minor(minor, Currency::EUR)
    }

    /// A payment of which so much was captured.
    fn captured(minor: i64, method: Method) -> Payment {
        let terms =
            Terms { buyer_id: BuyerId::generate(), seller_id: SellerId::generate(), amount: euros(minor), method };
        Payment { captured: euros(minor), ..Payment::new(OrderId::generate(), terms) }
    }

    fn by_card(minor: i64) -> Payment {
        captured(minor, Method::Card(CardToken::new("tok_approved").unwrap()))
    }

    fn released(payment: Payment, rate: &str) -> Payment {
        Payment { commission_rate: Some(rate.parse().unwrap()), ..payment }
    }

    fn refund(number: i32, minor: i64) -> Refund {
        Refund { standing: RefundStanding::Done, ..Refund::new(number, euros(minor)) }
    }

    fn legs(transaction: &Transaction) -> Vec<(&'static str, i64)> {
        transaction.postings().iter().map(|leg| (leg.account.as_str(), leg.amount.minor())).collect()
    }

    #[test]
    fn a_capture_debits_where_the_money_came_in_and_credits_escrow() {
        let card = by_card(1_234);
        let capture = Transaction::capture(&card, euros(1_234));
        assert_eq!(legs(&capture), [("provider_clearing", 1_234), ("escrow", -1_234)]);
        assert_eq!(capture.key(), Key { order_id: card.order_id, kind: Kind::Capture, number: 1 });
        let cash = captured(1_234, Method::CashOnDelivery);
        assert_eq!(legs(&Transaction::capture(&cash, euros(1_000))), [("carrier_clearing", 1_000), ("escrow", -1_000)]);
    }

    #[test]
    fn a_release_divides_what_is_in_escrow_between_the_seller_and_the_marketplace() {
        let payment = released(Payment { refunded: euros(1_000), ..by_card(5_200) }, "0.05");
        let release = Transaction::release(&payment).unwrap();
        assert_eq!(legs(&release), [("seller_balance", -3_990), ("commission", -210), ("escrow", 4_200)]);
        assert_eq!(release.postings()[0].account.seller_id(), Some(payment.terms.seller_id));
        // What rounds to nothing is no posting.
        let small = Transaction::release(&released(by_card(5), "0.05")).unwrap();
        assert_eq!(legs(&small), [("seller_balance", -5), ("escrow", 5)]);
    }

    #[test]
    fn nothing_is_released_without_a_rate_or_when_all_went_back() {
        assert_eq!(Transaction::release(&by_card(4_200)), None);
        let refunded = Payment { refunded: euros(4_200), ..by_card(4_200) };
        assert_eq!(Transaction::release(&released(refunded, "0.05")), None);
    }

    #[test]
    fn a_refund_comes_out_of_escrow_before_the_release_and_of_both_shares_after_it() {
        let before = Transaction::refund(&by_card(4_200), &refund(2, 1_000));
        assert_eq!(legs(&before), [("escrow", 1_000), ("provider_clearing", -1_000)]);
        assert_eq!(before.key().number, 2);
        let after = Transaction::refund(&released(by_card(4_200), "0.05"), &refund(2, 1_000));
        assert_eq!(legs(&after), [("seller_balance", 950), ("commission", 50), ("provider_clearing", -1_000)]);
    }

    #[test]
    fn cash_goes_back_to_the_buyers_credit() {
        let cash = captured(4_200, Method::CashOnDelivery);
        let back = Transaction::refund(&cash, &refund(1, 4_200));
        assert_eq!(legs(&back), [("escrow", 4_200), ("buyer_credit", -4_200)]);
    }

    #[test]
    fn what_is_set_aside_pays_for_another_order_and_goes_back_to_the_card_that_was_charged() {
        let charged = by_card(4_200);
        let set_aside = Transaction::refund(&charged, &Refund { is_set_aside: true, ..refund(1, 1_000) });
        assert_eq!(legs(&set_aside), [("escrow", 1_000), ("buyer_credit", -1_000)]);
        let paid_by = |charged_order_id| {
            let exchange = Exchange { order_id: charged.order_id, refund_number: 1, charged_order_id };
            captured(1_000, Method::Exchange(exchange))
        };
        let by_card = paid_by(Some(charged.order_id));
        assert_eq!(legs(&Transaction::capture(&by_card, euros(1_000))), [("buyer_credit", 1_000), ("escrow", -1_000)]);
        let back = Transaction::refund(&by_card, &refund(1, 1_000));
        assert_eq!(legs(&back), [("escrow", 1_000), ("provider_clearing", -1_000)]);
        let back_of_cash = Transaction::refund(&paid_by(None), &refund(1, 1_000));
        assert_eq!(legs(&back_of_cash), [("escrow", 1_000), ("buyer_credit", -1_000)]);
    }

    fn rate_of(hundredths: u32) -> Rate {
        format!("{}.{:02}", hundredths / 100, hundredths % 100).parse().unwrap()
    }

    proptest! {
        /// In whichever parts money goes back, and whichever of them before the release.
        #[test]
        fn the_postings_of_an_order_end_at_the_commission_of_what_was_kept(
            captured_minor in 1..=1_000_000_i64,
            parts in prop::collection::vec(1..=400_000_i64, 0..6),
            released_after in 0..6_usize,
            hundredths in 0..=100_u32,
        ) {
            let mut payment = by_card(captured_minor);
            let mut posted = vec![Transaction::capture(&payment, payment.captured)];
            for (index, part) in parts.iter().enumerate() {
                if index == released_after {
                    payment.commission_rate = Some(rate_of(hundredths));
                    posted.extend(Transaction::release(&payment));
                }
                let part = (*part).min(payment.kept().minor());
                if part > 0 {
                    posted.push(Transaction::refund(&payment, &refund(index as i32 + 1, part)));
                    payment.refunded = payment.refunded.checked_add(euros(part)).unwrap();
                }
            }
            if payment.commission_rate.is_none() {
                payment.commission_rate = Some(rate_of(hundredths));
                posted.extend(Transaction::release(&payment));
            }

            let mut balances: BTreeMap<&str, i64> = BTreeMap::new();
            for transaction in &posted {
                prop_assert_eq!(legs(transaction).iter().map(|(_, minor)| minor).sum::<i64>(), 0);
                prop_assert!(legs(transaction).iter().all(|(_, minor)| *minor != 0));
                for (account, minor) in legs(transaction) {
                    *balances.entry(account).or_default() += minor;
                }
            }
            let balance = |account: &str| balances.get(account).copied().unwrap_or(0);
            let kept = payment.kept();
            let earned = commission(kept, rate_of(hundredths)).minor();
            prop_assert_eq!(balance("provider_clearing"), kept.minor());
            prop_assert_eq!(balance("escrow"), 0);
            prop_assert_eq!(balance("commission"), -earned);
            prop_assert_eq!(balance("seller_balance"), earned - kept.minor());
        }
    }
}
