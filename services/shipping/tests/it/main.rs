//! Shipping against real PostgreSQL and Kafka.
//!
//! | file | shows |
//! | --- | --- |
//! | `depot` | replicas between orders that let goods leave and those who move them, for the tests below |
//! | `order` | an order, as orders tell of it |
//! | `fulfilment` | the saga: facts in over Kafka, facts out; races, replicas, parked events |
//! | `parts` | the same of parts of an order that are stopped |
//! | `returns` | the same of goods that come back |
//! | `rpc` | every RPC through the real server, its refusals by name; one file per subject |
//! | `carrier` | labels, webhooks and questions, with the sandbox carrier beside it, on either way |
//! | `rates` | what sending costs: profiles and quotes, through the real server |
//! | `steps` | each step of a saga repeated, undone and interrupted, by the harness of `testkit` |
//! | `walls` | what the database refuses, whatever is decided |
//! | `indexes` | no statement walks a table that has grown |

#![allow(clippy::unwrap_used, reason = "a test may give up where it stands")]

mod carrier;
mod depot;
mod fulfilment;
mod indexes;
mod order;
mod parts;
mod rates;
mod returns;
mod rpc;
mod steps;
mod walls;
