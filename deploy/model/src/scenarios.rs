//! Every scenario that is checked.

mod checkout;
mod fulfilment;

use crate::scenario::{Bounds, Purchase, Scenario};

/// Every scenario.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    checkout::SCENARIOS.iter().chain(fulfilment::SCENARIOS)
}

const NOTHING: Bounds = Bounds {
    cancels: 0,
    modifications: 0,
    splits: 0,
    refunds: 0,
    parts: 0,
    returns: 0,
    exchanges: 0,
    goodwills: 0,
    failures: 0,
    retries: 0,
    deadlines: 0,
    closings: 0,
    restocks: 0,
    last_minutes: 0,
    refusals: 0,
    silences: 0,
    repeats: 0,
    overtakings: 0,
};
const BY_CARD: Purchase = Purchase { sellers: &[1], units: 1, in_cash: false };

const IN_CASH: Purchase = Purchase { sellers: &[1], units: 1, in_cash: true };
const TWO_UNITS: Purchase = Purchase { sellers: &[1], units: 2, in_cash: false };
const TWO_UNITS_IN_CASH: Purchase = Purchase { sellers: &[1], units: 2, in_cash: true };
const TWO_SELLERS: Purchase = Purchase { sellers: &[1, 2], units: 1, in_cash: false };
