//! Inventory's edges: gRPC, events, PostgreSQL.

pub mod events;
pub mod grpc;
pub mod postgres;
