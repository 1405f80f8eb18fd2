use std::sync::atomic::Ordering;

use messaging::parked::{self, Tried};
use uuid::Uuid;

use crate::meter::GROUP;
use crate::meter::domain::PANICS;
use crate::rig::{Replica, Rig, new_tap};

const OPERATOR: &str = "operator:test";

/// Retries a tap's events, and answers what became of each.
async fn retry(replica: &Replica, tap: Uuid) -> Vec<Tried> {
    let mut tried = Vec::new();
    let tell = |event| tried.push(event);
    parked::retry(&replica.store, replica.participant.as_ref(), GROUP, tap, OPERATOR, tell).await.unwrap();
    tried
}

/// What became of each event, by its number.
fn outcomes(tried: &[Tried]) -> Vec<(i64, Result<&str, &str>)> {
    tried.iter().map(|event| (event.id, event.outcome.as_deref().map_err(String::as_str))).collect()
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

    let ids: Vec<_> = parked.iter().map(|event| event.id).collect();
    let too_much = "refused: TOO_MUCH (50 at once is more than the 10 that a meter takes)";
    assert_eq!(outcomes(&retry(&replica, tap).await), [(ids[0], Err(too_much))], "nothing is mended yet");
    replica.participant.amount_max.store(50, Ordering::SeqCst);
    let too_much = "refused: TOO_MUCH (60 at once is more than the 50 that a meter takes)";
    let (done, stuck) = (Ok("took effect"), Err(too_much));
    assert_eq!(outcomes(&retry(&replica, tap).await), [(ids[0], done), (ids[1], done), (ids[2], stuck)]);
    assert_eq!(rig.readings(tap).await, [1, 50, 2]);
    // It is the first of its chain now, for a reason of its own.
    let shown = parked::show(&replica.store, ids[2]).await.unwrap().unwrap();
    assert_eq!((shown.reason.as_str(), shown.behind, shown.followers), (too_much, None, vec![ids[3]]));

    replica.participant.amount_max.store(60, Ordering::SeqCst);
    assert_eq!(outcomes(&retry(&replica, tap).await), [(ids[2], done), (ids[3], done)]);
    assert_eq!(retry(&replica, tap).await, []);
    rig.turn(tap, 6, &[4]).await;
    rig.wait_for_readings(tap, &[1, 50, 2, 60, 3, 4]).await;
    let shown = parked::show(&replica.store, ids[0]).await.unwrap().unwrap();
    assert_eq!((shown.state.as_str(), shown.resolved.unwrap().by.as_str()), ("retried", OPERATOR));
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
    assert!(retry(&replica, tap).await.iter().all(|event| event.outcome.is_ok()));
    rig.turn(tap, 5, &[4]).await;
    rig.wait_for_readings(tap, &[1, 2, 3, 4]).await;

    let skipped = parked::show(&replica.store, parked[0].id).await.unwrap().unwrap();
    let resolved = skipped.resolved.unwrap();
    assert_eq!((skipped.state.as_str(), resolved.by.as_str()), ("skipped", OPERATOR));
    assert_eq!(resolved.why.as_deref(), Some("a test turned it"));
    assert!(resolved.at >= skipped.parked_at);
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

    let mut hold = messaging::begin(rig.database.pool()).await.unwrap();
    sqlx::query("SELECT FROM meter WHERE id = $1 FOR UPDATE").bind(tap).execute(&mut *hold).await.unwrap();
    let arrival = async {
        rig.wait_for_blocked(1).await;
        rig.turn(tap, 3, &[2]).await;
        // The consumer waits for the retry, which waits for us. If it parked the event now, nobody might look again.
        rig.wait_for_blocked(2).await;
        hold.rollback().await.unwrap();
    };
    let (retried, ()) = tokio::join!(retry(&replica, tap), arrival);
    assert_eq!(retried.len(), 1);
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
    assert_eq!(one.len() + other.len(), 5);
    assert_eq!(rig.readings(tap).await, [50, 1, 2, 3, 4]);
}

#[tokio::test]
async fn an_event_that_fails_again_or_panics_again_stays_parked_and_says_so() {
    let rig = Rig::new().await;
    let replica = rig.replica().await;
    let _consumer = replica.run_consumer();
    // More than the table takes, which the domain does not know.
    for (amount, reason) in [(1_000_000, "meter_fits"), (PANICS, "panicked")] {
        let tap = new_tap();
        rig.turn(tap, 1, &[amount, 1]).await;
        let waiting = rig.wait_for_reason(tap, reason).await;
        let tried = retry(&replica, tap).await;
        let [(id, Err(told))] = outcomes(&tried)[..] else { panic!("{tried:?}") };
        assert!(id == waiting && told.starts_with("failed: ") && told.contains(reason), "{told}");
        assert_eq!(rig.readings(tap).await, [0; 0]);
    }
}
