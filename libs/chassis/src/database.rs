//! The service's schema: the pool, migrations, and the check that both fit.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use kernel::Classified as _;
use sqlx::migrate::{Migration, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

use crate::start::until_reachable;
use crate::{Service, Settings};

/// How long a request waits for a connection of the pool before it is told that the service is unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that rested longer than this is tried before it is used; one that is in use all the time need not be.
const IDLE_TRUSTED: Duration = Duration::from_secs(1);

/// A transaction that its client forgot must not hold its locks for ever.
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "30s";

/// `_sqlx_migrations` is sqlx's name for its own table; the journal is messaging's.
const READ_ONLY_TABLES: &[&str] = &["_sqlx_migrations"];
const APPEND_ONLY_TABLES: &[&str] = &["journal"];

/// The name of the service's schema.
pub fn schema<'a>(service: &Service, settings: &'a Settings) -> std::borrow::Cow<'a, str> {
    settings.database.schema.as_deref().map_or(service.name.into(), Into::into)
}

/// How the service connects: into its schema, with limits on time, and with a planner that stays on indexes.
pub fn connect_options(service: &Service, settings: &Settings) -> PgConnectOptions {
    let statement_timeout_ms = settings.database.statement_timeout.as_millis();
    base_options(service, settings)
        .options([
            ("statement_timeout", statement_timeout_ms.to_string().as_str()),
            // Before that: whoever waits for a lock is not at fault, and must not be taken for a statement that is too slow.
            ("lock_timeout", (statement_timeout_ms * 4 / 5).to_string().as_str()),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT),
        ])
        // A batch joins a few ids with a table that grows for ever. From some size on the planner takes a scan of the whole
        // table for that, at a third of the throughput: it cannot know that the few stay few.
        .options([("enable_seqscan", "off"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off"), ("jit", "off")])
}

fn base_options(service: &Service, settings: &Settings) -> PgConnectOptions {
    let replica = settings.replica.as_deref().unwrap_or(service.name);
    settings
        .database
        .url
        .connect_options()
        .application_name(replica)
        .options([("search_path", schema(service, settings).as_ref())])
}

/// Connects, waiting for a database that is not up yet, and checks that its schema is not behind this binary.
///
/// # Errors
/// The database cannot be reached within the start timeout, refuses, or its schema is behind.
pub async fn connect(service: &'static Service, settings: &Settings) -> anyhow::Result<PgPool> {
    let options = connect_options(service, settings);
    let mut connection = open(&options, settings).await?;
    check_schema(service, settings, &mut connection).await?;
    connection.close().await?;
    Ok(PgPoolOptions::new()
        .max_connections(settings.database.connections_max)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, rested| {
            Box::pin(async move {
                if rested.idle_for > IDLE_TRUSTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options))
}

async fn open(options: &PgConnectOptions, settings: &Settings) -> anyhow::Result<PgConnection> {
    let is_transient = |error: &messaging::Error| error.kind().is_transient();
    until_reachable("the database", settings.start_timeout, is_transient, async || {
        Ok(PgConnection::connect_with(options).await?)
    })
    .await
    .with_context(|| format!("cannot connect to {:?}", settings.database.url))
}

/// Creates the service's schema or brings it up to date, and grants the service's role what it needs. Several at once are
/// safe: they wait for each other.
///
/// # Errors
/// The database cannot be reached within the start timeout, or a migration fails; those before it stay applied.
pub async fn migrate(service: &'static Service, settings: &Settings) -> anyhow::Result<()> {
    let mut connection = open(&base_options(service, settings), settings).await?;
    let schema = schema(service, settings);
    let mut migrator = migrator(service);
    migrator.create_schema(quoted(&schema));
    let pending = pending(&migrator, &applied(&mut connection).await?)?;
    for migration in &pending {
        tracing::info!(schema = %schema, version = migration.version, "to be applied: {}", migration.description);
    }
    migrator
        .run_direct(None, &mut connection, false)
        .await
        .with_context(|| format!("cannot migrate schema {schema}"))?;
    if let Some(role) = &settings.database.role {
        grant(&mut connection, &schema, role, service.append_only_tables)
            .await
            .with_context(|| format!("cannot grant role {role} what it needs in schema {schema}"))?;
    }
    tracing::info!(schema = %schema, applied = pending.len(), "the schema is up to date");
    Ok(())
}

/// The migrations of messaging, of this crate and of the service, as one sequence.
pub fn migrator(service: &'static Service) -> Migrator {
    static CHASSIS: Migrator = sqlx::migrate!();
    let ours = CHASSIS.iter().cloned();
    let migrations: Vec<_> = messaging::migrations().chain(ours).chain(service.migrations.iter().cloned()).collect();
    Migrator::with_migrations(migrations)
}

/// Checksums of the applied migrations by version; none if the schema was never migrated.
async fn applied(connection: &mut PgConnection) -> Result<HashMap<i64, Vec<u8>>, sqlx::Error> {
    let is_migrated: bool =
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(&mut *connection).await?;
    if !is_migrated {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations WHERE success").fetch_all(connection).await?;
    Ok(rows.into_iter().collect())
}

fn pending<'a>(migrator: &'a Migrator, applied: &HashMap<i64, Vec<u8>>) -> anyhow::Result<Vec<&'a Migration>> {
    let mut pending = Vec::new();
    for migration in migrator.iter() {
        match applied.get(&migration.version) {
            None => pending.push(migration),
            Some(checksum) if **checksum == *migration.checksum => {}
            Some(_) => bail!("migration {} is not the one that was applied under its number", migration.version),
        }
    }
    Ok(pending)
}

/// Refuses a schema that is behind. One that is ahead is served: while a release rolls out, old replicas meet new schemas.
async fn check_schema(
    service: &'static Service,
    settings: &Settings,
    connection: &mut PgConnection,
) -> anyhow::Result<()> {
    let migrator = migrator(service);
    let pending = pending(&migrator, &applied(connection).await?)?;
    if let Some(first) = pending.first() {
        bail!(
            "schema {} is behind: {} migrations are missing, the first is {} ({}); run `{} migrate`",
            schema(service, settings),
            pending.len(),
            first.version,
            first.description,
            service.name,
        );
    }
    Ok(())
}

/// The role may read and write every table, but neither change what is append-only nor touch the list of migrations.
async fn grant(
    connection: &mut PgConnection,
    schema: &str,
    role: &str,
    append_only_tables: &[&str],
) -> Result<(), sqlx::Error> {
    let (schema, role) = (quoted(schema), quoted(role));
    let append_only = tables(&schema, APPEND_ONLY_TABLES.iter().chain(append_only_tables));
    let read_only = tables(&schema, READ_ONLY_TABLES);
    let statements = format!(
        "GRANT USAGE ON SCHEMA {schema} TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role};
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role};
         REVOKE UPDATE, DELETE, TRUNCATE ON {append_only} FROM {role};
         REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {read_only} FROM {role};"
    );
    // One simple query is one transaction: nobody sees the grants without the revocations.
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(connection).await?;
    Ok(())
}

fn tables<'a>(schema: &str, names: impl IntoIterator<Item = &'a &'a str>) -> String {
    names.into_iter().map(|name| format!("{schema}.{}", quoted(name))).collect::<Vec<_>>().join(", ")
}

fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
