use std::fmt::Debug;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

/// How long something may take to become true on a machine that is busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

const PAUSE_MIN: Duration = Duration::from_millis(2);
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// What a probe saw: either what the test waits for, or something to be told when the deadline passes.
///
/// A `bool` and an `Option` say yes or no; a `Result` shows its error, so `Err(actual_state)` makes the better message.
pub trait Sight {
    /// What the test waits for.
    type Found;

    /// What was found, or what was seen instead.
    fn found(self) -> Result<Self::Found, String>;
}

impl Sight for bool {
    type Found = ();

    fn found(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("false".to_owned()) }
    }
}

impl<T> Sight for Option<T> {
    type Found = T;

    fn found(self) -> Result<T, String> {
        self.ok_or_else(|| "None".to_owned())
    }
}

impl<T, E: Debug> Sight for Result<T, E> {
    type Found = T;

    fn found(self) -> Result<T, String> {
        self.map_err(|seen| format!("{seen:?}"))
    }
}

/// Polls `probe` until it finds something, at most a minute. Panics with what was awaited and what was seen last.
pub async fn eventually<S: Sight>(awaited: &str, probe: impl AsyncFnMut() -> S) -> S::Found {
    eventually_within(PATIENCE, awaited, probe).await
}

/// [`eventually`] with a deadline of its own.
pub async fn eventually_within<S: Sight>(
    patience: Duration,
    awaited: &str,
    mut probe: impl AsyncFnMut() -> S,
) -> S::Found {
    let deadline = Instant::now() + patience;
    let mut pause = PAUSE_MIN;
    let mut seen = "nothing: the probe did not answer".to_owned();
    while let Ok(sight) = timeout_at(deadline, probe()).await {
        match sight.found() {
            Ok(found) => return found,
            Err(instead) => seen = instead,
        }
        if timeout_at(deadline, sleep(pause)).await.is_err() {
            break;
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
    panic!("waited {patience:?} for {awaited}; seen last: {seen}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn what_becomes_true_is_found() {
        let mut tries = 0;
        let found = eventually("the third try", async || {
            tries += 1;
            (tries == 3).then_some("third")
        });
        assert_eq!(found.await, "third");
    }

    #[tokio::test]
    #[should_panic(expected = "waited 50ms for an order that is PAID; seen last: \"CREATED\"")]
    async fn what_never_becomes_true_is_told_with_what_was_seen_last() {
        eventually_within(SHORT, "an order that is PAID", async || Err::<(), _>("CREATED")).await;
    }

    #[tokio::test]
    #[should_panic(expected = "waited 50ms for an answer; seen last: nothing")]
    async fn a_probe_that_hangs_does_not_hang_the_test() {
        eventually_within(SHORT, "an answer", async || std::future::pending::<bool>().await).await;
    }
}
