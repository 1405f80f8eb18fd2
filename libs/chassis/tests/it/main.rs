//! The chassis against real sockets and a real PostgreSQL.

mod auth;
mod cli;
mod database;
mod idempotency;
mod jobs;
mod limits;
mod peers;
mod shop;
mod support;
