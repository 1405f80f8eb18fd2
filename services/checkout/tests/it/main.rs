//! Checkout through its gRPC interface, on a real PostgreSQL and a real Kafka. The services that it asks are canned.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod desk;
mod indexes;
mod modifications;
mod outcomes;
mod peers;
mod quotes;
mod shipping;
mod steps;
mod submissions;
