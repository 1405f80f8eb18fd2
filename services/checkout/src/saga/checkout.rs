//! The checkout saga, seen from where it began: what became of each order.
//!
//! Nothing follows from an outcome but that a buyer can see it, so no event is ever made here.

use std::convert::Infallible;

use kernel::Timestamp;

use crate::domain::checkout::{CheckoutOrder, Outcome};
use crate::domain::error::Refusal;
use crate::domain::fact::{Fact, News, Reason};
use crate::domain::world::World;

type Decision = kernel::Decision<Infallible, Refusal>;

/// Decides what a fact does to an order's outcome. A checkout begins here, so one that is unknown is an error, not a fact
/// that came early.
pub fn decide(world: &mut World, fact: &Fact, now: Timestamp) -> Decision {
    let order = match world.order(fact.checkout_id, fact.order_id) {
        Ok(order) => order,
        Err(refusal) => return Decision::Refused(refusal),
    };
    let decision = match &fact.news {
        News::Backordered => on_order_backordered(order, now),
        News::Confirmed => on_cash_order_confirmed(order, now),
        News::Paid => on_order_paid(order, now),
        News::Failed(reason) => on_order_failed(order, reason, now),
        News::Cancelled(reason) => on_order_cancelled(order, reason, now),
    };
    if matches!(decision, Decision::Applied(_)) {
        world.mark_changed(fact.checkout_id, fact.order_id);
    }
    decision
}

fn on_order_backordered(order: &mut CheckoutOrder, at: Timestamp) -> Decision {
    match order.outcome {
        Outcome::Pending => becomes(order, Outcome::Backordered { at }),
        Outcome::Backordered { .. } => Decision::AlreadyApplied,
        Outcome::Confirmed { .. } | Outcome::Paid { .. } | Outcome::Failed { .. } | Outcome::Cancelled { .. } => {
            Decision::Ignored("the order waited, and more became of it")
        }
    }
}

fn on_cash_order_confirmed(order: &mut CheckoutOrder, at: Timestamp) -> Decision {
    match order.outcome {
        Outcome::Pending | Outcome::Backordered { .. } => becomes(order, Outcome::Confirmed { at }),
        Outcome::Confirmed { .. } => Decision::AlreadyApplied,
        Outcome::Paid { .. } => Decision::Ignored("the order was confirmed, and then paid"),
        Outcome::Failed { .. } | Outcome::Cancelled { .. } => contradicts(order, "CONFIRMED"),
    }
}

fn on_order_paid(order: &mut CheckoutOrder, at: Timestamp) -> Decision {
    match order.outcome {
        Outcome::Pending | Outcome::Backordered { .. } | Outcome::Confirmed { .. } => {
            becomes(order, Outcome::Paid { at })
        }
        Outcome::Paid { .. } => Decision::AlreadyApplied,
        Outcome::Failed { .. } | Outcome::Cancelled { .. } => contradicts(order, "PAID"),
    }
}

fn on_order_failed(order: &mut CheckoutOrder, reason: &Reason, at: Timestamp) -> Decision {
    match order.outcome {
        Outcome::Pending | Outcome::Backordered { .. } => {
            becomes(order, Outcome::Failed { reason: reason.clone(), at })
        }
        Outcome::Failed { .. } => Decision::AlreadyApplied,
        Outcome::Confirmed { .. } | Outcome::Paid { .. } | Outcome::Cancelled { .. } => contradicts(order, "FAILED"),
    }
}

fn on_order_cancelled(order: &mut CheckoutOrder, reason: &Reason, at: Timestamp) -> Decision {
    match order.outcome {
        Outcome::Pending | Outcome::Backordered { .. } | Outcome::Confirmed { .. } => {
            becomes(order, Outcome::Cancelled { reason: reason.clone(), at })
        }
        Outcome::Cancelled { .. } => Decision::AlreadyApplied,
        Outcome::Paid { .. } | Outcome::Failed { .. } => contradicts(order, "CANCELLED"),
    }
}

fn becomes(order: &mut CheckoutOrder, outcome: Outcome) -> Decision {
    order.outcome = outcome;
    Decision::noted()
}

fn contradicts(order: &CheckoutOrder, news: &'static str) -> Decision {
    Decision::Refused(Refusal::OutcomeContradicted { outcome: order.outcome.name(), news })
}

#[cfg(test)]
mod tests;
