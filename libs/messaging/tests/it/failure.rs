use sqlx::AssertSqlSafe;

use crate::meter::domain::PANICS;
use crate::rig::{Rig, count, new_tap};

/// Makes the next batches fail, so many of them, each by this statement.
async fn fail(rig: &Rig, times: u32, statement: &str) {
    // A sequence goes on even if its transaction is rolled back.
    let statements = format!(
        "CREATE SEQUENCE IF NOT EXISTS failure;
         ALTER SEQUENCE failure RESTART;
         CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF nextval('failure') <= {times} THEN
                 {statement};
             END IF;
             RETURN NULL;
         END $$;
         CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON reading FOR EACH STATEMENT EXECUTE FUNCTION fail();"
    );
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(rig.database.pool()).await.unwrap();
}

fn raise(code: &str) -> String {
    format!("RAISE EXCEPTION 'not now' USING ERRCODE = '{code}'")
}

/// How often a batch was tried since then.
async fn tries(rig: &Rig) -> i64 {
    count(rig.database.pool(), "SELECT last_value FROM failure").await
}

#[tokio::test]
async fn a_passing_failure_is_retried_in_place_and_nothing_is_lost_or_parked() {
    let rig = Rig::new().await;
    let _consumer = rig.replica().await.run_consumer();
    let tap = new_tap();
    // Serialization failure, deadlock, no lock, a timeout; no connections left, shut down; a transaction that slept too
    // long; a standby that does not lead yet.
    let codes = ["40001", "40P01", "55P03", "57014", "53300", "57P01", "25P03", "25006"];
    let mut expected = Vec::new();
    for (amount, code) in (1..).zip(codes) {
        fail(&rig, 3, &raise(code)).await;
        rig.turn(tap, amount, &[amount]).await;
        expected.push(amount);
        rig.wait_for_readings(tap, &expected).await;
        assert!(tries(&rig).await > 3, "it failed with {code}");
    }
    rig.wait_for_parked(0).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_in_mid_batch_loses_nothing() {
    let rig = Rig::new().await;
    let taps = [new_tap(), new_tap()];
    let _consumer = rig.replica().await.run_consumer();
    for round in 0..3 {
        let hold = rig.hold_meters().await;
        for tap in taps {
            rig.turn(tap, round * 2 + 1, &[1, 2]).await;
        }
        rig.wait_for_blocked(1).await;
        assert!(rig.cut("%FROM meter%").await > 0);
        drop(hold);
    }
    for tap in taps {
        rig.wait_for_readings(tap, &[1, 2, 1, 2, 1, 2]).await;
    }
    rig.wait_for_parked(0).await;
}

#[tokio::test]
async fn a_batch_that_fails_as_a_whole_is_halved_until_only_the_culprit_and_its_followers_are_parked() {
    let rig = Rig::new().await;
    let culprit = new_tap();
    let bystanders: Vec<_> = (0..20).map(|_| new_tap()).collect();
    for tap in &bystanders[..10] {
        rig.turn(*tap, 1, &[1, 2]).await;
    }
    // More than the table takes, which the domain does not know.
    rig.turn(culprit, 1, &[5, 1_000_000, 6]).await;
    for tap in &bystanders[10..] {
        rig.turn(*tap, 1, &[1, 2]).await;
    }
    let _consumer = rig.replica().await.run_consumer();
    let parked = rig.wait_for_parked(2).await;
    for tap in &bystanders {
        rig.wait_for_readings(*tap, &[1, 2]).await;
    }
    assert_eq!(rig.readings(culprit).await, [5]);
    assert!(parked[0].reason.contains("meter_fits"), "{}", parked[0].reason);
    assert!(parked[1].reason.starts_with("waits behind"), "{}", parked[1].reason);
    let versions: Vec<_> = parked.iter().map(|event| event.envelope.aggregate_version).collect();
    assert_eq!(versions, [2, 3]);
}

#[tokio::test]
async fn an_event_whose_decision_panics_is_parked_and_bystanders_flow_on() {
    let rig = Rig::new().await;
    let (culprit, bystander) = (new_tap(), new_tap());
    rig.turn(culprit, 1, &[1, PANICS]).await;
    rig.turn(bystander, 1, &[1, 2]).await;
    let _consumer = rig.replica().await.run_consumer();
    let parked = rig.wait_for_parked(1).await;
    assert!(parked[0].reason.contains("panicked"), "{}", parked[0].reason);
    rig.wait_for_readings(bystander, &[1, 2]).await;
    assert_eq!(rig.readings(culprit).await, [1]);
}

#[tokio::test]
async fn an_event_that_always_takes_too_long_is_parked_with_its_followers_and_bystanders_flow_on() {
    let rig = Rig::new().await;
    let (culprit, bystander) = (new_tap(), new_tap());
    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;
                CREATE TRIGGER slow BEFORE INSERT ON reading FOR EACH ROW WHEN (NEW.amount = 13) EXECUTE FUNCTION slow()";
    sqlx::raw_sql(slow).execute(rig.database.pool()).await.unwrap();
    rig.turn(bystander, 1, &[1, 2]).await;
    rig.turn(culprit, 1, &[1, 13, 2]).await;
    rig.turn(bystander, 3, &[3, 4]).await;
    let _consumer = rig.impatient_replica(500).await.run_consumer();
    let parked = rig.wait_for_parked(2).await;
    assert!(parked[0].reason.contains("statement timeout"), "{}", parked[0].reason);
    assert_eq!(parked[1].reason, format!("waits behind event {}", parked[0].id));
    rig.wait_for_readings(bystander, &[1, 2, 3, 4]).await;
    assert_eq!(rig.readings(culprit).await, [1]);
}

#[tokio::test]
async fn a_database_that_is_too_slow_for_a_while_parks_nothing() {
    let rig = Rig::new().await;
    let tap = new_tap();
    rig.turn(tap, 1, &[1, 2, 3, 4]).await;
    // One time fewer than tells an event at fault.
    fail(&rig, 4, "PERFORM pg_sleep(60)").await;
    let _consumer = rig.impatient_replica(500).await.run_consumer();
    rig.wait_for_readings(tap, &[1, 2, 3, 4]).await;
    assert!(tries(&rig).await > 4);
    rig.wait_for_parked(0).await;
}

#[tokio::test]
async fn a_lock_that_is_not_to_be_had_for_long_parks_nothing() {
    let rig = Rig::new().await;
    let tap = new_tap();
    fail(&rig, 8, &raise("55P03")).await;
    let _consumer = rig.replica().await.run_consumer();
    rig.turn(tap, 1, &[1, 2]).await;
    rig.wait_for_readings(tap, &[1, 2]).await;
    assert!(tries(&rig).await > 8);
    rig.wait_for_parked(0).await;
}
