//! The offer that a buyer accepts, frozen, and what becomes of it.
//!
//! | what | where |
//! | --- | --- |
//! | RPCs `CreateQuote`, `SubmitCheckout`, `GetCheckout`, `WatchCheckout` | [`adapters::grpc`] |
//! | the use cases behind them | [`app`]: `create_quote`, `submit_checkout`, `watch_checkout` |
//! | questions to cart, products, inventory and shipping | [`adapters::peers`] |
//! | how an offer is made; what its hash covers | [`domain::quote`]; [`domain::quote_hash`] |
//! | tax: the port, the table | [`domain::tax`], [`adapters::tax_table`] and `tax_rates.toml` |
//! | shipping: what is asked, which offer is taken | [`domain::shipping`] |
//! | event out: `CheckoutSubmitted` | [`domain::event`], written in [`adapters::events`] |
//! | events in: `OrderCreated`, `OrderModified`, `OrderPaid`, `OrderConfirmed`, `OrderBackordered`, `OrderFailed`, `OrderCancelled` | [`adapters::events`], decided in [`saga::checkout`] |
//! | outcomes of an order | [`domain::checkout`] |
//! | tables `quote`, `checkout`, `checkout_order` | `migrations/1001_checkout.sql`, [`adapters::postgres`] |

pub mod adapters;
pub mod app;
pub mod domain;
mod participant;
pub mod saga;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chassis::auth::{ServiceToken, Verifier};
use chassis::grpc::Server;
use chassis::{Operation, ParkedOperation, Settings, Tasks, cli, database, group_commit, jobs, parked, telemetry};
use contracts::checkout::v1::checkout_service_server::CheckoutServiceServer;
use messaging::{Consumer, EventStore, Relay};

use adapters::events::SUBSCRIPTIONS;
use adapters::grpc::{Api, Submissions};
use adapters::peers::{PeerUrls, Peers};
use adapters::tax_table::TaxTable;
use app::watch_checkout::Watchers;
use domain::quote::Terms;
pub use participant::Outcomes;

/// The consumer group of what becomes of orders.
pub const CONSUMER: &str = "checkout.outcomes";

/// What the chassis must know.
pub static SERVICE: chassis::Service = chassis::Service {
    name: "checkout",
    migrations: sqlx::migrate!(),
    append_only_tables: &["quote"],
    topics: &["tradewind.checkout.v1"],
    consumers: &[CONSUMER],
};

/// Makes quotes, takes submissions, and tells what became of them.
#[derive(Debug, clap::Parser)]
#[command(name = "checkout", version)]
pub struct Args {
    #[command(flatten)]
    settings: Settings,
    /// How long a quote binds
    #[arg(long, env = "TRADEWIND_QUOTE_VALIDITY", default_value = "15m", value_name = "DURATION", value_parser = humantime::parse_duration)]
    quote_validity: Duration,
    /// Tax rates by region, in the form of services/checkout/tax_rates.toml [default: that table]
    #[arg(long, env = "TRADEWIND_TAX_TABLE", value_name = "FILE")]
    tax_table: Option<PathBuf>,
    /// Where the cart service is: the URL of each replica, separated by commas
    #[arg(long, env = "TRADEWIND_CART_URL", default_value = "http://127.0.0.1:50052", value_name = "URLS")]
    cart_url: String,
    /// Where the products service is: the URL of each replica, separated by commas
    #[arg(long, env = "TRADEWIND_PRODUCTS_URL", default_value = "http://127.0.0.1:50051", value_name = "URLS")]
    products_url: String,
    /// Where the inventory service is: the URL of each replica, separated by commas
    #[arg(long, env = "TRADEWIND_INVENTORY_URL", default_value = "http://127.0.0.1:50055", value_name = "URLS")]
    inventory_url: String,
    /// Where the shipping service is: the URL of each replica, separated by commas
    #[arg(long, env = "TRADEWIND_SHIPPING_URL", default_value = "http://127.0.0.1:50057", value_name = "URLS")]
    shipping_url: String,
    /// Token that says to shipping that this is a service, with the scope shipping.read. Needed to serve
    #[arg(long, env = "TRADEWIND_SERVICE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    service_token: Option<ServiceToken>,
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
            parked::operate(operation, &store, CONSUMER, &Outcomes::default()).await
        }
    }
}

async fn serve(args: &Args) -> anyhow::Result<()> {
    let settings = &args.settings;
    let _telemetry = telemetry::init(&SERVICE, settings)?;
    let terms = terms(args)?;
    let peers = peers(args)?;
    let pool = database::connect(&SERVICE, settings).await?;
    let store = EventStore::new(SERVICE.name, pool, settings.clock());
    let kafka = settings.kafka_config(&SERVICE);
    let watchers = Watchers::default();
    let (submissions, committer) = group_commit(store.clone(), Submissions);
    let server = Server::bind(settings, Verifier::new(settings).await?)
        .await?
        .add(CheckoutServiceServer::new(Api::new(store.clone(), submissions, peers, terms, watchers.clone())));

    let mut tasks = Tasks::new(settings.drain_timeout);
    tasks.spawn("relay", |stop| Relay::new(store.clone(), kafka.clone()).run(stop));
    tasks.spawn("housekeeping", |stop| jobs::housekeeping(store.clone(), settings, stop));
    tasks.spawn(CONSUMER, |stop| {
        Consumer::new(store, kafka, CONSUMER, SUBSCRIPTIONS, Arc::new(Outcomes::new(watchers))).run(stop)
    });
    tasks.spawn("submissions", |stop| committer.run(stop));
    tasks.spawn("grpc", |stop| server.serve(stop));
    tasks.run().await
}

fn peers(args: &Args) -> anyhow::Result<Peers> {
    let token = args.service_token.clone().context("no token to ask shipping with: set TRADEWIND_SERVICE_TOKEN")?;
    let urls = PeerUrls {
        cart: &args.cart_url,
        products: &args.products_url,
        inventory: &args.inventory_url,
        shipping: &args.shipping_url,
    };
    Peers::new(urls, token)
}

fn terms(args: &Args) -> anyhow::Result<Terms> {
    let tax_rates = args.tax_table.as_deref().map_or_else(|| Ok(TaxTable::built_in()), TaxTable::from_file)?;
    Ok(Terms { tax_rates: Arc::new(tax_rates), validity: args.quote_validity })
}
