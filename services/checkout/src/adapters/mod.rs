//! Checkout's edges: gRPC in and out, events, PostgreSQL, the tax table.

pub mod events;
pub mod grpc;
pub mod peers;
pub mod postgres;
pub mod tax_table;
mod wire;
