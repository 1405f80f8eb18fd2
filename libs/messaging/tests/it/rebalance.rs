use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::groups::{GroupInfo, GroupMemberInfo};
use testkit::eventually;
use uuid::Uuid;

use crate::meter::GROUP;
use crate::meter::wire::TAPS;
use crate::rig::{Rig, new_tap};

/// An assignment of no partition is shorter than this, in bytes: a version, two lengths and nothing between them.
const ASSIGNMENT_MIN: usize = 20;

/// How often a member tells the broker that it is there.
const HEARTBEAT: Duration = Duration::from_millis(1500);

/// How many members the group has, and how many of them hold partitions, as the broker knows it.
async fn members(rig: &Rig) -> (usize, usize) {
    let config = rig.kafka.config();
    let ask = move || {
        let consumer: BaseConsumer =
            ClientConfig::new().set("bootstrap.servers", &config.brokers).set("group.id", "ask").create().unwrap();
        let group = config.name(GROUP);
        let groups = consumer.fetch_group_list(Some(&group), Duration::from_secs(10)).unwrap();
        let members = || groups.groups().iter().flat_map(GroupInfo::members);
        let holds_some =
            |member: &&GroupMemberInfo| member.assignment().is_some_and(|bytes| bytes.len() > ASSIGNMENT_MIN);
        (members().count(), members().filter(holds_some).count())
    };
    tokio::task::spawn_blocking(ask).await.unwrap()
}

async fn wait_for_members(rig: &Rig, awaited: (usize, usize)) {
    eventually(&format!("{awaited:?} members, and those with partitions"), async || {
        let members = members(rig).await;
        if members == awaited { Ok(()) } else { Err(members) }
    })
    .await;
}

fn taps() -> Vec<Uuid> {
    (0..12).map(|_| new_tap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_joins_in_mid_batch_neither_loses_nor_doubles_an_effect() {
    let rig = Rig::new().await;
    let taps = taps();
    for tap in &taps {
        rig.turn(*tap, 1, &[1, 2, 3]).await;
    }
    let hold = rig.hold_meters().await;
    let _first = rig.replica().await.run_consumer();
    rig.wait_for_blocked(1).await;
    let _second = rig.replica().await.run_consumer();
    // The second cannot get a partition while the first is in its batch.
    wait_for_members(&rig, (2, 1)).await;
    for tap in &taps {
        rig.turn(*tap, 4, &[4]).await;
    }
    drop(hold);
    for tap in &taps {
        rig.turn(*tap, 5, &[5]).await;
    }
    for tap in &taps {
        rig.wait_for_readings(*tap, &[1, 2, 3, 4, 5]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_killed_in_mid_batch_leaves_it_to_the_other() {
    let rig = Rig::new().await;
    let taps = taps();
    let first = rig.replica().await.run_consumer();
    let _second = rig.replica().await.run_consumer();
    wait_for_members(&rig, (2, 2)).await;
    let hold = rig.hold_meters().await;
    for tap in &taps {
        rig.turn(*tap, 1, &[1, 2, 3]).await;
    }
    rig.wait_for_blocked(2).await;
    first.kill().await;
    drop(hold);
    for tap in &taps {
        rig.turn(*tap, 4, &[4]).await;
    }
    for tap in &taps {
        rig.wait_for_readings(*tap, &[1, 2, 3, 4]).await;
    }
}

#[tokio::test]
async fn what_a_member_parks_while_it_loses_the_partition_holds_later_events_back() {
    let rig = Rig::new().await;
    let tap = new_tap();
    let events = rig.turn(tap, 1, &[1, 2]).await;
    // The other member's batch: it parks the first event, and has not committed yet.
    let mut other = messaging::begin(rig.database.pool()).await.unwrap();
    sqlx::query("INSERT INTO inbox (consumer, event_id) VALUES ($1, $2)")
        .bind(GROUP)
        .bind(events[0].id())
        .execute(&mut *other)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO parked_event (consumer, event_id, event_type, aggregate_id, topic, kafka_partition, kafka_offset,
                                   headers, payload, reason, parked_at)
         VALUES ($1, $2, 'tradewind.taps.v1.TapTurned', $3, $4, 0, 0, '[]', '', 'refused', now())",
    )
    .bind(GROUP)
    .bind(events[0].id())
    .bind(tap)
    .bind(rig.kafka.config().name("tradewind.taps.v1"))
    .execute(&mut *other)
    .await
    .unwrap();
    let _consumer = rig.replica().await.run_consumer();
    rig.wait_for_blocked(1).await;
    other.commit().await.unwrap();
    let parked = rig.wait_for_parked(2).await;
    assert_eq!(parked[1].envelope.id, events[1].id());
    assert!(rig.readings(tap).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_is_shut_out_once_comes_back() {
    let rig = Rig::new().await;
    let tap = new_tap();
    let mut member = rig.replica().await;
    member.kafka.replica = Some("meters-0".to_owned());
    let _member = member.run_consumer();
    rig.turn(tap, 1, &[1]).await;
    rig.wait_for_readings(tap, &[1]).await;
    // A double takes its name, and is gone before it takes anything else.
    let config = rig.kafka.config();
    let take_name = move || {
        let double: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &config.brokers)
            .set("group.id", config.name(GROUP))
            .set("group.instance.id", format!("{}.meters-0", config.name(GROUP)))
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("enable.auto.commit", "false")
            .create()
            .unwrap();
        double.subscribe(&[&config.name(TAPS)]).unwrap();
        while double.assignment().unwrap().count() == 0 {
            let _ = double.poll(Duration::from_millis(100));
        }
    };
    tokio::task::spawn_blocking(take_name).await.unwrap();
    // It hears of that with its next heartbeat, and until then goes on.
    for version in 2..=10 {
        rig.turn(tap, version, &[version]).await;
        tokio::time::sleep(HEARTBEAT / 3).await;
    }
    rig.wait_for_readings(tap, &(1..=10).collect::<Vec<_>>()).await;
}
