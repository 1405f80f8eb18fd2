//! What is handed to a carrier at once.

use kernel::{Text, Timestamp};

use super::contents::Contents;
use super::ids::ParcelId;

/// A carrier, by the name that the seller has for it.
pub type Carrier = Text<50>;
/// A carrier's number for a parcel.
pub type TrackingNumber = Text<50>;

/// A parcel. It leaves, and is delivered or fails; what is in it never changes.
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
    /// Where it is.
    pub state: ParcelState,
}

/// Where a parcel is. It goes one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParcelState {
    /// The carrier has it.
    Dispatched,
    /// Its recipient has it. Final.
    Delivered {
        /// When we were told.
        at: Timestamp,
    },
    /// Its recipient will not have it. Final.
    Failed {
        /// Why.
        failure: ParcelFailure,
        /// When we were told.
        at: Timestamp,
    },
}

/// Why a parcel did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParcelFailure {
    /// The carrier cannot find it.
    Lost,
    /// Its recipient did not take it.
    Refused,
    /// It could not be delivered.
    ReturnedToSender,
}

impl Parcel {
    /// Whether it was handed to its recipient.
    pub const fn is_delivered(&self) -> bool {
        matches!(self.state, ParcelState::Delivered { .. })
    }

    /// Whether its recipient will not have it.
    pub const fn has_failed(&self) -> bool {
        matches!(self.state, ParcelState::Failed { .. })
    }

    /// Whether nothing more is heard of it.
    pub const fn has_ended(&self) -> bool {
        self.is_delivered() || self.has_failed()
    }
}

impl ParcelFailure {
    /// Every failure.
    pub const ALL: [Self; 3] = [Self::Lost, Self::Refused, Self::ReturnedToSender];

    /// Whether the goods come back.
    pub const fn comes_back(self) -> bool {
        match self {
            Self::Lost => false,
            Self::Refused | Self::ReturnedToSender => true,
        }
    }

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "LOST",
            Self::Refused => "REFUSED",
            Self::ReturnedToSender => "RETURNED_TO_SENDER",
        }
    }

    /// The failure of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.as_str() == name)
    }
}
