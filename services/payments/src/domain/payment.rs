use std::fmt;

use kernel::{Money, Rate, Timestamp};
use serde::{Deserialize, Serialize};

use super::{BuyerId, OrderId, Refund, RefundStanding, SellerId};

/// What is known under an order's id. The facts that begin a payment come from two topics, in whatever order; nothing known
/// is the absence of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::large_enum_variant, reason = "nearly every entry is a payment")]
pub enum Entry {
    /// Stock is held for the order until then; what is to be paid has not been heard of yet.
    Hold {
        /// When the reservation expires.
        expires_at: Timestamp,
    },
    /// The order ended before its payment was heard of. Refuses whatever would begin one later.
    Tombstone,
    /// The order's payment.
    Payment(Payment),
}

/// The payment of an order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Payment {
    /// The order, and so the payment.
    pub order_id: OrderId,
    /// What was agreed.
    pub terms: Terms,
    /// What is to be paid: at first what the terms say, and less once units are taken away from the order.
    pub due: Money,
    /// Which version of what was agreed that is of; the terms are version 1.
    pub terms_version: i32,
    /// Until when stock is held; none before that is heard of.
    pub hold_expires_at: Option<Timestamp>,
    /// Where it stands.
    pub status: Status,
    /// The order failed or was cancelled: nothing more is asked for but giving back. While the provider's answer is awaited,
    /// this is what makes it void or refund once the answer comes.
    pub order_ended: bool,
    /// Since when it is authorized by card; none when it is not, or no longer only that.
    pub authorized_at: Option<Timestamp>,
    /// What was due when it was to be authorized, and so is held at most; none before that, and when it was declined.
    pub authorized: Option<Money>,
    /// What was captured so far.
    pub captured: Money,
    /// What was refunded so far; at most what was captured.
    pub refunded: Money,
    /// What is given back of it, or is to be, in the order in which it was asked for.
    pub refunds: Vec<Refund>,
    /// The order arrived.
    pub delivered: bool,
    /// What the marketplace keeps of it, fixed when the rest became the seller's; none before.
    pub commission_rate: Option<Rate>,
    /// Why it was declined or failed: a stable reason.
    pub reason: Option<String>,
    /// The provider refused to void. It is not asked again: an operator has to settle it.
    pub needs_operator: bool,
}

/// What was agreed when the order was made. It never changes: what is due since then is [`Payment::due`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Terms {
    /// Who pays.
    pub buyer_id: BuyerId,
    /// Whose money it becomes.
    pub seller_id: SellerId,
    /// How much; above zero.
    pub amount: Money,
    /// How.
    pub method: Method,
}

/// How a buyer pays.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Method {
    /// By card, through the provider.
    Card(CardToken),
    /// In cash, to the carrier. The provider is never asked.
    CashOnDelivery,
    /// By what was set aside of what goes back of another order. The provider is asked for nothing but to give that back.
    Exchange(Exchange),
}

/// What was set aside, and where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Exchange {
    /// The order whose goods came back.
    pub order_id: OrderId,
    /// Which of its refunds was set aside.
    pub refund_number: i32,
    /// The order whose card was charged; none if it was paid in cash.
    pub charged_order_id: Option<OrderId>,
}

/// Where a payment stands. The arrows are in the service's README.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The intent is known; stock is not held yet.
    Pending,
    /// The provider was asked to authorize; its answer is awaited or unknown.
    Authorizing,
    /// The issuer holds the amount for us. Cash on delivery: the carrier will collect it.
    Authorized,
    /// The provider was asked to capture; its answer is awaited or unknown.
    Capturing,
    /// The money is ours to pass on.
    Captured,
    /// The provider refused the capture, or the authorization grew too old. It is given up once the order has ended.
    CaptureFailed,
    /// The issuer said no, or the time to ask had passed. Final.
    Declined,
    /// The provider was asked to give up the authorization.
    Voiding,
    /// The authorization was given up. Final.
    Voided,
    /// The provider was asked to give money back, and not all that was asked for is back yet.
    Refunding,
    /// All of the money was given back. Final.
    Refunded,
    /// The order ended before anything was asked of the provider. Final.
    Closed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 12] = [
        Self::Pending,
        Self::Authorizing,
        Self::Authorized,
        Self::Capturing,
        Self::Captured,
        Self::CaptureFailed,
        Self::Declined,
        Self::Voiding,
        Self::Voided,
        Self::Refunding,
        Self::Refunded,
        Self::Closed,
    ];

    /// The status's name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Authorizing => "authorizing",
            Self::Authorized => "authorized",
            Self::Capturing => "capturing",
            Self::Captured => "captured",
            Self::CaptureFailed => "capture_failed",
            Self::Declined => "declined",
            Self::Voiding => "voiding",
            Self::Voided => "voided",
            Self::Refunding => "refunding",
            Self::Refunded => "refunded",
            Self::Closed => "closed",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl Payment {
    /// The payment of an order that was just heard of.
    pub fn new(order_id: OrderId, terms: Terms) -> Self {
        let (due, zero) = (terms.amount, Money::zero(terms.amount.currency()));
        Self {
            order_id,
            terms,
            due,
            terms_version: 1,
            hold_expires_at: None,
            status: Status::Pending,
            order_ended: false,
            authorized_at: None,
            authorized: None,
            captured: zero,
            refunded: zero,
            refunds: Vec::new(),
            delivered: false,
            commission_rate: None,
            reason: None,
            needs_operator: false,
        }
    }

    /// What is held, or is asked to be: maybe more than is due by now.
    pub fn held(&self) -> Money {
        self.authorized.unwrap_or(self.due)
    }

    /// What is given back of it or is to be.
    pub fn asked_back(&self) -> Money {
        let amounts = self.refunds.iter().map(|refund| refund.amount);
        Money::sum(amounts, self.captured.currency()).expect("refunds are parts of what was captured")
    }

    /// What was captured, less what is given back or is to be.
    pub fn left(&self) -> Money {
        self.captured.checked_sub(self.asked_back()).expect("both are of one currency, and at most the amount")
    }

    /// What was captured, less what is given back.
    pub fn kept(&self) -> Money {
        self.captured.checked_sub(self.refunded).expect("both are of one currency, and at most the amount")
    }

    /// The refund of that number, from 1.
    pub fn refund(&self, number: i32) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.number == number)
    }

    /// Where a payment stands that was captured: that follows from its refunds.
    pub fn status_by_refunds(&self) -> Status {
        let is_back = |refund: &Refund| refund.standing == RefundStanding::Done;
        if self.refunded == self.captured {
            Status::Refunded
        } else if self.refunds.iter().all(is_back) {
            Status::Captured
        } else {
            Status::Refunding
        }
    }

    /// Whether it is paid in cash to the carrier.
    pub fn is_cash_on_delivery(&self) -> bool {
        match self.terms.method {
            Method::Card(_) | Method::Exchange(_) => false,
            Method::CashOnDelivery => true,
        }
    }

    /// Whether it is paid by what was set aside for it: that is there from the beginning.
    pub fn is_exchange(&self) -> bool {
        match self.terms.method {
            Method::Card(_) | Method::CashOnDelivery => false,
            Method::Exchange(_) => true,
        }
    }

    /// The order whose card was charged for it; none if no card was.
    pub fn charged_order_id(&self) -> Option<OrderId> {
        match self.terms.method {
            Method::Card(_) => Some(self.order_id),
            Method::CashOnDelivery => None,
            Method::Exchange(exchange) => exchange.charged_order_id,
        }
    }

    /// Whether a refund becomes the buyer's credit: what is set aside does, and what no card was charged for.
    pub fn goes_to_credit(&self, refund: &Refund) -> bool {
        refund.is_set_aside || self.charged_order_id().is_none()
    }
}

/// The provider's token for a card. Never shown: neither `Debug` nor any log line has it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CardToken(String);

impl CardToken {
    const CHARS_MAX: usize = 200;

    /// Takes over a token: 1 to 200 characters.
    pub fn new(token: impl Into<String>) -> Result<Self, InvalidCardToken> {
        let token = token.into();
        let is_valid = !token.is_empty() && token.chars().count() <= Self::CHARS_MAX;
        if is_valid { Ok(Self(token)) } else { Err(InvalidCardToken) }
    }

    /// The token, for the provider and the database alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CardToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardToken(***)")
    }
}

/// A card token is empty or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {} characters", CardToken::CHARS_MAX)]
pub struct InvalidCardToken;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_token_does_not_show_in_debug_output() {
        let method = Method::Card(CardToken::new("tok_secret").unwrap());
        assert!(!format!("{method:?}").contains("secret"));
    }

    #[test]
    fn an_empty_or_endless_card_token_is_refused() {
        assert_eq!(CardToken::new(""), Err(InvalidCardToken));
        assert_eq!(CardToken::new("x".repeat(201)), Err(InvalidCardToken));
        assert!(CardToken::new("x".repeat(200)).is_ok());
    }

    #[test]
    fn every_status_has_a_name_of_its_own() {
        for status in Status::ALL {
            assert_eq!(Status::from_name(status.as_str()), Some(status));
        }
    }
}
