use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use messaging::Envelope;
use testkit::eventually;
use tokio::time::interval;
use uuid::Uuid;

use crate::meter::wire::METERS;
use crate::rig::{Replica, Rig, first_versions, new_tap};

const WRITERS: usize = 32;
const COMMANDS_EACH: usize = 15;

/// Some aggregates, the first of which is written by every other command.
fn taps() -> Arc<[Uuid]> {
    (0..8).map(|_| new_tap()).collect()
}

/// Has 32 tasks write to a few aggregates through two replicas.
async fn write(replicas: &[Arc<Replica>; 2], taps: &Arc<[Uuid]>) {
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (replica, taps) = (replicas[writer % 2].clone(), taps.clone());
            tokio::spawn(async move {
                for nth in 0..COMMANDS_EACH {
                    let tap = if nth % 2 == 0 { taps[0] } else { taps[(writer + nth) % taps.len()] };
                    replica.command(tap, 1).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

fn distinct(events: &[Envelope]) -> usize {
    events.iter().map(|event| event.id).collect::<HashSet<_>>().len()
}

async fn check(rig: &Rig, taps: &[Uuid]) {
    let all = |events: &[Envelope]| distinct(events) >= WRITERS * COMMANDS_EACH;
    let events = rig.kafka.wait_for(METERS, "every event", all).await;
    for tap in taps {
        let versions = first_versions(&events, *tap);
        assert_eq!(versions, (1..=versions.len() as i64).collect::<Vec<_>>());
    }
    let written: usize = taps.iter().map(|tap| first_versions(&events, *tap).len()).sum();
    assert_eq!(written, WRITERS * COMMANDS_EACH);
    eventually("an empty outbox", async || rig.waiting_in_outbox().await == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_leave_in_order_without_a_gap_under_32_writers_and_two_replicas() {
    let rig = Rig::new().await;
    let replicas = [Arc::new(rig.replica().await), Arc::new(rig.replica().await)];
    let _relays = (replicas[0].run_relay(), replicas[1].run_relay());
    let taps = taps();
    write(&replicas, &taps).await;
    check(&rig, &taps).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_leave_in_order_although_relays_are_cut_off_and_killed_meanwhile() {
    let rig = Rig::new().await;
    let replicas = [Arc::new(rig.replica().await), Arc::new(rig.replica().await)];
    let taps = taps();
    let relays = async {
        let mut first = replicas[0].run_relay();
        let _second = replicas[1].run_relay();
        let mut pace = interval(Duration::from_millis(700));
        for round in 0.. {
            pace.tick().await;
            rig.cut("%FROM outbox%").await;
            if round % 2 == 0 {
                first.kill().await;
                first = replicas[0].run_relay();
            }
        }
    };
    tokio::select! {
        () = relays => unreachable!("it goes on until the writers are done"),
        () = write(&replicas, &taps) => {}
    }
    let _relays = (replicas[0].run_relay(), replicas[1].run_relay());
    check(&rig, &taps).await;
}

#[tokio::test]
async fn a_command_and_a_batch_wait_for_each_other_before_there_is_a_row_to_lock() {
    let rig = Rig::new().await;
    let tap = new_tap();
    let replica = rig.replica().await;
    let (unit, _) = replica.command_uncommitted(tap, 1).await.unwrap();
    let _consumer = replica.run_consumer();
    rig.turn(tap, 1, &[2]).await;
    rig.wait_for_locked_out(1).await;
    unit.commit().await.unwrap();
    rig.wait_for_readings(tap, &[1, 2]).await;
    rig.wait_for_parked(0).await;
}
