use std::sync::Arc;
use std::time::Duration;

use messaging::parked::{self, Filter};
use messaging::read_model::{Generation, Projector, ReadModels, Table, rebuild};
use messaging::{Consumer, Envelope, Error, Undecodable};
use sqlx::PgConnection;
use testkit::eventually;
use uuid::Uuid;

use crate::consumer::{committed_offsets, rewind};
use crate::meter::wire::{METERS, decode};
use crate::meter::{GROUP, SUBSCRIPTIONS};
use crate::rig::{Replica, Rig, Running, count, new_tap, turned};

const OPERATOR: &str = "operator:test";

/// Views that show nothing. They look at the meters, as views of these would.
struct Views;

impl ReadModels for Views {
    const OWN_TOPIC: &'static str = METERS;
    const TABLES: &'static [Table] = &[];

    fn follow_from(&self, event: &Envelope) -> Result<bool, Undecodable> {
        Ok(decode(event)?.is_some())
    }

    async fn project(&self, tx: &mut PgConnection, _: &[Generation], _: &[Uuid]) -> Result<(), Error> {
        sqlx::query("SELECT FROM meter").execute(tx).await?;
        Ok(())
    }
}

fn run_projector(replica: &Replica) -> Running {
    let (store, kafka) = (replica.store.clone(), replica.kafka.clone());
    let consumer = Consumer::new(store, kafka, GROUP, SUBSCRIPTIONS, Arc::new(Projector(Views)));
    Running::start(|stop| consumer.lingering(Duration::from_millis(100)).run(stop))
}

/// Waits until so much was heard of a tap.
async fn wait_for_heard(rig: &Rig, tap: Uuid, expected: &[i64]) {
    eventually(&format!("heard {expected:?}"), async || {
        let heard: Vec<i64> =
            sqlx::query_scalar("SELECT version FROM heard_event WHERE aggregate_id = $1 ORDER BY version")
                .bind(tap)
                .fetch_all(rig.database.pool())
                .await
                .unwrap();
        if heard == expected { Ok(()) } else { Err(heard) }
    })
    .await;
}

/// How each event that was ever parked stands.
async fn states(replica: &Replica) -> Vec<(i64, String)> {
    let all = parked::list(&replica.store, &Filter { state: None, ..Filter::waiting() }).await.unwrap();
    all.into_iter().map(|event| (event.envelope.aggregate_version, event.state)).collect()
}

#[tokio::test]
async fn what_is_projected_again_changes_nothing_and_what_was_parked_stays_as_it_was_resolved() {
    let rig = Rig::new().await;
    let (tap, bystander) = (new_tap(), new_tap());
    rig.turn(tap, 1, &[1]).await;
    let poison = turned(tap, 2, 2).with_payload(&[0xff; 3]);
    rig.kafka.publish(&poison).await;
    rig.turn(tap, 3, &[3]).await;
    rig.turn(bystander, 1, &[1, 2]).await;
    let replica = rig.replica().await;
    let projector = run_projector(&replica);
    let parked = rig.wait_for_parked(2).await;
    wait_for_heard(&rig, tap, &[1]).await;
    wait_for_heard(&rig, bystander, &[1, 2]).await;

    // They come again while they are parked, and after they were resolved.
    rig.kafka.publish(&poison).await;
    rig.turn(bystander, 3, &[3]).await;
    wait_for_heard(&rig, bystander, &[1, 2, 3]).await;
    assert!(parked::skip(&replica.store, parked[0].id, OPERATOR, "it says nothing").await.unwrap());
    parked::retry(&replica.store, &Projector(Views), GROUP, tap, OPERATOR, |_| {}).await.unwrap();
    wait_for_heard(&rig, tap, &[1, 3]).await;
    let resolved = [(2, "skipped".to_owned()), (3, "retried".to_owned())];
    assert_eq!(states(&replica).await, resolved);
    projector.stop().await;
    eventually("offsets that were committed at the stop", async || committed_offsets(&rig) == 7).await;
    rewind(&rig).await;

    let _projector = run_projector(&replica);
    rig.turn(tap, 4, &[4]).await;
    wait_for_heard(&rig, tap, &[1, 3, 4]).await;
    assert_eq!(states(&replica).await, resolved);
    assert_eq!(count(rig.database.pool(), "SELECT count(*) FROM inbox").await, 0, "nothing need remember them");
}

#[tokio::test]
async fn whoever_makes_rows_anew_and_the_projector_take_turns_at_an_aggregate() {
    let rig = Rig::new().await;
    let tap = new_tap();
    let replica = rig.replica().await;
    let _projector = run_projector(&replica);
    rig.turn(tap, 1, &[1]).await;
    wait_for_heard(&rig, tap, &[1]).await;

    let holder = rig.hold_meters().await;
    let store = replica.store.clone();
    let made_anew = tokio::spawn(async move { rebuild(&store, &Views, false, |_| {}).await });
    rig.wait_for_blocked(1).await;
    rig.turn(tap, 2, &[2]).await;
    rig.wait_for_locked_out(1).await;
    drop(holder);
    made_anew.await.unwrap().unwrap();
    wait_for_heard(&rig, tap, &[1, 2]).await;
}
