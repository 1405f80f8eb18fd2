//! Loading, saving and reading consignments and their shipments.

mod consignment;
pub mod rates;
mod shipment;

pub use consignment::{TRACKING_NUMBER_TAKEN, load, save};
pub use shipment::{Found, Parties, Whose, find, list, parties, snapshot};
