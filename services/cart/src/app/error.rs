use chassis::grpc::PeerError;
use contracts::convert::InvalidField;
use kernel::{Classified, ErrorKind, FieldViolation};

use crate::domain::Refusal;

/// Why a use case did not do its work. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The domain refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The products service does not answer.
    #[error("products cannot be asked")]
    Products(#[from] PeerError),
    /// The products service answers what it never should.
    #[error("products answered what cannot be")]
    ProductsAnswer(#[from] InvalidField),
    /// The database does not answer, or holds what cannot be read.
    #[error("storage")]
    Storage(#[from] messaging::Error),
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(refusal) => refusal.kind(),
            Self::Products(error) => error.kind(),
            Self::ProductsAnswer(_) => ErrorKind::Internal,
            Self::Storage(error) => error.kind(),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.reason(),
            Self::Products(error) => error.reason(),
            Self::ProductsAnswer(_) => "PRODUCTS_ANSWER",
            Self::Storage(error) => error.reason(),
        }
    }

    fn field_violations(&self) -> Vec<FieldViolation> {
        match self {
            Self::Refused(refusal) => refusal.field_violations(),
            Self::Products(_) | Self::ProductsAnswer(_) | Self::Storage(_) => Vec::new(),
        }
    }
}
