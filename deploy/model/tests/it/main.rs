//! The scenarios that are small enough for every test run, and every mutant.

mod command;

use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::Mutant;
use model::check::{explore, explore_mutant};
use model::mutants::scenario_for;
use model::scenarios;

/// A mutant breaks the whole process, so the tests take turns.
fn alone() -> MutexGuard<'static, ()> {
    static PROCESS: Mutex<()> = Mutex::new(());
    PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn every_interleaving_keeps_the_invariants_and_ends() {
    let _alone = alone();
    for scenario in scenarios::all().filter(|scenario| scenario.is_short) {
        let report = explore(scenario, 2, |_| {});
        let stories: Vec<_> = report.broken.iter().chain(&report.unexpected).map(|found| &found.story).collect();
        assert!(report.holds(), "{}: {report:?}\n{stories:#?}", scenario.name);
        assert!(report.progress.unique > 1_000, "{}: only {} states", scenario.name, report.progress.unique);
    }
}

#[test]
fn every_mutant_is_found() {
    let are_built_in = Mutant::ARE_BUILT_IN;
    assert!(are_built_in, "the mutants are not in this build: run with `--features kernel/mutants`");
    let _alone = alone();
    for mutant in Mutant::ALL {
        let report = explore_mutant(mutant, scenario_for(mutant), |_| {});
        let found = report.broken.first();
        let found = found.unwrap_or_else(|| panic!("{} is not found: {:?}", mutant.name(), report.progress));
        let expected = expected(mutant);
        assert_eq!(found.property, expected.0, "{} is found by\n{}", mutant.name(), found.story);
        assert!(found.story.contains(expected.1), "{} is told as\n{}", mutant.name(), found.story);
    }
}

/// What shows a mutant, and words that its counterexample must have.
fn expected(mutant: Mutant) -> (&'static str, &'static str) {
    const ENDS: &str = "I3: every saga ends confirmed and paid for, or fully undone";
    const IN_VAIN: &str = "I3: no parcel leaves for an order that has ended";
    const PARKED: &str = "I5: no event is parked";
    const ONCE: &str = "I1: each refund goes back once, and all of them together are at most what was taken";
    const STOCK: &str = "I2: no stock figure is below zero, and each is the sum of what orders hold and of what moved";
    match mutant {
        Mutant::NoTombstone => (ENDS, "hears OrderCancelled of A ahead of an earlier event"),
        Mutant::ReserveAfterExpiry => (ENDS, "reservation of A: Expired"),
        Mutant::CaptureBeforeCommit => ("I3: no order is charged before it is confirmed", "asked to capture A"),
        Mutant::VoidIgnoredWhileAuthorizing => (ENDS, "payment of A: authorized"),
        Mutant::InboxSkipped => (PARKED, "checkout hears OrderConfirmed of A: REFUSED"),
        Mutant::OutboxOutOfOrder => (PARKED, "publishes the last two events of A the other way round"),
        Mutant::RefundTwice => (ONCE, "the provider, of A: refund x 2"),
        Mutant::CancelWithoutStopping => (IN_VAIN, "a unit of order A leaves the warehouse"),
        Mutant::RefundWithoutStopping => (
            "I3: all of the money goes back before dispatch only if nothing has left, and then nothing will",
            "the buyer wants the money of order A back",
        ),
        Mutant::RefundWithoutCounting => (ONCE, "the seller gives back all that is left"),
        Mutant::ReleaseOnPartialRefund => {
            ("I3: no order is confirmed or paid without its stock", "inventory hears PaymentRefunded of A")
        }
        Mutant::DeliverAfterFailing => (
            "I3: what left arrived, failed or is on its way, and in the end orders say the same of it",
            "a parcel of order A does not arrive",
        ),
        Mutant::RestockWithoutSums => (STOCK, "inventory hears ReturnReceived of A"),
        Mutant::WaitAfterEnd => (
            "I3: an order that has ended does not wait for stock, once inventory has heard of it",
            "inventory hears OrderCancelled of A: ignored",
        ),
        Mutant::CaptureWhatWasAuthorized => {
            ("I1: an order is charged at most once, and no more than it costs", "the buyer keeps one unit of order A")
        }
        Mutant::ConfirmWithOlderTerms => (
            "I2: what is committed to an order that is confirmed is what is agreed",
            "orders hears InventoryCommitted of A",
        ),
        Mutant::ModifyAfterConfirmation => (
            "I2: what is committed to an order that is confirmed is what is agreed",
            "the buyer keeps one unit of order A",
        ),
        Mutant::RefundExchanged => (ONCE, "the buyer wants 1 of what order A brought exchanged"),
        Mutant::KeepExchanged => (ENDS, "payment of B: closed"),
        Mutant::ReleasePartsWithoutSums => (STOCK, "inventory hears ShipmentCancelled of A"),
        Mutant::DispatchAfterStopping => (IN_VAIN, "shipping hears OrderCancellationRequested of A"),
    }
}
