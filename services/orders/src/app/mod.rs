//! What callers and operators ask of orders: one file per use case, and `command` for what those of one order share.

pub mod cancel_order;
mod command;
mod error;
pub mod modify_order;
pub mod request_refund;
pub mod split_order;
pub mod verify_history;

pub use error::Error;
