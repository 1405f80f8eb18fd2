//! Integration tests of `orders` against real PostgreSQL and Kafka.

#![allow(clippy::unwrap_used, reason = "a test may give up where it stands")]

mod back_office;
mod checkout;
mod close;
mod deadline;
mod exchange;
mod fulfilment;
mod indexes;
mod others;
mod parts;
mod reconcile;
mod refund;
mod rpc;
mod steps;
mod stuck;
mod verify_history;
mod views;
