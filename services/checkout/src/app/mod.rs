//! What buyers ask of checkout: one file per use case.

pub mod create_quote;
mod error;
pub mod submit_checkout;
pub mod watch_checkout;

pub use error::Error;
