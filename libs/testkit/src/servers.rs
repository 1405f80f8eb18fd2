//! Where PostgreSQL and Kafka are.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::containers;

const DATABASE_URL: &str = "TEST_DATABASE_URL";
const KAFKA_BROKERS: &str = "TEST_KAFKA_BROKERS";
/// How long a server may take to accept a connection before it counts as gone.
const ANSWER_MAX: Duration = Duration::from_secs(2);

const NONE_FOUND: &str = "This test needs PostgreSQL and Kafka, and found none. Do one of these:
  make servers                                 starts both on this machine and leaves them running for tests
  cargo run -p fleet -- servers up             the same without make
  TEST_DATABASE_URL=postgres://user:password@host:port/database TEST_KAFKA_BROKERS=host:port cargo test
  docker pull postgres:17 && docker pull apache/kafka:4.1.0    containers are used where Docker has these images";

/// A PostgreSQL and a Kafka that answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Servers {
    /// URL of a role that may create databases.
    pub(crate) database_url: String,
    /// `host:port`, several separated by commas.
    pub(crate) kafka_brokers: String,
}

/// The servers for this test process: those that the environment names, else those that the fleet runner keeps, else
/// containers. Panics if there are none: a test that is skipped in silence proves nothing.
pub(crate) async fn servers() -> &'static Servers {
    static SERVERS: OnceCell<Servers> = OnceCell::const_new();
    SERVERS.get_or_init(find).await
}

async fn find() -> Servers {
    if let Some(named) = parse(|key| std::env::var(key).ok()) {
        assert!(answer(&named).await, "{DATABASE_URL} and {KAFKA_BROKERS} are set, but not both servers answer");
        return named;
    }
    if let Some(kept) = kept_by_fleet()
        && answer(&kept).await
    {
        return kept;
    }
    containers::start().await.unwrap_or_else(|why| panic!("{NONE_FOUND}\n({why})"))
}

/// What `fleet servers up` wrote down.
fn kept_by_fleet() -> Option<Servers> {
    let folder =
        std::env::var_os("TRADEWIND_FLEET_FOLDER").map_or_else(|| workspace_root().join("target/fleet"), PathBuf::from);
    let lines = std::fs::read_to_string(folder.join("servers.env")).ok()?;
    let value = |key: &str| lines.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=').map(str::to_owned));
    parse(value)
}

fn parse(value: impl Fn(&str) -> Option<String>) -> Option<Servers> {
    Some(Servers { database_url: value(DATABASE_URL)?, kafka_brokers: value(KAFKA_BROKERS)? })
}

/// A file may outlive the servers that it names, so both are tried.
async fn answer(servers: &Servers) -> bool {
    let database = servers.database_url.parse::<sqlx::postgres::PgConnectOptions>().expect("a PostgreSQL URL");
    let broker = servers.kafka_brokers.split(',').next().unwrap_or_default().to_owned();
    accepts(format!("{}:{}", database.get_host(), database.get_port())).await && accepts(broker).await
}

async fn accepts(address: String) -> bool {
    timeout(ANSWER_MAX, TcpStream::connect(address)).await.is_ok_and(|connected| connected.is_ok())
}

/// The folder with the workspace's `Cargo.toml`.
pub(crate) fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate lies two folders deep")
}
