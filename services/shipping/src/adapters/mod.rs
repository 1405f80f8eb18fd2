//! The edges of shipping: gRPC, events, carriers, PostgreSQL.

pub mod carriers;
pub mod events;
pub mod grpc;
pub mod grpc_rates;
pub mod postgres;
pub mod webhooks;
mod wire_rates;
mod wire_resources;
pub mod wire_scan;
mod wire_terms;
