use std::collections::HashMap;

use messaging::Head;
use messaging::journal::{self, Fault, Record};
use uuid::Uuid;

use crate::meter::wire::METERS;
use crate::rig::{Rig, new_tap, turned};

/// A meter with five events.
async fn meter_with_history(rig: &Rig) -> Uuid {
    let replica = rig.replica().await;
    let tap = new_tap();
    for amount in 1..=5 {
        replica.command(tap, amount).await.unwrap();
    }
    tap
}

#[tokio::test]
async fn a_history_is_read_on_from_where_one_was() {
    let rig = Rig::new().await;
    let (begun, read, never) = (meter_with_history(&rig).await, meter_with_history(&rig).await, new_tap());
    let after = async |after: &[(Uuid, i64)], limit| {
        let records = journal::read_after(&mut rig.connection().await, after, limit).await.unwrap();
        let versions = |(id, records): (&Uuid, &Vec<Record>)| (*id, records.iter().map(|it| it.version).collect());
        records.iter().map(versions).collect::<HashMap<Uuid, Vec<i64>>>()
    };
    assert_eq!(after(&[(begun, 3), (read, 5), (never, 0)], 10).await, HashMap::from([(begun, vec![4, 5])]));
    let in_parts = HashMap::from([(begun, vec![1, 2]), (read, vec![3, 4])]);
    assert_eq!(after(&[(begun, 0), (read, 2)], 2).await, in_parts);
    let mut connection = rig.connection().await;
    let whole = journal::read_after(&mut connection, &[(begun, 0)], 5).await.unwrap();
    assert_eq!(whole[&begun], journal::read(&mut connection, begun).await.unwrap());
}

async fn verify(rig: &Rig, tap: Uuid) -> Result<(), Fault> {
    let mut connection = rig.connection().await;
    let row = sqlx::query("SELECT version, head_hash, correlation_id FROM meter WHERE id = $1").bind(tap);
    let head = Head::from_row(&row.fetch_one(&mut connection).await.unwrap()).unwrap();
    journal::verify(&journal::read(&mut connection, tap).await.unwrap(), head)
}

#[tokio::test]
async fn a_history_that_nobody_touched_verifies() {
    let rig = Rig::new().await;
    let tap = meter_with_history(&rig).await;
    let history = journal::read(&mut rig.connection().await, tap).await.unwrap();
    assert_eq!(history.iter().map(|record| record.version).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(verify(&rig, tap).await, Ok(()));
}

#[tokio::test]
async fn damage_is_located() {
    let rig = Rig::new().await;
    for (damage, fault) in [
        (
            "UPDATE journal SET payload = set_bit(payload, 9, 1 - get_bit(payload, 9)) WHERE version = 3",
            Fault::Altered(3),
        ),
        ("UPDATE journal SET actor = 'nobody' WHERE version = 2", Fault::Altered(2)),
        ("UPDATE journal SET occurred_at = occurred_at + interval '1 us' WHERE version = 1", Fault::Altered(1)),
        ("UPDATE journal SET causation_id = event_id WHERE version = 4", Fault::Altered(4)),
        ("DELETE FROM journal WHERE version = 1", Fault::Gap { expected: 1, found: 2 }),
        ("DELETE FROM journal WHERE version = 3", Fault::Gap { expected: 3, found: 4 }),
        ("DELETE FROM journal WHERE version > 3", Fault::Truncated { expected: 5, found: 3 }),
        ("DELETE FROM journal", Fault::Truncated { expected: 5, found: 0 }),
        (SWAP, Fault::BrokenChain(2)),
    ] {
        let tap = meter_with_history(&rig).await;
        sqlx::raw_sql(damage).execute(rig.database.pool()).await.unwrap();
        assert_eq!(verify(&rig, tap).await, Err(fault), "{damage}");
        sqlx::raw_sql("DELETE FROM journal; DELETE FROM meter").execute(rig.database.pool()).await.unwrap();
    }
}

/// Two versions change places by way of a third: the primary key is checked row by row.
const SWAP: &str = "UPDATE journal SET version = 99 WHERE version = 2;
                    UPDATE journal SET version = 2 WHERE version = 4;
                    UPDATE journal SET version = 4 WHERE version = 99";

#[tokio::test]
async fn a_tail_that_was_forged_with_its_hashes_shows_against_the_head() {
    let rig = Rig::new().await;
    let tap = meter_with_history(&rig).await;
    let mut history = journal::read(&mut rig.connection().await, tap).await.unwrap();
    let head = Head { version: 5, hash: history[4].hash, correlation_id: tap };
    let mut previous_hash = history[1].hash;
    for record in &mut history[2..] {
        *record = Record { actor: "nobody".to_owned(), previous_hash, ..record.clone() };
        record.hash = record.compute_hash();
        previous_hash = record.hash;
    }
    assert_eq!(journal::verify(&history, head), Err(Fault::Truncated { expected: 5, found: 5 }));
}

#[tokio::test]
async fn a_reaction_goes_on_in_the_trace_and_the_journey_of_its_cause() {
    let rig = Rig::new().await;
    let replica = rig.replica().await;
    let _running = (replica.run_consumer(), replica.run_relay());
    let (tap, journey) = (new_tap(), new_tap());
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let cause = turned(tap, 1, 1).in_trace(traceparent).in_journey(journey);
    rig.kafka.publish(&cause).await;
    let events = rig.kafka.wait_for(METERS, "the reading", |events| events.len() == 1).await;
    assert_eq!(events[0].causation_id, Some(cause.id()));
    assert_eq!(events[0].correlation_id, journey);
    assert_eq!(events[0].traceparent.as_deref(), Some(traceparent));
    let history = journal::read(&mut rig.connection().await, tap).await.unwrap();
    assert_eq!(history[0].actor, "service:meters");
    assert_eq!(history[0].traceparent.as_deref(), Some(traceparent));

    // A later event of the same aggregate has another cause, and stays in the journey that the aggregate was born in.
    let cause = turned(tap, 2, 1).in_journey(new_tap());
    rig.kafka.publish(&cause).await;
    let events = rig.kafka.wait_for(METERS, "the second reading", |events| events.len() == 2).await;
    assert_eq!((events[1].causation_id, events[1].correlation_id), (Some(cause.id()), journey));
}
