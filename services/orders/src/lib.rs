//! The contract between a buyer and a seller, and the arbiter of the sagas: orders alone decide what becomes of an
//! order.
//!
//! | what | where |
//! | --- | --- |
//! | RPCs `GetOrder`, `ModifyOrder`, `SplitOrder`, `CancelOrder`, `RequestRefund`, `GetOrderHistory` | [`adapters::grpc`]; the commands are in [`app`] |
//! | RPCs `GetOrderDetail`, `ListOrders`, `GetSellerDashboard`, subcommand `rebuild` | [`read_model`] |
//! | events in: `CheckoutSubmitted`; `PaymentAuthorized`, `PaymentDeclined`, `PaymentCaptured`, `CaptureFailed`, `PaymentVoided`, `PaymentRefunded`, `RefundFailed`; `InventoryCommitted`, `InventoryBackordered`, `InventoryRejected`, `InventoryCommitRefused`, `ReservationExpired`, `ReservationModified`, `InventoryReleased` | [`adapters::events`], decided in [`saga::checkout`], [`saga::modification`] |
//! | events in: `ShipmentDispatched`, `ShipmentDelivered`, `ShipmentFailed`, `ShipmentCancelled`, `ShipmentCancelRefused`, `ReturnReceived` | [`adapters::events`], decided in [`saga::fulfilment`] and [`saga::refund`] |
//! | events out: `OrderCreated`, `OrderModified`, `OrderBackordered`, `OrderConfirmed`, `OrderPaid`, `OrderShipped`, `OrderDelivered`, `OrderFailed`, `OrderCancellationRequested`, `OrderCancelled`, `RefundRequested`, `RefundApproved`, `RefundRejected`, `RefundCompleted`, `OrderRefunded`, `OrderClosed` | [`domain::event`], written in [`adapters::events`] |
//! | milestone and axes of an order, and their steps | [`domain::status`], [`domain::order`] |
//! | what was agreed, and its hash; how it is divided | [`domain::snapshot`], [`domain::modification`] |
//! | refunds: numbered, priced, counted | [`domain::refund`], granted by [`domain::policy`] |
//! | deadlines: the unpaid order's, the end of the return window | [`jobs::cancel_unpaid_orders`], [`jobs::close_orders`] |
//! | deadline: any saga step's | [`jobs::detect_stuck_orders`]; what an order waits for is in [`domain::stuck`] |
//! | whether orders, payments and inventory agree | [`jobs::reconcile_order_state`]; compared in [`domain::reconcile`], asked in [`adapters::peers`] |
//! | subcommand `verify-history`, and one for each job | [`app::verify_history`], [`jobs::on_demand`] |
//! | tables `order_snapshot`, `order_line`, `order_state`, views `agreed_order`, `placed_order` | `migrations/1001_orders.sql`, [`adapters::postgres`] |
//! | tables `order_detail_view`, `order_list_view`, `seller_dashboard_view` | `migrations/1003_read_models.sql`, [`read_model`] |
//! | tables `job_progress`, `stuck_order`, `reconcile_difference` | `migrations/1002_jobs.sql`, [`adapters::postgres::watch`], [`adapters::postgres::stuck`], [`adapters::postgres::reconcile`] |

pub mod adapters;
pub mod app;
pub mod domain;
pub mod jobs;
mod participant;
pub mod read_model;
pub mod saga;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chassis::auth::{ServiceToken, Verifier};
use chassis::grpc::Server;
use chassis::{
    Operation, ParkedOperation, Rebuild, Settings, Tasks, cli, database, jobs as chassis_jobs, parked, rebuild,
    telemetry,
};
use contracts::orders::v1::orders_service_server::OrdersServiceServer;
use messaging::read_model::Projector;
use messaging::{Consumer, EventStore, Relay};

use adapters::events::SUBSCRIPTIONS;
use adapters::peers::Peers;
use domain::ids::OrderId;
use domain::policy::Policy;
use jobs::detect_stuck_orders::{self, Look, detect_stuck_orders};
use jobs::reconcile_order_state::{self, Reconciliation};
use jobs::{cancel_unpaid_orders, close_orders, on_demand};
pub use participant::Orders;
use read_model::Views;

/// The consumer group of the saga.
pub const CONSUMER: &str = "orders.saga";

/// What the chassis must know.
pub static SERVICE: chassis::Service = chassis::Service {
    name: "orders",
    migrations: sqlx::migrate!(),
    append_only_tables: &["order_snapshot", "order_line"],
    topics: &["tradewind.orders.v1"],
    consumers: &[CONSUMER, read_model::CONSUMER],
};

/// Keeps orders and decides what becomes of them.
#[derive(Debug, clap::Parser)]
#[command(name = "orders", version)]
pub struct Args {
    #[command(flatten)]
    settings: Settings,
    /// How long after its creation an order that is not confirmed is cancelled; longer than stock is reserved for
    #[arg(long, env = "TRADEWIND_UNPAID_AFTER", default_value = "16m", value_name = "DURATION", value_parser = humantime::parse_duration)]
    unpaid_after: Duration,
    /// How often orders past that time are looked for
    #[arg(long, env = "TRADEWIND_UNPAID_SWEEP_EVERY", default_value = "1s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    unpaid_sweep_every: Duration,
    /// How long after its delivery the goods of an order may be sent back; then it is closed
    #[arg(long, env = "TRADEWIND_RETURN_WINDOW", default_value = "30d", value_name = "DURATION", value_parser = humantime::parse_duration)]
    return_window: Duration,
    /// How often orders to which nothing more may happen are looked for
    #[arg(long, env = "TRADEWIND_CLOSE_SWEEP_EVERY", default_value = "10s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    close_sweep_every: Duration,
    /// How long an order may wait for a service before what it should act on is sent again
    #[arg(long, env = "TRADEWIND_STUCK_AFTER", default_value = "60s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    stuck_after: Duration,
    /// How often orders that wait so long are looked for
    #[arg(long, env = "TRADEWIND_STUCK_SWEEP_EVERY", default_value = "10s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    stuck_sweep_every: Duration,
    /// How often orders are compared with payments and inventory
    #[arg(long, env = "TRADEWIND_RECONCILE_EVERY", default_value = "5m", value_name = "DURATION", value_parser = humantime::parse_duration)]
    reconcile_every: Duration,
    /// How long an order must have rested before it is compared
    #[arg(long, env = "TRADEWIND_RECONCILE_GRACE", default_value = "60s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    reconcile_grace: Duration,
    /// Where the payments service is: the URL of each replica, separated by commas
    #[arg(long, env = "TRADEWIND_PAYMENTS_URL", default_value = "http://127.0.0.1:50056", value_name = "URLS")]
    payments_url: String,
    /// Where the inventory service is: the URL of each replica, separated by commas
    #[arg(long, env = "TRADEWIND_INVENTORY_URL", default_value = "http://127.0.0.1:50055", value_name = "URLS")]
    inventory_url: String,
    /// Token that says to payments and inventory that this is a service. Needed to serve and to compare orders with them
    #[arg(long, env = "TRADEWIND_SERVICE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    service_token: Option<ServiceToken>,
    #[command(subcommand)]
    command: Command,
}

impl Args {
    fn peers(&self) -> anyhow::Result<Peers> {
        let token = self.service_token.clone();
        let token = token.context("no token to ask payments and inventory with: set TRADEWIND_SERVICE_TOKEN")?;
        Peers::new(&self.payments_url, &self.inventory_url, token)
    }
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Serves until told to stop
    Serve,
    #[command(flatten)]
    Operate(Operation),
    /// Shows and resolves events that could not take effect
    Parked {
        /// The consumer group that parked the events which are retried or skipped
        #[arg(long, default_value = CONSUMER, value_parser = [CONSUMER, read_model::CONSUMER], value_name = "GROUP")]
        group: String,
        #[command(subcommand)]
        operation: ParkedOperation,
    },
    /// Makes the read models anew from the histories
    Rebuild(Rebuild),
    /// Recomputes the hash chain and the snapshot hashes of every order, and names what was changed
    VerifyHistory {
        /// Verifies one order only
        #[arg(long, value_name = "ORDER_ID")]
        order: Option<OrderId>,
    },
    #[command(flatten)]
    Job(on_demand::Job),
}

/// Runs a subcommand.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let orders = Orders { policy: Policy { unpaid_after: args.unpaid_after, return_window: args.return_window } };
    match args.command {
        Command::Serve => serve(&args, Arc::new(orders)).await,
        Command::Operate(operation) => cli::operate::<Args>(operation, &SERVICE, &args.settings).await,
        Command::Parked { group, operation } => {
            let store = open_store(&args.settings).await?;
            if group == read_model::CONSUMER {
                Box::pin(parked::operate(operation, &store, read_model::CONSUMER, &Projector(Views))).await
            } else {
                Box::pin(parked::operate(operation, &store, CONSUMER, &orders)).await
            }
        }
        Command::Rebuild(ref arguments) => {
            let _telemetry = telemetry::init(&SERVICE, &args.settings)?;
            rebuild::operate(arguments, &open_store(&args.settings).await?, &Views).await
        }
        Command::VerifyHistory { order } => {
            let _telemetry = telemetry::init(&SERVICE, &args.settings)?;
            verify_history(&open_store(&args.settings).await?, order).await
        }
        Command::Job(ref job) => {
            let _telemetry = telemetry::init(&SERVICE, &args.settings)?;
            let store = open_store(&args.settings).await?;
            on_demand::run(job.clone(), &store, &orders, &args).await
        }
    }
}

async fn open_store(settings: &Settings) -> anyhow::Result<EventStore> {
    Ok(EventStore::new(SERVICE.name, database::connect(&SERVICE, settings).await?, settings.clock()))
}

async fn serve(args: &Args, orders: Arc<Orders>) -> anyhow::Result<()> {
    let settings = &args.settings;
    let _telemetry = telemetry::init(&SERVICE, settings)?;
    let peers = args.peers()?;
    let store = open_store(settings).await?;
    let kafka = settings.kafka_config(&SERVICE);
    let server = Server::bind(settings, Verifier::new(settings).await?)
        .await?
        .add(OrdersServiceServer::new(adapters::grpc::Api::new(store.clone(), orders.clone())));

    let mut tasks = Tasks::new(settings.drain_timeout);
    tasks.spawn("relay", |stop| Relay::new(store.clone(), kafka.clone()).run(stop));
    tasks.spawn("housekeeping", |stop| chassis_jobs::housekeeping(store.clone(), settings, stop));
    tasks.spawn(CONSUMER, |stop| {
        Consumer::new(store.clone(), kafka.clone(), CONSUMER, SUBSCRIPTIONS, orders.clone()).run(stop)
    });
    tasks.spawn(read_model::CONSUMER, |stop| read_model::consumer(store.clone(), kafka).run(stop));
    let (closing_store, closing_orders) = (store.clone(), orders.clone());
    tasks.spawn(close_orders::JOB, |stop| {
        chassis_jobs::every(args.close_sweep_every, close_orders::JOB, store.pool().clone(), stop, move || {
            let (store, orders) = (closing_store.clone(), closing_orders.clone());
            async move { close_orders::close_orders(&store, &orders).await.map(drop) }
        })
    });
    let (watched, stuck_after) = (store.clone(), args.stuck_after);
    tasks.spawn(detect_stuck_orders::JOB, |stop| {
        chassis_jobs::every(args.stuck_sweep_every, detect_stuck_orders::JOB, store.pool().clone(), stop, move || {
            let store = watched.clone();
            async move { detect_stuck_orders(&store, stuck_after, Look::Since, false).await.map(drop) }
        })
    });
    let (compared, comparing, grace) = (store.clone(), orders.clone(), args.reconcile_grace);
    tasks.spawn(reconcile_order_state::JOB, |stop| {
        let (every, pool) = (args.reconcile_every, store.pool().clone());
        chassis_jobs::every(every, reconcile_order_state::JOB, pool, stop, move || {
            let (store, orders, peers) = (compared.clone(), comparing.clone(), peers.clone());
            async move {
                let reconciliation = Reconciliation { store: &store, orders: &orders, peers: &peers, grace };
                reconciliation.run(None, false).await.map(drop)
            }
        })
    });
    tasks.spawn(cancel_unpaid_orders::JOB, |stop| {
        chassis_jobs::every(args.unpaid_sweep_every, cancel_unpaid_orders::JOB, store.pool().clone(), stop, move || {
            let (store, orders) = (store.clone(), orders.clone());
            async move { cancel_unpaid_orders::cancel_unpaid_orders(&store, &orders).await.map(drop) }
        })
    });
    tasks.spawn("grpc", |stop| server.serve(stop));
    tasks.run().await
}

/// Prints each finding as it is made; fails if there is one.
async fn verify_history(store: &EventStore, only: Option<OrderId>) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    let mut findings = 0;
    let report = |finding: app::verify_history::Finding| {
        findings += 1;
        // A reader that went away does not stop the count.
        let _ = writeln!(stdout, "order {}: {}", finding.order_id, finding.fault);
    };
    let progress = |orders| tracing::info!(orders, "verified so far");
    let verified = app::verify_history::verify_history(store, only, report, progress).await?;
    if let Some(order_id) = only.filter(|_| verified == 0) {
        anyhow::bail!("there is no trace of order {order_id}");
    }
    anyhow::ensure!(findings == 0, "{verified} orders verified: {findings} things are not as they were written");
    writeln!(stdout, "{verified} orders verified: every history and every snapshot is as it was written")?;
    Ok(())
}
