//! Why something may not happen.

use kernel::{Classified, ErrorKind, FieldViolation, Sku};

/// Why a command or a question is refused. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// What a product is to be made of does not fit together.
    #[error("the product is not valid: {}", listed(.0))]
    InvalidProduct(Vec<FieldViolation>),
    /// Somebody offers these SKUs already.
    #[error("taken already: {}", .0.iter().map(|taken| taken.sku.as_str()).collect::<Vec<_>>().join(", "))]
    SkusTaken(Vec<TakenSku>),
    /// A seller's employee would act for another seller, or a token names no seller.
    #[error("you may not act for this seller")]
    NotYourSeller,
    /// There is no such product, or not for this caller.
    #[error("there is no such product")]
    ProductNotFound,
    /// Nobody offers this SKU, or not for this caller.
    #[error("there is no variant {0}")]
    VariantNotFound(Sku),
    /// The price changed since the caller saw it.
    #[error("the price in force has version {in_force}, not {expected}")]
    PriceVersionStale {
        /// The version that the caller saw.
        expected: i64,
        /// The version in force; 0 if there is no price in this currency.
        in_force: i64,
    },
    /// Only a product on sale can be taken off sale.
    #[error("the product is not on sale")]
    ProductNotPublished,
}

/// A SKU that is taken, and which of the new variants asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenSku {
    /// The SKU.
    pub sku: Sku,
    /// Index of the variant, from 0.
    pub variant: usize,
}

impl Classified for Refusal {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidProduct(_) => ErrorKind::InvalidArgument,
            Self::SkusTaken(_) => ErrorKind::AlreadyExists,
            Self::NotYourSeller => ErrorKind::PermissionDenied,
            Self::ProductNotFound | Self::VariantNotFound(_) => ErrorKind::NotFound,
            Self::PriceVersionStale { .. } | Self::ProductNotPublished => ErrorKind::FailedPrecondition,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::InvalidProduct(_) => "INVALID_REQUEST",
            Self::SkusTaken(_) => "SKU_TAKEN",
            Self::NotYourSeller => "NOT_YOUR_SELLER",
            Self::ProductNotFound => "PRODUCT_NOT_FOUND",
            Self::VariantNotFound(_) => "VARIANT_NOT_FOUND",
            Self::PriceVersionStale { .. } => "PRICE_VERSION_STALE",
            Self::ProductNotPublished => "PRODUCT_NOT_PUBLISHED",
        }
    }

    fn field_violations(&self) -> Vec<FieldViolation> {
        match self {
            Self::InvalidProduct(violations) => violations.clone(),
            Self::SkusTaken(taken) => taken
                .iter()
                .map(|taken| FieldViolation::new(format!("variants[{}].sku", taken.variant), "is taken already"))
                .collect(),
            Self::NotYourSeller => vec![FieldViolation::new("seller_id", "is not the seller that you act for")],
            Self::PriceVersionStale { in_force, .. } => {
                vec![FieldViolation::new("expected_price_version", format!("the version in force is {in_force}"))]
            }
            Self::ProductNotFound | Self::VariantNotFound(_) | Self::ProductNotPublished => Vec::new(),
        }
    }
}

fn listed(violations: &[FieldViolation]) -> String {
    let each = violations.iter().map(|violation| format!("{}: {}", violation.field, violation.description));
    each.collect::<Vec<_>>().join("; ")
}
