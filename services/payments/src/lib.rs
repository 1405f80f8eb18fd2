//! Money: what was promised, taken and given back.
//!
//! | what | where |
//! | --- | --- |
//! | RPCs `GetPayment`, `BatchGetPayments`, `UndoPayment`, `RetryRefund`, `GetSellerBalance`, `ListPostings` | [`adapters::grpc`]; the commands are in [`app`] |
//! | events in: `OrderCreated`, `OrderModified`, `InventoryReserved`, `OrderConfirmed`, `OrderFailed`, `OrderCancelled` | [`adapters::events`], decided in [`saga::checkout`] |
//! | events in: `CashCollected`, `OrderDelivered` | [`adapters::events`], decided in [`saga::fulfilment`] |
//! | events in: `RefundApproved` | [`adapters::events`], decided in [`saga::refund`] |
//! | events out: `PaymentAuthorized`, `PaymentDeclined`, `PaymentCaptured`, `CaptureFailed`, `PaymentVoided`, `PaymentRefunded`, `RefundFailed` | [`domain::Event`], written in [`adapters::events`] |
//! | states of a payment | [`domain::Status`]; the arrows in `README.md`, every pair of state and fact in [`saga::checkout`], [`saga::fulfilment`] and [`saga::refund`] |
//! | what is asked of the provider, and its answers | [`jobs::ask_provider`] |
//! | deadline: the authorization's; subcommand `expire-authorizations` | [`jobs::expire_authorizations`] |
//! | the provider port and the sandbox behind it | [`adapters::providers`] |
//! | the double-entry ledger | [`domain::ledger`] |
//! | tables `payment`, `provider_operation`, `ledger_transaction`, `ledger_posting` | `migrations/1001_payments.sql`, [`adapters::postgres`] |

pub mod adapters;
pub mod app;
pub mod domain;
pub mod jobs;
mod participant;
pub mod saga;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use chassis::auth::Verifier;
use chassis::grpc::Server;
use chassis::{Operation, ParkedOperation, Settings, Tasks, cli, database, jobs as chassis_jobs, parked, telemetry};
use contracts::payments::v1::payments_service_server::PaymentsServiceServer;
use humantime::parse_duration;
use kernel::Rate;
use messaging::{Consumer, EventStore, Relay};

use adapters::events::SUBSCRIPTIONS;
use adapters::postgres::operation::Claim;
use adapters::providers::Sandbox;
use domain::{Policy, commission_rate};
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
    /// How long after an issuer has authorized a payment it can still be captured
    #[arg(long, env = "TRADEWIND_AUTHORIZATION_LIFETIME", default_value = "7d", value_name = "DURATION", value_parser = parse_duration)]
    authorization_lifetime: Duration,
    /// How often authorizations past that time are looked for
    #[arg(long, env = "TRADEWIND_AUTHORIZATION_SWEEP_EVERY", default_value = "1m", value_name = "DURATION", value_parser = parse_duration)]
    authorization_sweep_every: Duration,
    /// What the marketplace keeps of what a seller earns, as a fraction; it is fixed for an order when its money becomes the seller's
    #[arg(long, env = "TRADEWIND_COMMISSION_RATE", default_value = "0.05", value_name = "FRACTION", value_parser = commission_rate)]
    commission_rate: Rate,
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
    /// Gives up the authorizations that nobody captured in time, and names them
    ExpireAuthorizations {
        /// Only names them
        #[arg(long)]
        dry_run: bool,
    },
}

/// Runs a subcommand.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let policy = Policy {
        authorization_margin: args.authorization_margin,
        authorization_lifetime: args.authorization_lifetime,
        commission_rate: args.commission_rate,
    };
    match args.command {
        Command::Serve => serve(&args, policy).await,
        Command::Operate(operation) => cli::operate::<Args>(operation, &SERVICE, &args.settings).await,
        Command::Parked(operation) => {
            parked::operate(operation, &open_store(&args.settings).await?, CONSUMER, &Payments::new(policy)).await
        }
        Command::ExpireAuthorizations { dry_run } => {
            let _telemetry = telemetry::init(&SERVICE, &args.settings)?;
            expire_authorizations(&open_store(&args.settings).await?, &Payments::new(policy), dry_run).await
        }
    }
}

async fn open_store(settings: &Settings) -> anyhow::Result<EventStore> {
    Ok(EventStore::new(SERVICE.name, database::connect(&SERVICE, settings).await?, settings.clock()))
}

async fn serve(args: &Args, policy: Policy) -> anyhow::Result<()> {
    let settings = &args.settings;
    let _telemetry = telemetry::init(&SERVICE, settings)?;
    let store = open_store(settings).await?;
    let kafka = settings.kafka_config(&SERVICE);
    let provider = Arc::new(Sandbox::new(&args.provider_url, args.provider_timeout)?);
    let replica = settings.replica.clone().unwrap_or_else(|| SERVICE.name.to_owned());
    let (payments, work) = Payments::with_worker(policy, Claim::new(replica, args.provider_timeout));
    let payments = Arc::new(payments);
    let server = Server::bind(settings, Verifier::new(settings).await?)
        .await?
        .add(PaymentsServiceServer::new(adapters::grpc::Api::new(store.clone(), payments.clone())));

    let mut tasks = Tasks::new(settings.drain_timeout);
    tasks.spawn("relay", |stop| Relay::new(store.clone(), kafka.clone()).run(stop));
    tasks.spawn("housekeeping", |stop| chassis_jobs::housekeeping(store.clone(), settings, stop));
    tasks.spawn("ask_provider", |stop| Asker::new(store.clone(), payments.clone(), provider, work).run(stop));
    tasks.spawn(CONSUMER, |stop| {
        Consumer::new(store.clone(), kafka, CONSUMER, SUBSCRIPTIONS, payments.clone()).run(stop)
    });
    tasks.spawn("expire_authorizations", |stop| {
        let pool = store.pool().clone();
        chassis_jobs::every(args.authorization_sweep_every, "expire_authorizations", pool, stop, move || {
            let (store, payments) = (store.clone(), payments.clone());
            async move { jobs::expire_authorizations::expire_authorizations(&store, &payments).await.map(drop) }
        })
    });
    tasks.spawn("grpc", |stop| server.serve(stop));
    tasks.run().await
}

/// Prints a line for each payment.
async fn expire_authorizations(store: &EventStore, payments: &Payments, dry_run: bool) -> anyhow::Result<()> {
    let (found, what) = if dry_run {
        (jobs::expire_authorizations::due(store, payments).await?, "would expire")
    } else {
        (jobs::expire_authorizations::expire_authorizations(store, payments).await?, "expired")
    };
    let mut stdout = std::io::stdout();
    for (order_id, since) in &found {
        writeln!(stdout, "order {order_id}: authorized since {since}, {what}")?;
    }
    writeln!(stdout, "{} authorizations {what}", found.len())?;
    Ok(())
}
