use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Tries until it succeeds, fails for good, or `timeout` has passed. What a process needs at start may come up after it.
pub(crate) async fn until_reachable<T, E: Display>(
    what: &str,
    timeout: Duration,
    is_transient: impl Fn(&E) -> bool,
    attempt: impl AsyncFn() -> Result<T, E>,
) -> Result<T, E> {
    let deadline = Instant::now() + timeout;
    let mut pause = PAUSE_MIN;
    loop {
        match attempt().await {
            Err(error) if is_transient(&error) && Instant::now() + pause < deadline => {
                tracing::warn!(%error, retry_in_ms = pause.as_millis() as u64, "cannot reach {what} yet");
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
            outcome => return outcome,
        }
    }
}
