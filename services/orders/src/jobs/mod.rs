//! What orders do by themselves, every so often.

pub mod cancel_unpaid_orders;
pub mod close_orders;
