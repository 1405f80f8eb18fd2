//! What inventory decides. Pure: no IO, no clock, no wire types.
//!
//! - [`stock`]: what is on hand, promised and committed of one SKU in one warehouse
//! - [`reservation`]: what is held for one order, and the states that it goes through
//! - [`allocation`]: what an order is given where
//! - [`strategy`]: from which warehouses an order's demand is taken
//! - [`policy`]: what a seller says of a SKU
//! - [`transfer`]: what is on its way from one warehouse to another
//! - [`warehouse`], [`address`]: where stock is kept
//! - [`fact`], [`event`], [`error`]: what comes in, what goes out, what is refused
//! - [`world`]: the aggregates that a batch of facts touches

pub mod address;
pub mod allocation;
pub mod error;
pub mod event;
pub mod fact;
pub mod ids;
pub mod policy;
pub mod reservation;
pub mod stock;
pub mod strategy;
pub mod transfer;
pub mod warehouse;
pub mod world;
