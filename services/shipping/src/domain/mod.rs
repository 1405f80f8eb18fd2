//! What is sent for an order, and what may become of it. Pure: no IO, no clock, no wire types.

pub mod address;
pub mod consignment;
pub mod contents;
pub mod error;
pub mod event;
pub mod fact;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod goods_return;
pub mod ids;
pub mod parcel;
pub mod rates;
pub mod return_label;
pub mod scan;
pub mod shipment;
pub mod world;
