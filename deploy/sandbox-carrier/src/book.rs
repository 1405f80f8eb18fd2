//! The carrier's book: its labels and parcels, kept in a file where one is given, and what is asked of them. No HTTP here.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::script::{Scan, Script};

const KEY_BYTES_MAX: usize = 200;

/// A label that is asked for. The key is the caller's: the same key has the same label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRequest {
    /// The caller's key, 1 to 200 bytes.
    pub key: String,
    /// Where the parcel goes, or where it is sent back from, line by line; at least one. The line `sandbox:<name>` chooses what becomes of it.
    pub address_lines: Vec<String>,
    /// How it is to be brought, such as "express".
    #[serde(default)]
    pub service: Option<String>,
    /// What is to be collected at the door, in minor units; none for a parcel that is paid for.
    #[serde(default)]
    pub cash_minor: Option<i64>,
    /// Of what is sent back, the warehouse that it goes to, as the caller names it; none for a parcel to the address.
    #[serde(default)]
    pub return_to: Option<String>,
}

/// A label, as it is sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The number that the parcel is known by from now on.
    pub tracking_number: String,
}

/// A label that was sold, as the carrier's books have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoldLabel {
    /// Its number.
    pub tracking_number: String,
    /// The key that it was asked for by.
    pub key: String,
    /// The warehouse that it leads back to, if it does.
    pub return_to: Option<String>,
}

/// A parcel, as the carrier knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Its number.
    pub tracking_number: String,
    /// How it is to be brought, as its label says.
    pub service: Option<String>,
    /// The warehouse that it is sent back to, if it is.
    pub return_to: Option<String>,
    /// What was scanned so far, the first first.
    pub scans: Vec<Scan>,
}

/// Why the carrier does not do what it is asked for.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The request is at fault, for that reason.
    Invalid(String),
    /// The key was used for something else.
    Conflict,
    /// No label has that number.
    Unknown,
    /// It cannot remember.
    Storage(std::io::Error),
}

/// An entry of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
enum Entry {
    Label { tracking_number: String, request: LabelRequest },
    Handover { tracking_number: String, at_ms: u64 },
}

/// The carrier. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Carrier {
    pace: Duration,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    file: Option<File>,
    by_key: HashMap<String, String>,
    parcels: HashMap<String, Kept>,
}

#[derive(Debug)]
struct Kept {
    request: LabelRequest,
    script: Script,
    handover_ms: Option<u64>,
}

impl Carrier {
    /// A carrier that takes `pace` for each step, and remembers in `state`, if a file is given.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds something else.
    pub fn open(pace: Duration, state: Option<&Path>) -> anyhow::Result<Self> {
        let mut inner = Inner::default();
        if let Some(path) = state {
            let text = match std::fs::read_to_string(path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
                read => read.with_context(|| format!("cannot read {}", path.display()))?,
            };
            // A last line without an end was cut off by a crash, so nobody was answered: it is dropped.
            let whole_bytes = text.rfind('\n').map_or(0, |end| end + 1);
            for (index, line) in text[..whole_bytes].lines().enumerate() {
                let entry = serde_json::from_str(line);
                inner.enter(entry.with_context(|| format!("line {} of {}", index + 1, path.display()))?);
            }
            let file = OpenOptions::new().create(true).append(true).open(path)?;
            file.set_len(whole_bytes as u64)?;
            inner.file = Some(file);
        }
        Ok(Self { pace, inner: Arc::new(Mutex::new(inner)) })
    }

    /// Sells a label.
    pub(crate) fn label(&self, request: LabelRequest) -> Result<Label, Refusal> {
        if request.key.is_empty() || request.key.len() > KEY_BYTES_MAX {
            return Err(Refusal::Invalid(format!("key has 1 to {KEY_BYTES_MAX} bytes")));
        }
        if request.address_lines.is_empty() {
            return Err(Refusal::Invalid("address_lines has at least one line".to_owned()));
        }
        if request.cash_minor.is_some_and(|minor| minor <= 0) {
            return Err(Refusal::Invalid("cash_minor is above zero".to_owned()));
        }
        if request.cash_minor.is_some() && request.return_to.is_some() {
            return Err(Refusal::Invalid("nothing is collected on the way back".to_owned()));
        }
        let script = Script::of_address(&request.address_lines)
            .map_err(|name| Refusal::Invalid(format!("there is no sandbox address {name:?}")))?;
        if request.return_to.is_some() && script.way_back().is_none() {
            return Err(Refusal::Invalid("nothing is taken back from this address".to_owned()));
        }
        let mut inner = self.lock();
        if let Some(tracking_number) = inner.by_key.get(&request.key).cloned() {
            let is_same = inner.parcels.get(&tracking_number).is_some_and(|kept| kept.request == request);
            return if is_same { Ok(Label { tracking_number }) } else { Err(Refusal::Conflict) };
        }
        let tracking_number = format!("SBX{:09}", inner.parcels.len() + 1);
        inner.remember(Entry::Label { tracking_number: tracking_number.clone(), request })?;
        Ok(Label { tracking_number })
    }

    /// Takes a parcel over, once, and answers when.
    pub(crate) fn hand_over(&self, tracking_number: &str) -> Result<(), Refusal> {
        let mut inner = self.lock();
        let kept = inner.parcels.get(tracking_number).ok_or(Refusal::Unknown)?;
        if kept.handover_ms.is_some() {
            return Ok(());
        }
        let tracking_number = tracking_number.to_owned();
        inner.remember(Entry::Handover { tracking_number, at_ms: now_ms() })
    }

    /// A parcel as it is known by now.
    pub(crate) fn parcel(&self, tracking_number: &str) -> Result<Parcel, Refusal> {
        let inner = self.lock();
        let kept = inner.parcels.get(tracking_number).ok_or(Refusal::Unknown)?;
        let now = now_ms();
        let mut scans = kept.scans(self.pace);
        scans.retain(|scan| scan.at_ms <= now);
        let LabelRequest { service, return_to, .. } = kept.request.clone();
        Ok(Parcel { tracking_number: tracking_number.to_owned(), service, return_to, scans })
    }

    /// Every label that was sold, by its number.
    pub(crate) fn labels(&self) -> Vec<SoldLabel> {
        let inner = self.lock();
        let sold = |(number, kept): (&String, &Kept)| {
            let LabelRequest { key, return_to, .. } = kept.request.clone();
            SoldLabel { tracking_number: number.clone(), key, return_to }
        };
        let mut labels: Vec<_> = inner.parcels.iter().map(sold).collect();
        labels.sort_by(|one, other| one.tracking_number.cmp(&other.tracking_number));
        labels
    }

    /// What is to be told of which parcel, in which order.
    pub(crate) fn to_tell(&self) -> Vec<(String, Vec<Scan>)> {
        let inner = self.lock();
        let of = |(number, kept): (&String, &Kept)| (number.clone(), kept.script.told(&kept.scans(self.pace)));
        inner.parcels.iter().map(of).filter(|(_, scans)| !scans.is_empty()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Written, not synced: this outlives the process, not the machine.
    fn remember(&mut self, entry: Entry) -> Result<(), Refusal> {
        if let Some(file) = &mut self.file {
            let mut line = serde_json::to_vec(&entry).map_err(|error| Refusal::Storage(error.into()))?;
            line.push(b'\n');
            file.write_all(&line).map_err(Refusal::Storage)?;
        }
        self.enter(entry);
        Ok(())
    }

    fn enter(&mut self, entry: Entry) {
        match entry {
            Entry::Label { tracking_number, request } => {
                // It was checked before it was written.
                let script = Script::of_address(&request.address_lines).unwrap_or(Script::Delivered);
                let script = match request.return_to {
                    Some(_) => script.way_back().unwrap_or(Script::Delivered),
                    None => script,
                };
                self.by_key.insert(request.key.clone(), tracking_number.clone());
                self.parcels.insert(tracking_number, Kept { request, script, handover_ms: None });
            }
            Entry::Handover { tracking_number, at_ms } => {
                if let Some(kept) = self.parcels.get_mut(&tracking_number) {
                    kept.handover_ms = Some(at_ms);
                }
            }
        }
    }
}

impl Kept {
    fn scans(&self, pace: Duration) -> Vec<Scan> {
        self.handover_ms.map(|at_ms| self.script.scans(at_ms, pace)).unwrap_or_default()
    }
}

#[expect(clippy::disallowed_methods, reason = "a carrier has a clock of its own")]
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
