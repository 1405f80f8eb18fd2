use sqlx::AssertSqlSafe;

use crate::meter::domain::PANICS;
use crate::rig::{Rig, count, new_tap};

/// Makes the next three batches fail with an error of this code.
async fn fail_three_times(rig: &Rig, code: &str) {
    // A sequence goes on even if its transaction is rolled back.
    let statements = format!(
        "CREATE SEQUENCE IF NOT EXISTS failure;
         ALTER SEQUENCE failure RESTART;
         CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF nextval('failure') <= 3 THEN
                 RAISE EXCEPTION 'not now' USING ERRCODE = '{code}';
             END IF;
             RETURN NULL;
         END $$;
         CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON reading FOR EACH STATEMENT EXECUTE FUNCTION fail();"
    );
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(rig.database.pool()).await.unwrap();
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
        fail_three_times(&rig, code).await;
        rig.turn(tap, amount, &[amount]).await;
        expected.push(amount);
        rig.wait_for_readings(tap, &expected).await;
        assert!(count(rig.database.pool(), "SELECT last_value FROM failure").await > 3, "it failed with {code}");
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
