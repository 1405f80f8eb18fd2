//! What buyers, sellers, operators and checkouts ask of shipping: one file per use case.

pub mod buy_return_label;
pub mod dispatch_parcel;
mod error;
pub mod get_shipping_profile;
pub mod quote_shipping;
pub mod receive_return;
pub mod record_delivery;
pub mod record_failure;
pub mod record_remittance;
pub mod set_shipping_profile;
pub mod take_scans;

pub use error::Error;
