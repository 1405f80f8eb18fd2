//! What is offered, at which price.
//!
//! | what | where |
//! | --- | --- |
//! | RPCs `CreateProduct`, `ChangePrice`, `PublishProduct`, `UnpublishProduct`, `GetProduct`, `ListProducts`, `BatchGetVariants`, `ListPriceHistory` | [`adapters::grpc`], each carried out by the file of its name in [`app`] |
//! | events in | none |
//! | events out: `ProductCreated`, `PriceChanged`, `ProductPublished`, `ProductUnpublished` | [`domain::event`], written in [`adapters::events`] |
//! | tables `product`, `variant` | `migrations/1001_product.sql`, [`adapters::postgres::product`] |
//! | tables `price`, `current_price` | `migrations/1002_price.sql`, [`adapters::postgres::price`] |
//! | states of a product, and when its price may change | [`domain::product`] |
//! | what a new product must be made of | [`domain::new_product`] |
//! | for whom a caller may act, and what they get to see | [`domain::authority`], [`domain::listing`] |

pub mod adapters;
pub mod app;
pub mod domain;

use chassis::auth::Verifier;
use chassis::grpc::Server;
use chassis::{Operation, Settings, Tasks, cli, database, jobs, telemetry};
use contracts::products::v1::products_service_server::ProductsServiceServer;
use messaging::{EventStore, Relay};

/// What the chassis must know.
pub static SERVICE: chassis::Service = chassis::Service {
    name: "products",
    migrations: sqlx::migrate!(),
    append_only_tables: &["price"],
    topics: &["tradewind.products.v1"],
    consumers: &[],
};

/// Creates, prices and publishes products, and answers what is offered
#[derive(Debug, clap::Parser)]
#[command(name = "products", version)]
pub struct Args {
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
}

/// Runs a subcommand.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Serve => serve(&args.settings).await,
        Command::Operate(operation) => cli::operate::<Args>(operation, &SERVICE, &args.settings).await,
    }
}

async fn serve(settings: &Settings) -> anyhow::Result<()> {
    let _telemetry = telemetry::init(&SERVICE, settings)?;
    let pool = database::connect(&SERVICE, settings).await?;
    let store = EventStore::new(SERVICE.name, pool, settings.clock());
    let server = Server::bind(settings, Verifier::new(settings).await?)
        .await?
        .add(ProductsServiceServer::new(adapters::grpc::Api::new(store.clone())));

    let mut tasks = Tasks::new(settings.drain_timeout);
    tasks.spawn("relay", |stop| Relay::new(store.clone(), settings.kafka_config(&SERVICE)).run(stop));
    tasks.spawn("housekeeping", |stop| jobs::housekeeping(store, settings, stop));
    tasks.spawn("grpc", |stop| server.serve(stop));
    tasks.run().await
}
