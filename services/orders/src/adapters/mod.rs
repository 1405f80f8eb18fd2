//! The edges of orders: gRPC, events, PostgreSQL.

pub mod decisions;
pub mod events;
pub mod grpc;
pub mod history;
pub mod peers;
pub mod postgres;
mod wire_order;
mod wire_refund;
pub(crate) mod wire_status;
mod wire_terms;
mod wire_units;
mod wire_views;
