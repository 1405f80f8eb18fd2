//! Scans as the sandbox carrier writes them, in webhooks and in its answers.

use serde::Deserialize;

use crate::domain::scan::Scan;

/// One scan.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct WireScan {
    kind: WireKind,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireKind {
    Accepted,
    InTransit,
    Delivered,
    Lost,
    Refused,
    Returned,
}

/// The body of a webhook.
#[derive(Clone, Debug, Deserialize)]
pub struct ScanTold {
    /// The carrier's number for the parcel.
    pub tracking_number: String,
    scan: WireScan,
}

impl ScanTold {
    /// Reads the body of a webhook.
    ///
    /// # Errors
    /// It is none: why, for an operator.
    pub fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }

    /// What was seen.
    pub fn scan(&self) -> Scan {
        self.scan.into()
    }
}

impl From<WireScan> for Scan {
    fn from(scan: WireScan) -> Self {
        match scan.kind {
            WireKind::Accepted => Self::Accepted,
            WireKind::InTransit => Self::InTransit,
            WireKind::Delivered => Self::Delivered,
            WireKind::Lost => Self::Lost,
            WireKind::Refused => Self::Refused,
            WireKind::Returned => Self::Returned,
        }
    }
}
