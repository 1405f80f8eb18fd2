//! `fleet servers run -- COMMAND`: servers for the length of one command.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::background::TestServers;
use crate::interrupt::Interrupts;
use crate::process::spawn_lastingly;
use crate::progress;
use crate::servers::{ExternalServers, Servers};
use crate::workdir::{Workdir, sweep_dead};

/// Private runs live in `run-<pid>`.
const PREFIX: &str = "run-";

/// How long a command may take to end after Ctrl-C, which the terminal sent to it as well, before it is told again.
const INTERRUPT_GRACE: Duration = Duration::from_secs(10);

/// Which servers a command gets.
#[derive(Clone, Debug, clap::Args)]
pub struct RunOptions {
    /// Start a pair for this command alone, even when `fleet servers up` keeps one.
    #[arg(long)]
    pub private: bool,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Runs the command and answers its exit code (128 + n when signal n killed it, as shells say).
pub async fn run(options: &RunOptions, external: &ExternalServers) -> Result<u8> {
    let mut interrupts = Interrupts::listen()?;
    if !options.private && external.is_empty() {
        let named = |name| std::env::var_os(name).is_some();
        if named("TEST_DATABASE_URL") && named("TEST_KAFKA_BROKERS") {
            progress::say("servers", "those of TEST_DATABASE_URL and TEST_KAFKA_BROKERS");
            return Ok(exit_code(attend(spawn(&options.command, None)?, None, &mut interrupts).await?));
        }
        if let Some(servers) = TestServers::in_background().await? {
            progress::say("servers", "those of `fleet servers up`");
            return Ok(exit_code(attend(spawn(&options.command, Some(&servers))?, None, &mut interrupts).await?));
        }
    }
    run_with_own(options, external, &mut interrupts).await
}

async fn run_with_own(options: &RunOptions, external: &ExternalServers, interrupts: &mut Interrupts) -> Result<u8> {
    sweep_dead(PREFIX);
    let workdir = Workdir::claim(&format!("{PREFIX}{}", std::process::id()))?;
    let mut servers = tokio::select! {
        started = Servers::start(&workdir, external) => started?,
        signal = interrupts.next() => return Ok(code_of_signal(signal)),
    };
    let status = match spawn(&options.command, Some(&TestServers::from(&servers))) {
        Ok(command) => attend(command, Some(&mut servers), interrupts).await,
        Err(error) => Err(error),
    };
    servers.stop().await?;
    let status = status?;
    if status.success() {
        workdir.discard()?;
    } else {
        progress::say("servers", format_args!("their logs are kept in {}", workdir.logs().display()));
    }
    Ok(exit_code(status))
}

fn spawn(command: &[OsString], servers: Option<&TestServers>) -> Result<Child> {
    let (program, args) = command.split_first().context("no command was given")?;
    // In our process group, so that Ctrl-C reaches it; but without us its servers are gone, so it ends with us.
    let mut child = Command::new("setpriv");
    child.args(["--pdeathsig", "TERM", "--"]).arg(program).args(args);
    child.envs(servers.iter().flat_map(|servers| servers.variables()));
    spawn_lastingly(child).with_context(|| format!("starting {}", program.display()))
}

/// Waits for the command; passes on what asks us to stop, and tells when a server dies under it.
async fn attend(
    mut command: Child,
    mut servers: Option<&mut Servers>,
    interrupts: &mut Interrupts,
) -> Result<ExitStatus> {
    let pid = command.id().map(|id| Pid::from_raw(id.cast_signed())).context("the command has ended already")?;
    loop {
        let death = async {
            match &mut servers {
                Some(servers) => servers.died().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            status = command.wait() => return Ok(status?),
            signal = interrupts.next() => {
                // The terminal sends Ctrl-C to the command too, and many programs take a second one for "at once".
                if signal == Signal::SIGINT && let Ok(status) = timeout(INTERRUPT_GRACE, command.wait()).await {
                    return Ok(status?);
                }
                signal::kill(pid, Signal::SIGTERM).context("stopping the command")?;
            }
            death = death => {
                // The command goes on and fails by itself, with an explanation above its own.
                progress::say("servers", death);
                servers = None;
            }
        }
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => code as u8,
        (None, Some(signal)) => 128_u8.saturating_add(signal as u8),
        (None, None) => 1,
    }
}

fn code_of_signal(signal: Signal) -> u8 {
    128 + signal as u8
}
