//! What the world outside sees, keeps and says of carts.

pub mod events;
pub mod grpc;
pub mod postgres;
pub mod products;
pub mod wire;
