//! The edges of shipping: gRPC, events, PostgreSQL.

pub mod events;
pub mod grpc;
pub mod grpc_rates;
pub mod postgres;
mod wire_rates;
mod wire_resources;
mod wire_terms;
