//! What the tests stand on: settings, a database schema each, and the reason of a refusal.

use std::time::Duration;

use chassis::{Service, Settings};
use clap::Parser;
use tokio::time::{sleep, timeout};
use tonic::Status;
use tonic_types::StatusExt as _;
use uuid::Uuid;

/// How long anything in these tests may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Parser)]
#[command(name = "shop")]
pub struct Args {
    #[command(flatten)]
    pub settings: Settings,
}

/// The settings of a command line, on a free port.
pub fn settings(options: &[&str]) -> Settings {
    let fixed = ["shop", "--grpc-listen=127.0.0.1:0", "--start-timeout=5s"];
    Args::parse_from(fixed.iter().chain(options)).settings
}

pub static SHOP: Service = Service {
    name: "shop",
    migrations: sqlx::migrate!("tests/it/migrations"),
    append_only_tables: &["visit"],
    topics: &[],
    consumers: &[],
};

/// Settings that name a schema nobody else uses, not migrated yet.
pub fn database_settings(options: &[&str]) -> Settings {
    let url = format!("--database-url={}", database_url());
    let schema = format!("--database-schema=it_{}", unique());
    let mut all = vec![url.as_str(), schema.as_str()];
    all.extend(options);
    settings(&all)
}

/// The same, migrated, with a store on it.
pub async fn store() -> messaging::EventStore {
    let settings = database_settings(&[]);
    chassis::database::migrate(&SHOP, &settings).await.unwrap();
    let pool = chassis::database::connect(&SHOP, &settings).await.unwrap();
    messaging::EventStore::new("shop", pool, settings.clock())
}

/// A text that is used once.
pub fn unique() -> String {
    kernel::Id::<()>::generate().uuid().simple().to_string()
}

pub fn id() -> Uuid {
    kernel::Id::<()>::generate().uuid()
}

pub fn database_url() -> String {
    if let Ok(url) = std::env::var("TEST_DATABASE_URL") {
        return url;
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/fleet/servers.env");
    let text = std::fs::read_to_string(file)
        .unwrap_or_else(|error| panic!("no PostgreSQL: set TEST_DATABASE_URL, or start one ({file}: {error})"));
    let url = text.lines().find_map(|line| line.strip_prefix("TEST_DATABASE_URL="));
    url.expect("the servers that run include PostgreSQL").to_owned()
}

/// The reason that a refusal states.
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// Polls until `probe` answers.
pub async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let polled = timeout(PATIENCE, async {
        loop {
            if let Some(found) = probe().await {
                return found;
            }
            sleep(Duration::from_millis(10)).await;
        }
    });
    polled.await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}
