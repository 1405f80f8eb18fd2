use std::sync::atomic::Ordering;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use testkit::eventually;

use crate::meter::GROUP;
use crate::meter::wire::{METERS, TAPS};
use crate::rig::{Rig, count, new_tap, totals, turned};

#[tokio::test]
async fn an_event_takes_effect_and_its_reaction_is_published() {
    let rig = Rig::new().await;
    let replica = rig.replica().await;
    let _running = (replica.run_consumer(), replica.run_relay());
    let tap = new_tap();
    rig.turn(tap, 1, &[3, 4]).await;
    let events = rig.kafka.wait_for(METERS, "two readings", |events| events.len() == 2).await;
    assert_eq!(totals(&events, tap), [3, 7]);
    assert_eq!(rig.readings(tap).await, [3, 4]);
}

#[tokio::test]
async fn a_duplicate_takes_no_effect_in_the_same_batch_or_later() {
    let rig = Rig::new().await;
    let tap = new_tap();
    let events = rig.turn(tap, 1, &[1, 2]).await;
    // Before the consumer starts: the copies come in one batch.
    for event in &events {
        rig.kafka.publish(event).await;
    }
    let _consumer = rig.replica().await.run_consumer();
    rig.wait_for_readings(tap, &[1, 2]).await;
    rig.kafka.publish(&events[0]).await;
    rig.turn(tap, 3, &[3]).await;
    rig.wait_for_readings(tap, &[1, 2, 3]).await;
}

#[tokio::test]
async fn a_consumer_killed_between_commit_and_offset_gets_the_batch_again_and_the_effect_is_once() {
    let rig = Rig::new().await;
    let tap = new_tap();
    rig.turn(tap, 1, &[1, 2, 3]).await;
    let replica = rig.replica().await;
    replica.participant.dies_after_commit.store(true, Ordering::SeqCst);
    let death = replica.run_consumer().ended().await.unwrap_err();
    assert!(death.is_panic());
    let taken = rig.readings(tap).await;
    assert!(!taken.is_empty(), "it died after a commit");
    assert_eq!(committed_offsets(&rig), 0, "it died before an offset was stored");

    let _consumer = rig.replica().await.run_consumer();
    rig.turn(tap, 4, &[4]).await;
    rig.wait_for_readings(tap, &[1, 2, 3, 4]).await;
}

#[tokio::test]
async fn what_comes_one_by_one_while_a_consumer_lingers_takes_effect_together() {
    let rig = Rig::new().await;
    let tap = new_tap();
    let _consumer = rig.replica().await.run_lingering_consumer(Duration::from_secs(2));
    rig.turn(tap, 1, &[1]).await;
    rig.wait_for_readings(tap, &[1]).await;
    // Each is acknowledged before the next is sent.
    rig.turn(tap, 2, &[2, 3, 4]).await;
    rig.wait_for_readings(tap, &[1, 2, 3, 4]).await;
    let transactions = count(rig.database.pool(), "SELECT count(DISTINCT xmin::text) FROM inbox").await;
    assert_eq!(transactions, 2);
}

#[tokio::test]
async fn offsets_that_are_rewound_repeat_no_effect() {
    let rig = Rig::new().await;
    let taps = [new_tap(), new_tap(), new_tap()];
    for tap in taps {
        rig.turn(tap, 1, &[1, 2, 3]).await;
    }
    let consumer = rig.replica().await.run_consumer();
    for tap in taps {
        rig.wait_for_readings(tap, &[1, 2, 3]).await;
    }
    consumer.stop().await;
    eventually("offsets that were committed at the stop", async || committed_offsets(&rig) == 9).await;
    rewind(&rig).await;

    let _consumer = rig.replica().await.run_consumer();
    for tap in taps {
        rig.turn(tap, 4, &[4]).await;
        rig.wait_for_readings(tap, &[1, 2, 3, 4]).await;
    }
}

#[tokio::test]
async fn an_event_of_an_unknown_type_is_skipped_and_those_around_it_take_effect() {
    let rig = Rig::new().await;
    let _consumer = rig.replica().await.run_consumer();
    let tap = new_tap();
    rig.turn(tap, 1, &[1]).await;
    rig.kafka.publish(&turned(tap, 2, 100).with_type("tradewind.taps.v1.TapPolished")).await;
    rig.turn(tap, 3, &[3]).await;
    rig.wait_for_readings(tap, &[1, 3]).await;
    rig.wait_for_parked(0).await;
    // It leaves no trace, not even in the inbox: a release that knows the type reads it after a rewind.
    assert_eq!(count(rig.database.pool(), "SELECT count(*) FROM inbox").await, 2);
}

#[tokio::test]
async fn a_member_whose_name_another_takes_ends() {
    let rig = Rig::new().await;
    let tap = new_tap();
    let mut first = rig.replica().await;
    first.kafka.replica = Some("meters-0".to_owned());
    let first = first.run_consumer();
    rig.turn(tap, 1, &[1]).await;
    rig.wait_for_readings(tap, &[1]).await;

    let mut second = rig.replica().await;
    second.kafka.replica = Some("meters-0".to_owned());
    let _second = second.run_consumer();
    rig.turn(tap, 2, &[2]).await;
    rig.wait_for_readings(tap, &[1, 2]).await;
    let error = first.ended().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("kafka"), "{error}");
}

fn group_member(rig: &Rig) -> BaseConsumer {
    let config = rig.kafka.config();
    ClientConfig::new()
        .set("bootstrap.servers", &config.brokers)
        .set("group.id", config.name(GROUP))
        .set("enable.auto.commit", "false")
        .create()
        .unwrap()
}

fn partitions(rig: &Rig, offset: Offset) -> TopicPartitionList {
    let topic = rig.kafka.config().name(TAPS);
    let mut partitions = TopicPartitionList::new();
    for partition in 0..3 {
        partitions.add_partition_offset(&topic, partition, offset).unwrap();
    }
    partitions
}

/// How many events the group says it is through with.
pub(crate) fn committed_offsets(rig: &Rig) -> i64 {
    let asked = partitions(rig, Offset::Invalid);
    let committed = group_member(rig).committed_offsets(asked, std::time::Duration::from_secs(10)).unwrap();
    let offset = |offset: Offset| if let Offset::Offset(offset) = offset { offset } else { 0 };
    committed.elements().iter().map(|partition| offset(partition.offset())).sum()
}

/// Sets the group's offsets back to the beginning. The broker takes that only from a member, or once all have left.
pub(crate) async fn rewind(rig: &Rig) {
    let member = group_member(rig);
    let beginning = partitions(rig, Offset::Offset(0));
    eventually("offsets that are set back", async || member.commit(&beginning, CommitMode::Sync)).await;
    assert_eq!(committed_offsets(rig), 0);
}
