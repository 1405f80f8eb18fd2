use std::time::Duration;

use kernel::{Classified, ErrorKind};
use messaging::{Cause, Envelope, Head, outbox};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use testkit::eventually;

use crate::meter::wire::{METERS, MeterRead, TAPS, meter_read};
use crate::rig::{Rig, Taps, count, first_versions, new_tap, totals};

#[tokio::test]
async fn a_relay_killed_between_produce_and_delete_sends_again_and_the_effect_is_once() {
    let rig = Rig::new().await;
    let taps = Taps::new(&rig).await;
    let tap = new_tap();
    for amount in [1, 2, 3] {
        taps.turn(tap, amount).await;
    }
    let _consumer = rig.replica().await.run_consumer();

    // Whoever deletes from the outbox has to wait for us.
    let mut lock = messaging::begin(taps.database.pool()).await.unwrap();
    sqlx::query("SELECT 1 FROM outbox FOR UPDATE").execute(&mut *lock).await.unwrap();
    let relay = taps.run_relay();
    rig.kafka.wait_for(TAPS, "the three events", |events| events.len() >= 3).await;
    rig.wait_for_readings(tap, &[1, 2, 3]).await;
    relay.kill().await;
    // The server would carry the delete out even so: a killed process does not take its statement back.
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND query LIKE 'DELETE FROM outbox%'";
    count(taps.database.pool(), cut).await;
    lock.rollback().await.unwrap();
    assert_eq!(count(taps.database.pool(), "SELECT count(*) FROM outbox").await, 3);

    let _relay = taps.run_relay();
    let events = rig.kafka.wait_for(TAPS, "all of them again", |events| events.len() >= 6).await;
    assert_eq!(first_versions(&events, tap), [1, 2, 3]);
    taps.turn(tap, 4).await;
    rig.wait_for_readings(tap, &[1, 2, 3, 4]).await;
    eventually("an empty outbox", async || count(taps.database.pool(), "SELECT count(*) FROM outbox").await == 0).await;
}

#[tokio::test]
async fn a_stopped_relay_publishes_what_was_committed_before() {
    let rig = Rig::new().await;
    let replica = rig.replica().await;
    let tap = new_tap();
    // It notices the stop before or after what was handed over last, as it happens: several times, so that both occur.
    for round in 0..8 {
        let relay = replica.run_relay();
        replica.command(tap, 1).await.unwrap();
        let leads = |events: &[Envelope]| events.len() == 2 * round + 1;
        rig.kafka.wait_for(METERS, "a relay that leads", leads).await;
        replica.command(tap, 1).await.unwrap();
        relay.stop().await;
        assert_eq!(rig.waiting_in_outbox().await, 0);
        assert_eq!(rig.kafka.events(METERS).await.len(), 2 * round + 2);
    }
}

#[tokio::test]
async fn a_commit_of_a_replica_that_has_no_relay_is_published_by_the_other() {
    let rig = Rig::new().await;
    let (with_relay, without) = (rig.replica().await, rig.replica().await);
    let _relay = with_relay.run_relay();
    let (alone, shared) = (new_tap(), new_tap());
    with_relay.command(shared, 1).await.unwrap();
    rig.kafka.wait_for(METERS, "a relay that leads", |events| events.len() == 1).await;
    for amount in [1, 2] {
        without.command(alone, amount).await.unwrap();
    }
    let alone_arrived = |events: &[Envelope]| first_versions(events, alone).len() == 2;
    let events = rig.kafka.wait_for(METERS, "what only the table knows", alone_arrived).await;
    assert_eq!(totals(&events, alone), [1, 3]);

    for amount in [1, 2, 3] {
        without.command(shared, amount).await.unwrap();
        with_relay.command(shared, amount).await.unwrap();
    }
    let shared_arrived = |events: &[Envelope]| first_versions(events, shared).len() == 7;
    let events = rig.kafka.wait_for(METERS, "what both wrote", shared_arrived).await;
    assert_eq!(totals(&events, shared), [1, 2, 3, 5, 7, 10, 13]);
}

#[tokio::test]
async fn a_standby_nudges_the_relay_that_leads() {
    let rig = Rig::new().await;
    let (leading, standing_by) = (rig.replica().await, rig.replica().await);
    let _leader = leading.run_relay();
    leading.command(new_tap(), 1).await.unwrap();
    rig.kafka.wait_for(METERS, "a relay that leads", |events| events.len() == 1).await;
    let _standby = standing_by.run_relay();
    // Without the nudge each would wait for a sweep, which takes a second or more.
    let started = tokio::time::Instant::now();
    let tap = new_tap();
    for nth in 1..=5 {
        standing_by.command(tap, 1).await.unwrap();
        rig.kafka.wait_for(METERS, "the reading", |events| first_versions(events, tap).len() == nth).await;
    }
    assert!(started.elapsed() < Duration::from_secs(4), "five events took {:?}", started.elapsed());
}

#[tokio::test]
async fn the_standby_takes_over_when_the_leaders_connection_is_cut() {
    let rig = Rig::new().await;
    let (first, second) = (rig.replica().await, rig.replica().await);
    let _relays = (first.run_relay(), second.run_relay());
    let tap = new_tap();
    let mut sent = 0;
    // Several times, so that either is the one that is cut.
    for _ in 0..3 {
        let leader = eventually("a relay that leads", async || leader(&rig).await).await;
        first.command(tap, 1).await.unwrap();
        let cut: bool = sqlx::query_scalar("SELECT pg_terminate_backend($1)")
            .bind(leader)
            .fetch_one(rig.database.pool())
            .await
            .unwrap();
        assert!(cut);
        second.command(tap, 1).await.unwrap();
        first.command(tap, 1).await.unwrap();
        sent += 3;
        let awaited = "what was committed before, during and after";
        let events = rig.kafka.wait_for(METERS, awaited, |events| first_versions(events, tap).len() >= sent).await;
        assert!(first_versions(&events, tap).is_sorted());
        eventually("another relay that leads", async || leader_other_than(&rig, leader).await).await;
    }
}

#[tokio::test]
async fn a_standby_takes_over_from_a_relay_that_was_killed() {
    let rig = Rig::new().await;
    let (first, second) = (rig.replica().await, rig.replica().await);
    let leader = first.run_relay();
    let tap = new_tap();
    first.command(tap, 1).await.unwrap();
    rig.kafka.wait_for(METERS, "a relay that leads", |events| events.len() == 1).await;
    let _standby = second.run_relay();
    leader.kill().await;
    // Handed over in memory to a relay that is no more.
    first.command(tap, 1).await.unwrap();
    second.command(tap, 1).await.unwrap();
    let events = rig.kafka.wait_for(METERS, "the rest", |events| first_versions(events, tap).len() == 3).await;
    assert_eq!(first_versions(&events, tap), [1, 2, 3]);
}

#[tokio::test]
async fn an_event_that_is_too_large_is_refused_and_nothing_is_half_done() {
    let rig = Rig::new().await;
    let replica = rig.replica().await;
    let tap = new_tap();
    let mut head = Head::begin(tap);
    let large = MeterRead { total: 1, padding: vec![0; 1024 * 1024] };
    let mut unit = replica.store.begin().await.unwrap();
    let insert = "INSERT INTO meter (id, total, version, head_hash, correlation_id) VALUES ($1, 1, 1, '', $1)";
    sqlx::query(insert).bind(tap).execute(unit.tx()).await.unwrap();
    let refusal = unit.record(&mut head, &Cause::command("buyer:test"), meter_read(tap, &large)).unwrap_err();
    drop(unit);

    assert_eq!((refusal.kind(), refusal.reason()), (ErrorKind::InvalidArgument, "EVENT_TOO_LARGE"));
    assert!(refusal.to_string().contains("has 1048"), "{refusal}");
    assert_eq!(head, Head::begin(tap));
    assert_eq!(count(rig.database.pool(), "SELECT count(*) FROM meter").await, 0);
    assert_eq!(count(rig.database.pool(), "SELECT count(*) FROM journal").await, 0);
    assert_eq!(rig.waiting_in_outbox().await, 0);
}

#[tokio::test]
async fn an_event_that_the_broker_refuses_holds_its_aggregate_back_and_no_other() {
    let rig = Rig::new().await;
    let replica = rig.replica().await;
    limit_message_bytes(&rig, METERS, "2000").await;
    let _relay = replica.run_relay();
    let (large, small) = (new_tap(), new_tap());
    let mut head = Head::begin(large);
    let cause = Cause::command("buyer:test");
    for (total, padding) in [(1, 0), (2, 5_000), (3, 0)] {
        let mut unit = replica.store.begin().await.unwrap();
        let event = MeterRead { total, padding: vec![0; padding] };
        unit.record(&mut head, &cause, meter_read(large, &event)).unwrap();
        unit.commit().await.unwrap();
    }
    let held_back_since = eventually("an event that is held back", async || held_back(&rig).await).await;
    // Only a look at the whole table finds what another replica commits, so two of those are over by then.
    let without_relay = rig.replica().await;
    for nth in 1..=2 {
        without_relay.command(small, 1).await.unwrap();
        rig.kafka.wait_for(METERS, "the bystander", |events| first_versions(events, small).len() == nth).await;
    }
    assert_eq!(totals(&rig.kafka.events(METERS).await, large), [1]);
    assert_eq!(held_back(&rig).await, Some(held_back_since), "it is left alone");

    let refused = outbox::refused(&replica.store).await.unwrap();
    let [event] = &refused[..] else { panic!("{refused:?}") };
    assert_eq!((event.aggregate_id, event.version, event.attempts, event.followers), (large, 2, 10, 1));
    assert!(event.payload_bytes > 5_000 && event.error.contains("Message size too large"), "{event:?}");
    assert_eq!(outbox::release(&replica.store, Some(&[event.id + 1])).await.unwrap(), [0; 0], "it is not held back");

    // Released too early, it is tried ten times again; then an operator mends the cause and lets it go.
    assert_eq!(outbox::release(&replica.store, Some(&[event.id])).await.unwrap(), [event.id]);
    let refused = outbox::refused(&replica.store).await.unwrap();
    let [released] = &refused[..] else { panic!("{refused:?}") };
    assert!(released.attempts < 10 && released.held_back_at.is_none(), "its tries are not counted anew: {released:?}");
    eventually("the event to be held back again", async || held_back(&rig).await).await;
    limit_message_bytes(&rig, METERS, "1000000").await;
    assert_eq!(outbox::release(&replica.store, None).await.unwrap(), [event.id]);
    let events = rig.kafka.wait_for(METERS, "the rest", |events| first_versions(events, large).len() == 3).await;
    assert_eq!(totals(&events, large), [1, 2, 3]);
    eventually("an empty outbox", async || outbox::waiting(&replica.store).await.unwrap() == (0, None)).await;
}

#[tokio::test]
async fn more_events_than_are_read_at_once_leave_in_order() {
    let rig = Rig::new().await;
    let replica = rig.replica().await;
    let (one, other) = (new_tap(), new_tap());
    for amounts in 0..6 {
        let mut unit = replica.store.begin().await.unwrap();
        for tap in [one, other] {
            let mut head = Head { version: amounts * 250, ..Head::begin(tap) };
            for total in 0..250 {
                let event = meter_read(tap, &MeterRead { total, padding: Vec::new() });
                unit.record(&mut head, &Cause::command("buyer:test"), event).unwrap();
            }
        }
        unit.commit().await.unwrap();
    }
    let _relay = replica.run_relay();
    let events = rig.kafka.wait_for(METERS, "3,000 events", |events| events.len() >= 3_000).await;
    for tap in [one, other] {
        assert_eq!(first_versions(&events, tap), (1..=1_500).collect::<Vec<_>>());
    }
}

/// The process of the server that the leading relay's lock belongs to.
async fn leader(rig: &Rig) -> Option<i32> {
    sqlx::query_scalar(
        "SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
         WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 2",
    )
    .fetch_optional(rig.database.pool())
    .await
    .unwrap()
}

/// Since when the one event that is held back is.
async fn held_back(rig: &Rig) -> Option<String> {
    sqlx::query_scalar("SELECT parked_at::text FROM outbox WHERE parked_at IS NOT NULL")
        .fetch_optional(rig.database.pool())
        .await
        .unwrap()
}

async fn leader_other_than(rig: &Rig, previous: i32) -> Option<i32> {
    leader(rig).await.filter(|leader| *leader != previous)
}

async fn limit_message_bytes(rig: &Rig, topic: &str, bytes: &str) {
    let config = rig.kafka.config();
    let topic = config.name(topic);
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &config.brokers).create().unwrap();
    let limit = AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("max.message.bytes", bytes);
    for result in admin.alter_configs(&[limit], &AdminOptions::new()).await.unwrap() {
        result.unwrap();
    }
}
