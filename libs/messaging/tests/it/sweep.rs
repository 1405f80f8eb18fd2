use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use messaging::sweep;

use crate::meter::MeterParticipant;
use crate::meter::domain::Turned;
use crate::rig::{Rig, count, new_tap};

#[tokio::test]
async fn all_that_are_due_are_swept_batch_by_batch() {
    let rig = Rig::new().await;
    let replica = rig.replica().await;
    let taps: Vec<_> = (0..450).map(|_| new_tap()).collect();
    let (done, asked) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let due = |limit: i64| {
        asked.fetch_add(1, Ordering::SeqCst);
        let from = done.fetch_add(limit as usize, Ordering::SeqCst).min(taps.len());
        let to = (from + limit as usize).min(taps.len());
        let batch = taps[from..to].to_vec();
        async move { Ok(batch) }
    };
    let meters = MeterParticipant::new();
    let swept = sweep(&replica.store, &*meters, due, |tap_id, _| Turned { tap_id: *tap_id, amount: 1 });
    assert_eq!(swept.await.unwrap(), taps);
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    assert_eq!(count(rig.database.pool(), "SELECT count(*) FROM meter").await, 450);
}

#[tokio::test]
async fn what_the_decision_leaves_alone_is_not_asked_for_in_a_circle() {
    let rig = Rig::new().await;
    let replica = rig.replica().await;
    let asked = AtomicI64::new(0);
    // Asked again, as many are due, for nothing flows of any; in the end there are none, or a circle would hang and not fail.
    let due = |limit: i64| {
        let due = if asked.fetch_add(1, Ordering::SeqCst) < 5 { limit } else { 0 };
        async move { Ok((0..due).map(|_| new_tap()).collect()) }
    };
    let meters = MeterParticipant::new();
    let swept = sweep(&replica.store, &*meters, due, |tap_id, _| Turned { tap_id: *tap_id, amount: 0 });
    assert_eq!(swept.await.unwrap(), Vec::<uuid::Uuid>::new());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}
