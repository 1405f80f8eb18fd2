use chassis::database;
use sqlx::AssertSqlSafe;

use crate::support::{SHOP, fresh_schema, settings, unique};

#[tokio::test]
async fn a_schema_that_was_not_migrated_is_not_served() {
    let (_database, settings) = fresh_schema(&[]).await;
    let refusal = database::connect(&SHOP, &settings).await.unwrap_err().to_string();
    assert!(refusal.contains("is behind") && refusal.contains("run `shop migrate`"), "{refusal}");
}

#[tokio::test]
async fn a_schema_with_an_altered_migration_is_not_served() {
    let (_database, settings) = fresh_schema(&[]).await;
    database::migrate(&SHOP, &settings).await.unwrap();
    let pool = database::connect(&SHOP, &settings).await.unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 1001").execute(&pool).await.unwrap();
    let refusal = database::connect(&SHOP, &settings).await.unwrap_err().to_string();
    assert!(refusal.contains("migration 1001"), "{refusal}");
}

#[tokio::test]
async fn migrating_twice_and_at_the_same_time_is_harmless() {
    let (_database, settings) = fresh_schema(&[]).await;
    let (one, other) = tokio::join!(database::migrate(&SHOP, &settings), database::migrate(&SHOP, &settings));
    one.unwrap();
    other.unwrap();
    database::migrate(&SHOP, &settings).await.unwrap();
    database::connect(&SHOP, &settings).await.unwrap();
}

#[tokio::test]
async fn the_services_role_can_append_to_histories_but_not_change_them() {
    let (role, password) = (format!("it_role_{}", unique()), unique());
    let (database, mut settings) = fresh_schema(&[&format!("--database-role={role}")]).await;
    let run = async |sql: String| sqlx::raw_sql(AssertSqlSafe(sql)).execute(database.pool()).await.unwrap();
    run(format!("CREATE ROLE {role} LOGIN PASSWORD '{password}'")).await;
    database::migrate(&SHOP, &settings).await.unwrap();

    let (_, place) = database.url().rsplit_once('@').unwrap();
    settings.database.url = format!("postgres://{role}:{password}@{place}").parse().unwrap();
    let pool = database::connect(&SHOP, &settings).await.unwrap();
    sqlx::query("INSERT INTO visit (visitor) VALUES ('ada')").execute(&pool).await.unwrap();
    for forbidden in [
        "UPDATE visit SET visitor = 'eve'",
        "DELETE FROM visit",
        "TRUNCATE visit",
        "UPDATE journal SET actor = 'eve'",
        "DELETE FROM journal",
        "DELETE FROM _sqlx_migrations",
        "CREATE TABLE loot (id int)",
    ] {
        let refusal = sqlx::query(forbidden).execute(&pool).await.unwrap_err();
        let code = refusal.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
        assert_eq!(code.as_deref(), Some("42501"), "{forbidden}: {refusal}");
    }

    pool.close().await;
    run(format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test]
async fn connections_stay_on_indexes_and_give_up_in_time() {
    let (_database, settings) = fresh_schema(&["--database-statement-timeout=1500ms"]).await;
    database::migrate(&SHOP, &settings).await.unwrap();
    let pool = database::connect(&SHOP, &settings).await.unwrap();
    for (name, value) in [
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("statement_timeout", "1500ms"),
        ("lock_timeout", "1200ms"),
    ] {
        let set: String = sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(&pool).await.unwrap();
        assert_eq!(set, value, "{name}");
    }
}

#[tokio::test]
async fn a_database_that_stays_away_is_named_without_its_password() {
    let settings = settings(&["--database-url=postgres://shop:hunter2@127.0.0.1:1/x", "--start-timeout=300ms"]);
    let error = format!("{:#}", database::connect(&SHOP, &settings).await.unwrap_err());
    assert!(error.contains("127.0.0.1:1") && !error.contains("hunter2"), "{error}");
}
