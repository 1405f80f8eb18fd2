//! Loading, saving and reading consignments and their shipments.

pub mod carrier;
mod consignment;
mod goods_return;
pub mod rates;
mod return_label;
mod shipment;

pub use consignment::{TRACKING_NUMBER_TAKEN, find_consignment, load, save};
pub use goods_return::{FoundReturn, find_return, returns};
pub use shipment::{Found, Parties, Whose, find, list, parties, snapshot};
