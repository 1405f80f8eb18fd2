//! Stock, reservations and availability: never oversold.
//!
//! | what | where |
//! | --- | --- |
//! | RPCs `CreateWarehouse`, `UpdateWarehouse`, `ListWarehouses`, `AddStock`, `AdjustStock`, `WriteOffStock`, `DispatchTransfer`, `ReceiveTransfer`, `ListTransfers`, `SetStockPolicy`, `BatchGetAvailability`, `ListMovements`, `GetReservation`, `BatchGetReservations`, `ListHeldReservations`, `ReleaseReservation` | [`adapters::grpc`] |
//! | RPCs `ListSkuAvailability`, `ListWarehouseStock`, `ListSellerInventory`, subcommand `rebuild` | [`read_model`], asked in [`adapters::grpc`] |
//! | the commands behind them | [`app`]: `create_warehouse`, `update_warehouse`, `change_stock`, `dispatch_transfer`, `receive_transfer`, `set_stock_policy`, `release_reservation` |
//! | events in: `OrderCreated`, `OrderFailed`, `OrderCancelled`, `PaymentAuthorized` | [`adapters::events`], decided in [`saga::checkout`] |
//! | events in: `ShipmentDispatched`, `ShipmentCancelled` | [`adapters::events`], decided in [`saga::fulfilment`] |
//! | events in: `ReturnReceived` | [`adapters::events`], decided in [`saga::returns`] |
//! | events in: `PaymentRefunded` | [`adapters::events`], decided in [`saga::refund`] |
//! | events out: `InventoryReserved`, `InventoryBackordered`, `InventoryRejected`, `InventoryCommitted`, `InventoryCommitRefused`, `ReservationExpired`, `InventoryReleased`, `StockAdded`, `StockAdjusted`, `StockWrittenOff`, `StockRemoved`, `OutOfStock`, `BackInStock`, `LowStock`, `TransferDispatched`, `TransferReceived` | [`domain::event`], written in [`adapters::events`] |
//! | events in: `ProductCreated`, and the service's own | [`read_model`] |
//! | deadline: the reservation's | [`jobs::expire_reservations`] |
//! | deadline: of an order that waits for stock | [`jobs::fill_backorders`], decided in [`saga::backorder`] |
//! | tables `warehouse`, `stock_item`, `reservation`, `stock_movement`, `transfer`, `stock_policy`, `sku_policy` | `migrations/1001_inventory.sql`, [`adapters::postgres`] |
//! | tables `stock_contribution`, `warehouse_stock_view`, `seller_inventory_view` | `migrations/1002_read_models.sql`, [`read_model`] |
//! | states of a reservation | [`domain::reservation`] |
//! | from which warehouse stock is taken | [`domain::strategy`] |
//! | what is on its way from one warehouse to another | [`domain::transfer`], decided in [`saga::transfers`] |

pub mod adapters;
pub mod app;
pub mod domain;
pub mod jobs;
mod participant;
pub mod read_model;
pub mod saga;

use std::sync::Arc;
use std::time::Duration;

use chassis::auth::Verifier;
use chassis::grpc::{Peer, Server};
use chassis::{
    Operation, ParkedOperation, Rebuild, Settings, Tasks, cli, database, jobs as chassis_jobs, parked, rebuild,
    telemetry,
};
use contracts::inventory::v1::inventory_service_server::InventoryServiceServer;
use contracts::products::v1::products_service_client::ProductsServiceClient;
use messaging::read_model::Projector;
use messaging::{Consumer, EventStore, Relay};

use adapters::events::SUBSCRIPTIONS;
pub use participant::Inventory;
use read_model::Views;

/// The consumer group of the sagas.
pub const CONSUMER: &str = "inventory.saga";

/// What the chassis must know.
pub static SERVICE: chassis::Service = chassis::Service {
    name: "inventory",
    migrations: sqlx::migrate!(),
    append_only_tables: &["stock_movement"],
    topics: &["tradewind.inventory.v1"],
    consumers: &[CONSUMER, read_model::CONSUMER],
};

/// Keeps stock, reserves it for orders, and never oversells it.
#[derive(Debug, clap::Parser)]
#[command(name = "inventory", version)]
pub struct Args {
    #[command(flatten)]
    settings: Settings,
    /// How long stock is held for an order that is not paid for
    #[arg(long, env = "TRADEWIND_RESERVATION_TTL", default_value = "15m", value_name = "DURATION", value_parser = humantime::parse_duration)]
    reservation_ttl: Duration,
    /// How often reservations past their time are looked for
    #[arg(long, env = "TRADEWIND_EXPIRY_SWEEP_EVERY", default_value = "1s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    expiry_sweep_every: Duration,
    /// How long an order waits for stock, where its seller lets orders wait
    #[arg(long, env = "TRADEWIND_BACKORDER_WAIT", default_value = "14days", value_name = "DURATION", value_parser = humantime::parse_duration)]
    backorder_wait: Duration,
    /// How often orders that wait for stock are looked at
    #[arg(long, env = "TRADEWIND_BACKORDER_SWEEP_EVERY", default_value = "1s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    backorder_sweep_every: Duration,
    /// Where the products service is: the URL of each replica, separated by commas
    #[arg(long, env = "TRADEWIND_PRODUCTS_URL", default_value = "http://127.0.0.1:50051", value_name = "URLS")]
    products_url: String,
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
    Parked {
        /// The consumer group that parked the events which are retried or skipped
        #[arg(long, default_value = CONSUMER, value_parser = [CONSUMER, read_model::CONSUMER], value_name = "GROUP")]
        group: String,
        #[command(subcommand)]
        operation: ParkedOperation,
    },
    /// Makes the read models anew from the histories
    Rebuild(Rebuild),
}

/// Runs a subcommand.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let (reservation_ttl, backorder_wait) = (args.reservation_ttl, args.backorder_wait);
    let inventory = Inventory { policy: saga::Policy { reservation_ttl, backorder_wait } };
    match args.command {
        Command::Serve => serve(&args, Arc::new(inventory)).await,
        Command::Operate(operation) => cli::operate::<Args>(operation, &SERVICE, &args.settings).await,
        Command::Parked { group, operation } => {
            let store = open_store(&args.settings).await?;
            if group == read_model::CONSUMER {
                Box::pin(parked::operate(operation, &store, read_model::CONSUMER, &Projector(Views))).await
            } else {
                Box::pin(parked::operate(operation, &store, CONSUMER, &inventory)).await
            }
        }
        Command::Rebuild(ref arguments) => {
            let _telemetry = telemetry::init(&SERVICE, &args.settings)?;
            rebuild::operate(arguments, &open_store(&args.settings).await?, &Views).await
        }
    }
}

async fn open_store(settings: &Settings) -> anyhow::Result<EventStore> {
    Ok(EventStore::new(SERVICE.name, database::connect(&SERVICE, settings).await?, settings.clock()))
}

async fn serve(args: &Args, inventory: Arc<Inventory>) -> anyhow::Result<()> {
    let settings = &args.settings;
    let _telemetry = telemetry::init(&SERVICE, settings)?;
    let store = open_store(settings).await?;
    let kafka = settings.kafka_config(&SERVICE);
    let products = ProductsServiceClient::new(Peer::new(&args.products_url, Duration::from_secs(2))?);
    let server = Server::bind(settings, Verifier::new(settings).await?)
        .await?
        .add(InventoryServiceServer::new(adapters::grpc::Api::new(store.clone(), inventory.clone(), products)));

    let mut tasks = Tasks::new(settings.drain_timeout);
    tasks.spawn("relay", |stop| Relay::new(store.clone(), kafka.clone()).run(stop));
    tasks.spawn("housekeeping", |stop| chassis_jobs::housekeeping(store.clone(), settings, stop));
    tasks.spawn(CONSUMER, |stop| {
        Consumer::new(store.clone(), kafka.clone(), CONSUMER, SUBSCRIPTIONS, inventory.clone()).run(stop)
    });
    tasks.spawn(read_model::CONSUMER, |stop| read_model::consumer(store.clone(), kafka).run(stop));
    tasks.spawn("expire_reservations", |stop| {
        let (store, inventory) = (store.clone(), inventory.clone());
        chassis_jobs::every(args.expiry_sweep_every, "expire_reservations", store.pool().clone(), stop, move || {
            let (store, inventory) = (store.clone(), inventory.clone());
            async move { jobs::expire_reservations::expire_reservations(&store, &inventory).await.map(drop) }
        })
    });
    tasks.spawn("fill_backorders", |stop| {
        chassis_jobs::every(args.backorder_sweep_every, "fill_backorders", store.pool().clone(), stop, move || {
            let (store, inventory) = (store.clone(), inventory.clone());
            async move { jobs::fill_backorders::fill_backorders(&store, &inventory).await.map(drop) }
        })
    });
    tasks.spawn("grpc", |stop| server.serve(stop));
    tasks.run().await
}
