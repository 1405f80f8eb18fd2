//! The ways in which the code can be broken on purpose, each with the scenario that must show it.

use kernel::Mutant;

use crate::scenario::Scenario;

/// The scenario in which a mutant must be found.
pub fn scenario_for(mutant: Mutant) -> &'static Scenario {
    let name = match mutant {
        // As long as orders' topic keeps the order within its keys, nobody hears of an order's end before it hears of the order.
        Mutant::NoTombstone => "repartitioned",
        // Nearly every step knows what it did before. That a cash order is confirmed is the outcome that checkout waits for, and a
        // repeat of it is refused once the order is cancelled.
        Mutant::InboxSkipped => "cash",
        Mutant::RefundWithoutStopping => "money-back",
        Mutant::RefundWithoutCounting => "goodwill",
        Mutant::ReleaseOnPartialRefund | Mutant::DeliverAfterFailing | Mutant::RestockWithoutSums => "after-dispatch",
        Mutant::ReleasePartsWithoutSums => "part-back",
        Mutant::WaitAfterEnd => "backorder",
        Mutant::CaptureWhatWasAuthorized | Mutant::ConfirmWithOlderTerms | Mutant::ModifyAfterConfirmation => {
            "modification"
        }
        Mutant::RefundExchanged | Mutant::KeepExchanged => "exchange",
        Mutant::CancelWithoutStopping | Mutant::DispatchAfterStopping => "at-the-door",
        Mutant::ReserveAfterExpiry
        | Mutant::CaptureBeforeCommit
        | Mutant::VoidIgnoredWhileAuthorizing
        | Mutant::OutboxOutOfOrder
        | Mutant::RefundTwice => "card",
    };
    Scenario::named(name).expect("a scenario of that name")
}
