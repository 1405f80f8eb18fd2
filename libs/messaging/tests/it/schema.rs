use std::borrow::Cow;
use std::time::Duration;

use chassis::database;
use messaging::{Clock, EventStore, maintain_inbox};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use testkit::TestClock;

use crate::meter::wire::METERS;
use crate::meter::{GROUP, MeterParticipant, SERVICE};
use crate::rig::{Replica, Rig, count, new_tap};

#[tokio::test]
async fn outbox_ids_are_handed_out_one_at_a_time() {
    let rig = Rig::new().await;
    let cache = "SELECT seqcache FROM pg_sequence WHERE seqrelid = pg_get_serial_sequence('outbox', 'id')::regclass";
    // Ids handed to a connection in advance would be out of order: a later commit would have the lower one.
    assert_eq!(count(rig.database.pool(), cache).await, 1);
}

#[tokio::test]
async fn the_services_role_does_all_its_work_and_cannot_change_history() {
    let rig = Rig::new().await;
    let role = format!("meters_{:08x}", new_tap().as_u128() as u32);
    execute(rig.database.pool(), format!("CREATE ROLE {role}; GRANT {role} TO CURRENT_USER")).await.unwrap();
    let mut settings = testkit::settings(&rig.database, &rig.kafka);
    settings.database.role = Some(role.clone());
    database::migrate(&SERVICE, &settings).await.unwrap();

    let options = database::connect_options(&SERVICE, &settings).options([("role", &role)]);
    let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
    let user: String = sqlx::query_scalar("SELECT current_user::text").fetch_one(&pool).await.unwrap();
    assert_eq!(user, role);
    let store = EventStore::new("meters", pool.clone(), Clock::system());
    let replica = Replica { store, participant: MeterParticipant::new(), kafka: rig.kafka.config() };
    let running = (replica.run_relay(), replica.run_consumer());
    let (tap, other) = (new_tap(), new_tap());
    replica.command(tap, 1).await.unwrap();
    rig.turn(other, 1, &[1]).await;
    rig.kafka.wait_for(METERS, "both readings", |events| events.len() == 2).await;
    maintain_inbox(&replica.store, 30).await.unwrap();

    for change in ["UPDATE journal SET actor = 'nobody'", "DELETE FROM journal", "TRUNCATE journal"] {
        let refusal = execute(&pool, change.to_owned()).await.unwrap_err();
        let code = refusal.as_database_error().and_then(|error| error.code().map(Cow::into_owned));
        assert_eq!(code.as_deref(), Some("42501"), "{change}: {refusal}");
    }
    drop(running);
    pool.close().await;
    execute(rig.database.pool(), format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
}

#[tokio::test]
async fn the_inbox_has_its_days_ahead_and_drops_old_ones() {
    let rig = Rig::new().await;
    let clock = TestClock::at("2031-03-10T23:59:59Z");
    let store = EventStore::new("meters", rig.database.pool().clone(), clock.clock());
    // Ids of a service whose clock is ahead came before their day was prepared.
    let early = "INSERT INTO inbox (consumer, event_id) VALUES ('meters.saga', inbox_first_id('2031-03-12'))";
    execute(rig.database.pool(), early.to_owned()).await.unwrap();
    maintain_inbox(&store, 30).await.unwrap();
    maintain_inbox(&store, 30).await.unwrap();
    let days = partitions(rig.database.pool()).await;
    assert_eq!((days.first().unwrap().as_str(), days.last().unwrap().as_str()), ("inbox_20310309", "inbox_20310317"));
    assert_eq!(days.len(), 9, "those of the days before are more than 30 days old");
    assert_eq!(count(rig.database.pool(), "SELECT count(*) FROM inbox_20310312").await, 1);
    assert_eq!(count(rig.database.pool(), "SELECT count(*) FROM inbox_default").await, 0);

    clock.advance(Duration::from_hours(24 * 32));
    maintain_inbox(&store, 30).await.unwrap();
    let days = partitions(rig.database.pool()).await;
    assert_eq!((days[0].as_str(), days.last().unwrap().as_str()), ("inbox_20310312", "inbox_20310418"));
}

#[tokio::test]
async fn an_id_of_today_lies_in_the_part_of_today() {
    let rig = Rig::new().await;
    let insert = sqlx::query("INSERT INTO inbox (consumer, event_id) VALUES ($1, $2)").bind(GROUP).bind(new_tap());
    insert.execute(rig.database.pool()).await.unwrap();
    let today = "SELECT count(*) FROM inbox
                 WHERE tableoid::regclass::text = 'inbox_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')";
    assert_eq!(count(rig.database.pool(), today).await, 1);
}

async fn partitions(pool: &PgPool) -> Vec<String> {
    let sql = "SELECT inhrelid::regclass::text AS part FROM pg_inherits
               WHERE inhparent = 'inbox'::regclass AND inhrelid::regclass::text <> 'inbox_default' ORDER BY part";
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

async fn execute(pool: &PgPool, sql: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.map(|_| ())
}
