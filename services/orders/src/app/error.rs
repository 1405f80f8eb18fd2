use kernel::{Classified, ErrorKind, FieldViolation};

use crate::domain::error::OrderError;

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The domain refuses.
    #[error(transparent)]
    Refused(#[from] OrderError),
    /// Somebody else's orders are none of the caller's business.
    #[error("these are somebody else's orders")]
    NotYours {
        /// The field of the request that names them.
        field: &'static str,
    },
    /// A refund of this kind is for somebody else to ask for.
    #[error("buyers ask for refunds before dispatch and after a return, sellers give goodwill")]
    NotYoursToGrant,
    /// The database does not answer.
    #[error("storage")]
    Storage(#[from] messaging::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error.into())
    }
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(refusal) => refusal.kind(),
            Self::NotYours { .. } | Self::NotYoursToGrant => ErrorKind::PermissionDenied,
            Self::Storage(error) => error.kind(),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.reason(),
            Self::NotYours { .. } => "NOT_YOURS",
            Self::NotYoursToGrant => "NOT_YOURS_TO_GRANT",
            Self::Storage(error) => error.reason(),
        }
    }

    fn field_violations(&self) -> Vec<FieldViolation> {
        match self {
            Self::Refused(refusal) => refusal.field_violations(),
            Self::NotYours { field } => vec![FieldViolation::new(*field, self)],
            Self::NotYoursToGrant | Self::Storage(_) => Vec::new(),
        }
    }
}
