//! The label by which a buyer sends goods back to one warehouse, and where the parcel is.
//!
//! ```text
//! LABEL_BOUGHT -> ON_ITS_WAY -> LOST -> ARRIVED      any step may be left out
//! ```

use kernel::Timestamp;

use super::parcel::{Carrier, TrackingNumber};

/// A label for the way back. What it brings is said by those who take it in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReturnLabel {
    /// Who carries the parcel.
    pub carrier: Carrier,
    /// The carrier's number for it.
    pub tracking_number: TrackingNumber,
    /// When it was bought.
    pub bought_at: Timestamp,
    /// Where the parcel is.
    pub status: ReturnParcelStatus,
    /// When we were told that it is there; none before the carrier has seen it.
    pub moved_at: Option<Timestamp>,
}

/// Where a parcel is that a buyer sends back. It goes one way, to a greater one; so the order in which the scans of a parcel are heard, and
/// how often, makes no difference: the greatest remains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReturnParcelStatus {
    /// The carrier has not seen it.
    LabelBought,
    /// The carrier has it.
    OnItsWay,
    /// The carrier cannot find it. It may still turn up, and arrive.
    Lost,
    /// The warehouse has it. Final.
    Arrived,
}

impl ReturnLabel {
    /// A label that was bought just now.
    pub const fn new(carrier: Carrier, tracking_number: TrackingNumber, bought_at: Timestamp) -> Self {
        Self { carrier, tracking_number, bought_at, status: ReturnParcelStatus::LabelBought, moved_at: None }
    }

    /// Whether the carrier has said how it ended.
    pub fn has_ended(&self) -> bool {
        self.status.has_ended()
    }
}

impl ReturnParcelStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::LabelBought, Self::OnItsWay, Self::Lost, Self::Arrived];

    /// Whether nothing more is expected to be heard of the parcel.
    pub const fn has_ended(self) -> bool {
        match self {
            Self::LabelBought | Self::OnItsWay => false,
            Self::Lost | Self::Arrived => true,
        }
    }

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LabelBought => "LABEL_BOUGHT",
            Self::OnItsWay => "ON_ITS_WAY",
            Self::Lost => "LOST",
            Self::Arrived => "ARRIVED",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}
