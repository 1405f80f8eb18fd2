//! The servers and the fleet for real: started, shopped in, disturbed and stopped.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod bench;
mod command;
mod faults;
mod flash_sale;
mod invariants;
mod kills;
mod marketplace;
mod parked;
mod reconcile;
mod servers;
mod story;
