use kernel::{Classified, ErrorKind, FieldViolation};

use crate::domain::Refusal;

/// Why a use case did not do its work. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The domain refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database does not answer, or holds what cannot be read.
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
            Self::Storage(error) => error.kind(),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn field_violations(&self) -> Vec<FieldViolation> {
        match self {
            Self::Refused(refusal) => refusal.field_violations(),
            Self::Storage(_) => Vec::new(),
        }
    }
}
