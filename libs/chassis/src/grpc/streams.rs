use axum::body::Body;
use axum::response::Response;
use futures::stream;
use http::HeaderMap;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use kernel::{Classified, ErrorKind};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::deadline::DeadlineExceeded;
use crate::status::unlogged_status;

/// What ends streamed answers before their handlers do.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    draining: CancellationToken,
}

impl Ending {
    /// Streams end when `draining` is cancelled: they could keep a process from ending for ever.
    pub(super) fn new(draining: CancellationToken) -> Self {
        Self { draining }
    }

    /// The same answer, ended with a status that says why at `deadline`, if there is one, or when the server drains.
    pub(super) fn end_at(&self, deadline: Option<Instant>, response: Response) -> Response {
        let draining = self.draining.clone();
        let ended = async move {
            let passed = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = passed => trailers(&DeadlineExceeded),
                () = draining.cancelled() => trailers(&Draining),
            }
        };
        response.map(|body| {
            let frames = stream::unfold(Some((body, Box::pin(ended))), |state| async {
                let (mut body, mut ended) = state?;
                tokio::select! {
                    biased;
                    frame = body.frame() => Some((frame?, Some((body, ended)))),
                    trailers = &mut ended => Some((Ok(Frame::trailers(trailers)), None)),
                }
            });
            Body::new(StreamBody::new(frames))
        })
    }
}

fn trailers(error: &impl Classified) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    unlogged_status(error).add_header(&mut trailers).expect("a status is made of header values");
    trailers
}

#[derive(Debug, thiserror::Error)]
#[error("the server is shutting down")]
struct Draining;

impl Classified for Draining {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Unavailable
    }

    fn reason(&self) -> &'static str {
        "DRAINING"
    }
}
