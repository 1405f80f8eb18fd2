//! The edges of shipping: gRPC, events, PostgreSQL.

pub mod events;
pub mod grpc;
pub mod postgres;
mod wire_terms;
