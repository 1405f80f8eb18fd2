//! What physically moves: one shipment for each warehouse that has stock of an order, which leaves in parcels; and what comes back.
//!
//! | what | where |
//! | --- | --- |
//! | RPCs `GetShipment`, `ListShipments`, `ListReturns`, `DispatchParcel`, `RecordDelivery`, `RecordFailure`, `BuyReturnLabel`, `ReceiveReturn`, `RecordRemittance` | [`adapters::grpc`] |
//! | the commands behind the last six | [`app`]: `dispatch_parcel`, `record_delivery`, `record_failure`, `buy_return_label`, `receive_return`, `record_remittance` |
//! | RPCs `SetShippingProfile`, `GetShippingProfile`, `QuoteShipping` | [`adapters::grpc_rates`], the work behind them in [`app`] |
//! | events in: `OrderPaid`, `OrderConfirmed`, `OrderCancellationRequested`, `RefundRequested` | [`adapters::events`], decided in [`saga::fulfilment`] and [`saga::refund`] |
//! | events out: `ShipmentCreated`, `ShipmentDispatched`, `ShipmentDelivered`, `ShipmentFailed`, `ReturnLabelBought`, `ReturnParcelMoved`, `ReturnReceived`, `ShipmentCancelled`, `ShipmentCancelRefused`, `CashCollected` | [`domain::event`], written in [`adapters::events`] |
//! | all shipments and returns of an order: the aggregate | [`domain::consignment`] |
//! | what leaves from where, and what is left | [`domain::shipment`], [`domain::parcel`], [`domain::contents`] |
//! | what comes back, where to and in what condition; by which label, and how far it is | [`domain::goods_return`]; [`domain::return_label`] |
//! | what a seller charges for sending; what it offers for goods and a place | [`domain::rates`]; [`domain::rates::offers`] |
//! | tables `consignment`, `shipment`, `shipment_line`, `parcel`, `goods_return`, `goods_receipt` | `migrations/1001_shipping.sql`, [`adapters::postgres`] |
//! | table `return_label` | `migrations/1004_return_labels.sql`, [`adapters::postgres`] |
//! | what the sandbox carrier is asked for, and tells us by webhook: labels, scans, on either way | [`adapters::carriers`], [`adapters::webhooks`]; [`domain::scan`], [`app::take_scans`] |
//! | jobs: webhooks that wait, parcels that are silent | [`jobs::take_webhooks`], [`jobs::ask_carrier`] |
//! | table `carrier_webhook` | `migrations/1003_carrier.sql`, [`adapters::postgres::carrier`] |
//! | table `shipping_profile` | `migrations/1002_rates.sql`, [`adapters::postgres::rates`] |

pub mod adapters;
pub mod app;
pub mod domain;
pub mod jobs;
mod participant;
pub mod saga;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chassis::auth::Verifier;
use chassis::grpc::Server;
use chassis::webhook::WebhookKey;
use chassis::{Operation, ParkedOperation, Settings, Tasks, cli, database, jobs as chassis_jobs, parked, telemetry};
use contracts::shipping::v1::shipping_rates_service_server::ShippingRatesServiceServer;
use contracts::shipping::v1::shipping_service_server::ShippingServiceServer;
use messaging::{Consumer, EventStore, Relay};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use adapters::carriers::Sandbox;
use adapters::events::SUBSCRIPTIONS;
use adapters::webhooks::Webhooks;
pub use participant::Shipping;

/// The consumer group of the saga.
pub const CONSUMER: &str = "shipping.saga";

/// How long events are gathered before shipping reacts. Nobody packs a parcel within that time, and taken one by one the orders that were paid
/// would cost shipping, and everybody who hears of it, several times as much. Whoever cancels waits so much longer at most.
const LINGER: Duration = Duration::from_millis(100);

/// What the chassis must know.
pub static SERVICE: chassis::Service = chassis::Service {
    name: "shipping",
    migrations: sqlx::migrate!(),
    append_only_tables: &[],
    topics: &["tradewind.shipping.v1"],
    consumers: &[CONSUMER],
};

/// Sends what was ordered, and follows it to the door.
#[derive(Debug, clap::Parser)]
#[command(name = "shipping", version)]
pub struct Args {
    #[command(flatten)]
    settings: Settings,
    /// How long a quote of what sending costs is honoured; longer than checkout's own quotes bind, so that it ends none of them early
    #[arg(long, env = "TRADEWIND_SHIPPING_QUOTE_VALIDITY", default_value = "30m", value_name = "DURATION", value_parser = humantime::parse_duration)]
    quote_validity: Duration,
    /// Where the sandbox carrier is; without it no labels are bought, and deliveries are reported by hand
    #[arg(long, env = "TRADEWIND_SANDBOX_CARRIER_URL", value_name = "URL")]
    sandbox_carrier_url: Option<String>,
    /// How long a carrier may take to answer
    #[arg(long, env = "TRADEWIND_CARRIER_TIMEOUT", default_value = "5s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    carrier_timeout: Duration,
    /// How long a parcel may be silent before its carrier is asked about it
    #[arg(long, env = "TRADEWIND_CARRIER_SILENCE", default_value = "1h", value_name = "DURATION", value_parser = humantime::parse_duration)]
    carrier_silence: Duration,
    /// How often parcels that are silent are looked for
    #[arg(long, env = "TRADEWIND_CARRIER_SWEEP_EVERY", default_value = "1m", value_name = "DURATION", value_parser = humantime::parse_duration)]
    carrier_sweep_every: Duration,
    /// Address on which webhooks of carriers are taken in over HTTP; without it none are
    #[arg(long, env = "TRADEWIND_WEBHOOK_LISTEN", value_name = "ADDRESS", requires = "webhook_key")]
    webhook_listen: Option<SocketAddr>,
    /// Key that the sandbox carrier signs its webhooks with: whsec_ and at least 24 bytes in base64
    #[arg(long, env = "TRADEWIND_SANDBOX_CARRIER_WEBHOOK_SECRET", value_name = "KEY", hide_env_values = true)]
    webhook_key: Option<WebhookKey>,
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
    match args.command {
        Command::Serve => serve(&args).await,
        Command::Operate(operation) => cli::operate::<Args>(operation, &SERVICE, &args.settings).await,
        Command::Parked(operation) => {
            let pool = database::connect(&SERVICE, &args.settings).await?;
            let store = EventStore::new(SERVICE.name, pool, args.settings.clock());
            parked::operate(operation, &store, CONSUMER, &Shipping).await
        }
    }
}

async fn serve(args: &Args) -> anyhow::Result<()> {
    let settings = &args.settings;
    let _telemetry = telemetry::init(&SERVICE, settings)?;
    let pool = database::connect(&SERVICE, settings).await?;
    let store = EventStore::new(SERVICE.name, pool, settings.clock());
    let kafka = settings.kafka_config(&SERVICE);
    let sandbox = match &args.sandbox_carrier_url {
        Some(url) => Some(Sandbox::new(url, args.carrier_timeout)?),
        None => None,
    };
    let server = Server::bind(settings, Verifier::new(settings).await?)
        .await?
        .add(ShippingServiceServer::new(adapters::grpc::Api::new(store.clone(), Shipping, sandbox.clone())))
        .add(ShippingRatesServiceServer::new(adapters::grpc_rates::RatesApi::new(store.clone(), args.quote_validity)));

    let mut tasks = Tasks::new(settings.drain_timeout);
    tasks.spawn("relay", |stop| Relay::new(store.clone(), kafka.clone()).run(stop));
    tasks.spawn("housekeeping", |stop| chassis_jobs::housekeeping(store.clone(), settings, stop));
    let carrier_store = store.clone();
    let consumer = Consumer::new(store, kafka, CONSUMER, SUBSCRIPTIONS, Arc::new(Shipping)).lingering(LINGER);
    tasks.spawn(CONSUMER, |stop| consumer.run(stop));
    if let Some(sandbox) = sandbox {
        let (store, silence) = (carrier_store.clone(), args.carrier_silence);
        tasks.spawn("ask_carrier", |stop| {
            chassis_jobs::every(args.carrier_sweep_every, "ask_carrier", store.pool().clone(), stop, move || {
                let (store, sandbox) = (store.clone(), sandbox.clone());
                async move { jobs::ask_carrier::ask_carrier(&store, &sandbox, silence).await.map(drop) }
            })
        });
    }
    if let (Some(listen), Some(key)) = (args.webhook_listen, args.webhook_key.clone()) {
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        tracing::info!(listen = %listener.local_addr()?, "webhooks are taken in");
        let came = Arc::new(Notify::new());
        let webhooks = Webhooks::new(carrier_store.clone(), key, came.clone());
        tasks.spawn("take_webhooks", |stop| jobs::take_webhooks::run(carrier_store, came, stop));
        tasks.spawn("webhooks", |stop| webhooks.serve(listener, stop));
    }
    tasks.spawn("grpc", |stop| server.serve(stop));
    tasks.run().await
}
