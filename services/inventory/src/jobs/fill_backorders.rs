//! Gives orders that wait what they wait for, once there is enough, and tells those that waited in vain. How long an order waits is a deadline
//! that inventory owns.

use messaging::{Error, EventStore, sweep};

use crate::Inventory;
use crate::adapters::postgres;
use crate::domain::fact::Fact;
use crate::domain::ids::OrderId;

/// Looks at every order that waits and can be given all that it wants, or has waited long enough, the oldest first, and answers how many those
/// were. One that was given it or ended meanwhile, or of which somebody took the stock, is left alone by the decision itself.
pub async fn fill_backorders(store: &EventStore, inventory: &Inventory) -> Result<usize, Error> {
    let due = |limit| postgres::backorders_due(store.pool(), store.now(), limit);
    let looked_at = sweep(store, inventory, due, |order_id: &OrderId, _| Fact::BackorderDue(*order_id)).await?.len();
    if looked_at > 0 {
        tracing::info!(orders = looked_at, "looked at orders that wait for stock");
    }
    Ok(looked_at)
}
