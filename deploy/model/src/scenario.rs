//! What is checked: who buys what, and what may go wrong how often. Each scenario is explored exhaustively within its bounds.

use std::fmt;

use crate::fleet::Fleet;
use crate::scenarios;
use crate::services::Service;
use crate::state::State;

/// A situation to explore.
#[derive(Debug)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What happens, in a line.
    pub what: &'static str,
    /// The checkouts.
    pub checkouts: &'static [Purchase],
    /// Units on hand of each seller's one SKU, the sellers from 1.
    pub stock: &'static [i64],
    /// For how many units of each SKU orders may wait together; 0 for none.
    pub backorder_limit: i64,
    /// Where it begins.
    pub begins: Begins,
    /// What may go wrong.
    pub bounds: Bounds,
    /// Whose consumers hear at once what there is for them. Checkout tells nobody anything, so when it hears makes a difference to
    /// itself alone; and while no goods leave, so it is with shipping: when others hear its answers is another matter.
    pub hear_at_once: &'static [Service],
    /// Whether warehouses and carriers do their work, unit by unit.
    pub goods_leave: bool,
    /// Ends that must be met, or the scenario shows less than it says.
    pub ends: &'static [End],
    /// Ends that must not be met: what guards against them is a second wall behind one that holds here.
    pub never: &'static [End],
    /// Whether it is small enough for every test run.
    pub is_short: bool,
}

/// Where a scenario begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// Every checkout was just submitted.
    Submitted,
    /// Nothing went wrong until the goods may leave, and everybody has heard of everything, of which nothing is told again. How an order
    /// comes so far is looked at in other scenarios.
    ReadyToLeave,
}

/// A checkout: some units of each seller's SKU.
#[derive(Clone, Copy, Debug)]
pub struct Purchase {
    /// The sellers, from 1. Each gets an order.
    pub sellers: &'static [usize],
    /// Units of each SKU.
    pub units: i64,
    /// Whether it is paid in cash on delivery.
    pub in_cash: bool,
}

/// How often what need not happen may happen in one run. In a state: how often it still may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Cancellations by buyers.
    pub cancels: u8,
    /// Times buyers take a unit away from an order.
    pub modifications: u8,
    /// Times a unit becomes an order of its own.
    pub splits: u8,
    /// Times buyers want all of their money back before anything has left.
    pub refunds: u8,
    /// Times buyers want a part of an order not to leave.
    pub parts: u8,
    /// Times buyers want to send goods back.
    pub returns: u8,
    /// Times buyers want the same again for goods that they send back.
    pub exchanges: u8,
    /// Times sellers give money back of their own accord.
    pub goodwills: u8,
    /// Parcels that do not arrive.
    pub failures: u8,
    /// Times an operator has a refund asked for again that the provider refused.
    pub retries: u8,
    /// Deadlines that pass: a reservation's or an unpaid order's.
    pub deadlines: u8,
    /// Times the job looks for orders whose return window has passed.
    pub closings: u8,
    /// Times the first seller takes a unit in.
    pub restocks: u8,
    /// Authorizations that come to be asked for in the last minute of the reservation.
    pub last_minutes: u8,
    /// Times the provider says no.
    pub refusals: u8,
    /// Calls of the provider that are left without an answer.
    pub silences: u8,
    /// Times events are delivered again, from any earlier one on: a crash between commit and offset, a rewound offset, a relay
    /// that sends again; or an answer of the provider is committed a second time.
    pub repeats: u8,
    /// Events on orders' topic that overtake an earlier one of their order on the way to inventory or payments.
    pub overtakings: u8,
}

impl Bounds {
    /// All together.
    pub fn total(&self) -> usize {
        let all = [
            self.cancels,
            self.modifications,
            self.splits,
            self.refunds,
            self.parts,
            self.returns,
            self.exchanges,
            self.goodwills,
            self.failures,
            self.retries,
            self.deadlines,
            self.closings,
            self.restocks,
            self.last_minutes,
            self.refusals,
            self.silences,
            self.repeats,
            self.overtakings,
        ];
        all.into_iter().map(usize::from).sum()
    }
}

/// A way for an order to end.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// In words.
    pub name: &'static str,
    /// Whether it is met in a state.
    pub is_met: fn(&Fleet, &State) -> bool,
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            (self.cancels, "cancellation"),
            (self.modifications, "modification"),
            (self.splits, "split"),
            (self.refunds, "refund asked for"),
            (self.parts, "part asked back"),
            (self.returns, "return asked for"),
            (self.exchanges, "exchange asked for"),
            (self.goodwills, "goodwill"),
            (self.failures, "parcel that fails"),
            (self.retries, "refund asked for again"),
            (self.deadlines, "deadline"),
            (self.closings, "end of the return window"),
            (self.restocks, "unit that comes in"),
            (self.last_minutes, "authorization in the last minute"),
            (self.refusals, "refusal by the provider"),
            (self.silences, "lost answer"),
            (self.repeats, "redelivery"),
            (self.overtakings, "overtaking"),
        ];
        let words: Vec<_> =
            all.iter().filter(|(times, _)| *times > 0).map(|(times, what)| format!("{times} x {what}")).collect();
        f.write_str(&words.join(", "))
    }
}

impl Scenario {
    /// The scenario of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        scenarios::all().find(|scenario| scenario.name == name)
    }
}
