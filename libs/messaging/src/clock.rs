use std::sync::Arc;
use std::time::Duration;

use kernel::Timestamp;

/// The time. The one place that reads the wall clock, so that a test can set it and a fault can put it wrong.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Arc::new(system_time))
    }

    /// The machine's clock, put wrong by that many seconds: positive is ahead.
    pub fn skewed(offset_secs: i64) -> Self {
        let offset = Duration::from_secs(offset_secs.unsigned_abs());
        Self(Arc::new(move || if offset_secs < 0 { system_time() - offset } else { system_time() + offset }))
    }

    /// A clock that shows what `time` answers.
    pub fn from_fn(time: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(time))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
fn system_time() -> Timestamp {
    time::OffsetDateTime::now_utc().into()
}
