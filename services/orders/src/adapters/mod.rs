//! The edges of orders: gRPC, events, PostgreSQL.

pub mod decisions;
pub mod events;
pub mod grpc;
pub mod history;
pub mod peers;
pub mod postgres;
mod wire_refund;
mod wire_terms;
