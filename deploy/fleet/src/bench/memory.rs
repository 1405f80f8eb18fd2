//! Resident memory of processes.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};

use super::cpu::without_replica;
use crate::fleet::Fleet;

/// Of each service and the provider, in MiB; the largest of its replicas.
pub fn resident_mib(fleet: &Fleet) -> Result<BTreeMap<String, f64>> {
    let mut all = BTreeMap::<String, f64>::new();
    for (name, pid) in fleet.processes() {
        let status =
            fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("reading {name}'s memory"))?;
        let mib = parse(&status).context("/proc/<pid>/status is not as proc(5) says")?;
        let largest = all.entry(without_replica(name).to_owned()).or_default();
        *largest = largest.max(mib);
    }
    Ok(all)
}

/// VmRSS is in units of 1,024 bytes.
fn parse(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_in_mib() {
        let mib = parse("Name:\torders\nVmPeak:\t  99999 kB\nVmRSS:\t   31744 kB\nThreads:\t3\n").unwrap();
        assert!((mib - 31.0).abs() < 1e-9, "{mib}");
        assert_eq!(parse("Name:\tkthreadd\n"), None);
    }
}
