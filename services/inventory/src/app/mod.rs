//! What sellers and operators ask of inventory: one file per use case.

pub mod change_stock;
pub mod create_warehouse;
pub mod dispatch_transfer;
mod error;
pub mod receive_transfer;
pub mod release_reservation;
pub mod set_stock_policy;
pub mod update_warehouse;

pub use error::Error;
