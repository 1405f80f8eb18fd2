//! What an order is and what may become of it. Pure: no IO, no clock, no wire types.

pub mod error;
pub mod event;
pub mod exchange;
pub mod fact;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod ids;
pub mod modification;
pub mod order;
pub mod policy;
pub mod reconcile;
pub mod refund;
pub mod shipping_instruction;
pub mod snapshot;
pub mod status;
pub mod stuck;
pub mod world;
