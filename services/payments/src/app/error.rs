use kernel::{Classified, ErrorKind, FieldViolation};

use crate::domain::Refusal;

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such payment, or it is not the caller's.
    #[error("there is no payment of such an order")]
    PaymentNotFound,
    /// The domain refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody else's money is none of the caller's business.
    #[error("this is somebody else's balance")]
    NotYours,
    /// The database does not answer.
    #[error("storage")]
    Storage(#[from] messaging::Error),
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::PaymentNotFound => ErrorKind::NotFound,
            Self::Refused(refusal) => refusal.kind(),
            Self::NotYours => ErrorKind::PermissionDenied,
            Self::Storage(error) => error.kind(),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::PaymentNotFound => "PAYMENT_NOT_FOUND",
            Self::Refused(refusal) => refusal.reason(),
            Self::NotYours => "NOT_YOURS",
            Self::Storage(error) => error.reason(),
        }
    }

    fn field_violations(&self) -> Vec<FieldViolation> {
        match self {
            Self::PaymentNotFound => vec![FieldViolation::new("order_id", self)],
            Self::NotYours => vec![FieldViolation::new("seller_id", self)],
            Self::Refused(refusal) => refusal.field_violations(),
            Self::Storage(_) => Vec::new(),
        }
    }
}
