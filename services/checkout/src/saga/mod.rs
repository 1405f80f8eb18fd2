//! What checkout does when it hears of an event, by saga.

pub mod checkout;
