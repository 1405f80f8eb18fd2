use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Semaphore;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::is_open;
use crate::status::ERROR_DOMAIN;

/// How long a caller who is turned away should wait.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Turns a request away while `in_flight` others are worked on: to say no at once is better than to let everyone wait. A
/// stream counts until it starts to answer.
pub(super) async fn shed(State(in_flight): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    if is_open(request.uri().path()) {
        return next.run(request).await;
    }
    match in_flight.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => overloaded().into_http(),
    }
}

fn overloaded() -> Status {
    tracing::debug!("overloaded, a request is turned away");
    let mut details = ErrorDetails::with_error_info("OVERLOADED", ERROR_DOMAIN, HashMap::new());
    details.set_retry_info(Some(RETRY_DELAY));
    Status::with_error_details(Code::ResourceExhausted, "There are too many requests at once; try again soon.", details)
}
