//! The command line that every service binary has.
//!
//! A service has one `Args` struct of its own: the common [`Settings`] flattened, its own options beside
//! them, and its own enum of subcommands that flattens [`Operation`]:
//!
//! ```
//! #[derive(Debug, clap::Parser)]
//! #[command(name = "orders", about = "Keeps orders")]
//! pub struct Args {
//!     #[command(flatten)]
//!     pub settings: chassis::Settings,
//!     #[command(subcommand)]
//!     pub command: Command,
//! }
//!
//! #[derive(Debug, clap::Subcommand)]
//! pub enum Command {
//!     /// Serves until told to stop
//!     Serve,
//!     #[command(flatten)]
//!     Operate(chassis::Operation),
//!     /// Shows and resolves events that could not take effect
//!     #[command(subcommand)]
//!     Parked(chassis::ParkedOperation),
//! }
//! ```

use std::io::Write as _;

use clap::{CommandFactory, Parser, Subcommand};
use messaging::{EventStore, Topic};

use crate::{OutboxOperation, Service, Settings, config, database, faults, outbox, telemetry};

/// The subcommands that every service binary has, besides `serve`. Each does its work and ends.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Operation {
    /// Creates the service's schema or brings it up to date
    Migrate,
    /// Creates the service's topics; those that exist stay as they are
    Topics,
    /// Prints the configuration in effect, with secrets masked
    Config,
    /// Shows events that the broker refuses, and lets those go that are held back
    #[command(subcommand)]
    Outbox(OutboxOperation),
}

/// Reads the command line and the environment; on a mistake, or when asked for help, prints and ends the process.
pub fn parse<A: Parser>() -> A {
    let matches = command::<A>().get_matches();
    faults::begin(&matches);
    A::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// The command line of `A`, with every option allowed before and after the subcommand.
pub fn command<A: CommandFactory>() -> clap::Command {
    // clap does not let an option be both required and global.
    A::command().mut_args(|option| if option.is_required_set() { option } else { option.global(true) })
}

/// Carries out an operation. `A` is the service's `Args`, for the names of its options.
pub async fn operate<A: CommandFactory>(
    operation: Operation,
    service: &'static Service,
    settings: &Settings,
) -> anyhow::Result<()> {
    let _telemetry = telemetry::init(service, settings)?;
    match operation {
        Operation::Migrate => database::migrate(service, settings).await,
        Operation::Topics => create_topics(service, settings).await,
        Operation::Config => {
            let command = command::<A>();
            let matches = command.clone().get_matches();
            Ok(std::io::stdout().write_all(config::describe(&command, &matches).as_bytes())?)
        }
        Operation::Outbox(operation) => {
            let pool = database::connect(service, settings).await?;
            outbox::operate(operation, &EventStore::new(service.name, pool, settings.clock())).await
        }
    }
}

/// A dead-letter topic has a single partition: it is read by people, in order.
async fn create_topics(service: &Service, settings: &Settings) -> anyhow::Result<()> {
    let replication = settings.kafka.topic_replication;
    let published = service.topics.iter().map(|name| (String::from(*name), settings.kafka.topic_partitions));
    let dead_letters = service.consumers.iter().map(|group| (format!("{group}.dlq"), 1));
    let topics: Vec<_> =
        published.chain(dead_letters).map(|(name, partitions)| Topic { name, partitions, replication }).collect();
    let created = messaging::create_topics(&settings.kafka_config(service), &topics).await?;
    tracing::info!(?created, existed = topics.len() - created.len(), "the topics are there");
    Ok(())
}
