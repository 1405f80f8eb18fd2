use std::collections::BTreeMap;

use kernel::{Classified, Decision, ErrorKind};
use uuid::Uuid;

/// A fact: a tap was turned, and so much came out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turned {
    pub(crate) tap_id: Uuid,
    pub(crate) amount: i64,
}

/// What became true: a meter of that tap shows a new total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flowed {
    pub(crate) tap_id: Uuid,
    pub(crate) total: i64,
}

/// An amount that the decision has a fault for: it panics.
pub(crate) const PANICS: i64 = -1;

/// The meters that a batch touches. A tap without one has never been turned.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    pub(crate) totals: BTreeMap<Uuid, i64>,
    /// What was counted, in order.
    pub(crate) readings: Vec<(Uuid, i64)>,
}

/// A meter refuses a fact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("{amount} at once is more than the {amount_max} that a meter takes")]
    TooMuch { amount: i64, amount_max: i64 },
}

impl Classified for Refused {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TooMuch { .. } => ErrorKind::FailedPrecondition,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::TooMuch { .. } => "TOO_MUCH",
        }
    }
}

pub(crate) fn on_turned(meters: &mut Meters, turned: &Turned, amount_max: i64) -> Decision<Flowed, Refused> {
    let Turned { tap_id, amount } = *turned;
    assert!(amount != PANICS, "a fault that a test asks for");
    if amount == 0 {
        return Decision::Ignored("nothing flowed");
    }
    if amount > amount_max {
        return Decision::Refused(Refused::TooMuch { amount, amount_max });
    }
    let total = meters.totals.entry(tap_id).or_default();
    *total += amount;
    let total = *total;
    meters.readings.push((tap_id, amount));
    Decision::applied(Flowed { tap_id, total })
}
