//! Money: what was promised, taken and given back.
//!
//! | what | where |
//! | --- | --- |
//! | RPCs `GetPayment`, `ListPostings` | [`adapters::grpc`] |
//! | events in: `OrderCreated`, `InventoryReserved`, `OrderConfirmed`, `OrderFailed`, `OrderCancelled` | [`adapters::events`], decided in [`saga::checkout`] |
//! | events in: `CashCollected` | [`adapters::events`], decided in [`saga::fulfilment`] |
//! | events in: `RefundApproved` | [`adapters::events`], decided in [`saga::refund`] |
//! | events out: `PaymentAuthorized`, `PaymentDeclined`, `PaymentCaptured`, `CaptureFailed`, `PaymentVoided`, `PaymentRefunded` | [`domain::Event`], written in [`adapters::events`] |
//! | states of a payment | [`domain::Status`]; the arrows in `README.md`, every pair of state and fact in [`saga::checkout`], [`saga::fulfilment`] and [`saga::refund`] |
//! | what is asked of the provider, and its answers | [`jobs::ask_provider`] |
//! | the provider port and the sandbox behind it | [`adapters::providers`] |
//! | the double-entry ledger | [`domain::ledger`] |
//! | tables `payment`, `provider_operation`, `ledger_transaction`, `ledger_posting` | `migrations/1001_payments.sql`, [`adapters::postgres`] |

pub mod adapters;
pub mod domain;
pub mod jobs;
mod participant;
pub mod saga;

use std::sync::Arc;
use std::time::Duration;

use chassis::auth::Verifier;
use chassis::grpc::Server;
use chassis::{Operation, ParkedOperation, Settings, Tasks, cli, database, jobs as chassis_jobs, parked, telemetry};
use contracts::payments::v1::payments_service_server::PaymentsServiceServer;
use humantime::parse_duration;
use messaging::{Consumer, EventStore, Relay};

use adapters::events::SUBSCRIPTIONS;
use adapters::postgres::operation::Claim;
use adapters::providers::Sandbox;
use domain::Policy;
use jobs::ask_provider::Asker;
pub use participant::{Heard, Loaded, Payments, Work};

/// The consumer group of the sagas.
pub const CONSUMER: &str = "payments.saga";

/// What the chassis must know.
pub static SERVICE: chassis::Service = chassis::Service {
    name: "payments",
    migrations: sqlx::migrate!(),
    append_only_tables: &["ledger_transaction", "ledger_posting"],
    topics: &["tradewind.payments.v1"],
    consumers: &[CONSUMER],
};

/// Authorizes, captures, voids and refunds through a payment provider, and keeps the ledger.
#[derive(Debug, clap::Parser)]
#[command(name = "payments", version)]
pub struct Args {
    /// How long before its reservation expires a payment is no longer authorized
    #[arg(long, env = "TRADEWIND_AUTHORIZATION_MARGIN", default_value = "60s", value_name = "DURATION", value_parser = parse_duration)]
    authorization_margin: Duration,
    /// Where the payment provider is
    #[arg(long, env = "TRADEWIND_PROVIDER_URL", default_value = "http://127.0.0.1:8700", value_name = "URL")]
    provider_url: String,
    /// How long the provider may take to answer; after that the outcome is unknown and is asked for again
    #[arg(long, env = "TRADEWIND_PROVIDER_TIMEOUT", default_value = "10s", value_name = "DURATION", value_parser = parse_duration)]
    provider_timeout: Duration,
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Serves until told to stop
    Serve,
    #[command(flatten)]
    Operate(Operation),
    /// Shows and resolves events that could not take effect
    #[command(subcommand)]
    Parked(ParkedOperation),
}

/// Runs a subcommand.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let policy = Policy { authorization_margin: args.authorization_margin };
    match args.command {
        Command::Serve => serve(&args, policy).await,
        Command::Operate(operation) => cli::operate::<Args>(operation, &SERVICE, &args.settings).await,
        Command::Parked(operation) => {
            let pool = database::connect(&SERVICE, &args.settings).await?;
            let store = EventStore::new(SERVICE.name, pool, args.settings.clock());
            parked::operate(operation, &store, CONSUMER, &Payments::new(policy)).await
        }
    }
}

async fn serve(args: &Args, policy: Policy) -> anyhow::Result<()> {
    let settings = &args.settings;
    let _telemetry = telemetry::init(&SERVICE, settings)?;
    let pool = database::connect(&SERVICE, settings).await?;
    let store = EventStore::new(SERVICE.name, pool, settings.clock());
    let kafka = settings.kafka_config(&SERVICE);
    let provider = Arc::new(Sandbox::new(&args.provider_url, args.provider_timeout)?);
    let replica = settings.replica.clone().unwrap_or_else(|| SERVICE.name.to_owned());
    let (payments, work) = Payments::with_worker(policy, Claim::new(replica, args.provider_timeout));
    let payments = Arc::new(payments);
    let server = Server::bind(settings, Verifier::new(settings).await?)
        .await?
        .add(PaymentsServiceServer::new(adapters::grpc::Api::new(store.clone())));

    let mut tasks = Tasks::new(settings.drain_timeout);
    tasks.spawn("relay", |stop| Relay::new(store.clone(), kafka.clone()).run(stop));
    tasks.spawn("housekeeping", |stop| chassis_jobs::housekeeping(store.clone(), settings, stop));
    tasks.spawn("ask_provider", |stop| Asker::new(store.clone(), payments.clone(), provider, work).run(stop));
    tasks.spawn(CONSUMER, |stop| Consumer::new(store, kafka, CONSUMER, SUBSCRIPTIONS, payments).run(stop));
    tasks.spawn("grpc", |stop| server.serve(stop));
    tasks.run().await
}
