use std::sync::atomic::Ordering;

use messaging::parked::{self, Retried};
use uuid::Uuid;

use crate::meter::GROUP;
use crate::rig::{Replica, Rig, new_tap};

const OPERATOR: &str = "operator:test";

async fn retry(replica: &Replica, tap: Uuid) -> Retried {
    parked::retry(&replica.store, replica.participant.as_ref(), GROUP, tap, OPERATOR).await.unwrap()
}

/// A replica whose meters take ten at once.
async fn modest_replica(rig: &Rig) -> Replica {
    let replica = rig.replica().await;
    replica.participant.amount_max.store(10, Ordering::SeqCst);
    replica
}

#[tokio::test]
async fn parked_events_are_retried_in_order_once_the_cause_is_mended() {
    let rig = Rig::new().await;
    let replica = modest_replica(&rig).await;
    let _consumer = replica.run_consumer();
    let tap = new_tap();
    rig.turn(tap, 1, &[1, 50, 2, 60, 3]).await;
    let parked = rig.wait_for_parked(4).await;

    let Retried { taken, stuck } = retry(&replica, tap).await;
    assert_eq!((taken, stuck.map(|(id, _)| id)), (0, Some(parked[0].id)), "nothing is mended yet");
    replica.participant.amount_max.store(50, Ordering::SeqCst);
    let Retried { taken, stuck } = retry(&replica, tap).await;
    let (id, reason) = stuck.unwrap();
    assert_eq!((taken, id, reason.as_str()), (2, parked[2].id, "60 at once is more than the 50 that a meter takes"));
    assert_eq!(rig.readings(tap).await, [1, 50, 2]);

    replica.participant.amount_max.store(60, Ordering::SeqCst);
    assert_eq!(retry(&replica, tap).await, Retried { taken: 2, stuck: None });
    assert_eq!(retry(&replica, tap).await, Retried { taken: 0, stuck: None });
    rig.turn(tap, 6, &[4]).await;
    rig.wait_for_readings(tap, &[1, 50, 2, 60, 3, 4]).await;
    let shown = parked::show(&replica.store, parked[0].id).await.unwrap().unwrap();
    assert_eq!(shown.state, "retried");
    rig.wait_for_parked(0).await;
}

#[tokio::test]
async fn an_event_is_skipped_for_a_recorded_reason_and_its_followers_are_retried() {
    let rig = Rig::new().await;
    let replica = modest_replica(&rig).await;
    let _consumer = replica.run_consumer();
    let tap = new_tap();
    rig.turn(tap, 1, &[1, 50, 2]).await;
    let parked = rig.wait_for_parked(2).await;
    assert!(parked::skip(&replica.store, parked[0].id, OPERATOR, "a test turned it").await.unwrap());

    // Its follower still waits, and so does whatever comes after that.
    rig.turn(tap, 4, &[3]).await;
    rig.wait_for_parked(2).await;
    assert_eq!(retry(&replica, tap).await, Retried { taken: 2, stuck: None });
    rig.turn(tap, 5, &[4]).await;
    rig.wait_for_readings(tap, &[1, 2, 3, 4]).await;

    let skipped = parked::show(&replica.store, parked[0].id).await.unwrap().unwrap();
    assert_eq!((skipped.state.as_str(), skipped.resolution.as_deref()), ("skipped", Some("a test turned it")));
    assert!(!parked::skip(&replica.store, parked[0].id, OPERATOR, "again").await.unwrap());
    assert!(!parked::skip(&replica.store, i64::MAX, OPERATOR, "nobody").await.unwrap());
}

#[tokio::test]
async fn an_event_that_arrives_during_a_retry_takes_effect_after_it() {
    let rig = Rig::new().await;
    let replica = modest_replica(&rig).await;
    let _consumer = replica.run_consumer();
    let tap = new_tap();
    rig.turn(tap, 1, &[1, 50]).await;
    rig.wait_for_parked(1).await;
    replica.participant.amount_max.store(50, Ordering::SeqCst);

    let mut hold = rig.database.pool().begin().await.unwrap();
    sqlx::query("SELECT FROM meter WHERE id = $1 FOR UPDATE").bind(tap).execute(&mut *hold).await.unwrap();
    let arrival = async {
        rig.wait_for_blocked(1).await;
        rig.turn(tap, 3, &[2]).await;
        // The consumer waits for the retry, which waits for us. If it parked the event now, nobody might look again.
        rig.wait_for_blocked(2).await;
        hold.rollback().await.unwrap();
    };
    let (retried, ()) = tokio::join!(retry(&replica, tap), arrival);
    assert_eq!(retried, Retried { taken: 1, stuck: None });
    rig.wait_for_readings(tap, &[1, 50, 2]).await;
    rig.wait_for_parked(0).await;
}

#[tokio::test]
async fn two_operators_who_retry_at_once_repeat_no_effect() {
    let rig = Rig::new().await;
    let replica = modest_replica(&rig).await;
    let _consumer = replica.run_consumer();
    let tap = new_tap();
    rig.turn(tap, 1, &[50, 1, 2, 3, 4]).await;
    rig.wait_for_parked(5).await;
    replica.participant.amount_max.store(50, Ordering::SeqCst);
    let (one, other) = tokio::join!(retry(&replica, tap), retry(&replica, tap));
    assert_eq!(one.taken + other.taken, 5);
    assert_eq!(rig.readings(tap).await, [50, 1, 2, 3, 4]);
}
