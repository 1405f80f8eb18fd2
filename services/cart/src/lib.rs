//! What the buyer intends.
//!
//! | what | where |
//! | --- | --- |
//! | RPCs `CreateCart`, `GetCart`, `AddLine`, `SetLineQuantity`, `RemoveLine`, `ClearCart` | [`adapters::grpc`], each carried out by the file of its name in [`app`] |
//! | what is asked of products | [`adapters::products`] |
//! | events in | none |
//! | events out: `CartCreated`, `CartLineAdded`, `CartLineQuantitySet`, `CartLineRemoved`, `CartCleared` | [`domain::event`], written in [`adapters::events`] |
//! | tables `cart`, `cart_line` | `migrations/1001_cart.sql`, [`adapters::postgres::cart`] |
//! | limits, and which price a line gets | [`domain::cart`] |
//! | who may open a cart, and the secret of a guest's | [`domain::owner`], [`domain::guest_token`] |

pub mod adapters;
pub mod app;
pub mod domain;

use std::time::Duration;

use anyhow::Context as _;
use chassis::auth::Verifier;
use chassis::grpc::{Peer, Server};
use chassis::{Operation, Settings, Tasks, cli, database, jobs, telemetry};
use contracts::cart::v1::cart_service_server::CartServiceServer;
use messaging::{EventStore, Relay};

use adapters::products::Products;
use domain::GuestTokenSecret;

/// The most time that products gets for an answer.
const PRODUCTS_TIMEOUT_MAX: Duration = Duration::from_secs(2);

/// What the chassis must know.
pub static SERVICE: chassis::Service = chassis::Service {
    name: "cart",
    migrations: sqlx::migrate!(),
    append_only_tables: &[],
    topics: &["tradewind.cart.v1"],
    consumers: &[],
};

/// Keeps the carts of buyers and guests
#[derive(Debug, clap::Parser)]
#[command(name = "cart", version)]
pub struct Args {
    #[command(flatten)]
    settings: Settings,
    /// Where the products service is: the URL of each replica, separated by commas
    #[arg(long, env = "TRADEWIND_PRODUCTS_URL", default_value = "http://127.0.0.1:50051", value_name = "URLS")]
    products_url: String,
    /// Secret that guests' tokens are derived from: 64 hexadecimal digits, the same on every replica. Needed to serve
    #[arg(long, env = "TRADEWIND_GUEST_TOKEN_SECRET", hide_env_values = true, value_name = "HEX")]
    guest_token_secret: Option<GuestTokenSecret>,
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
        Command::Serve => serve(args).await,
        Command::Operate(operation) => cli::operate::<Args>(operation, &SERVICE, &args.settings).await,
    }
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let settings = &args.settings;
    let secret = args.guest_token_secret.context("no secret for guests' tokens: set TRADEWIND_GUEST_TOKEN_SECRET")?;
    let _telemetry = telemetry::init(&SERVICE, settings)?;
    let pool = database::connect(&SERVICE, settings).await?;
    let store = EventStore::new(SERVICE.name, pool, settings.clock());
    let products = Products::new(Peer::new(&args.products_url, PRODUCTS_TIMEOUT_MAX)?);
    let server = Server::bind(settings, Verifier::new(settings).await?)
        .await?
        .add(CartServiceServer::new(adapters::grpc::Api::new(store.clone(), products, secret)));

    let mut tasks = Tasks::new(settings.drain_timeout);
    tasks.spawn("relay", |stop| Relay::new(store.clone(), settings.kafka_config(&SERVICE)).run(stop));
    tasks.spawn("housekeeping", |stop| jobs::housekeeping(store, settings, stop));
    tasks.spawn("grpc", |stop| server.serve(stop));
    tasks.run().await
}
