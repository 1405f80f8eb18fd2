//! `fleet operate`: the subcommands of a service's own binary, with the settings of the fleet that is up.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::RunningProcess;
use crate::topology::replica;
use crate::workdir::fleet_folder;

/// Becomes the service's binary, so that its exit code is ours; answers only if that cannot be.
pub fn operate(fleet: &str, service: &str, arguments: &[String]) -> Result<()> {
    let error = command(fleet, service)?.args(arguments).exec();
    Err(error).with_context(|| format!("cannot run {service}"))
}

/// The service's binary as the first replica of a running fleet was started, without its arguments.
pub fn command(fleet: &str, service: &str) -> Result<Command> {
    let name = replica(service, 0);
    let pid_file = fleet_folder().join(fleet).join("run").join(format!("{name}.pid"));
    let running = fs::read_to_string(pid_file).ok().and_then(|text| RunningProcess::still_running(&text));
    let running = running.with_context(|| format!("no {name} is running; start a fleet with `make up`"))?;
    let read = |file: &str| {
        let path = format!("/proc/{}/{file}", running.pid());
        fs::read_to_string(&path).with_context(|| format!("reading {path}"))
    };
    let arguments = read("cmdline")?;
    let mut command = Command::new(arguments.split('\0').next().unwrap_or_default());
    command.envs(read("environ")?.split('\0').filter_map(|variable| variable.split_once('=')));
    Ok(command)
}
