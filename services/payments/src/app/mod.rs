//! What may be asked for about a payment, one file each. Everything else follows from facts.

mod error;
pub mod retry_refund;
pub mod undo_payment;

pub use error::Error;
