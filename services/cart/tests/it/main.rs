//! Cart through its gRPC interface, on a real PostgreSQL and a real Kafka.

#![allow(clippy::unwrap_used, reason = "a test may give up where it stands")]

mod access;
mod catalogue;
mod create_cart;
mod events;
mod lines;
mod products_down;
mod store;
