//! In which order events may go out: an event waits until its predecessor, by version of its aggregate, is acknowledged.

use std::collections::{BTreeMap, HashMap};

use kernel::Mutant;
use uuid::Uuid;

use crate::store::Pending;

/// How many aggregates' last versions are remembered, at least. One that was forgotten costs a look at the table.
const REMEMBERED_MIN: usize = 50_000;

/// What to do with an event that arrived.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "an arrival is matched at once and never kept")]
pub(super) enum Arrival {
    /// Its predecessor is acknowledged: send it.
    Ready(Pending),
    /// It waits for a predecessor that is on its way, or is known already.
    Held,
    /// Its predecessor is unknown: the table knows whether one is still to be sent. See [`Sequencer::asked`].
    Ask,
    /// It was acknowledged before; its row can go.
    Acknowledged(i64),
}

/// Orders events by aggregate. Holds no connection, and decides the same whatever order events arrive in.
#[derive(Debug, Default)]
pub(super) struct Sequencer {
    waiting: HashMap<Uuid, BTreeMap<i64, Pending>>,
    in_flight: HashMap<Uuid, i64>,
    acknowledged: Recent,
    held: usize,
}

impl Sequencer {
    /// How many events are waiting or under way.
    pub(super) fn len(&self) -> usize {
        self.held + self.in_flight.len()
    }

    /// An event arrived from a commit of this process.
    pub(super) fn arrive(&mut self, pending: Pending) -> Arrival {
        let (id, version) = (pending.record.aggregate_id, pending.record.version);
        if Mutant::OutboxOutOfOrder.is_active() {
            return Arrival::Ready(pending);
        }
        let acknowledged = self.acknowledged.get(id);
        if acknowledged.is_some_and(|last| version <= last) {
            return Arrival::Acknowledged(pending.outbox_id);
        }
        match self.in_flight.get(&id) {
            Some(current) if *current >= version => return Arrival::Held,
            Some(_) => {
                self.hold(pending);
                return Arrival::Held;
            }
            None => {}
        }
        if version == 1 || acknowledged == Some(version - 1) {
            self.in_flight.insert(id, version);
            return Arrival::Ready(pending);
        }
        self.hold(pending);
        Arrival::Ask
    }

    /// The table was read: every unsent event of the aggregate has arrived, so the least of those that wait comes next.
    pub(super) fn asked(&mut self, aggregate_id: Uuid) -> Option<Pending> {
        if self.in_flight.contains_key(&aggregate_id) {
            return None;
        }
        let least = *self.waiting.get(&aggregate_id)?.first_key_value()?.0;
        self.release(aggregate_id, least)
    }

    /// The broker acknowledged an event. Answers the next one of its aggregate if that may go now, and whether the table
    /// must be asked because a later one waits for one in between that is not known here.
    pub(super) fn acknowledged(&mut self, aggregate_id: Uuid, version: i64) -> (Option<Pending>, bool) {
        self.in_flight.remove(&aggregate_id);
        self.acknowledged.put(aggregate_id, version);
        let next = self.release(aggregate_id, version + 1);
        let gap = next.is_none() && self.waiting.contains_key(&aggregate_id);
        (next, gap)
    }

    /// Lets go of an aggregate's events. Whichever of them may go some time is found in the table then.
    pub(super) fn forget(&mut self, aggregate_id: Uuid) {
        self.in_flight.remove(&aggregate_id);
        self.held -= self.waiting.remove(&aggregate_id).map_or(0, |waiting| waiting.len());
    }

    fn hold(&mut self, pending: Pending) {
        let of_aggregate = self.waiting.entry(pending.record.aggregate_id).or_default();
        if of_aggregate.insert(pending.record.version, pending).is_none() {
            self.held += 1;
        }
    }

    fn release(&mut self, aggregate_id: Uuid, version: i64) -> Option<Pending> {
        let of_aggregate = self.waiting.get_mut(&aggregate_id)?;
        let pending = of_aggregate.remove(&version)?;
        self.held -= 1;
        if of_aggregate.is_empty() {
            self.waiting.remove(&aggregate_id);
        }
        self.in_flight.insert(aggregate_id, version);
        Some(pending)
    }
}

/// The last acknowledged version of the aggregates heard of most recently. Two generations: when the young one is full, the
/// old one is forgotten.
#[derive(Debug, Default)]
struct Recent {
    young: HashMap<Uuid, i64>,
    old: HashMap<Uuid, i64>,
}

impl Recent {
    fn get(&self, id: Uuid) -> Option<i64> {
        self.young.get(&id).or_else(|| self.old.get(&id)).copied()
    }

    fn put(&mut self, id: Uuid, version: i64) {
        if self.young.len() >= REMEMBERED_MIN {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Record;

    fn event(aggregate: u128, version: i64) -> Pending {
        let record = Record {
            aggregate_id: Uuid::from_u128(aggregate),
            version,
            event_id: Uuid::from_u128(1000 * aggregate + version as u128),
            aggregate_type: "thing".to_owned(),
            event_type: "tradewind.things.v1.ThingHappened".to_owned(),
            payload: Vec::new(),
            correlation_id: Uuid::from_u128(aggregate),
            causation_id: None,
            actor: "service:test".to_owned(),
            traceparent: None,
            occurred_at: kernel::Timestamp::from_unix_micros(0),
            previous_hash: [0; 32],
            hash: [0; 32],
        };
        Pending::new(version, record)
    }

    fn version(pending: Option<Pending>) -> Option<i64> {
        pending.map(|pending| pending.record.version)
    }

    const A: Uuid = Uuid::from_u128(1);

    #[test]
    fn a_later_event_waits_for_its_predecessor_whatever_order_they_arrive_in() {
        let mut sequencer = Sequencer::default();
        assert!(matches!(sequencer.arrive(event(1, 2)), Arrival::Ask));
        assert!(matches!(sequencer.arrive(event(1, 1)), Arrival::Ready(_)));
        assert!(matches!(sequencer.arrive(event(1, 3)), Arrival::Held));
        assert!(sequencer.asked(A).is_none(), "the first is under way");
        assert_eq!(version(sequencer.acknowledged(A, 1).0), Some(2));
        assert_eq!(version(sequencer.acknowledged(A, 2).0), Some(3));
        assert!(sequencer.acknowledged(A, 3).0.is_none());
        assert_eq!(sequencer.len(), 0);
    }

    #[test]
    fn an_event_whose_predecessor_the_table_no_longer_has_goes_at_once() {
        let mut sequencer = Sequencer::default();
        assert!(matches!(sequencer.arrive(event(1, 7)), Arrival::Ask));
        assert_eq!(version(sequencer.asked(A)), Some(7));
    }

    #[test]
    fn an_event_that_comes_again_is_not_sent_twice_at_once() {
        let mut sequencer = Sequencer::default();
        assert!(matches!(sequencer.arrive(event(1, 1)), Arrival::Ready(_)));
        assert!(matches!(sequencer.arrive(event(1, 1)), Arrival::Held));
        sequencer.acknowledged(A, 1);
        assert!(matches!(sequencer.arrive(event(1, 1)), Arrival::Acknowledged(1)));
    }

    #[test]
    fn a_gap_left_by_an_acknowledgement_asks_the_table() {
        let mut sequencer = Sequencer::default();
        assert!(matches!(sequencer.arrive(event(1, 1)), Arrival::Ready(_)));
        assert!(matches!(sequencer.arrive(event(1, 3)), Arrival::Held));
        let (next, gap) = sequencer.acknowledged(A, 1);
        assert!(next.is_none() && gap);
        assert!(matches!(sequencer.arrive(event(1, 2)), Arrival::Ready(_)));
    }

    #[test]
    fn an_aggregate_that_was_let_go_asks_the_table_before_it_goes_on() {
        let mut sequencer = Sequencer::default();
        assert!(matches!(sequencer.arrive(event(1, 1)), Arrival::Ready(_)));
        sequencer.acknowledged(A, 1);
        assert!(matches!(sequencer.arrive(event(1, 2)), Arrival::Ready(_)));
        assert!(matches!(sequencer.arrive(event(1, 3)), Arrival::Held));
        sequencer.forget(A);
        assert_eq!(sequencer.len(), 0);
        assert!(matches!(sequencer.arrive(event(1, 4)), Arrival::Ask));
    }

    #[test]
    fn aggregates_do_not_wait_for_each_other() {
        let mut sequencer = Sequencer::default();
        assert!(matches!(sequencer.arrive(event(1, 1)), Arrival::Ready(_)));
        assert!(matches!(sequencer.arrive(event(2, 1)), Arrival::Ready(_)));
    }
}
