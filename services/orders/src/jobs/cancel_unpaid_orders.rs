//! Cancels the orders that are still unpaid past their deadline.

use chassis::jobs::count;
use messaging::{Error, EventStore, sweep};

use crate::Orders;
use crate::adapters::postgres;
use crate::domain::fact::{Fact, OrderFact};
use crate::domain::ids::OrderId;

/// The job's name.
pub const JOB: &str = "cancel_unpaid_orders";

/// Cancels all that are due, and answers which.
pub async fn cancel_unpaid_orders(store: &EventStore, orders: &Orders) -> Result<Vec<OrderId>, Error> {
    let due = |limit| postgres::past_unpaid_deadline(store.pool(), store.now(), limit);
    let cancelled =
        sweep(store, orders, due, |id: &OrderId, _| Fact::Order(*id, OrderFact::UnpaidDeadlinePassed)).await?;
    if !cancelled.is_empty() {
        count(JOB, "cancelled", cancelled.len());
        tracing::info!(orders = cancelled.len(), "cancelled orders that are unpaid past their deadline");
    }
    Ok(cancelled)
}
