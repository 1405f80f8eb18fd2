//! `fleet`: runs Tradewind on one machine.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use fleet::foreground::{self, RunOptions};
use fleet::requirements::{Needs, Requirements};
use fleet::servers::ExternalServers;
use fleet::{background, progress};

/// Runs Tradewind on one machine, without containers.
#[derive(Debug, Parser)]
#[command(version)]
struct CommandLine {
    #[command(subcommand)]
    command: FleetCommand,
}

#[derive(Debug, Subcommand)]
enum FleetCommand {
    /// Finds PostgreSQL, Java and Maven; as root on Debian it installs what is missing.
    Requirements,
    /// PostgreSQL and Kafka for tests.
    #[command(subcommand)]
    Servers(ServersCommand),
}

#[derive(Debug, Subcommand)]
enum ServersCommand {
    /// Keeps a pair of servers in the background and writes target/fleet/servers.env.
    Up(#[command(flatten)] ExternalServers),
    /// Stops the pair that `up` started.
    Down,
    /// Runs a command with TEST_DATABASE_URL and TEST_KAFKA_BROKERS set, starting servers if none are up.
    Run {
        #[command(flatten)]
        external: ExternalServers,
        #[command(flatten)]
        options: RunOptions,
    },
    /// What `up` leaves in the background.
    #[command(hide = true)]
    Supervise(#[command(flatten)] ExternalServers),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(CommandLine::parse().command).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: FleetCommand) -> anyhow::Result<u8> {
    match command {
        FleetCommand::Requirements => {
            let found = Requirements::provide(Needs::EVERYTHING).await?;
            for (name, path) in [("postgres", found.postgres), ("java", found.java), ("maven", found.maven)] {
                progress::say(name, path.unwrap_or_default().display());
            }
        }
        FleetCommand::Servers(ServersCommand::Up(external)) => background::up(&external).await?,
        FleetCommand::Servers(ServersCommand::Down) => background::down().await?,
        FleetCommand::Servers(ServersCommand::Run { external, options }) => {
            return foreground::run(&options, &external).await;
        }
        FleetCommand::Servers(ServersCommand::Supervise(external)) => background::supervise(&external).await?,
    }
    Ok(0)
}
