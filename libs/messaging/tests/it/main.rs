//! Messaging against real PostgreSQL and real Kafka.
//!
//! | file | shows |
//! | --- | --- |
//! | `meter` | the smallest participant, with the layout of a service |
//! | `rig` | two services and the broker between them, for the tests below |
//! | `again` | an event that is sent once more |
//! | `relay` | published at least once, whoever dies when; what cannot be published |
//! | `order` | versions of an aggregate arrive in order and without a gap |
//! | `consumer` | took effect once, whoever dies when; types that nobody asked for |
//! | `rebalance` | a partition that changes hands in the middle of a batch |
//! | `failure` | passing failures, and batches that fail as a whole |
//! | `parking` | poison, its followers and its bystanders; the announcement |
//! | `projector` | views need no inbox |
//! | `listing` | what an operator sees of parked events |
//! | `retry` | what an operator does about parked events |
//! | `history` | the journal's hash chain; the trace of a journey |
//! | `transaction` | a caller who gives up |
//! | `schema` | what the tables promise |
//! | `sweep` | a deadline that passes for many, and ends |
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod again;
mod consumer;
mod failure;
mod history;
mod listing;
mod meter;
mod order;
mod parking;
mod projector;
mod rebalance;
mod relay;
mod retry;
mod rig;
mod schema;
mod sweep;
mod transaction;
