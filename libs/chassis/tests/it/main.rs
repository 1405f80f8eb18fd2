//! The chassis against real sockets and a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test may give up where it stands")]

mod auth;
mod cli;
mod database;
mod group_commit;
mod idempotency;
mod jobs;
mod limits;
mod peers;
mod shop;
mod support;
mod telemetry;
