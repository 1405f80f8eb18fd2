//! The edges: RPCs, events, the database, the provider.

pub mod events;
pub mod grpc;
pub mod postgres;
pub mod providers;
