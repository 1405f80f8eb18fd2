use kernel::{Classified, ErrorKind, FieldViolation};

use crate::adapters::carriers::NoLabel;
use crate::domain::error::ShippingError;
use crate::domain::rates::error::RatesError;

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The domain refuses.
    #[error(transparent)]
    Refused(#[from] ShippingError),
    /// The domain refuses something about what sending costs.
    #[error(transparent)]
    Rates(#[from] RatesError),
    /// Another parcel has that number.
    #[error("the carrier has another parcel of that number")]
    TrackingNumberTaken,
    /// The carrier sells no label for the parcel, or gave no answer.
    #[error(transparent)]
    Label(#[from] NoLabel),
    /// Somebody else's shipments are none of the caller's business.
    #[error("these are somebody else's shipments")]
    NotYours {
        /// The field of the request that names them.
        field: &'static str,
    },
    /// The database does not answer.
    #[error("storage")]
    Storage(#[from] messaging::Error),
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(refusal) => refusal.kind(),
            Self::Rates(refusal) => refusal.kind(),
            Self::TrackingNumberTaken => ErrorKind::AlreadyExists,
            Self::Label(NoLabel::Refused(_)) => ErrorKind::FailedPrecondition,
            Self::Label(NoLabel::NoAnswer(_)) => ErrorKind::Unavailable,
            Self::NotYours { .. } => ErrorKind::PermissionDenied,
            Self::Storage(error) => error.kind(),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.reason(),
            Self::Rates(refusal) => refusal.reason(),
            Self::TrackingNumberTaken => "TRACKING_NUMBER_TAKEN",
            Self::Label(NoLabel::Refused(_)) => "LABEL_REFUSED",
            Self::Label(NoLabel::NoAnswer(_)) => "CARRIER_UNAVAILABLE",
            Self::NotYours { .. } => "NOT_YOURS",
            Self::Storage(error) => error.reason(),
        }
    }

    fn field_violations(&self) -> Vec<FieldViolation> {
        match self {
            Self::Refused(refusal) => refusal.field_violations(),
            Self::Rates(refusal) => refusal.field_violations(),
            Self::TrackingNumberTaken => vec![FieldViolation::new("tracking_number", self)],
            Self::NotYours { field } => vec![FieldViolation::new(*field, self)],
            Self::Label(_) | Self::Storage(_) => Vec::new(),
        }
    }
}
