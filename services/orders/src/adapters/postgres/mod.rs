//! Loading, saving and reading orders.

mod audit;
mod order;
mod placed_order;
pub mod reconcile;
pub mod stuck;
pub mod watch;

pub use audit::{Traces, traces_after, traces_of};
pub use order::{load, past_close_deadline, past_unpaid_deadline, save};
pub use placed_order::{PlacedOrder, find};
