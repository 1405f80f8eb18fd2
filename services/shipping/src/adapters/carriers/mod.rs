//! Carriers: who brings parcels, sells the labels for them, and says where they are.
//!
//! A carrier is a port because there will be several of them: the sandbox stands here now, real ones over their APIs will stand beside
//! it. Whatever carrier a seller names that is not one of these is only a name: its parcels are reported by hand.

mod sandbox;

use crate::domain::address::Address;
use crate::domain::ids::WarehouseId;
use crate::domain::parcel::TrackingNumber;
use crate::domain::rates::ServiceName;
use crate::domain::scan::Scan;

pub use sandbox::Sandbox;

/// The name of the sandbox carrier, as sellers give it.
pub const SANDBOX: &str = "sandbox";

/// A carrier that can be asked.
///
/// Each question may be asked any number of times: a key has one label, and looking changes nothing. Each ends within the time that the
/// carrier was made with.
pub trait CarrierApi: Send + Sync + 'static {
    /// Buys the label of that key, for a parcel that is to be brought like that. What a service is called is the seller's: what the carrier does not
    /// know by that name it brings as it brings everything.
    fn buy_label(
        &self,
        key: &str,
        ship_to: &Address,
        service: &ServiceName,
        cash_minor: Option<i64>,
    ) -> impl Future<Output = Result<TrackingNumber, NoLabel>> + Send;

    /// Buys the label of that key, for a parcel that somebody at an address sends back to a warehouse. The carrier knows the warehouses by
    /// their ids: it is told where they are when it is hired, not with each label.
    fn buy_return_label(
        &self,
        key: &str,
        from: &Address,
        warehouse_id: WarehouseId,
    ) -> impl Future<Output = Result<TrackingNumber, NoLabel>> + Send;

    /// What was scanned of a parcel so far. An unknown one has no scans: it was not handed over, or is another's.
    fn scans(&self, tracking_number: &str) -> impl Future<Output = Result<Vec<Scan>, NoAnswer>> + Send;
}

/// Why there is no label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoLabel {
    /// The carrier does not take it there, or not like that, for the reason in its own words.
    #[error("the carrier refuses: {0}")]
    Refused(String),
    /// It gave no answer that counts: the same key may be asked for again.
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
}

/// The carrier gave no answer that counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no answer from the carrier: {0}")]
pub struct NoAnswer(pub String);
