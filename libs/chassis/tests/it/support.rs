//! What the tests stand on: settings, a database each, and the reason of a refusal.

use std::time::Duration;

use chassis::{Service, Settings};
use clap::Parser;
use messaging::{Clock, EventStore};
use testkit::Database;
use tonic::Status;
use tonic_types::StatusExt as _;
use uuid::Uuid;

/// How long anything in these tests may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Parser)]
#[command(name = "shop", args_override_self = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// The settings of a command line, on a free port.
pub(crate) fn settings(options: &[&str]) -> Settings {
    let fixed = ["shop", "--grpc-listen=127.0.0.1:0", "--start-timeout=5s"];
    Args::parse_from(fixed.iter().chain(options)).settings
}

pub(crate) static SHOP: Service = Service {
    name: "shop",
    migrations: sqlx::migrate!("tests/it/migrations"),
    append_only_tables: &["visit"],
    topics: &[],
    consumers: &[],
};

/// A database of the test's own, and settings for a schema in it that is not migrated yet.
pub(crate) async fn fresh_schema(options: &[&str]) -> (Database, Settings) {
    let database = Database::migrated(&SHOP).await;
    let mut all = vec!["--database-url", database.url(), "--database-schema=fresh"];
    all.extend(options);
    let settings = settings(&all);
    (database, settings)
}

/// A store in a database of the test's own.
pub(crate) async fn store() -> EventStore {
    EventStore::new(SHOP.name, Database::migrated(&SHOP).await.pool().clone(), Clock::system())
}

/// A text that is used once.
pub(crate) fn unique() -> String {
    kernel::Id::<()>::generate().uuid().simple().to_string()
}

pub(crate) fn id() -> Uuid {
    kernel::Id::<()>::generate().uuid()
}

/// The reason that a refusal states.
pub(crate) fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}
