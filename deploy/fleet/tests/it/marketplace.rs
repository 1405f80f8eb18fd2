//! The demo as a test, on the servers that every test uses.

use std::time::Duration;

use fleet::demo;
use fleet::servers::ExternalServers;

/// Fleets take both cores: one at a time.
pub(crate) static ONE_FLEET: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// How long a fleet may take to come to rest on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The servers of the test run.
pub(crate) fn test_servers() -> ExternalServers {
    let named = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; run `make test`"));
    ExternalServers { database_url: Some(named("TEST_DATABASE_URL")), kafka_brokers: Some(named("TEST_KAFKA_BROKERS")) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_morning_of_the_marketplace_ends_with_every_invariant_whole() {
    let _turn = ONE_FLEET.lock().await;
    demo::demo(&test_servers()).await.unwrap();
}
