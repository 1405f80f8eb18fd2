//! Payments against real PostgreSQL and Kafka, and the sandbox provider behind real HTTP.
//!
//! | file | shows |
//! | --- | --- |
//! | `till` | replicas between their topics and a provider, orders, and what was really charged, for the tests below |
//! | `checkout` | the saga: facts in over Kafka, facts out; what is parked |
//! | `fulfilment` | the saga: cash that carriers pass on, money that becomes the seller's, and what is parked of it |
//! | `refund` | the saga: refunds that orders approves, what the provider refuses of them, and what is parked of it |
//! | `exchange` | the saga: what is set aside of an order, pays for another, and goes back if that is not to be |
//! | `deadline` | authorizations that grew too old |
//! | `provider` | lost answers, outages, kills, replicas, refusals to give back |
//! | `ledger` | what the database refuses, whatever the domain decides |
//! | `rpc` | every RPC through the real server, its refusals by name |
//! | `steps` | each step of a saga repeated, undone and interrupted, by the harness of `testkit` |
//! | `indexes` | no statement walks a table that has grown |

#![allow(clippy::unwrap_used, reason = "a test may give up where it stands")]

mod checkout;
mod deadline;
mod exchange;
mod fulfilment;
mod indexes;
mod ledger;
mod provider;
mod refund;
mod rpc;
mod steps;
mod till;
