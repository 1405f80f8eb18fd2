//! Why something may not happen.

use kernel::{Classified, Currency, ErrorKind, FieldViolation, Sku};

use super::LineQuantity;
use super::cart::LINES_MAX;

/// Why a command or a question is refused. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A cart is opened by a buyer or by a guest, and the caller is neither.
    #[error("only a buyer's token, or none, opens a cart")]
    NotABuyer,
    /// There is no such cart, or it is somebody else's.
    #[error("there is no such cart")]
    CartNotFound,
    /// The SKU is not in the cart.
    #[error("the cart has no line for {0}")]
    LineNotFound(Sku),
    /// Nobody offers this SKU.
    #[error("there is no SKU {0}")]
    SkuUnknown(Sku),
    /// Its product is not on sale.
    #[error("{0} is not on sale")]
    SkuNotOnSale(Sku),
    /// The buyer saw a price in another currency than the cart's.
    #[error("the cart is in {cart}, not in {asked}")]
    CurrencyMismatch {
        /// The cart's currency.
        cart: Currency,
        /// The currency of the price that the buyer saw.
        asked: Currency,
    },
    /// The SKU is not offered in the cart's currency.
    #[error("{sku} has no price in {currency}")]
    SkuNotPricedInCurrency {
        /// The SKU.
        sku: Sku,
        /// The cart's currency.
        currency: Currency,
    },
    /// The price changed since the buyer saw it.
    #[error("the price in force has version {in_force}, not {seen}")]
    PriceVersionStale {
        /// The version that the buyer saw.
        seen: i64,
        /// The version in force.
        in_force: i64,
    },
    /// The cart has as many lines as a cart may have.
    #[error("a cart has at most {LINES_MAX} lines")]
    CartFull,
    /// The line would have more units than a line may have.
    #[error("a line has at most {max} units", max = LineQuantity::UNITS_MAX)]
    QuantityLimit,
    /// The sum of the lines would be more than an amount can be.
    #[error("the cart's subtotal would be too large")]
    SubtotalOverflow,
}

impl Classified for Refusal {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotABuyer => ErrorKind::PermissionDenied,
            Self::CartNotFound | Self::LineNotFound(_) | Self::SkuUnknown(_) => ErrorKind::NotFound,
            Self::SkuNotOnSale(_)
            | Self::CurrencyMismatch { .. }
            | Self::SkuNotPricedInCurrency { .. }
            | Self::PriceVersionStale { .. }
            | Self::CartFull
            | Self::QuantityLimit
            | Self::SubtotalOverflow => ErrorKind::FailedPrecondition,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NotABuyer => "NOT_A_BUYER",
            Self::CartNotFound => "CART_NOT_FOUND",
            Self::LineNotFound(_) => "LINE_NOT_FOUND",
            Self::SkuUnknown(_) => "SKU_UNKNOWN",
            Self::SkuNotOnSale(_) => "SKU_NOT_ON_SALE",
            Self::CurrencyMismatch { .. } => "CURRENCY_MISMATCH",
            Self::SkuNotPricedInCurrency { .. } => "SKU_NOT_PRICED_IN_CURRENCY",
            Self::PriceVersionStale { .. } => "PRICE_VERSION_STALE",
            Self::CartFull => "CART_FULL",
            Self::QuantityLimit => "QUANTITY_LIMIT",
            Self::SubtotalOverflow => "SUBTOTAL_OVERFLOW",
        }
    }

    fn field_violations(&self) -> Vec<FieldViolation> {
        let field = match self {
            Self::NotABuyer | Self::CartFull => return Vec::new(),
            Self::CartNotFound => "cart_id",
            Self::LineNotFound(_)
            | Self::SkuUnknown(_)
            | Self::SkuNotOnSale(_)
            | Self::SkuNotPricedInCurrency { .. } => "sku",
            Self::CurrencyMismatch { .. } => "currency_code",
            Self::PriceVersionStale { .. } => "price_version",
            Self::QuantityLimit | Self::SubtotalOverflow => "quantity",
        };
        vec![FieldViolation::new(field, self)]
    }
}
