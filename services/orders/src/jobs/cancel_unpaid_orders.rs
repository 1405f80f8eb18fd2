//! Cancels the orders that are still unpaid past their deadline.
//!
//! Two replicas may find the same order: the second waits for the first's lock on its row, and then the order is cancelled
//! already.

use chassis::jobs::count;
use messaging::{Cause, Caused, Error, EventStore, Outcome, react};

use crate::Orders;
use crate::adapters::postgres;
use crate::domain::fact::{Fact, OrderFact};
use crate::domain::ids::OrderId;

/// The job's name.
pub const JOB: &str = "cancel_unpaid_orders";

/// Orders in one transaction, at most.
const BATCH_MAX: i64 = 200;

/// Cancels all that are due, and answers which.
pub async fn cancel_unpaid_orders(store: &EventStore, orders: &Orders) -> Result<Vec<OrderId>, Error> {
    let mut cancelled = Vec::new();
    loop {
        let due = postgres::past_unpaid_deadline(store.pool(), store.now(), BATCH_MAX).await?;
        let is_last = due.len() < BATCH_MAX as usize;
        if !due.is_empty() {
            let passed = |order_id| Caused {
                fact: Fact::Order(order_id, OrderFact::UnpaidDeadlinePassed),
                cause: Cause::command(format!("service:{}", store.service())),
            };
            let facts: Vec<_> = due.iter().copied().map(passed).collect();
            let mut unit = store.begin().await?;
            let outcomes = react(orders, &mut unit, &facts).await?;
            unit.commit().await?;
            let applied = due.into_iter().zip(&outcomes).filter(|(_, outcome)| **outcome == Outcome::Applied);
            cancelled.extend(applied.map(|(order_id, _)| order_id));
        }
        if is_last {
            break;
        }
    }
    if !cancelled.is_empty() {
        count(JOB, "cancelled", cancelled.len());
        tracing::info!(orders = cancelled.len(), "cancelled orders that are unpaid past their deadline");
    }
    Ok(cancelled)
}
