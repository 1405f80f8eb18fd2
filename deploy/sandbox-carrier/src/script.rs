//! What becomes of a parcel, by a line of its address: which scans, in which order, and what is told of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a test address makes the carrier behave: the address line `sandbox:<name>`. Without one a parcel is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// `delivered`: accepted, on its way, handed to its recipient.
    Delivered,
    /// `lost`: the carrier cannot find it any more.
    Lost,
    /// `refused`: its recipient does not take it.
    Refused,
    /// `returned`: it cannot be delivered, and goes back to its sender.
    Returned,
    /// `shuffled`: delivered, and told of in the wrong order, the last scan first.
    Shuffled,
    /// `repeated`: delivered, and each scan is told three times.
    Repeated,
    /// `silent`: delivered, and nobody is told; the carrier says so when it is asked.
    Silent,
    /// `return-lost`: delivered; what is sent back from there is lost.
    ReturnLost,
    /// `no-returns`: delivered; nothing is taken back from there.
    NoReturns,
}

/// What a carrier sees of a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanKind {
    /// Taken over.
    Accepted,
    /// Between two places.
    InTransit,
    /// Handed to its recipient, and paid for if it was to be.
    Delivered,
    /// Nowhere to be found. Final.
    Lost,
    /// Not taken by its recipient. Final.
    Refused,
    /// On its way back to its sender. Final.
    Returned,
}

/// One scan of a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// 1 for the parcel's first scan, 2 for its second and so on.
    pub number: u32,
    /// What was seen.
    pub kind: ScanKind,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
}

impl Script {
    /// The script that an address asks for.
    ///
    /// # Errors
    /// It asks for one that there is not: the name.
    pub fn of_address(lines: &[String]) -> Result<Self, String> {
        let Some(name) = lines.iter().find_map(|line| line.trim().strip_prefix("sandbox:")) else {
            return Ok(Self::Delivered);
        };
        match name.trim() {
            "delivered" => Ok(Self::Delivered),
            "lost" => Ok(Self::Lost),
            "refused" => Ok(Self::Refused),
            "returned" => Ok(Self::Returned),
            "shuffled" => Ok(Self::Shuffled),
            "repeated" => Ok(Self::Repeated),
            "silent" => Ok(Self::Silent),
            "return-lost" => Ok(Self::ReturnLost),
            "no-returns" => Ok(Self::NoReturns),
            other => Err(other.to_owned()),
        }
    }

    /// What becomes of a parcel that is sent back from that address; none if none is taken. A warehouse refuses nothing, and can be found.
    pub const fn way_back(self) -> Option<Self> {
        match self {
            Self::Delivered | Self::Refused | Self::Returned => Some(Self::Delivered),
            Self::Lost | Self::ReturnLost => Some(Self::Lost),
            Self::Shuffled | Self::Repeated | Self::Silent => Some(self),
            Self::NoReturns => None,
        }
    }

    /// What is scanned of a parcel, each after so many paces from its handover.
    const fn plan(self) -> [(u32, ScanKind); 3] {
        let end = match self {
            Self::Delivered | Self::Shuffled | Self::Repeated | Self::Silent | Self::ReturnLost | Self::NoReturns => {
                (2, ScanKind::Delivered)
            }
            Self::Lost => (3, ScanKind::Lost),
            Self::Refused => (2, ScanKind::Refused),
            Self::Returned => (3, ScanKind::Returned),
        };
        [(0, ScanKind::Accepted), (1, ScanKind::InTransit), end]
    }

    /// All scans of a parcel that was handed over at `handover_ms`, the first first.
    pub fn scans(self, handover_ms: u64, pace: Duration) -> Vec<Scan> {
        let after = |paces: u32| u64::try_from((pace * paces).as_millis()).unwrap_or(u64::MAX);
        let scan = |(number, (paces, kind)): (u32, (u32, ScanKind))| Scan {
            number,
            kind,
            at_ms: handover_ms.saturating_add(after(paces)),
        };
        (1..).zip(self.plan()).map(scan).collect()
    }

    /// What is told by webhook, in the order in which it is told and not before the time of the scan before it.
    pub fn told(self, scans: &[Scan]) -> Vec<Scan> {
        match self {
            Self::Delivered | Self::Lost | Self::Refused | Self::Returned | Self::ReturnLost | Self::NoReturns => {
                scans.to_vec()
            }
            Self::Shuffled => scans.iter().rev().copied().collect(),
            Self::Repeated => scans.iter().flat_map(|scan| [*scan; 3]).collect(),
            Self::Silent => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Script, String> {
        Script::of_address(&["1 Main Street".to_owned(), line.to_owned()])
    }

    #[test]
    fn an_address_chooses_what_becomes_of_the_parcel() {
        assert_eq!(of("Flat 2"), Ok(Script::Delivered));
        assert_eq!(of("sandbox:lost"), Ok(Script::Lost));
        assert_eq!(of(" sandbox: refused "), Ok(Script::Refused));
        assert_eq!(of("sandbox:eaten"), Err("eaten".to_owned()));
    }

    #[test]
    fn an_address_chooses_what_becomes_of_what_is_sent_back_from_there() {
        let back = |line: &str| of(line).unwrap().way_back();
        assert_eq!(back("Flat 2"), Some(Script::Delivered));
        assert_eq!(back("sandbox:refused"), Some(Script::Delivered));
        assert_eq!((back("sandbox:lost"), back("sandbox:return-lost")), (Some(Script::Lost), Some(Script::Lost)));
        assert_eq!(back("sandbox:shuffled"), Some(Script::Shuffled));
        assert_eq!(back("sandbox:no-returns"), None);
        // On the way there both are delivered.
        for line in ["sandbox:return-lost", "sandbox:no-returns"] {
            assert_eq!(of(line).unwrap().plan(), Script::Delivered.plan());
        }
    }

    #[test]
    fn scans_follow_from_the_handover_and_the_pace_alone() {
        let scans = Script::Lost.scans(1_000, Duration::from_millis(100));
        let seen: Vec<_> = scans.iter().map(|scan| (scan.number, scan.kind, scan.at_ms)).collect();
        let expected = [(1, ScanKind::Accepted, 1_000), (2, ScanKind::InTransit, 1_100), (3, ScanKind::Lost, 1_300)];
        assert_eq!(seen, expected);
    }

    #[test]
    fn what_is_told_is_what_was_scanned_in_another_order_or_number_or_not_at_all() {
        let told = |script: Script| -> Vec<u32> {
            script.told(&script.scans(0, Duration::ZERO)).iter().map(|scan| scan.number).collect()
        };
        assert_eq!(told(Script::Returned), [1, 2, 3]);
        assert_eq!(told(Script::Shuffled), [3, 2, 1]);
        assert_eq!(told(Script::Repeated), [1, 1, 1, 2, 2, 2, 3, 3, 3]);
        assert_eq!(told(Script::Silent), [0; 0]);
    }
}
