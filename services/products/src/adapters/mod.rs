//! What the world outside sees and keeps of this service.

pub mod events;
pub mod grpc;
pub mod postgres;
pub mod wire;
