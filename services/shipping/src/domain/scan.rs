//! What a carrier sees of a parcel, and what that means to us.

use super::parcel::ParcelFailure;
use super::return_label::ReturnParcelStatus;

/// What a carrier saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scan {
    /// It took the parcel over.
    Accepted,
    /// The parcel is between two places.
    InTransit,
    /// Its recipient has it.
    Delivered,
    /// It is nowhere to be found.
    Lost,
    /// Its recipient did not take it.
    Refused,
    /// It goes back to its sender.
    Returned,
}

/// How a parcel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Its recipient has it.
    Delivered,
    /// Its recipient will not have it.
    Failed(ParcelFailure),
}

impl Scan {
    /// How a parcel to a buyer ended by this scan; none if it goes on. So the order in which the scans of a parcel are heard, and how often,
    /// makes no difference: one of them ends it.
    pub const fn ending(self) -> Option<Ending> {
        match self {
            Self::Accepted | Self::InTransit => None,
            Self::Delivered => Some(Ending::Delivered),
            Self::Lost => Some(Ending::Failed(ParcelFailure::Lost)),
            Self::Refused => Some(Ending::Failed(ParcelFailure::Refused)),
            Self::Returned => Some(Ending::Failed(ParcelFailure::ReturnedToSender)),
        }
    }

    /// How far a parcel is that a buyer sends back, at least. A warehouse refuses nothing: a carrier that says so has the parcel.
    pub const fn on_the_way_back(self) -> ReturnParcelStatus {
        match self {
            Self::Accepted | Self::InTransit | Self::Refused | Self::Returned => ReturnParcelStatus::OnItsWay,
            Self::Lost => ReturnParcelStatus::Lost,
            Self::Delivered => ReturnParcelStatus::Arrived,
        }
    }
}
