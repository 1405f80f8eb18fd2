//! What is handed to a carrier at once.

use kernel::{Text, Timestamp};

use super::contents::Contents;
use super::ids::ParcelId;

/// A carrier, by the name that the seller has for it.
pub type Carrier = Text<50>;
/// A carrier's number for a parcel.
pub type TrackingNumber = Text<50>;

/// A parcel. It leaves, and is delivered; what is in it never changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parcel {
    /// Its id.
    pub id: ParcelId,
    /// Who carries it.
    pub carrier: Carrier,
    /// The carrier's number for it.
    pub tracking_number: TrackingNumber,
    /// What is in it.
    pub contents: Contents,
    /// When it left.
    pub dispatched_at: Timestamp,
    /// When we were told that it was handed to its recipient; none before.
    pub delivered_at: Option<Timestamp>,
}

impl Parcel {
    /// Whether it was handed to its recipient.
    pub const fn is_delivered(&self) -> bool {
        self.delivered_at.is_some()
    }
}
