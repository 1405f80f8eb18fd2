//! What is checked: who buys what, and what may go wrong how often. Each scenario is explored exhaustively within its bounds.

use std::fmt;

use crate::fleet::Fleet;
use crate::saga::backorder;
use crate::saga::checkout::ends;
use crate::saga::fulfilment;
use crate::saga::refund::ends as refund;
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
    /// Times buyers want all of their money back before anything has left.
    pub refunds: u8,
    /// Times buyers want a part of an order not to leave.
    pub parts: u8,
    /// Times buyers want to send goods back.
    pub returns: u8,
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
            self.refunds,
            self.parts,
            self.returns,
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
            (self.refunds, "refund asked for"),
            (self.parts, "part asked back"),
            (self.returns, "return asked for"),
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
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }
}

const NOTHING: Bounds = Bounds {
    cancels: 0,
    refunds: 0,
    parts: 0,
    returns: 0,
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

/// Every scenario.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "card",
        what: "one order, paid by card",
        checkouts: &[BY_CARD],
        stock: &[1],
        backorder_limit: 0,
        begins: Begins::Submitted,
        bounds: Bounds { cancels: 1, deadlines: 2, last_minutes: 1, refusals: 2, silences: 1, repeats: 1, ..NOTHING },
        hear_at_once: &[Service::Shipping],
        goods_leave: false,
        ends: &[
            ends::PAID,
            ends::DECLINED,
            ends::WINDOW_CLOSED,
            ends::BY_BUYER,
            ends::UNPAID,
            ends::EXPIRED,
            ends::CAPTURE_FAILED,
            ends::VOIDED,
            ends::REFUNDED,
            ends::WITH_OPERATOR,
            ends::COMMIT_REFUSED,
        ],
        never: &[ends::TOMBSTONE, ends::FAILED_LATE],
        is_short: true,
    },
    Scenario {
        name: "backorder",
        what: "an order of two units, of which one is there and another may come",
        checkouts: &[TWO_UNITS],
        stock: &[1],
        backorder_limit: 2,
        begins: Begins::Submitted,
        bounds: Bounds { cancels: 1, deadlines: 2, restocks: 1, refusals: 1, repeats: 1, ..NOTHING },
        hear_at_once: &[Service::Shipping],
        goods_leave: false,
        ends: &[
            ends::PAID,
            ends::OUT_OF_STOCK,
            ends::BY_BUYER,
            ends::EXPIRED,
            backorder::PAID_AFTER_WAIT,
            backorder::WAITED_IN_VAIN,
            backorder::TIRED_OF_WAITING,
        ],
        never: &[ends::TOMBSTONE, ends::FAILED_LATE],
        is_short: true,
    },
    Scenario {
        name: "backorder-race",
        what: "two orders for what one is there of and another may come: one of two units, and one of one",
        checkouts: &[TWO_UNITS, BY_CARD],
        stock: &[1],
        backorder_limit: 2,
        begins: Begins::Submitted,
        bounds: Bounds { cancels: 1, deadlines: 1, restocks: 1, ..NOTHING },
        hear_at_once: &[Service::Shipping, Service::Checkout],
        goods_leave: false,
        ends: &[
            ends::PAID,
            ends::OUT_OF_STOCK,
            backorder::WAITS,
            backorder::PAID_AFTER_WAIT,
            backorder::TIRED_OF_WAITING,
        ],
        never: &[ends::BOTH_PAID],
        is_short: false,
    },
    Scenario {
        name: "card-repeats",
        what: "one order, paid by card, while events are delivered again and again",
        checkouts: &[BY_CARD],
        stock: &[1],
        backorder_limit: 0,
        begins: Begins::Submitted,
        bounds: Bounds { cancels: 1, deadlines: 2, refusals: 1, repeats: 2, ..NOTHING },
        hear_at_once: &[Service::Shipping],
        goods_leave: false,
        ends: &[ends::PAID, ends::DECLINED, ends::BY_BUYER, ends::EXPIRED, ends::CAPTURE_FAILED, ends::REFUNDED],
        never: &[ends::TOMBSTONE, ends::FAILED_LATE],
        is_short: false,
    },
    Scenario {
        name: "card-silence",
        what: "one order, paid by card, through a provider that loses many answers",
        checkouts: &[BY_CARD],
        stock: &[1],
        backorder_limit: 0,
        begins: Begins::Submitted,
        bounds: Bounds { cancels: 1, deadlines: 2, last_minutes: 1, refusals: 2, silences: 6, ..NOTHING },
        hear_at_once: &[Service::Shipping],
        goods_leave: false,
        ends: &[ends::PAID, ends::DECLINED, ends::VOIDED, ends::REFUNDED, ends::WITH_OPERATOR],
        never: &[ends::TOMBSTONE, ends::FAILED_LATE],
        is_short: false,
    },
    Scenario {
        name: "cash",
        what: "one order, paid in cash on delivery",
        checkouts: &[IN_CASH],
        stock: &[1],
        backorder_limit: 0,
        begins: Begins::Submitted,
        bounds: Bounds { cancels: 1, deadlines: 2, last_minutes: 1, repeats: 1, ..NOTHING },
        hear_at_once: &[Service::Shipping],
        goods_leave: false,
        ends: &[
            ends::CONFIRMED_IN_CASH,
            ends::WINDOW_CLOSED,
            ends::BY_BUYER,
            ends::UNPAID,
            ends::EXPIRED,
            ends::VOIDED,
            ends::COMMIT_REFUSED,
        ],
        never: &[ends::TOMBSTONE, ends::FAILED_LATE],
        is_short: true,
    },
    Scenario {
        name: "repartitioned",
        what: "one order, while orders' topic gets more partitions and so loses the order within a key",
        checkouts: &[BY_CARD],
        stock: &[1],
        backorder_limit: 0,
        begins: Begins::Submitted,
        bounds: Bounds { cancels: 1, deadlines: 2, refusals: 1, overtakings: 2, ..NOTHING },
        hear_at_once: &[Service::Shipping],
        goods_leave: false,
        ends: &[ends::PAID, ends::BY_BUYER, ends::TOMBSTONE, ends::VOIDED, ends::REFUNDED],
        never: &[],
        is_short: true,
    },
    Scenario {
        name: "last-unit",
        what: "two orders of two buyers, for one unit",
        checkouts: &[BY_CARD, BY_CARD],
        stock: &[1],
        backorder_limit: 0,
        begins: Begins::Submitted,
        bounds: Bounds { cancels: 2, deadlines: 4, refusals: 4, ..NOTHING },
        hear_at_once: &[Service::Checkout, Service::Shipping],
        goods_leave: false,
        ends: &[ends::PAID, ends::OUT_OF_STOCK, ends::DECLINED, ends::BY_BUYER, ends::EXPIRED, ends::REFUNDED],
        never: &[ends::TOMBSTONE, ends::FAILED_LATE],
        is_short: false,
    },
    Scenario {
        name: "two-sellers",
        what: "one checkout over two sellers: two orders, each with stock of its own",
        checkouts: &[TWO_SELLERS],
        stock: &[1, 1],
        backorder_limit: 0,
        begins: Begins::Submitted,
        bounds: Bounds { cancels: 2, deadlines: 2, refusals: 2, ..NOTHING },
        hear_at_once: &[Service::Checkout, Service::Shipping],
        goods_leave: false,
        ends: &[ends::BOTH_PAID, ends::DECLINED, ends::BY_BUYER, ends::CAPTURE_FAILED, ends::REFUNDED],
        never: &[ends::TOMBSTONE, ends::FAILED_LATE],
        is_short: false,
    },
    Scenario {
        name: "parcels",
        what: "one order of two units, paid by card, that leave one by one",
        checkouts: &[TWO_UNITS],
        stock: &[2],
        backorder_limit: 0,
        begins: Begins::Submitted,
        bounds: Bounds { cancels: 1, repeats: 1, ..NOTHING },
        hear_at_once: &[],
        goods_leave: true,
        ends: &[ends::PAID, ends::BY_BUYER, fulfilment::DELIVERED],
        never: &[fulfilment::NOT_STOPPED],
        is_short: true,
    },
    Scenario {
        name: "money-back",
        what: "one order of two units, paid by card, whose buyer wants the money back while they leave one by one",
        checkouts: &[TWO_UNITS],
        stock: &[2],
        backorder_limit: 0,
        begins: Begins::Submitted,
        bounds: Bounds { refunds: 2, refusals: 1, silences: 1, repeats: 1, ..NOTHING },
        hear_at_once: &[Service::Checkout],
        goods_leave: true,
        ends: &[ends::PAID, refund::REFUNDED, refund::REJECTED, refund::WITH_OPERATOR, fulfilment::DELIVERED],
        never: &[],
        is_short: true,
    },
    Scenario {
        name: "at-the-door",
        what: "one order of two units, paid in cash, that leave one by one while the buyer may change her mind",
        checkouts: &[TWO_UNITS_IN_CASH],
        stock: &[2],
        backorder_limit: 0,
        begins: Begins::Submitted,
        bounds: Bounds { cancels: 1, repeats: 1, ..NOTHING },
        hear_at_once: &[Service::Checkout],
        goods_leave: true,
        ends: &[ends::CONFIRMED_IN_CASH, ends::BY_BUYER, fulfilment::NOT_STOPPED, fulfilment::PAID_AT_THE_DOOR],
        never: &[],
        is_short: true,
    },
    Scenario {
        name: "at-the-door-late",
        what: "one order of two units, paid in cash, that leave one by one while the buyer may change her mind twice and deadlines pass",
        checkouts: &[TWO_UNITS_IN_CASH],
        stock: &[2],
        backorder_limit: 0,
        begins: Begins::Submitted,
        bounds: Bounds { cancels: 2, deadlines: 1, repeats: 1, ..NOTHING },
        hear_at_once: &[],
        goods_leave: true,
        ends: &[ends::CONFIRMED_IN_CASH, ends::BY_BUYER, fulfilment::NOT_STOPPED, fulfilment::PAID_AT_THE_DOOR],
        never: &[],
        is_short: false,
    },
    Scenario {
        name: "after-dispatch",
        what: "one order of two units, paid by card, from when they may leave one by one: a parcel fails, goods come back, and the money with them",
        checkouts: &[TWO_UNITS],
        stock: &[2],
        backorder_limit: 0,
        begins: Begins::ReadyToLeave,
        bounds: Bounds { refunds: 1, returns: 1, failures: 1, closings: 1, ..NOTHING },
        hear_at_once: &[Service::Checkout],
        goods_leave: true,
        ends: &[
            refund::REFUNDED,
            refund::ALL_BACK,
            refund::FOR_A_PARCEL,
            refund::FOR_A_RETURN,
            refund::RETURN_REJECTED,
            refund::TWO,
            fulfilment::CLOSED,
        ],
        never: &[],
        is_short: true,
    },
    Scenario {
        name: "part-back",
        what: "one order of two units, paid by card, from when they may leave one by one: the buyer wants one or both not to, a part at a time or all, and a parcel fails",
        checkouts: &[TWO_UNITS],
        stock: &[2],
        backorder_limit: 0,
        begins: Begins::ReadyToLeave,
        bounds: Bounds { refunds: 1, parts: 2, failures: 1, ..NOTHING },
        hear_at_once: &[Service::Checkout],
        goods_leave: true,
        ends: &[
            refund::REFUNDED,
            refund::PART_BACK,
            refund::IN_PARTS,
            refund::PART_AND_WHOLE,
            refund::PART_AND_PARCEL,
            refund::PART_REJECTED,
            fulfilment::DELIVERED,
        ],
        never: &[],
        is_short: true,
    },
    Scenario {
        name: "part-back-repeats",
        what: "the same as part-back, without anything that fails on its way, while the provider refuses and events are delivered again",
        checkouts: &[TWO_UNITS],
        stock: &[2],
        backorder_limit: 0,
        begins: Begins::ReadyToLeave,
        bounds: Bounds { parts: 2, refusals: 1, retries: 1, closings: 1, repeats: 1, ..NOTHING },
        hear_at_once: &[Service::Checkout],
        goods_leave: true,
        ends: &[
            refund::PART_BACK,
            refund::IN_PARTS,
            refund::PART_REJECTED,
            refund::RETRIED,
            refund::WITH_OPERATOR,
            fulfilment::CLOSED,
        ],
        never: &[],
        is_short: false,
    },
    Scenario {
        name: "goodwill",
        what: "one order of two units, paid by card, from when they may leave one by one: the money goes back in parts, and the provider refuses one",
        checkouts: &[TWO_UNITS],
        stock: &[2],
        backorder_limit: 0,
        begins: Begins::ReadyToLeave,
        bounds: Bounds { goodwills: 2, refusals: 1, retries: 1, ..NOTHING },
        hear_at_once: &[Service::Checkout],
        goods_leave: true,
        ends: &[
            fulfilment::DELIVERED,
            refund::GOODWILL,
            refund::TWO,
            refund::ALL_BACK,
            refund::RETRIED,
            refund::WITH_OPERATOR,
        ],
        never: &[],
        is_short: true,
    },
    Scenario {
        name: "refused-at-the-door",
        what: "one order of two units, paid in cash, from when they may leave one by one: parcels fail, and less is due, or nothing",
        checkouts: &[TWO_UNITS_IN_CASH],
        stock: &[2],
        backorder_limit: 0,
        begins: Begins::ReadyToLeave,
        bounds: Bounds { cancels: 1, returns: 1, failures: 2, ..NOTHING },
        hear_at_once: &[Service::Checkout],
        goods_leave: true,
        ends: &[
            ends::CONFIRMED_IN_CASH,
            ends::BY_BUYER,
            fulfilment::NOT_STOPPED,
            fulfilment::PAID_AT_THE_DOOR,
            fulfilment::LESS_AT_THE_DOOR,
            fulfilment::DELIVERY_FAILED,
            refund::FOR_A_RETURN,
        ],
        never: &[],
        is_short: true,
    },
    Scenario {
        name: "after-dispatch-late",
        what: "the same as after-dispatch, while money goes back of the seller's own accord as well",
        checkouts: &[TWO_UNITS],
        stock: &[2],
        backorder_limit: 0,
        begins: Begins::ReadyToLeave,
        bounds: Bounds { returns: 1, goodwills: 1, failures: 1, closings: 1, ..NOTHING },
        hear_at_once: &[Service::Checkout],
        goods_leave: true,
        ends: &[
            refund::ALL_BACK,
            refund::FOR_A_PARCEL,
            refund::FOR_A_RETURN,
            refund::RETURN_REJECTED,
            refund::GOODWILL,
            refund::TWO,
            fulfilment::CLOSED,
        ],
        never: &[],
        is_short: false,
    },
    Scenario {
        name: "after-dispatch-repeats",
        what: "the same as after-dispatch, without wishes: a parcel fails, while the provider refuses and events are delivered again",
        checkouts: &[TWO_UNITS],
        stock: &[2],
        backorder_limit: 0,
        begins: Begins::ReadyToLeave,
        bounds: Bounds { failures: 1, refusals: 1, retries: 1, repeats: 1, ..NOTHING },
        hear_at_once: &[Service::Checkout],
        goods_leave: true,
        ends: &[refund::FOR_A_PARCEL, refund::RETRIED, refund::WITH_OPERATOR],
        never: &[],
        is_short: false,
    },
];
