//! `fleet servers up` and `down`: one pair of servers in the background that serves test run after test run.
//!
//! `up` starts this program once more as a supervisor in a session of its own. The supervisor owns the run folder `servers`,
//! keeps both servers as its children, and writes `servers.env` for as long as they answer.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::unistd;
use tokio::time::sleep;

use crate::interrupt::Interrupts;
use crate::servers::{ExternalServers, Servers};
use crate::workdir::{Workdir, fleet_folder, stop_owner, write_secret};
use crate::{kafka, postgres, progress};

/// The run folder of the background pair.
const NAME: &str = "servers";

/// Where tests find a pair of servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestServers {
    /// `TEST_DATABASE_URL`.
    pub database_url: String,
    /// `TEST_KAFKA_BROKERS`.
    pub kafka_brokers: String,
}

impl TestServers {
    /// The variables under which tests look for them.
    pub fn variables(&self) -> [(&'static str, &str); 2] {
        [("TEST_DATABASE_URL", &self.database_url), ("TEST_KAFKA_BROKERS", &self.kafka_brokers)]
    }

    /// The background pair, if it is up and both answer.
    pub async fn in_background() -> Result<Option<Self>> {
        let text = match fs::read_to_string(env_file()) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("reading {}", env_file().display())),
        };
        let value_of = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let (Some(database_url), Some(kafka_brokers)) = (value_of("TEST_DATABASE_URL"), value_of("TEST_KAFKA_BROKERS"))
        else {
            return Ok(None);
        };
        let found = Self { database_url: database_url.to_owned(), kafka_brokers: kafka_brokers.to_owned() };
        let (database, brokers) = tokio::join!(postgres::answers(database_url), kafka::answers(kafka_brokers));
        Ok((database.is_ok() && brokers.is_ok()).then_some(found))
    }

    fn write(&self) -> Result<()> {
        let [(database, url), (kafka, brokers)] = self.variables();
        let lines = format!("{database}={url}\n{kafka}={brokers}\n");
        // Renamed into place: a reader sees the whole file or none.
        let unfinished = env_file().with_extension("env.new");
        let _ = fs::remove_file(&unfinished);
        write_secret(&unfinished, &lines, None)?;
        fs::rename(&unfinished, env_file()).with_context(|| format!("writing {}", env_file().display()))
    }
}

impl From<&Servers> for TestServers {
    fn from(servers: &Servers) -> Self {
        Self { database_url: servers.database_url().to_owned(), kafka_brokers: servers.kafka_brokers().to_owned() }
    }
}

/// `target/fleet/servers.env`.
pub fn env_file() -> PathBuf {
    fleet_folder().join("servers.env")
}

/// Makes sure that the background pair runs; does nothing when it does.
pub async fn up(external: &ExternalServers) -> Result<()> {
    fs::create_dir_all(fleet_folder()).with_context(|| format!("creating {}", fleet_folder().display()))?;
    // Of two that come at the same time, the second finds what the first has started.
    let turn = File::create(fleet_folder().join("servers.turn"))?;
    let turn = tokio::task::spawn_blocking(move || turn.lock().map(|()| turn)).await??;

    if TestServers::in_background().await?.is_some() {
        progress::say("servers", "already up");
    } else {
        forget_env_file()?;
        let log = fleet_folder().join("servers.log");
        let mut news = Tail::of_new_file(log.clone())?;
        let supervisor = start_supervisor(external, &log)?;
        wait_until_up(supervisor, &mut news).await?;
        progress::say("servers", "up");
    }
    progress::say("", format_args!("tests find them in {}", env_file().display()));
    progress::say("", "to stop them: fleet servers down");
    drop(turn);
    Ok(())
}

/// Stops the background pair. Says so when there is none.
pub async fn down() -> Result<()> {
    let was_up = stop_owner(NAME).await?;
    forget_env_file()?;
    progress::say("servers", if was_up { "down" } else { "were not up" });
    Ok(())
}

/// What the supervisor does: start, tell, wait, stop.
pub async fn supervise(external: &ExternalServers) -> Result<()> {
    // A session of its own: closing the terminal that `up` was called from does not end it.
    unistd::setsid().context("the supervisor is started by `fleet servers up`")?;
    let mut interrupts = Interrupts::listen()?;
    let workdir = Workdir::claim(NAME)?;
    let mut servers = tokio::select! {
        started = Servers::start(&workdir, external) => started?,
        _ = interrupts.next() => return Ok(()),
    };
    TestServers::from(&servers).write()?;

    let death = tokio::select! {
        death = servers.died() => Some(death),
        _ = interrupts.next() => None,
    };
    forget_env_file()?;
    servers.stop().await?;
    death.map_or(Ok(()), |death| Err(death.into()))
}

fn start_supervisor(external: &ExternalServers, log: &PathBuf) -> Result<Child> {
    let mut supervisor = Command::new(std::env::current_exe()?);
    supervisor.args(["servers", "supervise"]).current_dir("/");
    supervisor.env("TRADEWIND_FLEET_FOLDER", std::path::absolute(fleet_folder())?);
    if let Some(url) = &external.database_url {
        supervisor.env("TRADEWIND_DATABASE_URL", url);
    }
    if let Some(brokers) = &external.kafka_brokers {
        supervisor.env("TRADEWIND_KAFKA_BROKERS", brokers);
    }
    let output = File::options().append(true).open(log)?;
    supervisor.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    supervisor.spawn().context("starting the supervisor of the servers")
}

async fn wait_until_up(mut supervisor: Child, news: &mut Tail) -> Result<()> {
    // No deadline here: a first start installs and downloads, and every step of the supervisor has a limit of its own.
    loop {
        let ended = supervisor.try_wait()?;
        news.show()?;
        if let Some(status) = ended {
            bail!("the servers did not start ({status}); see above");
        }
        if env_file().exists() {
            return Ok(());
        }
        sleep(Duration::from_millis(50)).await;
    }
}

fn forget_env_file() -> Result<()> {
    match fs::remove_file(env_file()) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", env_file().display()))
        }
        _ => Ok(()),
    }
}

/// Shows on standard error what another process appends to a file. The supervisor cannot inherit our standard error: it
/// would keep the caller's pipe open long after we returned.
struct Tail {
    file: File,
}

impl Tail {
    fn of_new_file(path: PathBuf) -> Result<Self> {
        let file = File::options().create(true).truncate(true).read(true).write(true).open(&path);
        Ok(Self { file: file.with_context(|| format!("creating {}", path.display()))? })
    }

    fn show(&mut self) -> Result<()> {
        let mut news = Vec::new();
        self.file.read_to_end(&mut news)?;
        std::io::stderr().write_all(&news)?;
        Ok(())
    }
}
