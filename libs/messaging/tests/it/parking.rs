use std::sync::atomic::Ordering;
use std::time::Duration;

use messaging::parked::ParkedEvent;
use tokio::time::Instant;
use uuid::Uuid;

use crate::meter::wire::{METERS, TAPS};
use crate::rig::{DEAD_LETTERS, Rig, new_tap, turned};

/// Checks that a poison event is parked with the followers of its tap, in order, while another tap flows on. `publish` puts
/// the poison on the topic as version 2. Answers what was parked.
async fn park_with_followers(rig: &Rig, tap: Uuid, publish: impl AsyncFnOnce()) -> Vec<ParkedEvent> {
    let bystander = new_tap();
    rig.turn(tap, 1, &[1]).await;
    publish().await;
    rig.turn(bystander, 1, &[1]).await;
    rig.turn(tap, 3, &[3]).await;
    rig.turn(bystander, 2, &[2]).await;
    let replica = rig.replica().await;
    replica.participant.amount_max.store(10, Ordering::SeqCst);
    let _consumer = replica.run_consumer();
    rig.wait_for_readings(bystander, &[1, 2]).await;
    rig.wait_for_parked(2).await;
    // Followers of a later batch wait too, bystanders of a later batch do not.
    rig.turn(tap, 4, &[4]).await;
    rig.turn(bystander, 3, &[3]).await;
    rig.wait_for_readings(bystander, &[1, 2, 3]).await;
    let parked = rig.wait_for_parked(3).await;

    assert_eq!(rig.readings(tap).await, [1]);
    assert!(parked.iter().all(|event| event.envelope.aggregate_id == tap && event.state == "parked"));
    assert!(parked[1..].iter().all(|event| event.reason.starts_with("waits behind")));
    let followers: Vec<_> = parked[1..].iter().map(|event| event.envelope.aggregate_version).collect();
    assert_eq!(followers, [3, 4]);
    parked
}

#[tokio::test]
async fn an_undecodable_event_is_parked_with_its_followers_and_bystanders_flow_on() {
    let rig = Rig::new().await;
    let tap = new_tap();
    let poison = turned(tap, 2, 2).with_payload(&[0xff, 0xff, 0xff]);
    let parked = park_with_followers(&rig, tap, async || rig.kafka.publish(&poison).await).await;
    assert!(parked[0].reason.starts_with("undecodable: TapTurned is malformed"), "{}", parked[0].reason);
    assert_eq!(parked[0].envelope.payload, [0xff, 0xff, 0xff]);
}

#[tokio::test]
async fn a_refused_event_is_parked_with_its_followers_and_bystanders_flow_on() {
    let rig = Rig::new().await;
    let tap = new_tap();
    let parked = park_with_followers(&rig, tap, async || rig.kafka.publish(&turned(tap, 2, 11)).await).await;
    assert_eq!(parked[0].reason, "refused: TOO_MUCH (11 at once is more than the 10 that a meter takes)");
}

#[tokio::test]
async fn an_event_without_its_headers_is_parked_with_its_followers_and_bystanders_flow_on() {
    let rig = Rig::new().await;
    let tap = new_tap();
    let publish = async || rig.kafka.publish_raw(TAPS, tap.to_string().as_bytes(), &[("ce_id", "?")], b"").await;
    let parked = park_with_followers(&rig, tap, publish).await;
    assert!(parked[0].reason.starts_with("undecodable: header ce_"), "{}", parked[0].reason);
}

#[tokio::test]
async fn an_event_with_a_nul_in_its_headers_is_parked_and_does_not_stop_the_partition() {
    let rig = Rig::new().await;
    let tap = new_tap();
    let headers = [("ce_type", "tradewind.taps.v1.\0")];
    let publish = async || rig.kafka.publish_raw(TAPS, tap.to_string().as_bytes(), &headers, b"").await;
    let parked = park_with_followers(&rig, tap, publish).await;
    assert_eq!(parked[0].envelope.event_type, "tradewind.taps.v1.\u{FFFD}");
}

#[tokio::test]
async fn an_event_whose_key_is_no_id_is_parked_alone() {
    let rig = Rig::new().await;
    rig.kafka.publish_raw(TAPS, b"\xff\xfe", &[], b"?").await;
    let tap = new_tap();
    rig.turn(tap, 1, &[1, 2]).await;
    let _consumer = rig.replica().await.run_consumer();
    rig.wait_for_readings(tap, &[1, 2]).await;
    let parked = rig.wait_for_parked(1).await;
    assert_eq!(parked[0].envelope.origin.key.as_deref(), Some(b"\xff\xfe".as_slice()));
}

#[tokio::test]
async fn a_parked_event_is_announced_as_it_came_with_where_from_and_why() {
    let rig = Rig::new().await;
    let tap = new_tap();
    let poison = turned(tap, 1, 0).with_payload(b"\xff\xff");
    rig.kafka.publish(&poison).await;
    rig.turn(tap, 2, &[2]).await;
    let replica = rig.replica().await;
    let _running = (replica.run_consumer(), replica.run_relay());
    let announced = rig.kafka.wait_for(DEAD_LETTERS, "both events", |events| events.len() == 2).await;

    let original = &rig.kafka.events(TAPS).await[0];
    let letter = &announced[0];
    assert_eq!((letter.id, &letter.payload), (poison.id(), &original.payload));
    assert_eq!(letter.origin.key, original.origin.key);
    let (as_it_came, added) = letter.origin.headers.split_at(original.origin.headers.len());
    assert_eq!(as_it_came, original.origin.headers);
    let added: Vec<_> = added.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let (partition, offset) = (original.origin.partition.to_string(), original.origin.offset.to_string());
    assert_eq!(
        added[..3],
        [("dlq_topic", original.origin.topic.as_str()), ("dlq_partition", &partition), ("dlq_offset", &offset)]
    );
    assert!(added[3].0 == "dlq_reason" && added[3].1.starts_with("undecodable"), "{added:?}");
    assert_eq!(announced[1].aggregate_version, 2);
}

#[tokio::test]
async fn a_dead_letter_topic_that_is_missing_holds_no_event_up() {
    let rig = Rig::with_topics(&[TAPS, METERS]).await;
    let replica = rig.replica().await;
    let _running = (replica.run_consumer(), replica.run_relay());
    for _ in 0..3 {
        rig.kafka.publish(&turned(new_tap(), 1, 0).with_payload(b"\xff\xff")).await;
    }
    rig.wait_for_parked(3).await;
    let started = Instant::now();
    let tap = new_tap();
    for version in 1..=4_i64 {
        rig.turn(tap, version, &[1]).await;
        rig.kafka.wait_for(METERS, "the reading", |events| events.len() as i64 == version).await;
    }
    assert!(started.elapsed() < Duration::from_secs(5), "four events took {:?}", started.elapsed());
}
