//! Closes the orders to which nothing more may happen.
//!
//! Two replicas may find the same order: the second waits for the first's lock on its row, and then the order is closed already.

use chassis::jobs::count;
use messaging::{Cause, Caused, Error, EventStore, Outcome, react};

use crate::Orders;
use crate::adapters::postgres;
use crate::domain::fact::{Fact, OrderFact};
use crate::domain::ids::OrderId;

/// The job's name.
pub const JOB: &str = "close_orders";

/// Orders in one transaction, at most.
const BATCH_MAX: i64 = 200;

/// Closes all that are due, and answers which.
pub async fn close_orders(store: &EventStore, orders: &Orders) -> Result<Vec<OrderId>, Error> {
    let mut closed = Vec::new();
    loop {
        let due = postgres::past_close_deadline(store.pool(), store.now(), BATCH_MAX).await?;
        let is_last = due.len() < BATCH_MAX as usize;
        if !due.is_empty() {
            let passed = |order_id| Caused {
                fact: Fact::Order(order_id, OrderFact::CloseDeadlinePassed),
                cause: Cause::command(format!("service:{}", store.service())),
            };
            let facts: Vec<_> = due.iter().copied().map(passed).collect();
            let mut unit = store.begin().await?;
            let outcomes = react(orders, &mut unit, &facts).await?;
            unit.commit().await?;
            let applied = due.into_iter().zip(&outcomes).filter(|(_, outcome)| **outcome == Outcome::Applied);
            closed.extend(applied.map(|(order_id, _)| order_id));
        }
        if is_last {
            break;
        }
    }
    if !closed.is_empty() {
        count(JOB, "closed", closed.len());
        tracing::info!(orders = closed.len(), "closed orders to which nothing more may happen");
    }
    Ok(closed)
}
