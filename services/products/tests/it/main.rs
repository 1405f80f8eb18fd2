//! Products through its gRPC interface, on a real PostgreSQL and a real Kafka.

#![allow(clippy::unwrap_used, reason = "a test may give up where it stands")]

mod access;
mod create_product;
mod events;
mod prices;
mod publishing;
mod reading;
mod shop;
