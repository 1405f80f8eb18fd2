//! Integration tests of `payments` against real PostgreSQL and Kafka, and the sandbox provider behind real HTTP.

mod checkout;
mod indexes;
mod ledger;
mod provider;
mod rpc;
mod till;
