//! Deliberate faults, for showing that a proof can fail.

#[cfg(feature = "mutants")]
use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(all(feature = "mutants", not(debug_assertions)))]
compile_error!("the feature `mutants` breaks the fleet on purpose: it is for debug builds only, never for a release");

/// A way to break the code that a proof must notice. At most one is active in a process, and none unless it was built
/// with the feature `mutants` and told so; in any other build [`Mutant::is_active`] is a constant `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// An order that ends before a participant has heard of it leaves nothing behind there.
    NoTombstone,
    /// A payment that comes after the reservation has expired reserves again instead of being refused.
    ReserveAfterExpiry,
    /// The money is taken as soon as it is authorized, before the stock is committed.
    CaptureBeforeCommit,
    /// The end of an order is forgotten while the provider is being asked to authorize.
    VoidIgnoredWhileAuthorizing,
    /// A consumer takes effect of an event as often as it is delivered.
    InboxSkipped,
    /// Events of one aggregate are published in another order than they were recorded in.
    OutboxOutOfOrder,
    /// A refund is asked for under a new key each time it is asked for.
    RefundTwice,
    /// An order whose goods may leave is cancelled without asking whether they have.
    CancelWithoutStopping,
    /// A parcel leaves although its order's parcels were stopped.
    DispatchAfterStopping,
    /// The money of an order is given back without asking whether its goods have left.
    RefundWithoutStopping,
    /// A refund is granted without counting those that were asked for before.
    RefundWithoutCounting,
    /// The stock is released with every refund, also with one of a part.
    ReleaseOnPartialRefund,
    /// A parcel whose money went back because it failed is delivered all the same.
    DeliverAfterFailing,
    /// Of goods that come back, what is told is put on sale, whatever was told before.
    RestockWithoutSums,
    /// Of parts of an order that are stopped, what is told is put on sale, whatever was told before.
    ReleasePartsWithoutSums,
    /// An order that ends while it waits for stock stays in line for it.
    WaitAfterEnd,
    /// Of an order that was modified as much is taken as was authorized before.
    CaptureWhatWasAuthorized,
    /// An order is confirmed with the stock that was committed before it was modified.
    ConfirmWithOlderTerms,
    /// An order is modified although its money may have been taken.
    ModifyAfterConfirmation,
    /// What is set aside for goods that take the place of others is given back as well.
    RefundExchanged,
    /// An order that is paid by an exchange ends, and its money goes back to nobody.
    KeepExchanged,
}

impl Mutant {
    /// Every mutant.
    pub const ALL: [Self; 21] = [
        Self::NoTombstone,
        Self::ReserveAfterExpiry,
        Self::CaptureBeforeCommit,
        Self::VoidIgnoredWhileAuthorizing,
        Self::InboxSkipped,
        Self::OutboxOutOfOrder,
        Self::RefundTwice,
        Self::CancelWithoutStopping,
        Self::DispatchAfterStopping,
        Self::RefundWithoutStopping,
        Self::RefundWithoutCounting,
        Self::ReleaseOnPartialRefund,
        Self::DeliverAfterFailing,
        Self::RestockWithoutSums,
        Self::ReleasePartsWithoutSums,
        Self::WaitAfterEnd,
        Self::CaptureWhatWasAuthorized,
        Self::ConfirmWithOlderTerms,
        Self::ModifyAfterConfirmation,
        Self::RefundExchanged,
        Self::KeepExchanged,
    ];

    /// Its name on a command line, such as `no-tombstone`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoTombstone => "no-tombstone",
            Self::ReserveAfterExpiry => "reserve-after-expiry",
            Self::CaptureBeforeCommit => "capture-before-commit",
            Self::VoidIgnoredWhileAuthorizing => "void-ignored-while-authorizing",
            Self::InboxSkipped => "inbox-skipped",
            Self::OutboxOutOfOrder => "outbox-out-of-order",
            Self::RefundTwice => "refund-twice",
            Self::CancelWithoutStopping => "cancel-without-stopping",
            Self::DispatchAfterStopping => "dispatch-after-stopping",
            Self::RefundWithoutStopping => "refund-without-stopping",
            Self::RefundWithoutCounting => "refund-without-counting",
            Self::ReleaseOnPartialRefund => "release-on-partial-refund",
            Self::DeliverAfterFailing => "deliver-after-failing",
            Self::RestockWithoutSums => "restock-without-sums",
            Self::ReleasePartsWithoutSums => "release-parts-without-sums",
            Self::WaitAfterEnd => "wait-after-end",
            Self::CaptureWhatWasAuthorized => "capture-what-was-authorized",
            Self::ConfirmWithOlderTerms => "confirm-with-older-terms",
            Self::ModifyAfterConfirmation => "modify-after-confirmation",
            Self::RefundExchanged => "refund-exchanged",
            Self::KeepExchanged => "keep-exchanged",
        }
    }

    /// The mutant of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mutant| mutant.name() == name)
    }

    /// Whether this build can be broken at all: it was made with the feature `mutants`.
    pub const ARE_BUILT_IN: bool = cfg!(feature = "mutants");

    /// Whether the process is broken in this way.
    #[cfg(not(feature = "mutants"))]
    pub const fn is_active(self) -> bool {
        false
    }

    /// Whether the process is broken in this way.
    #[cfg(feature = "mutants")]
    pub fn is_active(self) -> bool {
        ACTIVE.load(Ordering::Relaxed) == self as usize + 1
    }

    /// Breaks the whole process in the way given, or mends it.
    #[cfg(feature = "mutants")]
    pub fn activate(mutant: Option<Self>) {
        ACTIVE.store(mutant.map_or(0, |mutant| mutant as usize + 1), Ordering::Relaxed);
    }

    /// Breaks the whole process in the way given, or mends it.
    ///
    /// # Panics
    /// A mutant is given: this build cannot be broken ([`Self::ARE_BUILT_IN`]).
    #[cfg(not(feature = "mutants"))]
    pub fn activate(mutant: Option<Self>) {
        assert!(mutant.is_none(), "this build has no mutants: build with `--features kernel/mutants`");
    }
}

/// One more than the number of the active mutant; 0 for none.
#[cfg(feature = "mutants")]
static ACTIVE: AtomicUsize = AtomicUsize::new(0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_found_by_its_name() {
        for mutant in Mutant::ALL {
            assert_eq!(Mutant::from_name(mutant.name()), Some(mutant));
        }
        assert_eq!(Mutant::from_name("none"), None);
    }

    #[test]
    fn nothing_is_broken_unless_asked_for() {
        assert!(Mutant::ALL.into_iter().all(|mutant| !mutant.is_active()));
    }
}
