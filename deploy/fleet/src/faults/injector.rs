//! Makes the faults of a schedule happen, and mends them. Whatever dies by itself meanwhile is noted and started again, as a
//! supervisor would.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::fault::{Fault, Planned};
use super::poison::Poisoner;
use super::{hands, rewind};
use crate::fleet::Fleet;
use crate::progress;
use crate::topology::replica;

/// How often it is looked whether a process died.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a process that is to die at a named place may live on once its siblings were killed to give it their work.
const CRASH_MAX: Duration = Duration::from_secs(15);

/// What became of a planned fault. Times are from the beginning of the load.
#[derive(Debug, Clone)]
pub struct Injection {
    /// The fault.
    pub planned: Planned,
    /// When it began.
    pub began: Duration,
    /// When it was over.
    pub healed: Duration,
    /// What is to be told about it.
    pub note: Option<String>,
}

/// What was done to a fleet.
pub struct Disturbed {
    /// Every fault.
    pub injections: Vec<Injection>,
    /// What was thrown on the topics.
    pub poisoner: Poisoner,
    /// Processes that died though nobody killed them.
    pub deaths: Vec<String>,
}

/// Disturbs a fleet.
pub struct Injector<'a> {
    fleet: &'a mut Fleet,
    started: Instant,
    disturbed: Disturbed,
    /// Processes that are dead on purpose.
    down: HashSet<String>,
    /// Processes that are to die at a named place.
    armed: HashSet<String>,
    /// What slows a process down.
    brakes: HashMap<String, JoinHandle<()>>,
}

impl<'a> Injector<'a> {
    /// Nothing is disturbed yet. `started` is the beginning of the load.
    pub fn new(fleet: &'a mut Fleet, started: Instant) -> Result<Self> {
        let disturbed = Disturbed { injections: Vec::new(), poisoner: Poisoner::new(fleet)?, deaths: Vec::new() };
        let (down, armed, brakes) = (HashSet::new(), HashSet::new(), HashMap::new());
        Ok(Self { fleet, started, disturbed, down, armed, brakes })
    }

    /// Injects and mends every fault at its time; one that takes longer than planned puts off those after it. `under_way` knows
    /// an order that was just placed.
    pub async fn run(mut self, schedule: &[Planned], under_way: impl Fn() -> Option<Uuid>) -> Result<Disturbed> {
        let begins = schedule.iter().enumerate().map(|(index, planned)| (planned.at, index, false));
        let ends = schedule.iter().enumerate().map(|(index, planned)| (planned.at + planned.lasts, index, true));
        let mut actions: Vec<_> = begins.chain(ends).collect();
        actions.sort_unstable();
        let mut began = vec![Duration::ZERO; schedule.len()];
        let mut late = Duration::ZERO;
        for (at, index, is_end) in actions {
            self.supervise_until(self.started + at + late).await?;
            let planned = &schedule[index];
            if is_end {
                let note = self.heal(planned).await.with_context(|| format!("mending: {}", planned.fault))?;
                let healed = self.started.elapsed();
                self.disturbed.injections.push(Injection {
                    planned: planned.clone(),
                    began: began[index],
                    healed,
                    note,
                });
            } else {
                began[index] = self.started.elapsed();
                say(planned, began[index]);
                let order = under_way();
                self.begin(planned, order).await.with_context(|| format!("injecting: {}", planned.fault))?;
            }
            late = late.max(self.started.elapsed().saturating_sub(at));
        }
        self.supervise_until(Instant::now() + LOOK_EVERY).await?;
        Ok(self.disturbed)
    }

    async fn begin(&mut self, planned: &Planned, order: Option<Uuid>) -> Result<()> {
        match &planned.fault {
            Fault::Kill { process } => self.kill(process).await,
            Fault::KillAll { service } | Fault::Rewind { service } => {
                for number in 0..self.fleet.replicas() {
                    self.kill(&replica(service, number)).await?;
                }
                Ok(())
            }
            Fault::Crash { process, point, pass } => {
                let crash_at = format!("{}:{pass}", point.name());
                self.fleet.process(process)?.kill9().await?;
                self.armed.insert(process.clone());
                self.fleet.process(process)?.respawn_with(&[("TRADEWIND_CRASH_AT", &crash_at)])
            }
            Fault::Pause { process } => self.fleet.process(process)?.pause(),
            Fault::Slow { process } => {
                let pid = self.fleet.process(process)?.pid().context("it is dead")?;
                self.brakes.insert(process.clone(), tokio::spawn(hands::brake(pid)));
                Ok(())
            }
            Fault::Clock { process, offset_secs } => {
                self.fleet.process(process)?.kill9().await?;
                let offset = offset_secs.to_string();
                self.fleet.process(process)?.respawn_with(&[("TRADEWIND_CLOCK_OFFSET_SECS", &offset)])
            }
            Fault::Broker => hands::kafka(self.fleet)?.server().kill9().await.map(drop),
            Fault::Postgres => hands::postgres(self.fleet)?.kill_immediate().await,
            Fault::Cut { service } => hands::cut_connections(self.fleet, service).await,
            Fault::Poison(poison) => self.disturbed.poisoner.throw(*poison, order).await,
            Fault::Provider(mode) => hands::set_provider(self.fleet, *mode).await,
        }
    }

    /// Ends a fault, and answers what is to be told about it.
    async fn heal(&mut self, planned: &Planned) -> Result<Option<String>> {
        match &planned.fault {
            Fault::Kill { process } => self.raise(process)?,
            Fault::KillAll { service } => self.raise_all(service)?,
            Fault::Rewind { service } => {
                let back = rewind::rewind(self.fleet, service).await?;
                self.raise_all(service)?;
                return Ok(Some(back));
            }
            Fault::Crash { process, .. } => return self.end_crash(process).await.map(Some),
            Fault::Pause { process } => self.fleet.process(process)?.resume()?,
            Fault::Slow { process } => {
                if let Some(brake) = self.brakes.remove(process) {
                    brake.abort();
                    // Only a task that has ended can no longer stop the process again.
                    let _ = brake.await;
                }
                self.fleet.process(process)?.resume()?;
            }
            Fault::Clock { process, .. } => {
                self.fleet.process(process)?.kill9().await?;
                self.fleet.process(process)?.respawn()?;
            }
            Fault::Broker => hands::kafka(self.fleet)?.restart().await?,
            Fault::Postgres => hands::postgres(self.fleet)?.restart().await?,
            Fault::Provider(_) => hands::set_provider(self.fleet, sandbox_provider::Mode::Up).await?,
            Fault::Cut { .. } | Fault::Poison(_) => {}
        }
        Ok(None)
    }

    async fn kill(&mut self, process: &str) -> Result<()> {
        self.down.insert(process.to_owned());
        self.fleet.process(process)?.kill9().await.map(drop)
    }

    fn raise(&mut self, process: &str) -> Result<()> {
        self.down.remove(process);
        self.fleet.process(process)?.respawn()
    }

    fn raise_all(&mut self, service: &str) -> Result<()> {
        (0..self.fleet.replicas()).try_for_each(|number| self.raise(&replica(service, number)))
    }

    /// Waits until an armed process has died. One that has not passed the place yet may be a standby: its siblings are killed, so
    /// that their work falls to it.
    async fn end_crash(&mut self, process: &str) -> Result<String> {
        const DIED: &str = "it died there";
        if !self.armed.contains(process) {
            return Ok(DIED.to_owned());
        }
        let (service, _) = process.rsplit_once('-').context("a replica has a number")?;
        let siblings: Vec<_> = (0..self.fleet.replicas()).map(|number| replica(service, number)).collect();
        for sibling in siblings.iter().filter(|sibling| *sibling != process) {
            self.kill(sibling).await?;
        }
        let deadline = Instant::now() + CRASH_MAX;
        while self.armed.contains(process) && Instant::now() < deadline {
            self.supervise_until(Instant::now() + LOOK_EVERY).await?;
        }
        for sibling in siblings.iter().filter(|sibling| *sibling != process) {
            self.raise(sibling)?;
        }
        if !self.armed.remove(process) {
            return Ok(format!("{DIED}, once its siblings were killed as well"));
        }
        self.fleet.process(process)?.kill9().await?;
        self.fleet.process(process)?.respawn()?;
        Ok(NEVER_PASSED.to_owned())
    }

    /// Starts again what dies, until then.
    async fn supervise_until(&mut self, then: Instant) -> Result<()> {
        loop {
            for name in self.fleet.names() {
                if !self.down.contains(&name) {
                    self.supervise(&name)?;
                }
            }
            let Some(left) = then.checked_duration_since(Instant::now()) else { return Ok(()) };
            tokio::time::sleep(left.min(LOOK_EVERY)).await;
        }
    }

    fn supervise(&mut self, name: &str) -> Result<()> {
        let process = self.fleet.process(name)?;
        let Err(death) = process.check_alive() else { return Ok(()) };
        if !self.armed.remove(name) {
            progress::say("death", &death);
            self.disturbed.deaths.push(death.to_string());
        }
        process.respawn()
    }
}

/// Told about a crash that did not happen.
pub const NEVER_PASSED: &str = "it never passed there";

fn say(planned: &Planned, at: Duration) {
    let lasts = match planned.lasts.as_secs_f64() {
        0.0 => String::new(),
        secs => format!(", for {secs} s"),
    };
    progress::say("fault", format_args!("{:>6.1} s  {}{lasts}", at.as_secs_f64(), planned.fault));
}
