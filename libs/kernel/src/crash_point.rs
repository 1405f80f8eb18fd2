//! Places at which a process can be told to die, for showing that a crash there harms nothing.

#[cfg(feature = "mutants")]
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// A place at which a crash is hardest to get right: something was done, and what would remember it was not. A process dies
/// there if it was built with the feature `mutants` and told so; in any other build [`CrashPoint::pass`] does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashPoint {
    /// A consumer has committed a batch and not stored its offsets: it is delivered again.
    AfterCommitBeforeOffset,
    /// A relay has had events acknowledged and not deleted their rows: they are sent again.
    AfterProduceBeforeDelete,
    /// The provider has answered, and the answer is not committed: it is asked again.
    AfterAnswerBeforeCommit,
}

impl CrashPoint {
    /// Every crash point.
    pub const ALL: [Self; 3] =
        [Self::AfterCommitBeforeOffset, Self::AfterProduceBeforeDelete, Self::AfterAnswerBeforeCommit];

    /// Its name on a command line, such as `after-commit-before-offset`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AfterCommitBeforeOffset => "after-commit-before-offset",
            Self::AfterProduceBeforeDelete => "after-produce-before-delete",
            Self::AfterAnswerBeforeCommit => "after-answer-before-commit",
        }
    }

    /// The crash point of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|point| point.name() == name)
    }

    /// The code passes here. The process aborts if it is the pass that it was told to die at.
    #[cfg(not(feature = "mutants"))]
    pub const fn pass(self) {}

    /// The code passes here. The process aborts if it is the pass that it was told to die at.
    #[cfg(feature = "mutants")]
    pub fn pass(self) {
        if ARMED.load(Ordering::Relaxed) == self as usize + 1 && PASSES_LEFT.fetch_sub(1, Ordering::Relaxed) == 1 {
            std::process::abort();
        }
    }

    /// Has the process die when it passes here for the `pass`th time, from 1.
    #[cfg(feature = "mutants")]
    pub fn arm(self, pass: u32) {
        PASSES_LEFT.store(pass, Ordering::Relaxed);
        ARMED.store(self as usize + 1, Ordering::Relaxed);
    }

    /// Has the process die when it passes here for the `pass`th time, from 1.
    ///
    /// # Panics
    /// Always: this build does not die when told to ([`Mutant::ARE_BUILT_IN`](crate::Mutant::ARE_BUILT_IN)).
    #[cfg(not(feature = "mutants"))]
    pub fn arm(self, _pass: u32) {
        panic!("this build has no crash points: build with `--features kernel/mutants`");
    }
}

/// One more than the number of the armed crash point; 0 for none.
#[cfg(feature = "mutants")]
static ARMED: AtomicUsize = AtomicUsize::new(0);

/// The pass at which the process dies, counted down.
#[cfg(feature = "mutants")]
static PASSES_LEFT: AtomicU32 = AtomicU32::new(0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_point_is_found_by_its_name() {
        for point in CrashPoint::ALL {
            assert_eq!(CrashPoint::from_name(point.name()), Some(point));
        }
        assert_eq!(CrashPoint::from_name("anywhere"), None);
    }

    #[test]
    fn nobody_dies_unless_told_to() {
        CrashPoint::ALL.into_iter().for_each(CrashPoint::pass);
    }
}
