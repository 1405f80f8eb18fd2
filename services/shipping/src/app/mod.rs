//! What sellers and operators ask of shipping: one file per use case.

pub mod dispatch_parcel;
mod error;
pub mod record_delivery;
pub mod record_remittance;

pub use error::Error;
