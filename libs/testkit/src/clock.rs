use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use kernel::Timestamp;
use messaging::Clock;

/// A clock that stands still until the test moves it. Clones show the same time.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// A clock that shows this instant, such as `2026-03-01T09:00:00Z`.
    pub fn at(instant: &str) -> Self {
        Self::from_timestamp(instant.parse().expect("a test writes its instants right"))
    }

    /// A clock that shows the time at which the test started.
    pub fn now() -> Self {
        Self::from_timestamp(Clock::system().now())
    }

    fn from_timestamp(instant: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(instant.unix_micros())))
    }

    /// The instant that it shows.
    pub fn shown(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.0.load(Ordering::SeqCst))
    }

    /// Shows another instant from now on.
    pub fn set(&self, instant: Timestamp) {
        self.0.store(instant.unix_micros(), Ordering::SeqCst);
    }

    /// Goes on by that much.
    pub fn advance(&self, by: Duration) {
        self.set(self.shown() + by);
    }

    /// The clock to give to what is tested.
    pub fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::from_fn(move || clock.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_given_away_follows_the_test() {
        let test_clock = TestClock::at("2026-03-01T09:00:00Z");
        let given = test_clock.clock();
        test_clock.advance(Duration::from_secs(90));
        assert_eq!(given.now(), "2026-03-01T09:01:30Z".parse().unwrap());
    }
}
