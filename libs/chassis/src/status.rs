//! From an error to a gRPC status: kind, reason, fields at fault, and nothing that is ours alone.

use std::collections::HashMap;
use std::error::Error;

use kernel::{Classified, ErrorKind};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The domain of every reason that Tradewind states in a `google.rpc.ErrorInfo`.
pub const ERROR_DOMAIN: &str = "tradewind";

/// The status that tells a caller of `error`: `map_err(chassis::status)` at the end of a handler.
///
/// The text of an error about the caller's doing is shown. One about ours, or about what we depend on, is replaced by a
/// fixed sentence and logged here, once, with its whole chain.
pub fn status(error: impl Classified) -> Status {
    let (kind, reason) = (error.kind(), error.reason());
    if kind == ErrorKind::Internal {
        tracing::error!(reason, error = chain(&error), "a request failed");
    } else if kind.is_transient() {
        tracing::warn!(%kind, reason, error = chain(&error), "a request failed for now");
    } else {
        tracing::debug!(%kind, reason, %error, "a request is refused");
    }
    unlogged_status(&error)
}

/// The same for what is ordinary, and would only fill the log.
pub(crate) fn unlogged_status(error: &impl Classified) -> Status {
    let kind = error.kind();
    let message = fixed_sentence(kind).map_or_else(|| error.to_string(), str::to_owned);
    // What broke on our side is nothing that a client could branch on.
    let reason = if kind == ErrorKind::Internal { "INTERNAL" } else { error.reason() };
    let mut details = ErrorDetails::with_error_info(reason, ERROR_DOMAIN, HashMap::new());
    for violation in error.field_violations() {
        details.add_bad_request_violation(violation.field, violation.description);
    }
    Status::with_error_details(code(kind), message, details)
}

/// The sentence for errors whose own text is about our insides.
fn fixed_sentence(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Internal => {
            Some("Something went wrong on our side; the request can be repeated under the same request_id.")
        }
        ErrorKind::Unavailable => {
            Some("This cannot be answered right now; the request can be repeated under the same request_id.")
        }
        ErrorKind::DeadlineExceeded => {
            Some("There was no answer in time; the request can be repeated under the same request_id.")
        }
        ErrorKind::Aborted => {
            Some("The same thing was changed at the same time and nothing was done; the request can be repeated.")
        }
        ErrorKind::InvalidArgument
        | ErrorKind::Unauthenticated
        | ErrorKind::PermissionDenied
        | ErrorKind::NotFound
        | ErrorKind::AlreadyExists
        | ErrorKind::FailedPrecondition
        | ErrorKind::ResourceExhausted => None,
    }
}

const fn code(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::InvalidArgument => Code::InvalidArgument,
        ErrorKind::Unauthenticated => Code::Unauthenticated,
        ErrorKind::PermissionDenied => Code::PermissionDenied,
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::AlreadyExists => Code::AlreadyExists,
        ErrorKind::FailedPrecondition => Code::FailedPrecondition,
        ErrorKind::Aborted => Code::Aborted,
        ErrorKind::ResourceExhausted => Code::ResourceExhausted,
        ErrorKind::DeadlineExceeded => Code::DeadlineExceeded,
        ErrorKind::Unavailable => Code::Unavailable,
        ErrorKind::Internal => Code::Internal,
    }
}

/// An error and what it came from, outermost first. A source whose text the error already shows is left out.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use kernel::FieldViolation;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Failure {
        kind: ErrorKind,
        text: &'static str,
        source: Option<std::io::Error>,
    }

    impl Classified for Failure {
        fn kind(&self) -> ErrorKind {
            self.kind
        }

        fn reason(&self) -> &'static str {
            "ORDER_NOT_CANCELLABLE"
        }

        fn field_violations(&self) -> Vec<FieldViolation> {
            vec![FieldViolation::new("order_id", "is shipped")]
        }
    }

    fn failure(kind: ErrorKind) -> Failure {
        let source = Some(std::io::Error::other("password authentication failed for orders at 10.0.0.7"));
        Failure { kind, text: "the order is shipped", source }
    }

    #[test]
    fn a_refusal_shows_its_text_its_reason_and_the_fields_at_fault() {
        let status = status(failure(ErrorKind::FailedPrecondition));
        assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "the order is shipped"));
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("ORDER_NOT_CANCELLABLE", "tradewind"));
        let violation = &details.bad_request().unwrap().field_violations[0];
        assert_eq!((violation.field.as_str(), violation.description.as_str()), ("order_id", "is shipped"));
    }

    #[test]
    fn what_went_wrong_on_our_side_is_not_told() {
        for kind in [ErrorKind::Internal, ErrorKind::Unavailable, ErrorKind::Aborted, ErrorKind::DeadlineExceeded] {
            let status = status(failure(kind));
            assert_eq!(status.code(), code(kind));
            let told = format!("{} {:?}", status.message(), status.get_error_details().error_info());
            assert!(!told.contains("10.0.0.7") && !told.contains("shipped"), "{told}");
        }
        let status = status(failure(ErrorKind::Internal));
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "INTERNAL");
    }

    #[test]
    fn the_log_gets_the_whole_chain() {
        let text = chain(&failure(ErrorKind::Internal));
        assert_eq!(text, "the order is shipped: password authentication failed for orders at 10.0.0.7");
    }
}
