//! Puts back on sale what was reserved and not paid for in time. Each reservation is a deadline that inventory owns.

use messaging::{Cause, Caused, Error, EventStore, Outcome, react};

use crate::Inventory;
use crate::adapters::postgres;
use crate::domain::fact::Fact;

/// Reservations expired in one transaction.
const BATCH_MAX: i64 = 200;

/// Expires every reservation that is past its time, and answers how many those were. A reservation that was committed,
/// released or expired meanwhile is left alone by the decision itself.
pub async fn expire_reservations(store: &EventStore, inventory: &Inventory) -> Result<usize, Error> {
    let mut expired = 0;
    loop {
        let due = postgres::due(store.pool(), store.now(), BATCH_MAX).await?;
        if due.is_empty() {
            return Ok(expired);
        }
        let facts: Vec<_> = due
            .iter()
            .map(|order_id| Caused {
                fact: Fact::ReservationDue(*order_id),
                cause: Cause::command(format!("service:{}", store.service())),
            })
            .collect();
        let mut unit = store.begin().await?;
        let outcomes = react(inventory, &mut unit, &facts).await?;
        unit.commit().await?;
        let applied = outcomes.iter().filter(|outcome| **outcome == Outcome::Applied).count();
        // Somebody else decided all of them meanwhile. Going on could ask in a circle about what the decision leaves alone;
        // whatever is left is found by the next run.
        if applied == 0 {
            return Ok(expired);
        }
        tracing::info!(reservations = applied, "expired reservations");
        expired += applied;
    }
}
