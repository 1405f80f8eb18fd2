//! The checkout saga, seen from where it began: what became of each order.
//!
//! Nothing follows from an outcome but that a buyer can see it, so no event is ever made here. As long as an order has none, it may be modified:
//! it costs less then, and orders that are split off it are the checkout's as well. So are orders that take the place of goods that came back.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::convert::Infallible;

use kernel::{Money, Timestamp};

use crate::domain::checkout::{CheckoutOrder, Outcome};
use crate::domain::error::Refusal;
use crate::domain::fact::{Fact, News, Reason};
use crate::domain::ids::{CheckoutId, OrderId, SellerId};
use crate::domain::world::World;

type Decision = kernel::Decision<Infallible, Refusal>;

/// Decides what a fact does to an order's outcome. A checkout begins here, so one that is unknown is an error, not a fact
/// that came early.
pub fn decide(world: &mut World, fact: &Fact, now: Timestamp) -> Decision {
    let decision = on_news(world, fact, now).unwrap_or_else(Decision::Refused);
    if matches!(decision, Decision::Applied(_)) {
        world.mark_changed(fact.checkout_id, fact.order_id);
    }
    decision
}

fn on_news(world: &mut World, fact: &Fact, now: Timestamp) -> Result<Decision, Refusal> {
    let (checkout_id, order_id) = (fact.checkout_id, fact.order_id);
    Ok(match &fact.news {
        News::Another { seller_id, to_pay } => on_another_order(world, checkout_id, order_id, *seller_id, *to_pay)?,
        News::Modified { total, split_off } => on_order_modified(world, checkout_id, order_id, *total, split_off)?,
        News::Backordered => on_order_backordered(world.order(checkout_id, order_id)?, now),
        News::Confirmed => on_cash_order_confirmed(world.order(checkout_id, order_id)?, now),
        News::Paid => on_order_paid(world.order(checkout_id, order_id)?, now),
        News::Failed(reason) => on_order_failed(world.order(checkout_id, order_id)?, reason, now),
        News::Cancelled(reason) => on_order_cancelled(world.order(checkout_id, order_id)?, reason, now),
    })
}

/// There is another order: on its key this comes before all else that is told of it.
fn on_another_order(
    world: &mut World,
    checkout_id: CheckoutId,
    order_id: OrderId,
    seller_id: SellerId,
    to_pay: Money,
) -> Result<Decision, Refusal> {
    let checkout = world.checkout(checkout_id)?;
    let is_new = match checkout.orders.iter().find(|order| order.id == order_id) {
        None => true,
        // The order that it was split off came first, and did not say what this one costs.
        Some(order) if order.total.is_zero() && !to_pay.is_zero() => false,
        Some(_) => return Ok(Decision::AlreadyApplied),
    };
    checkout.total_with(to_pay).map_err(Refusal::TotalsDoNotAddUp)?;
    if is_new {
        let order = CheckoutOrder { id: order_id, seller_id, total: to_pay, outcome: Outcome::Pending };
        world.add(checkout_id, order)?;
    } else {
        world.order(checkout_id, order_id)?.total = to_pay;
    }
    Ok(Decision::noted())
}

/// An order costs less than before. What was split off it is the checkout's from now on, or the checkout would be complete with this order's
/// outcome, before the others are heard of.
fn on_order_modified(
    world: &mut World,
    checkout_id: CheckoutId,
    order_id: OrderId,
    total: Money,
    split_off: &BTreeSet<OrderId>,
) -> Result<Decision, Refusal> {
    let order = world.order(checkout_id, order_id)?.clone();
    let known: BTreeSet<OrderId> = world.checkout(checkout_id)?.orders.iter().map(|order| order.id).collect();
    let unheard_of: Vec<OrderId> = split_off.difference(&known).copied().collect();
    if total == order.total && unheard_of.is_empty() {
        return Ok(Decision::AlreadyApplied);
    }
    match order.outcome {
        Outcome::Pending | Outcome::Backordered { .. } => {}
        // Orders modifies nothing that has its outcome.
        Outcome::Confirmed { .. } | Outcome::Paid { .. } | Outcome::Failed { .. } | Outcome::Cancelled { .. } => {
            return Ok(contradicts(&order, "MODIFIED"));
        }
    }
    if !total.checked_cmp(order.total).is_ok_and(Ordering::is_le) {
        return Err(Refusal::ModifiedToMore { total: order.total, modified: total });
    }
    for id in unheard_of {
        let (seller_id, total) = (order.seller_id, Money::zero(total.currency()));
        world.add(checkout_id, CheckoutOrder { id, seller_id, total, outcome: Outcome::Pending })?;
    }
    world.order(checkout_id, order_id)?.total = total;
    Ok(Decision::noted())
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
