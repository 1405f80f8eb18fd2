//! Puts back on sale what was reserved and not paid for in time. Each reservation is a deadline that inventory owns.

use messaging::{Error, EventStore, sweep};

use crate::Inventory;
use crate::adapters::postgres;
use crate::domain::fact::Fact;
use crate::domain::ids::OrderId;

/// Expires every reservation that is past its time, and answers how many those were. A reservation that was committed,
/// released or expired meanwhile is left alone by the decision itself.
pub async fn expire_reservations(store: &EventStore, inventory: &Inventory) -> Result<usize, Error> {
    let due = |limit| postgres::due(store.pool(), store.now(), limit);
    let expired = sweep(store, inventory, due, |order_id: &OrderId, _| Fact::ReservationDue(*order_id)).await?.len();
    if expired > 0 {
        tracing::info!(reservations = expired, "expired reservations");
    }
    Ok(expired)
}
