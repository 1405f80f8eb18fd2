//! Loading and saving. The caller opens the transaction and commits it.

pub mod checkout;
pub mod quote;
