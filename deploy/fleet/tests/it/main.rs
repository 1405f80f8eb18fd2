//! The servers for real: PostgreSQL and Kafka are started, disturbed and stopped.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod command;
mod servers;
