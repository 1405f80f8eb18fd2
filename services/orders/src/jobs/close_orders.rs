//! Closes the orders to which nothing more may happen.
//!
//! Two replicas may find the same order: the second waits for the first's lock on its row, and then the order is closed already.

use messaging::{Cause, Caused, Error, EventStore, Outcome, react};

use crate::Orders;
use crate::adapters::postgres;
use crate::domain::fact::{Fact, OrderFact};

/// Orders in one transaction, at most.
const BATCH_MAX: i64 = 200;

/// Closes all that are due, and answers how many.
pub async fn close_orders(store: &EventStore, orders: &Orders) -> Result<usize, Error> {
    let mut closed = 0;
    loop {
        let due = postgres::past_close_deadline(store.pool(), store.now(), BATCH_MAX).await?;
        let is_last = due.len() < BATCH_MAX as usize;
        if !due.is_empty() {
            let passed = |order_id| Caused {
                fact: Fact::Order(order_id, OrderFact::CloseDeadlinePassed),
                cause: Cause::command(format!("service:{}", store.service())),
            };
            let facts: Vec<_> = due.into_iter().map(passed).collect();
            let mut unit = store.begin().await?;
            let outcomes = react(orders, &mut unit, &facts).await?;
            unit.commit().await?;
            closed += outcomes.iter().filter(|outcome| **outcome == Outcome::Applied).count();
        }
        if is_last {
            break;
        }
    }
    if closed > 0 {
        tracing::info!(orders = closed, "closed orders to which nothing more may happen");
    }
    Ok(closed)
}
