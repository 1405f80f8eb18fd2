//! A client that does not give up at the first failure, as a good one does not: what may pass is tried again, under the same
//! request id where there is one.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::time::{sleep, timeout};
use tonic::{Code, Status};

/// How long one answer is waited for.
const ANSWER_MAX: Duration = Duration::from_secs(4);
/// How long it is tried.
const PATIENCE: Duration = Duration::from_secs(90);
/// The pause between two tries is anything in between.
const PAUSE_MILLIS: std::ops::Range<u64> = 20..200;

/// Tries until there is an answer that counts, or patience ends; then says why. `failed` is told of every failure by its code.
pub async fn persist<T, F>(failed: impl Fn(Code), attempt: impl Fn() -> F) -> Result<T, String>
where
    F: Future<Output = Result<T>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        let why = match timeout(ANSWER_MAX, attempt()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => {
                let code = error.downcast_ref::<Status>().map_or(Code::Unknown, Status::code);
                failed(code);
                if !may_pass(code) {
                    return Err(format!("{error:#}"));
                }
                format!("{error:#}")
            }
            Err(_) => format!("no answer within {} s", ANSWER_MAX.as_secs()),
        };
        if Instant::now() > deadline {
            return Err(format!("gave up after {} s: {why}", PATIENCE.as_secs()));
        }
        sleep(Duration::from_millis(rand::random_range(PAUSE_MILLIS))).await;
    }
}

/// For what exists a moment after it was acknowledged: that it is not found may pass.
pub fn perhaps_not_there_yet(status: Status) -> Status {
    match status.code() {
        Code::NotFound => Status::unavailable("not there yet"),
        _ => status,
    }
}

/// Whether the same request may well be answered otherwise the next time.
fn may_pass(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::Aborted
            | Code::ResourceExhausted
            | Code::Unknown
            | Code::Internal
    )
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn what_may_pass_is_tried_again_and_what_may_not_is_told() {
        for (code, tries) in [(Code::Unavailable, 3), (Code::Internal, 3), (Code::FailedPrecondition, 1)] {
            let (tried, failures) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let attempt = || async {
                let is_last = tried.fetch_add(1, Ordering::Relaxed) == 2;
                if is_last { Ok(()) } else { Err(Status::new(code, "no").into()) }
            };
            let count = |_| {
                failures.fetch_add(1, Ordering::Relaxed);
            };
            let answer = persist(count, attempt).await;
            assert_eq!((answer.is_ok(), tried.load(Ordering::Relaxed)), (tries == 3, tries));
            assert_eq!(failures.load(Ordering::Relaxed), tries.min(2));
        }
    }
}
