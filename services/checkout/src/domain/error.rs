//! Why checkout says no.

use kernel::{Classified, ErrorKind, FieldViolation, InvalidQuantity, Money, MoneyError, RegionCode, Timestamp};

use super::ids::SellerId;
use super::shipping::ServiceName;

/// Why something may not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such cart, or it is not the caller's.
    #[error("there is no such cart")]
    CartNotFound,
    /// There is nothing to make an offer for.
    #[error("the cart is empty")]
    CartEmpty,
    /// The tax there is not known, so nothing can be sold there.
    #[error("nothing is shipped to {0}")]
    RegionNotServed(RegionCode),
    /// A seller has no rate for the address, the weight and the currency.
    #[error("seller {0} does not send what is in the cart to this address")]
    SellerDoesNotSend(SellerId),
    /// The buyer chose a kind of sending that the seller does not offer.
    #[error("the seller does not offer {:?} for what is in the cart and this address", service.as_str())]
    ServiceUnknown {
        /// Which of the choices.
        choice: usize,
        /// What was chosen.
        service: ServiceName,
    },
    /// The buyer chose how a seller is to send who sells nothing that is in the cart.
    #[error("the cart holds nothing of this seller")]
    SellerNotInCart {
        /// Which of the choices.
        choice: usize,
    },
    /// A sum does not fit.
    #[error("the cart is worth more than can be quoted: {0}")]
    AmountTooLarge(#[from] MoneyError),
    /// The lines of one SKU are too many units together.
    #[error("the cart holds more of one SKU than can be quoted: {0}")]
    QuantityTooLarge(#[from] InvalidQuantity),

    /// There is no such quote, or it is not the caller's.
    #[error("there is no such quote")]
    QuoteNotFound,
    /// The quote was accepted before.
    #[error("the quote is submitted already")]
    QuoteAlreadySubmitted,
    /// The buyer accepts something else than what was offered.
    #[error("the hash is not that of the quote: show the buyer the quote again")]
    QuoteAltered,
    /// The quote does not bind any more.
    #[error("the quote expired at {0}; make a new one")]
    QuoteExpired(Timestamp),
    /// Something in the cart cannot be had.
    #[error("the quote cannot be submitted: part of the cart is not to be had")]
    QuoteNotSubmittable,

    /// There is no such checkout, or it is not the caller's.
    #[error("there is no such checkout")]
    CheckoutNotFound,
    /// An order event names an order that no checkout here has.
    #[error("the checkout has no such order")]
    OrderNotFound,
    /// An order was modified, and would cost more than before.
    #[error("the order costs {total} and is modified to cost {modified}")]
    ModifiedToMore {
        /// What it costs.
        total: Money,
        /// What it is to cost.
        modified: Money,
    },
    /// An order was split off whose total cannot be part of the checkout's.
    #[error("what the checkout's orders cost does not add up: {0}")]
    TotalsDoNotAddUp(MoneyError),
    /// An order event contradicts the outcome that the order has.
    #[error("the order is {outcome} and cannot become {news}")]
    OutcomeContradicted {
        /// The outcome that it has.
        outcome: &'static str,
        /// What the event says.
        news: &'static str,
    },
}

impl Classified for Refusal {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::CartNotFound | Self::QuoteNotFound | Self::CheckoutNotFound | Self::OrderNotFound => {
                ErrorKind::NotFound
            }
            Self::SellerNotInCart { .. } => ErrorKind::InvalidArgument,
            Self::CartEmpty
            | Self::RegionNotServed(_)
            | Self::SellerDoesNotSend(_)
            | Self::ServiceUnknown { .. }
            | Self::AmountTooLarge(_)
            | Self::QuantityTooLarge(_)
            | Self::QuoteAlreadySubmitted
            | Self::QuoteAltered
            | Self::QuoteExpired(_)
            | Self::QuoteNotSubmittable
            | Self::ModifiedToMore { .. }
            | Self::TotalsDoNotAddUp(_)
            | Self::OutcomeContradicted { .. } => ErrorKind::FailedPrecondition,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::CartNotFound => "CART_NOT_FOUND",
            Self::CartEmpty => "CART_EMPTY",
            Self::RegionNotServed(_) | Self::SellerDoesNotSend(_) => "SHIPPING_NOT_OFFERED",
            Self::ServiceUnknown { .. } => "SHIPPING_SERVICE_UNKNOWN",
            Self::SellerNotInCart { .. } => "INVALID_REQUEST",
            Self::AmountTooLarge(_) | Self::QuantityTooLarge(_) => "CART_TOO_LARGE",
            Self::QuoteNotFound => "QUOTE_NOT_FOUND",
            Self::QuoteAlreadySubmitted => "QUOTE_ALREADY_SUBMITTED",
            Self::QuoteAltered => "QUOTE_ALTERED",
            Self::QuoteExpired(_) => "QUOTE_EXPIRED",
            Self::QuoteNotSubmittable => "QUOTE_NOT_SUBMITTABLE",
            Self::CheckoutNotFound => "CHECKOUT_NOT_FOUND",
            Self::OrderNotFound => "ORDER_NOT_FOUND",
            Self::ModifiedToMore { .. } => "MODIFIED_TO_MORE",
            Self::TotalsDoNotAddUp(_) => "TOTALS_DO_NOT_ADD_UP",
            Self::OutcomeContradicted { .. } => "OUTCOME_CONTRADICTED",
        }
    }

    fn field_violations(&self) -> Vec<FieldViolation> {
        let field = match self {
            Self::CartNotFound | Self::CartEmpty | Self::AmountTooLarge(_) | Self::QuantityTooLarge(_) => "cart_id",
            Self::RegionNotServed(_) => "ship_to.region_code",
            Self::SellerDoesNotSend(_) => "ship_to",
            Self::ServiceUnknown { choice, .. } => {
                return vec![FieldViolation::new(format!("shipping_choices[{choice}].service"), self)];
            }
            Self::SellerNotInCart { choice } => {
                return vec![FieldViolation::new(format!("shipping_choices[{choice}].seller_id"), self)];
            }
            Self::QuoteNotFound | Self::QuoteAlreadySubmitted | Self::QuoteExpired(_) | Self::QuoteNotSubmittable => {
                "quote_id"
            }
            Self::QuoteAltered => "quote_hash",
            Self::CheckoutNotFound => "checkout_id",
            Self::OrderNotFound
            | Self::ModifiedToMore { .. }
            | Self::TotalsDoNotAddUp(_)
            | Self::OutcomeContradicted { .. } => return Vec::new(),
        };
        vec![FieldViolation::new(field, self)]
    }
}
