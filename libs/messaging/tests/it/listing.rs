use std::sync::atomic::Ordering;

use messaging::parked::{self, Filter, KINDS, ParkedEvent};
use uuid::Uuid;

use crate::meter::wire::{METERS, TAPS};
use crate::rig::{Replica, Rig, new_tap, turned};

/// Two chains: a tap's event that cannot be read, with one follower, and another's that is refused, with two.
async fn two_chains(rig: &Rig) -> (Replica, Vec<ParkedEvent>, [Uuid; 2]) {
    let replica = rig.replica().await;
    replica.participant.amount_max.store(10, Ordering::SeqCst);
    let consumer = replica.run_consumer();
    let taps = [new_tap(), new_tap()];
    rig.kafka.publish(&turned(taps[0], 1, 0).with_payload(b"\xff")).await;
    rig.turn(taps[0], 2, &[1]).await;
    rig.wait_for_parked(2).await;
    rig.turn(taps[1], 1, &[11, 1, 2]).await;
    let parked = rig.wait_for_parked(5).await;
    consumer.stop().await;
    (replica, parked, taps)
}

/// The places, in the order of parking, of the events that a filter lets through.
async fn places(replica: &Replica, parked: &[ParkedEvent], filter: Filter) -> Vec<usize> {
    let listed = parked::list(&replica.store, &filter).await.unwrap();
    let place = |event: &ParkedEvent| parked.iter().position(|other| other.id == event.id).unwrap();
    listed.iter().map(place).collect()
}

#[tokio::test]
async fn a_filter_lets_those_through_that_everything_given_applies_to() {
    let rig = Rig::new().await;
    let (replica, parked, taps) = two_chains(&rig).await;
    let text = |text: &str| Some(text.to_owned());
    let all = [0, 1, 2, 3, 4].as_slice();
    let filter = Filter::waiting;
    for (filter, expected) in [
        (filter(), all),
        (Filter { kind: text("undecodable"), ..filter() }, &[0]),
        (Filter { kind: text("refused"), ..filter() }, &[2]),
        (Filter { kind: text("waits"), ..filter() }, &[1, 3, 4]),
        (Filter { kind: text("failed"), ..filter() }, &[]),
        (Filter { reason: text("too_MUCH"), ..filter() }, &[2]),
        (Filter { reason: text("%"), ..filter() }, &[]),
        (Filter { event_type: text("TapTurned"), ..filter() }, all),
        (Filter { event_type: text("tradewind.taps.v1.TapTurned"), ..filter() }, all),
        (Filter { event_type: text("Turned"), ..filter() }, &[]),
        (Filter { aggregate_id: Some(taps[1]), ..filter() }, &[2, 3, 4]),
        (Filter { aggregate_id: Some(taps[1]), kind: text("waits"), ..filter() }, &[3, 4]),
        (Filter { topic: text(TAPS), ..filter() }, all),
        (Filter { topic: text(METERS), ..filter() }, &[]),
        (Filter { consumer: text("meters.other"), ..filter() }, &[]),
        (Filter { since: Some(parked[2].parked_at), ..filter() }, &[2, 3, 4]),
        (Filter { until: Some(parked[2].parked_at), ..filter() }, &[0, 1]),
        (Filter { state: text("skipped"), ..filter() }, &[]),
        (Filter { limit: 2, ..filter() }, &[0, 1]),
        (Filter { limit: 2, after: parked[1].id, ..filter() }, &[2, 3]),
        (Filter { heads_only: true, ..filter() }, &[0, 2]),
        // Their heads are not listed: then they are.
        (Filter { heads_only: true, kind: text("waits"), ..filter() }, &[1, 3, 4]),
    ] {
        assert_eq!(places(&replica, &parked, filter.clone()).await, expected, "{filter:?}");
    }
    for event in &parked {
        assert!(KINDS.iter().any(|kind| event.reason.starts_with(kind)), "{}", event.reason);
    }
}

#[tokio::test]
async fn a_chain_loses_what_is_skipped_and_the_next_one_heads_it() {
    let rig = Rig::new().await;
    let (replica, parked, _) = two_chains(&rig).await;
    let chain = async || {
        let links = parked::chain(&replica.store, &parked[2]).await.unwrap();
        links.iter().map(|link| link.id).collect::<Vec<_>>()
    };
    let [first, second, third] = [parked[2].id, parked[3].id, parked[4].id];
    assert_eq!(chain().await, [first, second, third]);
    assert!(parked::skip(&replica.store, first, "ada", "turned by a test").await.unwrap());
    assert_eq!(chain().await, [second, third]);

    let now = parked::list(&replica.store, &Filter { state: None, ..Filter::waiting() }).await.unwrap();
    let standing: Vec<_> = now[2..].iter().map(|event| (event.behind, event.followers.as_slice())).collect();
    assert_eq!(standing, [(None, [].as_slice()), (None, &[third]), (Some(second), &[])]);
    let skipped = Filter { state: Some("skipped".to_owned()), ..Filter::waiting() };
    assert_eq!(places(&replica, &parked, skipped).await, [2]);
}
