use chassis::grpc::PeerError;
use contracts::convert::InvalidField;
use kernel::{Classified, ErrorKind, FieldViolation};

use crate::domain::error::Refusal;

/// Why a request was not answered as hoped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another service does not answer.
    #[error("the cart's offer cannot be made out")]
    Peer(#[from] PeerError),
    /// Another service answered what its contract rules out.
    #[error("{peer} answered what it may not")]
    PeerAnswer {
        /// The service.
        peer: &'static str,
        /// What is wrong with the answer.
        source: InvalidField,
    },
    /// So many buyers watch already that one more would slow down the rest.
    #[error("too many checkouts are watched at once")]
    TooManyWatchers,
    /// The database does not answer.
    #[error("storage")]
    Storage(#[from] messaging::Error),
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(refusal) => refusal.kind(),
            Self::Peer(error) => error.kind(),
            Self::PeerAnswer { .. } => ErrorKind::Internal,
            Self::TooManyWatchers => ErrorKind::Unavailable,
            Self::Storage(error) => error.kind(),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.reason(),
            Self::Peer(error) => error.reason(),
            Self::PeerAnswer { .. } => "PEER_ANSWER",
            Self::TooManyWatchers => "TOO_MANY_WATCHERS",
            Self::Storage(error) => error.reason(),
        }
    }

    fn field_violations(&self) -> Vec<FieldViolation> {
        match self {
            Self::Refused(refusal) => refusal.field_violations(),
            Self::Peer(_) | Self::PeerAnswer { .. } | Self::TooManyWatchers | Self::Storage(_) => Vec::new(),
        }
    }
}
