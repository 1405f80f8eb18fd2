//! CPU time of processes, as the kernel counts it.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::unistd::Pid;

/// The kernel tells CPU time in hundredths of a second (USER_HZ), whatever its own tick is.
const TICK: Duration = Duration::from_millis(10);

/// CPU time since each process began, by its name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cpu {
    /// Of each process of the fleet, replicas together; PostgreSQL with all its backends, those that ended too.
    pub by_process: BTreeMap<String, Duration>,
    /// Of this process, which makes the load.
    pub generator: Duration,
    /// Of everything on the machine.
    pub machine: Duration,
}

impl Cpu {
    /// Reads the counters of the named processes.
    pub fn read(processes: &[(String, Pid)]) -> Result<Self> {
        let mut by_process = BTreeMap::<String, Duration>::new();
        for (name, pid) in processes {
            let used = of_tree(*pid).with_context(|| format!("reading the CPU time of {name}"))?;
            *by_process.entry(without_replica(name).to_owned()).or_default() += used;
        }
        let machine = fs::read_to_string("/proc/stat").context("reading /proc/stat")?;
        Ok(Self {
            by_process,
            generator: Stat::read(Pid::this())?.own,
            machine: machine_busy(&machine).context("/proc/stat is not as proc(5) says")?,
        })
    }

    /// What was used since an earlier reading.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let before = |name: &String| earlier.by_process.get(name).copied().unwrap_or_default();
        let used = |(name, now): (&String, &Duration)| (name.clone(), now.saturating_sub(before(name)));
        Self {
            by_process: self.by_process.iter().map(used).collect(),
            generator: self.generator.saturating_sub(earlier.generator),
            machine: self.machine.saturating_sub(earlier.machine),
        }
    }

    /// Of all processes of the fleet, without the generator.
    pub fn fleet(&self) -> Duration {
        self.by_process.values().sum()
    }

    /// What ran beside the fleet and the generator, the kernel's own work included.
    pub fn others(&self) -> Duration {
        self.machine.saturating_sub(self.fleet() + self.generator)
    }
}

/// `orders` for `orders-1`.
pub fn without_replica(name: &str) -> &str {
    name.rsplit_once('-').filter(|(_, number)| number.parse::<u16>().is_ok()).map_or(name, |(service, _)| service)
}

/// A process with its children, living and ended. A server that forks for each connection is one thing.
fn of_tree(pid: Pid) -> Result<Duration> {
    let root = Stat::read(pid)?;
    let mut used = root.own + root.ended_children;
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    for child in children.split_whitespace() {
        // One that ended since counts among the ended next time.
        if let Ok(child) = Stat::read(Pid::from_raw(child.parse()?)) {
            used += child.own;
        }
    }
    Ok(used)
}

/// What /proc/<pid>/stat says of CPU time, user and system together.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    own: Duration,
    ended_children: Duration,
}

impl Stat {
    fn read(pid: Pid) -> Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        Self::parse(&text).context("/proc/<pid>/stat is not as proc(5) says")
    }

    /// proc(5): utime, stime, cutime and cstime are fields 14 to 17. The name, field 2, is in brackets and may hold anything.
    fn parse(text: &str) -> Option<Self> {
        let after_name = text.rsplit_once(')')?.1;
        let fields: Option<Vec<u32>> =
            after_name.split_whitespace().skip(11).take(4).map(|field| field.parse().ok()).collect();
        let [user, system, children_user, children_system] = fields?.try_into().ok()?;
        Some(Self { own: TICK * (user + system), ended_children: TICK * (children_user + children_system) })
    }
}

/// The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; all but idle and iowait are busy.
fn machine_busy(stat: &str) -> Option<Duration> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    let ticks: Option<Vec<u32>> = fields.take(7).map(|field| field.parse().ok()).collect();
    let [user, nice, system, _idle, _iowait, irq, softirq] = ticks?.try_into().ok()?;
    Some(TICK * (user + nice + system + irq + softirq))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_a_name_with_blanks_and_brackets() {
        let text = "4711 (odd ) name) S 1 4711 4711 0 -1 4194560 99 0 0 0 250 50 30 20 20 0 1 0 45465 3133440 407";
        let stat = Stat::parse(text).unwrap();
        assert_eq!(stat, Stat { own: Duration::from_secs(3), ended_children: Duration::from_millis(500) });
        assert_eq!(Stat::parse("4711 (cut off) S 1 4711"), None);
    }

    #[test]
    fn replicas_count_as_one_process() {
        assert_eq!(without_replica("orders-1"), "orders");
        assert_eq!(without_replica("sandbox-provider"), "sandbox-provider");
        let this = Pid::this();
        let two = Cpu::read(&[("orders-0".to_owned(), this), ("orders-1".to_owned(), this)]).unwrap();
        assert_eq!(two.by_process.keys().collect::<Vec<_>>(), ["orders"]);
    }

    #[test]
    fn an_idle_machine_is_not_busy() {
        let stat = "cpu  100 0 50 90000 800 3 7 11 0 0\ncpu0 1 2 3";
        assert_eq!(machine_busy(stat), Some(Duration::from_millis(1_600)));
    }

    #[test]
    fn work_of_a_child_counts_while_it_lives_and_after_its_end() {
        let mut shell = std::process::Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo done; read -r _"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(shell.stdout.take().unwrap()), &mut line).unwrap();
        let pid = Pid::from_raw(shell.id().cast_signed());
        let own = Cpu::read(&[("shell".to_owned(), pid)]).unwrap().by_process["shell"];
        assert!(own >= TICK, "{own:?}");
        let before = Stat::read(Pid::this()).unwrap().ended_children;
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert!(Stat::read(Pid::this()).unwrap().ended_children >= before + own);
    }

    #[test]
    fn a_process_that_is_new_counts_from_its_start() {
        let reading = |name: &str, secs| Cpu {
            by_process: BTreeMap::from([(name.to_owned(), Duration::from_secs(secs))]),
            ..Cpu::default()
        };
        let used = reading("orders", 5).since(&reading("orders", 3));
        assert_eq!(used.fleet(), Duration::from_secs(2));
        assert_eq!(reading("orders", 5).since(&reading("cart", 3)).fleet(), Duration::from_secs(5));
    }
}
