//! What happened, for people and for machines.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use super::Options;
use super::injector::{Disturbed, Injection};
use super::poison::Cleared;
use super::verdict::{Findings, Recovery};
use crate::invariants;
use crate::workdir::fleet_folder;

/// Everything about a campaign.
#[derive(Debug, Serialize)]
pub struct Report {
    seed: u64,
    orders: usize,
    replicas: u16,
    rate_per_sec: f64,
    faults: Vec<Injected>,
    poison_skipped: usize,
    settled_after_secs: Option<f64>,
    #[serde(flatten)]
    findings: Findings,
    invariants: invariants::Report,
    /// Why the fleet did not withstand the campaign; empty if it did.
    #[serde(skip)]
    pub failures: Vec<String>,
}

/// A fault, as it is told. Times are in seconds from the beginning of the load.
#[derive(Debug, Serialize)]
struct Injected {
    kind: &'static str,
    what: String,
    planned_at_secs: f64,
    began_at_secs: f64,
    healed_at_secs: f64,
    note: Option<String>,
}

impl From<&Injection> for Injected {
    fn from(injection: &Injection) -> Self {
        Self {
            kind: injection.planned.fault.kind(),
            what: injection.planned.fault.to_string(),
            planned_at_secs: injection.planned.at.as_secs_f64(),
            began_at_secs: injection.began.as_secs_f64(),
            healed_at_secs: injection.healed.as_secs_f64(),
            note: injection.note.clone(),
        }
    }
}

impl Report {
    /// Puts together what is known.
    pub fn of(
        options: &Options,
        disturbed: Disturbed,
        cleared: Cleared,
        settled: Option<Duration>,
        findings: Findings,
        invariants: invariants::Report,
    ) -> Self {
        let mut faults: Vec<_> = disturbed.injections.iter().map(Injected::from).collect();
        faults.sort_by(|one, other| one.began_at_secs.total_cmp(&other.began_at_secs));
        Self {
            seed: options.seed,
            orders: options.orders,
            replicas: options.replicas,
            rate_per_sec: options.rate,
            faults,
            poison_skipped: cleared.skipped,
            settled_after_secs: settled.map(|settled| settled.as_secs_f64()),
            failures: findings.failures.clone(),
            findings,
            invariants,
        }
    }

    /// Writes it to `target/faults/report.json`, and answers where that is.
    pub fn write(&self) -> Result<PathBuf> {
        let target = fleet_folder().parent().context("the fleet's folder lies in another")?.to_owned();
        let folder = target.join("faults");
        std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        let path = folder.join("report.json");
        std::fs::write(&path, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, orders, replicas, .. } = self;
        writeln!(f, "Seed {seed}: {orders} orders, {replicas} replicas of each service.\n\n  What went wrong:")?;
        for fault in &self.faults {
            let lasted = fault.healed_at_secs - fault.began_at_secs;
            write!(f, "  {:>6.1} s  {}, {lasted:.1} s", fault.began_at_secs, fault.what)?;
            fault.note.as_ref().map_or(Ok(()), |note| write!(f, ": {note}"))?;
            writeln!(f)?;
        }
        writeln!(f, "\n  How orders ended:")?;
        for (ending, count) in &self.findings.endings {
            writeln!(f, "  {count:>8}  {ending}")?;
        }
        if !self.findings.left_alone.is_empty() {
            writeln!(f, "\n  Of these, placed and given up on afterwards:")?;
        }
        for (order, count) in &self.findings.left_alone {
            writeln!(f, "  {count:>8}  {order}")?;
        }
        writeln!(f, "\n  What was asked back:")?;
        for (refund, count) in &self.findings.refunds {
            writeln!(f, "  {count:>8}  {refund}")?;
        }
        writeln!(f, "\n  After a single kill, until an order that was submitted since was paid:")?;
        for Recovery { fault, lost, first_success_secs, every_partition_secs } in &self.findings.recoveries {
            let secs = |secs: &Option<f64>| secs.map_or("never".to_owned(), |secs| format!("{secs:.1} s"));
            let lost = if *lost { ", lost" } else { "" };
            writeln!(
                f,
                "  {:>8} anywhere, {:>8} in every partition: {fault}{lost}",
                secs(first_success_secs),
                secs(every_partition_secs)
            )?;
        }
        writeln!(
            f,
            "\n  {} of {} orders that met no business failure are paid ({:.2} %). {} requests were answered with an internal error.",
            self.findings.paid,
            self.findings.payable,
            100.0 * self.findings.paid as f64 / self.findings.payable.max(1) as f64,
            self.findings.internal_errors
        )?;
        match self.settled_after_secs {
            Some(secs) => writeln!(f, "  Every saga had ended {secs:.1} s after the last fault was mended.")?,
            None => writeln!(f, "  Some sagas had not ended.")?,
        }
        writeln!(f, "\n{}", self.invariants)?;
        for failure in &self.failures {
            writeln!(f, "  FAILED: {failure}")?;
        }
        Ok(())
    }
}
