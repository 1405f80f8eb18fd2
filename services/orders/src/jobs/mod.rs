//! What orders do by themselves, every so often, and when an operator asks.

pub mod cancel_unpaid_orders;
pub mod close_orders;
pub mod detect_stuck_orders;
pub mod on_demand;
pub mod reconcile_order_state;

use std::fmt;

use crate::domain::ids::OrderId;

/// What a job did about an order, or would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The order.
    pub order_id: OrderId,
    /// What.
    pub what: String,
}

impl Done {
    fn each(order_ids: Vec<OrderId>, what: &str) -> Vec<Self> {
        order_ids.into_iter().map(|order_id| Self { order_id, what: what.to_owned() }).collect()
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "order {}: {}", self.order_id, self.what)
    }
}
