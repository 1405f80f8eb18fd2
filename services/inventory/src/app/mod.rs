//! What sellers and operators ask of inventory: one file per use case.

pub mod change_stock;
pub mod create_warehouse;
mod error;

pub use error::Error;
