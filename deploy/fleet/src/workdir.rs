//! One folder per run: `target/fleet/<name>/` with `data`, `logs` and `run` (pid files), held by a lock.
//!
//! The lock is the truth about who owns the folder: the kernel gives it back when its owner dies, however it dies. So a
//! folder whose lock is free holds only leftovers, which the next owner kills and clears.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{self, Signal};
use nix::unistd::{self, Pid};
use tokio::process::Command;

use crate::process::{RunningProcess, SystemUser};
use crate::progress;

/// Data that a system user must reach goes here when the checkout lies in a folder closed to that user.
const OPEN_ROOT: &str = "/var/lib/tradewind-fleet";

/// How long the owner of a folder has to stop everything it runs.
const OWNER_GRACE: Duration = Duration::from_secs(30);

/// Where all runs of this checkout live: `TRADEWIND_FLEET_FOLDER`, or `target/fleet`.
pub fn fleet_folder() -> PathBuf {
    std::env::var_os("TRADEWIND_FLEET_FOLDER").map_or_else(
        || {
            let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
            checkout.expect("this crate lies two folders deep").join("target/fleet")
        },
        PathBuf::from,
    )
}

/// A run folder that this process owns.
#[derive(Debug)]
pub struct Workdir {
    root: PathBuf,
    /// Released by the kernel when the file is closed.
    _lock: File,
}

impl Workdir {
    /// Takes the folder and clears what an earlier run left in it: processes, data, logs. Fails when somebody owns it.
    pub fn claim(name: &str) -> Result<Self> {
        Self::claim_in(&fleet_folder(), name)
    }

    fn claim_in(fleet_folder: &Path, name: &str) -> Result<Self> {
        let root = fleet_folder.join(name);
        fs::create_dir_all(&root).with_context(|| format!("creating {}", root.display()))?;
        let mut lock = open_lock(&root)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = fs::read_to_string(root.join("lock"))?;
                bail!("process {} already runs in {}; stop it first", owner.trim(), root.display());
            }
            Err(TryLockError::Error(error)) => return Err(error).context("locking the run folder"),
        }
        lock.set_len(0)?;
        write!(lock, "{}", std::process::id())?;

        let workdir = Self { root, _lock: lock };
        kill_leftovers(&workdir.root);
        for part in ["data", "logs", "run"] {
            remove_folder(&workdir.root.join(part))?;
            fs::create_dir(workdir.root.join(part))?;
        }
        remove_folder(&workdir.open_folder())?;
        Ok(workdir)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the logs.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// The log of a process.
    pub fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }

    /// The pid file of a process.
    pub fn pid_file(&self, name: &str) -> PathBuf {
        self.root.join("run").join(format!("{name}.pid"))
    }

    /// A new folder for a server's files, closed to everybody but `user` (or, without one, ourselves). Lies below `/var/lib`
    /// when `user` cannot reach the run folder, as in a checkout below `/root`.
    pub async fn create_data(&self, name: &str, user: Option<&SystemUser>) -> Result<PathBuf> {
        let folder = self.root.join("data").join(name);
        create_private(&folder, user)?;
        let Some(user) = user else { return Ok(folder) };
        if can_write(user, &folder).await? {
            return Ok(folder);
        }
        let folder = self.open_folder().join(name);
        for parent in [Path::new(OPEN_ROOT), &self.open_folder()] {
            fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
            // Whatever our umask says: the user must be able to pass.
            fs::set_permissions(parent, Permissions::from_mode(0o755))?;
        }
        create_private(&folder, Some(user))?;
        anyhow::ensure!(can_write(user, &folder).await?, "user {} cannot write to {}", user.uid, folder.display());
        progress::say(name, format_args!("the checkout is closed to its user; data in {}", folder.display()));
        Ok(folder)
    }

    /// Removes the folder, logs included. A folder that is merely dropped keeps its logs.
    pub fn discard(self) -> Result<()> {
        remove_folder(&self.root)
    }

    fn open_folder(&self) -> PathBuf {
        Path::new(OPEN_ROOT).join(self.root.to_string_lossy().trim_matches('/').replace('/', "-"))
    }
}

impl Drop for Workdir {
    fn drop(&mut self) {
        kill_leftovers(&self.root);
        for folder in [self.root.join("data"), self.root.join("run"), self.open_folder()] {
            if let Err(error) = remove_folder(&folder) {
                progress::say("clean-up", format_args!("{error:#}"));
            }
        }
    }
}

/// Asks the owner of the folder to stop and waits until it has; kills it, and all that is left, if it does not within 30 s.
/// Answers whether there was one.
pub async fn stop_owner(name: &str) -> Result<bool> {
    let root = fleet_folder().join(name);
    if !root.exists() {
        return Ok(false);
    }
    let lock = open_lock(&root)?;
    if lock.try_lock().is_ok() {
        kill_leftovers(&root);
        return Ok(false);
    }
    let owner: i32 =
        fs::read_to_string(root.join("lock"))?.trim().parse().context("reading the owner from the lock")?;
    for (signal, grace) in [(Signal::SIGTERM, OWNER_GRACE), (Signal::SIGKILL, Duration::from_secs(5))] {
        match signal::kill(Pid::from_raw(owner), signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(errno) => return Err(errno).with_context(|| format!("sending {signal} to process {owner}")),
        }
        let deadline = Instant::now() + grace;
        while Instant::now() < deadline {
            if lock.try_lock().is_ok() {
                kill_leftovers(&root);
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    bail!("process {owner} does not end; its folder is {}", root.display())
}

/// Removes the folders named `<prefix><pid>` whose process is gone: what a killed run left, and logs kept of a failed one.
pub fn sweep_dead(prefix: &str) {
    for entry in fs::read_dir(fleet_folder()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(pid) = name.strip_prefix(prefix).filter(|pid| pid.parse::<u32>().is_ok()) else { continue };
        if !Path::new("/proc").join(pid).exists() {
            // Two may sweep at once; then the other one has it, and whatever is left waits for the next sweep.
            let _ = Workdir::claim(&name).and_then(Workdir::discard);
        }
    }
}

fn open_lock(root: &Path) -> Result<File> {
    let path = root.join("lock");
    let opened = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
    opened.with_context(|| format!("opening {}", path.display()))
}

fn kill_leftovers(root: &Path) {
    let Ok(entries) = fs::read_dir(root.join("run")) else { return };
    for entry in entries.flatten() {
        let recorded = fs::read_to_string(entry.path()).unwrap_or_default();
        if let Some(process) = RunningProcess::still_running(&recorded) {
            process.kill_group();
        }
    }
}

/// A process that was killed a moment ago may still write below the folder: then its removal is tried again for a while.
fn remove_folder(folder: &Path) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(3);
    loop {
        match fs::remove_dir_all(folder) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound && !folder.exists() => return Ok(()),
            Err(error) if Instant::now() > deadline => {
                return Err(error).with_context(|| format!("removing {}", folder.display()));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn create_private(folder: &Path, owner: Option<&SystemUser>) -> Result<()> {
    DirBuilder::new().mode(0o700).create(folder).with_context(|| format!("creating {}", folder.display()))?;
    if let Some(owner) = owner {
        unistd::chown(folder, Some(owner.uid), Some(owner.gid))
            .with_context(|| format!("giving {} to user {}", folder.display(), owner.uid))?;
    }
    Ok(())
}

/// Asked of the kernel as that user: permissions, access lists and mounts of every parent count.
async fn can_write(user: &SystemUser, folder: &Path) -> Result<bool> {
    let mut test = Command::new("setpriv");
    test.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid)).arg("--init-groups");
    let status = test.args(["--", "test", "-w"]).arg(folder).current_dir("/").status().await;
    Ok(status.context("setpriv, which is part of util-linux, could not be run")?.success())
}

/// Writes a file that only `owner` (or, without one, ourselves) may read.
pub fn write_secret(path: &Path, content: &str, owner: Option<&SystemUser>) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
        if let Some(owner) = owner {
            unistd::fchown(&file, Some(owner.uid), Some(owner.gid))?;
        }
        file.write_all(content.as_bytes())
    };
    write().with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fleet folder of one test's own, below the target folder.
    fn fleet_folder_of(test: &str) -> PathBuf {
        let folder = fleet_folder().join("unit-tests").join(test);
        remove_folder(&folder).unwrap();
        folder
    }

    #[test]
    fn a_folder_has_one_owner_at_a_time() {
        let fleet_folder = fleet_folder_of("one_owner");
        let first = Workdir::claim_in(&fleet_folder, "up").unwrap();
        let refusal = Workdir::claim_in(&fleet_folder, "up").unwrap_err().to_string();
        assert!(refusal.contains(&format!("process {} already runs", std::process::id())), "{refusal}");
        drop(first);
        Workdir::claim_in(&fleet_folder, "up").unwrap().discard().unwrap();
        assert!(!fleet_folder.join("up").exists());
    }

    #[test]
    fn a_dropped_folder_keeps_its_logs_until_the_next_claim() {
        let fleet_folder = fleet_folder_of("keeps_logs");
        let workdir = Workdir::claim_in(&fleet_folder, "up").unwrap();
        fs::write(workdir.log("orders"), "a line").unwrap();
        fs::write(workdir.root().join("data/file"), "bytes").unwrap();
        drop(workdir);
        assert!(fleet_folder.join("up/logs/orders.log").exists());
        assert!(!fleet_folder.join("up/data").exists());

        let workdir = Workdir::claim_in(&fleet_folder, "up").unwrap();
        assert!(!workdir.log("orders").exists());
    }

    #[test]
    fn a_process_that_a_killed_owner_left_is_killed_by_the_next_one() {
        let fleet_folder = fleet_folder_of("left_process");
        let workdir = Workdir::claim_in(&fleet_folder, "up").unwrap();
        let mut left = std::os::unix::process::CommandExt::process_group(&mut std::process::Command::new("sleep"), 0)
            .arg("600")
            .spawn()
            .unwrap();
        let recorded = RunningProcess::with_pid(Pid::from_raw(left.id().cast_signed())).unwrap();
        fs::write(workdir.pid_file("left"), recorded.to_string()).unwrap();
        // What a kill leaves: the lock is free, the files are there.
        let Workdir { root, _lock: lock } = &workdir;
        lock.unlock().unwrap();
        let _next = Workdir::claim_in(&fleet_folder, root.file_name().unwrap().to_str().unwrap()).unwrap();
        assert!(!left.wait().unwrap().success());
    }
}
