use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kernel::{Classified, ErrorKind};
use tonic::{Code, Status};

use super::is_open;
use crate::status;

/// What stands before a message on the wire: whether it is compressed, and its length.
const FRAME_HEADER_BYTES: usize = 5;

/// How tonic begins what it says of a request that is no message of the RPC's.
const UNDECODABLE: &str = "failed to decode Protobuf message";

/// Refuses a request whose message has more than `bytes_max` bytes, once so many have come in, and one that cannot be
/// decoded.
pub(super) async fn guard(State(bytes_max): State<u32>, request: Request, next: Next) -> Response {
    if is_open(request.uri().path()) {
        return next.run(request).await;
    }
    let request = request.map(|body| {
        let limited = Limited::new(body, bytes_max as usize + FRAME_HEADER_BYTES);
        Body::new(limited.map_err(move |error| match error.downcast::<LengthLimitError>() {
            Ok(_) => status(Unreadable::TooLarge { bytes_max }),
            Err(error) => Status::from_error(error),
        }))
    });
    let response = next.run(request).await;
    // tonic takes the fault for ours, and tells how the message looks inside.
    match Status::from_header_map(response.headers()) {
        Some(said) if said.code() == Code::Internal && said.message().starts_with(UNDECODABLE) => {
            status(Unreadable::Undecodable).into_http()
        }
        _ => response,
    }
}

#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error("the request has more than {bytes_max} bytes")]
    TooLarge { bytes_max: u32 },
    #[error("the request is not a message of this RPC")]
    Undecodable,
}

impl Classified for Unreadable {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TooLarge { .. } => ErrorKind::ResourceExhausted,
            Self::Undecodable => ErrorKind::InvalidArgument,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "REQUEST_TOO_LARGE",
            Self::Undecodable => "REQUEST_UNDECODABLE",
        }
    }
}
