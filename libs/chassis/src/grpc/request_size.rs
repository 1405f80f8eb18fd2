use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kernel::{Classified, ErrorKind};
use tonic::Status;

use super::is_open;
use crate::status;

/// What stands before a message on the wire: whether it is compressed, and its length.
const FRAME_HEADER_BYTES: usize = 5;

/// Refuses a request whose message has more than `bytes_max` bytes, once so many have come in.
pub(super) async fn limit(State(bytes_max): State<u32>, request: Request, next: Next) -> Response {
    if is_open(request.uri().path()) {
        return next.run(request).await;
    }
    let request = request.map(|body| {
        let limited = Limited::new(body, bytes_max as usize + FRAME_HEADER_BYTES);
        Body::new(limited.map_err(move |error| match error.downcast::<LengthLimitError>() {
            Ok(_) => status(RequestTooLarge { bytes_max }),
            Err(error) => Status::from_error(error),
        }))
    });
    next.run(request).await
}

#[derive(Debug, thiserror::Error)]
#[error("the request has more than {bytes_max} bytes")]
struct RequestTooLarge {
    bytes_max: u32,
}

impl Classified for RequestTooLarge {
    fn kind(&self) -> ErrorKind {
        ErrorKind::ResourceExhausted
    }

    fn reason(&self) -> &'static str {
        "REQUEST_TOO_LARGE"
    }
}
