use std::fmt;

/// What went wrong, as far as a caller or a consumer needs to know to act. The set is closed, so every match is
/// exhaustive; the names are those of the gRPC status codes they become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is wrong in itself, whatever the state: a malformed id, a quantity of zero.
    InvalidArgument,
    /// Nobody knows who is asking: no token, or one that is expired or forged.
    Unauthenticated,
    /// It is known who is asking, and they may not.
    PermissionDenied,
    /// The thing does not exist, or must not be known to exist by this caller.
    NotFound,
    /// The thing to be created exists already.
    AlreadyExists,
    /// The request is right but the state does not allow it; the same request fails until the state changes.
    FailedPrecondition,
    /// Somebody changed the same thing at the same time and nothing was done: safe to retry.
    Aborted,
    /// A limit or a quota is used up, such as the lines of a cart; waiting alone does not help.
    ResourceExhausted,
    /// There was no answer in time. Whether something was done is unknown; idempotency makes a retry safe.
    DeadlineExceeded,
    /// What is needed cannot be reached or sheds load for now: safe to retry.
    Unavailable,
    /// A fault of ours. The caller is told nothing more.
    Internal,
}

impl ErrorKind {
    /// Whether the same attempt can succeed later with nobody changing anything: [`Self::Aborted`],
    /// [`Self::DeadlineExceeded`] and [`Self::Unavailable`].
    ///
    /// A consumer retries a transient error in place and parks the event on any other. So a kind is transient only if
    /// waiting cures it: one wrongly called transient blocks a partition for ever, one wrongly called permanent parks
    /// events that an operator must then retry.
    pub const fn is_transient(self) -> bool {
        match self {
            Self::Aborted | Self::DeadlineExceeded | Self::Unavailable => true,
            Self::InvalidArgument
            | Self::Unauthenticated
            | Self::PermissionDenied
            | Self::NotFound
            | Self::AlreadyExists
            | Self::FailedPrecondition
            | Self::ResourceExhausted
            | Self::Internal => false,
        }
    }

    /// The stable name, such as `NOT_FOUND`, for logs, metrics and parked events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error that knows its [`ErrorKind`]. The gRPC edge makes a status of it, a consumer decides by it; the error's
/// `Display` is shown to the caller unless the kind is [`ErrorKind::Internal`].
pub trait Classified: std::error::Error {
    /// What went wrong. Implement it as an exhaustive match, so that a new variant must choose.
    fn kind(&self) -> ErrorKind;

    /// A stable reason in capitals, such as `ORDER_NOT_CANCELLABLE`, that a client may branch on. Part of the contract.
    fn reason(&self) -> &'static str;

    /// The fields of the request at fault, where there are any.
    fn field_violations(&self) -> Vec<FieldViolation> {
        Vec::new()
    }
}

/// One field of a request and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// The path in the request message, such as `lines[2].quantity`.
    pub field: String,
    /// What is wrong, in words for the caller.
    pub description: String,
}

impl FieldViolation {
    /// Names the field at fault; the description is usually the error that a value's constructor returned.
    pub fn new(field: impl Into<String>, description: impl fmt::Display) -> Self {
        Self { field: field.into(), description: description.to_string() }
    }
}
