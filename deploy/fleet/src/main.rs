//! `fleet`: runs Tradewind on one machine.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use contracts::access::Role;
use fleet::foreground::{self, RunOptions};
use fleet::requirements::{Needs, Requirements};
use fleet::servers::ExternalServers;
use fleet::{
    background, bench, choreography, demo, faults, flash_sale, operate, progress, protos, statement, story, up,
};
use uuid::Uuid;

/// Runs Tradewind on one machine, without containers.
#[derive(Debug, Parser)]
#[command(version)]
struct CommandLine {
    #[command(subcommand)]
    command: FleetCommand,
}

#[derive(Debug, Subcommand)]
enum FleetCommand {
    /// Runs the fleet until Ctrl-C: PostgreSQL, Kafka, the sandbox provider, seven services, a catalogue on sale.
    Up {
        #[command(flatten)]
        external: ExternalServers,
        /// Processes of each service; calls are spread over them.
        #[arg(long, default_value_t = 1, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=4))]
        replicas: u16,
    },
    /// Stops the fleet that `up` runs somewhere else.
    Down,
    /// Lives one morning of a marketplace and checks the invariants at its end.
    Demo(#[command(flatten)] ExternalServers),
    /// Lets everything go wrong while buyers buy: kills, crashes, pauses, a broker and a database that die, lost connections, poison,
    /// rewound groups, wrong clocks, a provider that lies. Then it mends everything, waits until every saga has ended and reads the
    /// invariants from the databases. Writes target/faults/report.json. Takes servers of its own; the debug build can also crash
    /// at named points, which the campaign needs.
    Faults(#[command(flatten)] faults::Options),
    /// Sells a hundred units to ten thousand buyers, all at once, while processes of inventory and orders are killed; exactly a
    /// hundred may be paid, everybody else has to be told in time that it is sold out, and the invariants have to hold.
    FlashSale {
        #[command(flatten)]
        external: ExternalServers,
        #[command(flatten)]
        options: flash_sale::Options,
    },
    /// Measures orders a second, latencies and what an order costs. Run the release build.
    Bench(#[command(flatten)] bench::Options),
    /// Prints a token for the fleet that is up, good for 12 hours.
    Token {
        /// What its holder is.
        #[arg(value_parser = role)]
        role: Role,
        /// Whom it is issued to [default: somebody new].
        #[arg(long, value_name = "UUID")]
        subject: Option<Uuid>,
        /// The seller that a seller's token acts for [default: the first of the catalogue].
        #[arg(long, value_name = "UUID")]
        seller: Option<Uuid>,
    },
    /// Runs a subcommand of a service's binary for the fleet that is up, such as `fleet operate inventory parked list`.
    Operate {
        /// The service.
        service: String,
        /// The subcommand with its options; without any, the service's help.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, default_value = "help")]
        arguments: Vec<String>,
    },
    /// Tells all that happened to an order of the fleet that is up: every fact of every service, who or what caused it, what is
    /// awaited now and from whom, and what of it is stuck. Changes nothing.
    Story(#[command(flatten)] story::Options),
    /// Prints the ledger of an order of the fleet that is up: dated entries with debit and credit, totals, what the buyer paid and got
    /// back, what the seller earned. Changes nothing.
    Statement(#[command(flatten)] statement::Options),
    /// Writes docs/choreography.md from the services' SUBSCRIPTIONS tables.
    Choreography {
        /// Only checks that it is up to date and that the tests it names exist.
        #[arg(long)]
        check: bool,
    },
    /// Lints the protos with buf.
    LintProtos,
    /// Finds PostgreSQL, Java, Maven and npm; as root on Debian it installs what is missing.
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
        FleetCommand::Up { external, replicas } => up::up(&external, replicas).await?,
        FleetCommand::Down => up::down().await?,
        FleetCommand::Demo(external) => demo::demo(&external).await?,
        FleetCommand::FlashSale { external, options } => flash_sale::flash_sale(&external, &options).await?,
        FleetCommand::Faults(options) => faults::faults(&options).await?,
        FleetCommand::Bench(options) => bench::bench(&options).await?,
        FleetCommand::Token { role, subject, seller } => println!("{}", up::token(role, subject, seller)?),
        FleetCommand::Operate { service, arguments } => operate::operate(up::NAME, &service, &arguments)?,
        FleetCommand::Story(options) => story::story(up::NAME, &options).await?,
        FleetCommand::Statement(options) => statement::statement(up::NAME, &options).await?,
        FleetCommand::Choreography { check: true } => choreography::check()?,
        FleetCommand::Choreography { check: false } => choreography::write()?,
        FleetCommand::LintProtos => protos::lint().await?,
        FleetCommand::Requirements => {
            let found = Requirements::provide(Needs::EVERYTHING).await?;
            for (name, path) in
                [("postgres", found.postgres), ("java", found.java), ("maven", found.maven), ("npx", found.npx)]
            {
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

fn role(name: &str) -> Result<Role, String> {
    Role::from_name(name).ok_or_else(|| "one of buyer, seller, operator, service".to_owned())
}
