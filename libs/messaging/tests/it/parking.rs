use std::sync::atomic::Ordering;
use std::time::Duration;

use messaging::parked::ParkedEvent;
use rdkafka::ClientConfig;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::message::{Headers as _, Message as _, OwnedMessage};
use tokio::time::Instant;
use uuid::Uuid;

use crate::meter::GROUP;
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
    let waits = format!("waits behind event {}", parked[0].id);
    assert!(parked[1..].iter().all(|event| event.reason == waits && event.behind == Some(parked[0].id)));
    assert_eq!(parked[0].followers, [parked[1].id, parked[2].id]);
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
async fn any_kafka_consumer_reads_what_was_parked_as_it_came_with_where_from_why_and_behind_what() {
    let rig = Rig::new().await;
    let tap = new_tap();
    rig.kafka.publish(&turned(tap, 1, 0).with_payload(b"\xff\xff")).await;
    rig.turn(tap, 2, &[2]).await;
    let replica = rig.replica().await;
    let _running = (replica.run_consumer(), replica.run_relay());
    let parked = rig.wait_for_parked(2).await;
    let letters = plain_messages(&rig, DEAD_LETTERS, 2).await;
    let originals = plain_messages(&rig, TAPS, 2).await;

    for ((letter, original), event) in letters.iter().zip(&originals).zip(&parked) {
        assert_eq!((letter.key(), letter.payload()), (original.key(), original.payload()));
        let (headers, as_they_came) = (texts(letter), texts(original));
        let (kept, added) = headers.split_at(as_they_came.len());
        assert_eq!(kept, as_they_came);
        let mut expected = vec![
            ("dlq_id", event.id.to_string()),
            ("dlq_service", "meters".to_owned()),
            ("dlq_consumer", GROUP.to_owned()),
            ("dlq_topic", original.topic().to_owned()),
            ("dlq_partition", original.partition().to_string()),
            ("dlq_offset", original.offset().to_string()),
            ("dlq_parked_at", event.parked_at.to_string()),
            ("dlq_reason", event.reason.clone()),
        ];
        expected.extend(event.behind.map(|first| ("dlq_behind", first.to_string())));
        let added: Vec<_> = added.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        assert_eq!(added, expected);
    }
    assert_eq!((parked[0].behind, parked[1].behind), (None, Some(parked[0].id)));
}

/// The first messages of a topic, by a consumer that knows nothing of ours.
async fn plain_messages(rig: &Rig, topic: &str, count: usize) -> Vec<OwnedMessage> {
    let config = rig.kafka.config();
    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", &config.brokers)
        .set("group.id", config.name("plain"))
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&[&config.name(topic)]).unwrap();
    let mut messages = Vec::new();
    while messages.len() < count {
        let message = tokio::time::timeout(Duration::from_secs(30), consumer.recv()).await;
        messages.push(
            message.unwrap_or_else(|_| panic!("{count} messages on {topic}, not {messages:?}")).unwrap().detach(),
        );
    }
    messages
}

/// The headers of a message, which are all text.
fn texts(message: &OwnedMessage) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    message.headers().unwrap().iter().map(|header| (header.key.to_owned(), text(header.value.unwrap()))).collect()
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
