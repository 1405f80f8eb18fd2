use messaging::{Envelope, outbox};
use testkit::eventually;
use uuid::Uuid;

use crate::meter::wire::TAPS;
use crate::rig::{Rig, Taps, count, first_versions, new_tap};

impl Taps {
    /// Has events of a tap sent once more, and answers how many were put back.
    async fn send_again(&self, tap_id: Uuid, versions: &[i64]) -> usize {
        let events: Vec<_> = versions.iter().map(|version| (tap_id, *version)).collect();
        let mut unit = self.store.begin().await.unwrap();
        let now = unit.now();
        let put_back = outbox::send_again(unit.tx(), &events, now).await.unwrap();
        unit.commit().await.unwrap();
        put_back.len()
    }

    async fn empties_its_outbox(&self) {
        let waiting = "SELECT count(*) FROM outbox";
        eventually("an empty outbox", async || count(self.database.pool(), waiting).await == 0).await;
    }
}

/// The versions of a tap's events on its topic, each time that it came.
fn versions(events: &[Envelope], tap_id: Uuid) -> Vec<i64> {
    events.iter().filter(|event| event.aggregate_id == tap_id).map(|event| event.aggregate_version).collect()
}

#[tokio::test]
async fn what_is_sent_once_more_has_the_same_id_and_takes_effect_once() {
    let rig = Rig::new().await;
    let taps = Taps::new(&rig).await;
    let (_relay, _consumer) = (taps.run_relay(), rig.replica().await.run_consumer());
    let tap = new_tap();
    for amount in [1, 2, 3] {
        taps.turn(tap, amount).await;
    }
    rig.wait_for_readings(tap, &[1, 2, 3]).await;
    taps.empties_its_outbox().await;

    // The last one, one before it, and one that there is none of.
    assert_eq!(taps.send_again(tap, &[3, 1, 4]).await, 2);
    let sent = rig.kafka.wait_for(TAPS, "both once more", |events| events.len() == 5).await;
    let mut again = versions(&sent, tap).split_off(3);
    again.sort_unstable();
    assert_eq!(again, [1, 3]);
    for event in &sent {
        let first = sent.iter().find(|first| first.aggregate_version == event.aggregate_version).unwrap();
        assert_eq!((event.id, &event.payload), (first.id, &first.payload));
    }
    taps.empties_its_outbox().await;

    // It goes on as if nothing had been, and this comes after what was sent once more.
    taps.turn(tap, 4).await;
    rig.wait_for_readings(tap, &[1, 2, 3, 4]).await;
    assert_eq!(count(rig.database.pool(), "SELECT count(*) FROM parked_event").await, 0);
    assert_eq!(count(rig.database.pool(), "SELECT count(*) FROM journal").await, 4);
}

#[tokio::test]
async fn a_receiver_that_never_took_it_takes_it_then() {
    let rig = Rig::new().await;
    let taps = Taps::new(&rig).await;
    let _relay = taps.run_relay();
    let tap = new_tap();
    taps.turn(tap, 1).await;
    rig.kafka.wait_for(TAPS, "the event", |events| events.len() == 1).await;
    taps.empties_its_outbox().await;
    // The receiver loses what it heard, as when its topic was lost: nobody tells it again by itself.
    let consumer = rig.replica().await.run_consumer();
    rig.wait_for_readings(tap, &[1]).await;
    consumer.stop().await;
    sqlx::raw_sql("TRUNCATE reading, meter, journal, outbox; DELETE FROM inbox")
        .execute(rig.database.pool())
        .await
        .unwrap();
    let _consumer = rig.replica().await.run_consumer();
    assert_eq!(taps.send_again(tap, &[1]).await, 1);
    rig.wait_for_readings(tap, &[1]).await;
}

#[tokio::test]
async fn sending_once_more_while_later_events_are_on_their_way_leaves_their_order_as_it_is() {
    let rig = Rig::new().await;
    let taps = Taps::new(&rig).await;
    let tap = new_tap();
    taps.turn(tap, 1).await;
    let relay = taps.run_relay();
    taps.empties_its_outbox().await;
    relay.stop().await;
    // What waits for its first acknowledgement is not put in a second time.
    taps.turn(tap, 2).await;
    assert_eq!(taps.send_again(tap, &[1, 2]).await, 1);
    taps.turn(tap, 3).await;
    assert_eq!(taps.send_again(tap, &[1]).await, 0);

    let (_relay, _consumer) = (taps.run_relay(), rig.replica().await.run_consumer());
    for amount in 4..=20 {
        taps.turn(tap, amount).await;
        if amount % 5 == 0 {
            taps.send_again(tap, &[1]).await;
        }
    }
    let expected: Vec<i64> = (1..=20).collect();
    rig.wait_for_readings(tap, &expected).await;
    taps.empties_its_outbox().await;
    let sent = rig.kafka.events(TAPS).await;
    assert_eq!(first_versions(&sent, tap), expected);
    assert!(versions(&sent, tap).len() > expected.len(), "the first was sent more than once");
}
