//! Inventory against real PostgreSQL and Kafka.
//!
//! | file | shows |
//! | --- | --- |
//! | `marketplace` | replicas between their topics, sellers and orders, for the tests below |
//! | `checkout` | the saga: facts in over Kafka, facts out; races, replicas, parked events |
//! | `warehouses` | from which warehouse stock is taken, and that none is that is closed |
//! | `crossings` | a SKU is low, gone and back, told once for each crossing |
//! | `fulfilment` | the saga: what shipping says has left is off the stock, once |
//! | `parts` | the saga: parts that are stopped are on sale again, each once |
//! | `backorders` | orders wait in line for stock, and are given it or told that there is none |
//! | `policies` | what a seller says of a SKU: a safety stock, a limit to an order, for how long it is held |
//! | `refund` | the saga: an order whose money is given back gives its stock back, once |
//! | `returns` | what comes back is on sale again or written off, by its condition, once |
//! | `sold_out` | the last unit, and those who come after it |
//! | `rpc` | every RPC through the real server, its refusals by name; one file per subject |
//! | `steps` | each step of a saga repeated, undone and interrupted, by the harness of `testkit` |
//! | `views` | views made anew are what they were, whatever happened while they grew |
//! | `indexes` | no statement walks a table that has grown |

#![allow(clippy::unwrap_used, reason = "a test may give up where it stands")]

mod backorders;
mod checkout;
mod crossings;
mod fulfilment;
mod indexes;
mod marketplace;
mod modification;
mod parts;
mod policies;
mod refund;
mod returns;
mod rpc;
mod sold_out;
mod steps;
mod views;
mod warehouses;
