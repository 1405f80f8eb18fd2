//! The contract between a buyer and a seller, and the arbiter of the sagas: orders alone decide what becomes of an
//! order.
//!
//! | what | where |
//! | --- | --- |
//! | RPCs `GetOrder`, `ListOrders`, `CancelOrder`, `RequestRefund`, `GetOrderHistory` | [`adapters::grpc`]; the commands are [`app::cancel_order`], [`app::request_refund`] |
//! | events in: `CheckoutSubmitted`; `PaymentAuthorized`, `PaymentDeclined`, `PaymentCaptured`, `CaptureFailed`, `PaymentVoided`, `PaymentRefunded`, `RefundFailed`; `InventoryCommitted`, `InventoryRejected`, `InventoryCommitRefused`, `ReservationExpired`, `InventoryReleased` | [`adapters::events`], decided in [`saga::checkout`] |
//! | events in: `ShipmentDispatched`, `ShipmentDelivered`, `ShipmentFailed`, `ShipmentCancelled`, `ShipmentCancelRefused`, `ReturnReceived` | [`adapters::events`], decided in [`saga::fulfilment`] and [`saga::refund`] |
//! | events out: `OrderCreated`, `OrderConfirmed`, `OrderPaid`, `OrderShipped`, `OrderDelivered`, `OrderFailed`, `OrderCancellationRequested`, `OrderCancelled`, `RefundRequested`, `RefundApproved`, `RefundRejected`, `RefundCompleted`, `OrderRefunded`, `OrderClosed` | [`domain::event`], written in [`adapters::events`] |
//! | milestone and axes of an order, and their steps | [`domain::status`], [`domain::order`] |
//! | what was agreed, and its hash | [`domain::snapshot`] |
//! | refunds: numbered, priced, counted | [`domain::refund`], granted by [`domain::policy`] |
//! | deadlines: the unpaid order's, the end of the return window | [`jobs::cancel_unpaid_orders`], [`jobs::close_orders`] |
//! | subcommand `verify-history` | [`app::verify_history`] |
//! | tables `order_snapshot`, `order_line`, `order_state`, view `placed_order` | `migrations/1001_orders.sql`, [`adapters::postgres`] |

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
use contracts::orders::v1::orders_service_server::OrdersServiceServer;
use messaging::{Consumer, EventStore, Relay};

use adapters::events::SUBSCRIPTIONS;
use domain::ids::OrderId;
use domain::policy::Policy;
pub use participant::Orders;

/// The consumer group of the saga.
pub const CONSUMER: &str = "orders.saga";

/// What the chassis must know.
pub static SERVICE: chassis::Service = chassis::Service {
    name: "orders",
    migrations: sqlx::migrate!(),
    append_only_tables: &["order_snapshot", "order_line"],
    topics: &["tradewind.orders.v1"],
    consumers: &[CONSUMER],
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
    /// Recomputes the hash chain and the snapshot hashes of every order, and names what was changed
    VerifyHistory {
        /// Verifies one order only
        #[arg(long, value_name = "ORDER_ID")]
        order: Option<OrderId>,
    },
}

/// Runs a subcommand.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let orders = Orders { policy: Policy { unpaid_after: args.unpaid_after, return_window: args.return_window } };
    match args.command {
        Command::Serve => serve(&args, Arc::new(orders)).await,
        Command::Operate(operation) => cli::operate::<Args>(operation, &SERVICE, &args.settings).await,
        Command::Parked(operation) => {
            parked::operate(operation, &open_store(&args.settings).await?, CONSUMER, &orders).await
        }
        Command::VerifyHistory { order } => {
            let _telemetry = telemetry::init(&SERVICE, &args.settings)?;
            verify_history(&open_store(&args.settings).await?, order).await
        }
    }
}

async fn open_store(settings: &Settings) -> anyhow::Result<EventStore> {
    Ok(EventStore::new(SERVICE.name, database::connect(&SERVICE, settings).await?, settings.clock()))
}

async fn serve(args: &Args, orders: Arc<Orders>) -> anyhow::Result<()> {
    let settings = &args.settings;
    let _telemetry = telemetry::init(&SERVICE, settings)?;
    let store = open_store(settings).await?;
    let kafka = settings.kafka_config(&SERVICE);
    let server = Server::bind(settings, Verifier::new(settings).await?)
        .await?
        .add(OrdersServiceServer::new(adapters::grpc::Api::new(store.clone(), orders.clone())));

    let mut tasks = Tasks::new(settings.drain_timeout);
    tasks.spawn("relay", |stop| Relay::new(store.clone(), kafka.clone()).run(stop));
    tasks.spawn("housekeeping", |stop| chassis_jobs::housekeeping(store.clone(), settings, stop));
    tasks
        .spawn(CONSUMER, |stop| Consumer::new(store.clone(), kafka, CONSUMER, SUBSCRIPTIONS, orders.clone()).run(stop));
    let (closing_store, closing_orders) = (store.clone(), orders.clone());
    tasks.spawn("close_orders", |stop| {
        chassis_jobs::every(args.close_sweep_every, "close_orders", store.pool().clone(), stop, move || {
            let (store, orders) = (closing_store.clone(), closing_orders.clone());
            async move { jobs::close_orders::close_orders(&store, &orders).await.map(drop) }
        })
    });
    tasks.spawn("cancel_unpaid_orders", |stop| {
        chassis_jobs::every(args.unpaid_sweep_every, "cancel_unpaid_orders", store.pool().clone(), stop, move || {
            let (store, orders) = (store.clone(), orders.clone());
            async move { jobs::cancel_unpaid_orders::cancel_unpaid_orders(&store, &orders).await.map(drop) }
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
