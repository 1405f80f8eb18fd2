use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderValue};
use kernel::{Classified, ErrorKind};
use tokio::time::{Instant, timeout_at};

use super::{is_streaming, streams};
use crate::status::unlogged_status;

pub(super) const GRPC_TIMEOUT: &str = "grpc-timeout";

/// We answer that much before the caller stops listening, so that the answer is heard.
const ANSWER_AHEAD: Duration = Duration::from_millis(5);

/// The wire has eight digits for a timeout.
const TIMEOUT_DIGITS_MAX: u64 = 99_999_999;

tokio::task_local! {
    /// When the request that this task serves must be answered.
    static DEADLINE: Instant;
}

/// What is left of the time that the request being served has. `None` outside of one.
pub fn time_left() -> Option<Duration> {
    DEADLINE.try_with(|deadline| deadline.saturating_duration_since(Instant::now())).ok()
}

/// How much time requests get.
#[derive(Clone, Debug)]
pub(super) struct Timeouts {
    pub(super) default: Duration,
    pub(super) max: Duration,
    pub(super) streams: streams::Ending,
}

/// Ends a request that is not answered in time. A streamed answer must start in time and may then go on until the time
/// that its caller set, if any.
pub(super) async fn enforce(State(timeouts): State<Timeouts>, request: Request, next: Next) -> Response {
    let asked = read_timeout(request.headers());
    let streaming = is_streaming(request.uri().path());
    let began = Instant::now();
    let timeout = asked.unwrap_or(timeouts.default).min(timeouts.max).saturating_sub(ANSWER_AHEAD);
    let deadline = began + timeout;
    let answer = DEADLINE.scope(deadline, next.run(request));
    match timeout_at(deadline, answer).await {
        Ok(response) if streaming => {
            let end = asked.and_then(|asked| began.checked_add(asked.saturating_sub(ANSWER_AHEAD)));
            timeouts.streams.end_at(end, response)
        }
        Ok(response) => response,
        Err(_) => unlogged_status(&DeadlineExceeded).into_http(),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("not answered in time")]
pub(super) struct DeadlineExceeded;

impl Classified for DeadlineExceeded {
    fn kind(&self) -> ErrorKind {
        ErrorKind::DeadlineExceeded
    }

    fn reason(&self) -> &'static str {
        "DEADLINE_EXCEEDED"
    }
}

/// The caller's `grpc-timeout`: up to eight digits and a unit. One that cannot be read counts as none.
fn read_timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let value: u64 = digits.parse().ok().filter(|&value| value <= TIMEOUT_DIGITS_MAX)?;
    match unit {
        "H" => Some(Duration::from_secs(value * 3600)),
        "M" => Some(Duration::from_secs(value * 60)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

/// Gives a request to another service the time that is left of ours, and never more than `max`.
pub(super) fn pass_on(headers: &mut HeaderMap, max: Duration) {
    let timeout = [read_timeout(headers), time_left()].into_iter().flatten().fold(max, Duration::min);
    let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX).min(TIMEOUT_DIGITS_MAX);
    let value = HeaderValue::try_from(format!("{millis}m")).expect("digits and a letter are a header value");
    headers.insert(GRPC_TIMEOUT, value);
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tokio_util::sync::CancellationToken;
    use tonic::{Code, Status};
    use tower::ServiceExt as _;

    use super::*;

    /// Not over a socket: a client's own timer would race with ours.
    #[tokio::test]
    async fn a_request_is_ended_before_its_caller_stops_listening() {
        let minute = Duration::from_mins(1);
        let streams = streams::Ending::new(CancellationToken::new());
        let timeouts = Timeouts { default: minute, max: minute, streams };
        let router = axum::Router::new()
            .route("/Wait", get(async || std::future::pending::<()>().await))
            .layer(from_fn_with_state(timeouts, enforce));
        let request = Request::get("/Wait").header(GRPC_TIMEOUT, "100m").body(Body::empty()).unwrap();
        let began = Instant::now();
        let response = router.oneshot(request).await.unwrap();
        assert!(began.elapsed() < minute);
        assert_eq!(Status::from_header_map(response.headers()).unwrap().code(), Code::DeadlineExceeded);
    }

    fn headers(timeout: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(GRPC_TIMEOUT), timeout.parse().unwrap())])
    }

    #[test]
    fn a_timeout_is_read_in_every_unit_of_the_wire() {
        for (text, timeout) in [
            ("2H", Duration::from_hours(2)),
            ("2M", Duration::from_mins(2)),
            ("2S", Duration::from_secs(2)),
            ("2m", Duration::from_millis(2)),
            ("2u", Duration::from_micros(2)),
            ("99999999n", Duration::from_nanos(99_999_999)),
        ] {
            assert_eq!(read_timeout(&headers(text)), Some(timeout), "{text}");
        }
    }

    #[test]
    fn a_timeout_that_cannot_be_read_counts_as_none() {
        for text in ["", "m", "5", "5x", "-5m", "123456789S", "5 S"] {
            assert_eq!(read_timeout(&headers(text)), None, "{text}");
        }
    }

    #[tokio::test]
    async fn what_is_passed_on_is_the_least_of_what_is_left_the_callers_wish_and_the_maximum() {
        let mut passed = headers("9S");
        pass_on(&mut passed, Duration::from_secs(5));
        assert_eq!(passed[GRPC_TIMEOUT], "5000m");

        let mut passed = HeaderMap::new();
        let deadline = Instant::now() + Duration::from_secs(2);
        DEADLINE.scope(deadline, async { pass_on(&mut passed, Duration::from_secs(5)) }).await;
        let left = read_timeout(&passed).unwrap();
        assert!(left <= Duration::from_secs(2) && left > Duration::from_secs(1), "{left:?}");
    }
}
