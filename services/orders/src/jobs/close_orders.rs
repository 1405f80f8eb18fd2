//! Closes the orders to which nothing more may happen.

use chassis::jobs::count;
use messaging::{Error, EventStore, sweep};

use crate::Orders;
use crate::adapters::postgres;
use crate::domain::fact::{Fact, OrderFact};
use crate::domain::ids::OrderId;

/// The job's name.
pub const JOB: &str = "close_orders";

/// Closes all that are due, and answers which.
pub async fn close_orders(store: &EventStore, orders: &Orders) -> Result<Vec<OrderId>, Error> {
    let due = |limit| postgres::past_close_deadline(store.pool(), store.now(), limit);
    let closed = sweep(store, orders, due, |id: &OrderId, _| Fact::Order(*id, OrderFact::CloseDeadlinePassed)).await?;
    if !closed.is_empty() {
        count(JOB, "closed", closed.len());
        tracing::info!(orders = closed.len(), "closed orders to which nothing more may happen");
    }
    Ok(closed)
}
