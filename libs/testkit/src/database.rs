use std::sync::Once;
use std::time::Duration;

use chassis::{Service, Settings};
use messaging::Clock;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool};

use crate::servers::servers;
use crate::settings;

/// How long a database is kept for whoever wants to look into it.
const KEEP: Duration = Duration::from_mins(15);
/// Databases that one process drops, at most.
const DROPS_MAX: i64 = 50;

/// A database of one test's own, with the schema of one service, as the service's own `migrate` leaves it.
///
/// It is a clone of a template that the first test of a set of migrations makes, which takes a tenth of the time. It stays
/// behind for whoever wants to look into it; a later test run drops it.
#[derive(Debug)]
pub struct Database {
    service: &'static Service,
    url: String,
    settings: Settings,
    pool: PgPool,
}

impl Database {
    /// A new database with the service's schema.
    pub async fn migrated(service: &'static Service) -> Self {
        let server: PgConnectOptions = servers().await.database_url.parse().expect("a PostgreSQL URL");
        let mut admin = PgConnection::connect_with(&server).await.expect("PostgreSQL takes connections");
        drop_old(&server);
        let template = template(&mut admin, &server, service).await;
        let name = format!("test_{}_{}_{:08x}", unix_secs(), service.name, rand::random::<u32>());
        execute(&mut admin, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        admin.close().await.expect("an idle connection closes");

        let url = url_of(&server, &name);
        let settings = settings::parse(&["--database-url", &url]);
        let pool = chassis::database::connect(service, &settings).await.expect("the clone takes connections");
        sqlx::query("SELECT inbox_maintain(current_date, 30)").execute(&pool).await.expect("the inbox has its days");
        Self { service, url, settings, pool }
    }

    /// A pool of the service's connections, in its schema.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Another pool, as another replica of the service has one.
    pub async fn another_pool(&self) -> PgPool {
        chassis::database::connect(self.service, &self.settings).await.expect("the database takes connections")
    }

    /// The database's URL, with the user's password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The service's schema.
    pub fn schema(&self) -> &'static str {
        self.service.name
    }
}

/// The name of the database that a service's tests clone; it is made if this set of migrations is new.
async fn template(admin: &mut PgConnection, server: &PgConnectOptions, service: &'static Service) -> String {
    let mut checksums = Sha256::new();
    for migration in chassis::database::migrator(service).iter() {
        checksums.update(&migration.checksum);
    }
    let checksum = checksums.finalize();
    let checksum = u64::from_be_bytes(checksum[..8].try_into().expect("a SHA-256 has 32 bytes"));
    let name = format!("template_{}_{checksum:016x}", service.name);

    // Test binaries run side by side: one makes the template, the others wait for it.
    sqlx::query("SELECT pg_advisory_lock(hashtext($1))").bind(&name).execute(&mut *admin).await.expect("a lock");
    if !exists(admin, &name).await {
        // Only a finished template gets the name, so that a killed test leaves no half of one.
        let unfinished = format!("{name}_unfinished");
        execute(admin, format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await;
        execute(admin, format!("CREATE DATABASE {unfinished}")).await;
        let settings = settings::parse(&["--database-url", &url_of(server, &unfinished)]);
        chassis::database::migrate(service, &settings).await.expect("the migrations apply");
        execute(admin, format!("ALTER DATABASE {unfinished} RENAME TO {name}")).await;
    }
    sqlx::query("SELECT pg_advisory_unlock(hashtext($1))").bind(&name).execute(admin).await.expect("the lock");
    name
}

/// Drops some of what earlier runs left, once per process and aside: a drop costs a checkpoint, and nobody waits for it. A
/// database that somebody is connected to stays.
fn drop_old(server: &PgConnectOptions) {
    static ONCE: Once = Once::new();
    let server = server.clone();
    let drop_some = async move || -> Result<(), sqlx::Error> {
        let mut admin = PgConnection::connect_with(&server).await?;
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT datname FROM pg_database
             WHERE datname ~ '^test_[0-9]+_' AND substring(datname from '[0-9]+')::bigint < $1
             ORDER BY datname LIMIT $2",
        )
        .bind(unix_secs() - KEEP.as_secs() as i64)
        .bind(DROPS_MAX)
        .fetch_all(&mut admin)
        .await?;
        for name in names {
            // Another process may be dropping the same.
            let _ = sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name}"))).execute(&mut admin).await;
        }
        Ok(())
    };
    ONCE.call_once(|| {
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(drop_some()))
        });
    });
}

async fn exists(admin: &mut PgConnection, name: &str) -> bool {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(admin)
        .await
        .expect("the catalogue can be read")
}

async fn execute(admin: &mut PgConnection, statement: String) {
    let done = sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(admin).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

fn url_of(server: &PgConnectOptions, database: &str) -> String {
    server.clone().database(database).to_url_lossy().to_string()
}

fn unix_secs() -> i64 {
    Clock::system().now().unix_micros() / 1_000_000
}
