//! A child process of the fleet: its log, its signals, its death, and the promise that it never outlives the fleet.
//!
//! Every child is started through `setpriv` (util-linux), which then becomes it, so that its pid is the child's own. It
//! asks the kernel to kill the child when the fleet dies, and drops root where a server refuses to run as root. A pid
//! file in the run folder is the second net: see [`crate::workdir`].

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{LazyLock, mpsc};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::sys::signal::{self, Signal};
use nix::unistd::{Gid, Pid, Uid, User};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::workdir::Workdir;

/// How many of its last lines are shown when a process died.
const LAST_LINES: usize = 15;

/// What to start. The name is also that of the log and of the pid file.
#[derive(Clone, Debug)]
pub struct ProcessSpec {
    /// What people call it: `inventory`, `inventory-2`.
    pub name: String,
    /// A path, or a name looked up in `PATH`.
    pub program: PathBuf,
    /// The arguments after the program.
    pub args: Vec<OsString>,
    /// Added to the fleet's own environment.
    pub env: Vec<(String, String)>,
    /// Whom to become; needs root. `None` stays the current user.
    pub user: Option<SystemUser>,
}

impl ProcessSpec {
    /// A program without arguments, run as the current user.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>) -> Self {
        Self { name: name.into(), program: program.into(), args: Vec::new(), env: Vec::new(), user: None }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Becomes `user` before the program starts.
    #[must_use]
    pub fn run_as(mut self, user: Option<SystemUser>) -> Self {
        self.user = user;
        self
    }

    /// Runs it to its end with its output in `log`. Fails, with the last lines of the log, on any exit but 0.
    pub async fn run(&self, log: &Path) -> Result<()> {
        let mut child = spawn_lastingly(self.command(log)?).with_context(|| format!("starting {}", self.name))?;
        let status = child.wait().await?;
        if status.success() { Ok(()) } else { Err(Death::of(&self.name, status, log).into()) }
    }

    fn command(&self, log: &Path) -> Result<Command> {
        let output = OpenOptions::new().create(true).append(true).open(log);
        let output = output.with_context(|| format!("opening the log {}", log.display()))?;
        let mut command = Command::new("setpriv");
        if let Some(user) = &self.user {
            command.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid)).arg("--init-groups");
            // The fleet's own folder may be closed to that user.
            command.current_dir("/");
        }
        command.args(["--pdeathsig", "KILL", "--"]).arg(&self.program).args(&self.args);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        // A group of its own: Ctrl-C at the terminal reaches the fleet alone, which then stops its children in order.
        command.process_group(0).kill_on_drop(true);
        Ok(command)
    }
}

/// A user of the machine that root can become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemUser {
    /// Numeric user id.
    pub uid: Uid,
    /// Numeric id of the user's main group.
    pub gid: Gid,
}

impl SystemUser {
    /// Looks `name` up in the machine's user database.
    pub fn named(name: &str) -> Result<Self> {
        let user = User::from_name(name)?.with_context(|| format!("there is no system user named {name}"))?;
        Ok(Self { uid: user.uid, gid: user.gid })
    }
}

/// A child that is meant to run until it is told to stop.
#[derive(Debug)]
pub struct Process {
    spec: ProcessSpec,
    log: PathBuf,
    pid_file: PathBuf,
    child: Child,
}

impl Process {
    /// Starts it, with its output appended to its log in the run folder.
    pub fn spawn(spec: ProcessSpec, workdir: &Workdir) -> Result<Self> {
        let log = workdir.log(&spec.name);
        let pid_file = workdir.pid_file(&spec.name);
        let child = start(&spec, &log, &pid_file)?;
        Ok(Self { spec, log, pid_file, child })
    }

    /// Starts it again after it died or was stopped; same command, same log.
    pub fn respawn(&mut self) -> Result<()> {
        self.respawn_with(&[])
    }

    /// As [`Process::respawn`], for this life only with these variables added to its environment.
    pub fn respawn_with(&mut self, env: &[(&str, &str)]) -> Result<()> {
        anyhow::ensure!(self.child.id().is_none(), "{} still runs", self.spec.name);
        let spec = env.iter().fold(self.spec.clone(), |spec, (name, value)| spec.env(*name, *value));
        self.child = start(&spec, &self.log, &self.pid_file)?;
        Ok(())
    }

    /// What was started.
    pub fn spec(&self) -> &ProcessSpec {
        &self.spec
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// Its log file.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Its process id, until its end was noticed.
    pub fn pid(&self) -> Option<Pid> {
        self.child.id().map(|id| Pid::from_raw(id.cast_signed()))
    }

    /// Waits until it ends by itself; whatever its status, for a server that is a death. May be dropped and awaited again.
    pub async fn died(&mut self) -> Death {
        let status = self.child.wait().await.expect("a child of this process can be waited for");
        self.forget_pid();
        Death::of(&self.spec.name, status, &self.log)
    }

    /// Fails with its [`Death`] if it ended.
    pub fn check_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => {
                self.forget_pid();
                Err(Death::of(&self.spec.name, status, &self.log).into())
            }
        }
    }

    /// SIGTERM, then SIGKILL after `grace`.
    pub async fn stop(&mut self, grace: Duration) -> Result<ExitStatus> {
        self.stop_by(&[(Signal::SIGTERM, grace)]).await
    }

    /// Sends each signal in turn and gives it its time to work, then SIGKILL.
    pub async fn stop_by(&mut self, steps: &[(Signal, Duration)]) -> Result<ExitStatus> {
        for &(signal, grace) in steps {
            self.signal(signal)?;
            if let Ok(status) = timeout(grace, self.child.wait()).await {
                self.forget_pid();
                return Ok(status?);
            }
        }
        self.kill9().await
    }

    /// SIGKILL: the process cannot prepare for it, as in a crash. Returns when it is gone.
    pub async fn kill9(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::SIGKILL)?;
        let status = self.child.wait().await?;
        self.forget_pid();
        Ok(status)
    }

    /// SIGSTOP: it keeps its connections and answers nothing, like a replica cut off or starved.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// SIGCONT: goes on after [`Process::pause`].
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::SIGCONT)
    }

    /// Sends `signal` to the process; one that has ended is left in peace.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let Some(pid) = self.pid() else { return Ok(()) };
        match signal::kill(pid, signal) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(errno) => Err(errno).with_context(|| format!("sending {signal} to {}", self.spec.name)),
        }
    }

    fn forget_pid(&self) {
        // Best effort: a pid file that stays names a start time that no later process has.
        let _ = fs::remove_file(&self.pid_file);
    }
}

fn start(spec: &ProcessSpec, log: &Path, pid_file: &Path) -> Result<Child> {
    let child = spawn_lastingly(spec.command(log)?).with_context(|| format!("starting {}", spec.name))?;
    if let Some(running) = child.id().and_then(|id| RunningProcess::with_pid(Pid::from_raw(id.cast_signed()))) {
        fs::write(pid_file, running.to_string()).with_context(|| format!("writing {}", pid_file.display()))?;
    }
    Ok(child)
}

/// The kernel kills a child with `pdeathsig` when the *thread* that forked it ends, and the threads of an async runtime
/// come and go. So all children are forked by one thread that lives as long as this process.
pub(crate) fn spawn_lastingly(mut command: Command) -> Result<Child> {
    type Job = Box<dyn FnOnce() + Send>;
    static SPAWNER: LazyLock<mpsc::SyncSender<Job>> = LazyLock::new(|| {
        let (jobs, queue) = mpsc::sync_channel::<Job>(1);
        std::thread::spawn(move || queue.into_iter().for_each(|job| job()));
        jobs
    });

    let runtime = tokio::runtime::Handle::current();
    let (answer, answered) = mpsc::sync_channel(1);
    let job = move || {
        let _guard = runtime.enter();
        // Nobody waits any more when the asking thread panicked; the child is then killed on drop.
        let _ = answer.send(command.spawn());
    };
    SPAWNER.send(Box::new(job)).expect("the spawner thread never ends");
    let child = answered.recv().expect("the spawner thread answers every job");
    child.context("setpriv, which is part of util-linux, could not be run")
}

/// How a process ended, told so that nobody needs to search for its log.
#[derive(Debug)]
pub struct Death {
    name: String,
    status: ExitStatus,
    last_lines: Vec<String>,
    log: PathBuf,
}

impl Death {
    pub(crate) fn of(name: &str, status: ExitStatus, log: &Path) -> Self {
        Self { name: name.to_owned(), status, last_lines: last_lines(log, LAST_LINES), log: log.to_owned() }
    }

    /// Which process it was.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status.code(), self.status.signal().map(Signal::try_from)) {
            (Some(code), _) => write!(f, "{} exited with status {code}", self.name)?,
            (None, Some(Ok(signal))) => write!(f, "{} was killed by {signal}", self.name)?,
            (None, _) => write!(f, "{} ended ({})", self.name, self.status)?,
        }
        if self.last_lines.is_empty() {
            return write!(f, " and wrote nothing to {}", self.log.display());
        }
        writeln!(f, "; its last lines:")?;
        for line in &self.last_lines {
            writeln!(f, "    {line}")?;
        }
        write!(f, "  all of them: {}", self.log.display())
    }
}

impl std::error::Error for Death {}

/// A process told apart from a later one with the same pid by the time at which it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunningProcess {
    pid: Pid,
    /// Clock ticks after boot.
    started_ticks: u64,
}

impl RunningProcess {
    /// The process that has this pid now, if any.
    pub fn with_pid(pid: Pid) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // proc(5): the start time is field 22. The name, field 2, is in brackets and may itself hold blanks and brackets.
        let after_name = stat.rsplit_once(')')?.1;
        let started_ticks = after_name.split_whitespace().nth(19)?.parse().ok()?;
        Some(Self { pid, started_ticks })
    }

    /// Reads what [`fmt::Display`] wrote, and only if that process still runs.
    pub fn still_running(text: &str) -> Option<Self> {
        let (pid, started_ticks) = text.trim().split_once(' ')?;
        let running = Self::with_pid(Pid::from_raw(pid.parse().ok()?))?;
        (running.started_ticks.to_string() == started_ticks).then_some(running)
    }

    /// Its pid.
    pub fn pid(self) -> Pid {
        self.pid
    }

    /// SIGKILL to its whole group.
    pub fn kill_group(self) {
        // It may have ended by itself this moment.
        let _ = signal::killpg(self.pid, Signal::SIGKILL);
    }
}

impl fmt::Display for RunningProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pid, self.started_ticks)
    }
}

/// The last `count` lines of a file; none when it cannot be read.
fn last_lines(path: &Path, count: usize) -> Vec<String> {
    /// Enough for the lines wanted, however long the file has grown.
    const TAIL_BYTES: u64 = 16 * 1024;
    let mut tail = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        file.read_to_end(&mut tail)
    });
    if read.is_err() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&tail);
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines[lines.len().saturating_sub(count)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workdir(test: &str) -> Workdir {
        Workdir::claim(&format!("process-{test}-{}", std::process::id())).unwrap()
    }

    fn shell(script: &str) -> ProcessSpec {
        ProcessSpec::new("inventory", "sh").args(["-c", script])
    }

    async fn until_logged(process: &Process, line: &str) {
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while !fs::read_to_string(process.log()).unwrap().contains(line) {
            assert!(std::time::Instant::now() < deadline, "{line} was not logged within 10 s");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_dead_process_is_named_with_its_last_lines() {
        let workdir = workdir("dead");
        let mut process = Process::spawn(shell("seq 1 20; echo no such table >&2; exit 7"), &workdir).unwrap();
        let death = process.died().await.to_string();
        assert!(death.starts_with("inventory exited with status 7; its last lines:\n    7\n"), "{death}");
        assert!(death.contains("    20\n    no such table\n"), "{death}");
        assert!(death.ends_with("logs/inventory.log"), "{death}");
        assert!(process.check_alive().unwrap_err().to_string().contains("status 7"));
        assert!(!workdir.pid_file("inventory").exists());
        workdir.discard().unwrap();
    }

    #[tokio::test]
    async fn a_process_that_ignores_sigterm_is_killed_after_its_grace() {
        let workdir = workdir("ignores");
        let script = "trap '' TERM; echo ready; while true; do read -r _ < /dev/zero; done";
        let mut process = Process::spawn(shell(script), &workdir).unwrap();
        until_logged(&process, "ready").await;
        let status = process.stop(Duration::from_millis(50)).await.unwrap();
        assert_eq!(status.signal(), Some(Signal::SIGKILL as i32));
        workdir.discard().unwrap();
    }

    #[tokio::test]
    async fn a_killed_process_starts_again_with_the_same_log() {
        let workdir = workdir("again");
        let mut process = Process::spawn(shell("echo pid $$; exec sleep 600"), &workdir).unwrap();
        let first = process.pid().unwrap();
        until_logged(&process, &format!("pid {first}")).await;
        assert!(process.respawn().is_err(), "it still runs");
        process.kill9().await.unwrap();
        process.respawn().unwrap();
        let second = process.pid().unwrap();
        until_logged(&process, &format!("pid {second}")).await;
        assert!(fs::read_to_string(process.log()).unwrap().contains(&format!("pid {first}")));
        process.stop(Duration::from_secs(5)).await.unwrap();
        workdir.discard().unwrap();
    }

    #[tokio::test]
    async fn a_paused_process_goes_on_when_it_is_resumed() {
        let workdir = workdir("paused");
        let mut process =
            Process::spawn(shell("trap 'echo heard; exit 0' TERM; echo ready; sleep 600 & wait"), &workdir).unwrap();
        until_logged(&process, "ready").await;
        process.pause().unwrap();
        process.signal(Signal::SIGTERM).unwrap();
        process.check_alive().unwrap();
        process.resume().unwrap();
        assert!(process.died().await.to_string().starts_with("inventory exited with status 0"));
        workdir.discard().unwrap();
    }
}
