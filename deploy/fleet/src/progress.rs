//! One line per step on standard error, so that standard output stays the command's own.

use std::fmt::Display;
use std::time::Instant;

/// A step that takes long enough for somebody to wonder what is going on.
#[derive(Debug)]
pub struct Step {
    subject: &'static str,
    started: Instant,
}

impl Step {
    /// Starts the watch and prints nothing yet.
    pub fn of(subject: &'static str) -> Self {
        Self { subject, started: Instant::now() }
    }

    /// Says what begins now; for the parts that take more than a few seconds.
    pub fn begins(&self, what: impl Display) {
        say(self.subject, format_args!("{what} ..."));
    }

    /// Says what was reached, and how long that took since the step was made.
    pub fn reached(&self, what: impl Display) {
        say(self.subject, format_args!("{what} ({:.1} s)", self.started.elapsed().as_secs_f64()));
    }
}

/// Prints one line about `subject`.
pub fn say(subject: &str, what: impl Display) {
    eprintln!("  {subject:<10} {what}");
}
