//! How events travel: a log for each topic and key, kept in order; every consumer with a place of its own in each log, and an
//! inbox.
//!
//! Nothing here says when a consumer reads: between two logs, and between two consumers of one log, any order and any delay is
//! possible. An event is in its log from the commit of its transaction on; that a relay publishes it later is a delay that each
//! of its consumers may have anyway.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use kernel::Mutant;
use messaging::{Envelope, Origin, Outgoing};
use uuid::Uuid;

use crate::clock::NOON;
use crate::services::Service;
use crate::services::kept::digest;

/// Where events are kept in order: a topic, and the key within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Topic, such as `tradewind.orders.v1`.
    pub topic: &'static str,
    /// Key: the order or the checkout.
    pub key: Uuid,
}

/// Every log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Network {
    logs: BTreeMap<Place, Log>,
}

/// The events of one topic and key, and how far each service has read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Log {
    entries: Arc<Vec<Entry>>,
    readers: [Reader; Service::ALL.len()],
}

/// An event that became true, as its service tells it.
#[derive(Debug)]
pub struct Told {
    /// What is told.
    pub event: Outgoing,
    /// Where it is kept; none if no service reads it.
    place: Option<Place>,
    /// Of type and payload, so that states are compared without reading them.
    digest: u64,
}

/// An event in a log. One that the relay sends again is there twice.
#[derive(Clone)]
pub struct Entry {
    /// Which event of its aggregate in this log, from 0: its identity.
    number: u8,
    told: Arc<Told>,
}

/// How far a service has read a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Reader {
    /// The entry that comes next, by the offset that is committed.
    next: u8,
    /// Its inbox: a bit for each event that it took effect of, by the event's number.
    inbox: u32,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.number, self.told.digest) == (other.number, other.told.digest)
    }
}

impl Eq for Entry {}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.number, self.told.digest).hash(state);
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.told.name())
    }
}

impl Told {
    /// An event that became true.
    pub fn new(event: Outgoing) -> Self {
        let mut subscriptions = Service::ALL.into_iter().flat_map(Service::subscriptions);
        let subscription = subscriptions.find(|subscription| subscription.event == event.event_type);
        let place = subscription.map(|subscription| Place { topic: subscription.topic(), key: event.aggregate_id });
        Self { place, digest: digest(&(&event.event_type, &event.payload)), event }
    }

    /// Its type without its package: `OrderPaid`.
    pub fn name(&self) -> &str {
        short_name(&self.event.event_type)
    }
}

impl Entry {
    /// What is told.
    pub fn told(&self) -> &Told {
        &self.told
    }

    /// What tells it from other events, but for its number.
    pub fn digest(&self) -> u64 {
        self.told.digest
    }

    /// The event as a consumer gets it from the broker.
    pub fn envelope(&self) -> Envelope {
        let Outgoing { event_type, aggregate_id, payload, .. } = &self.told.event;
        let topic = self.told.place.map_or("", |place| place.topic).to_owned();
        let offset = i64::from(self.number);
        Envelope {
            id: Uuid::from_u128(u128::from(self.number)),
            event_type: event_type.clone(),
            aggregate_id: *aggregate_id,
            aggregate_version: offset + 1,
            correlation_id: *aggregate_id,
            causation_id: None,
            traceparent: None,
            occurred_at: NOON,
            payload: payload.clone(),
            origin: Origin { topic, partition: 0, offset, key: None, headers: Vec::new() },
            malformed: None,
        }
    }

    fn is_wanted_by(&self, service: Service) -> bool {
        service.subscriptions().iter().any(|subscription| subscription.event == self.told.event.event_type)
    }

    const fn bit(&self) -> u32 {
        1 << self.number
    }
}

impl Network {
    /// Puts an event that became true at the end of its log. One that no service reads is not kept.
    pub fn publish(&mut self, told: &Arc<Told>) {
        if let Some(place) = told.place {
            self.logs.entry(place).or_default().append(Arc::clone(told));
        }
    }

    /// Every log with its place.
    pub fn logs(&self) -> impl Iterator<Item = (Place, &Log)> {
        self.logs.iter().map(|(place, log)| (*place, log))
    }

    /// The log of a place, to be read or disturbed.
    pub fn log_mut(&mut self, place: Place) -> Option<&mut Log> {
        self.logs.get_mut(&place)
    }

    /// How far all services have read, in all.
    pub fn progress(&self) -> usize {
        self.logs.values().flat_map(|log| &log.readers).map(|reader| usize::from(reader.next)).sum()
    }
}

impl Log {
    fn append(&mut self, told: Arc<Told>) {
        let number = self.entries.iter().map(|entry| entry.number + 1).max().unwrap_or_default();
        Arc::make_mut(&mut self.entries).push(Entry { number, told });
        self.skip_unwanted();
    }

    /// The index of what a service reads next; none if it has read everything.
    pub fn next_of(&self, service: Service) -> Option<usize> {
        let next = usize::from(self.readers[service as usize].next);
        (next < self.entries.len()).then_some(next)
    }

    /// The event at an index.
    pub fn event(&self, index: usize) -> &Told {
        &self.entries[index].told
    }

    /// Takes a service past the event that is next, and answers the event and whether it is new to its inbox.
    pub fn read(&mut self, service: Service, index: usize) -> (Entry, bool) {
        let entry = self.entries[index].clone();
        let reader = &mut self.readers[service as usize];
        let is_new = reader.inbox & entry.bit() == 0 || Mutant::InboxSkipped.is_active();
        reader.inbox |= entry.bit();
        // One that is read before its turn does not move the offset: it comes once more, in its turn.
        if usize::from(reader.next) == index {
            reader.next += 1;
        }
        self.skip_unwanted();
        (entry, is_new)
    }

    /// The indices that a service's committed offset may fall back to: it crashed after a commit and before it stored the
    /// offset, or somebody rewound it.
    pub fn rewinds(&self, service: Service) -> impl Iterator<Item = usize> {
        let next = usize::from(self.readers[service as usize].next);
        (0..next).filter(move |index| self.entries[*index].is_wanted_by(service))
    }

    /// Has a service read again from an index on.
    pub fn rewind(&mut self, service: Service, index: usize) {
        self.readers[service as usize].next = index as u8;
    }

    /// The indices from which on the relay may send again: it died after it had produced and before it had deleted.
    pub fn resends(&self) -> impl Iterator<Item = usize> {
        let is_copy = |index: usize| self.entries[..index].iter().any(|e| e.number == self.entries[index].number);
        (0..self.entries.len()).filter(move |index| !is_copy(*index))
    }

    /// Sends everything again that was recorded from the event at an index on.
    pub fn resend(&mut self, index: usize) {
        let first = self.entries[index].number;
        let mut again: Vec<_> = self.entries.iter().filter(|entry| entry.number >= first).cloned().collect();
        again.sort_by_key(|entry| entry.number);
        again.dedup_by_key(|entry| entry.number);
        Arc::make_mut(&mut self.entries).extend(again);
        self.skip_unwanted();
    }

    /// The later events that may reach a service before the one that is next, if order within the key is lost.
    pub fn overtakers(&self, service: Service) -> impl Iterator<Item = usize> {
        let reader = self.readers[service as usize];
        let later = usize::from(reader.next) + 1..self.entries.len();
        later.filter(move |index| {
            let entry = &self.entries[*index];
            entry.is_wanted_by(service) && reader.inbox & entry.bit() == 0
        })
    }

    /// Whether the last two events could as well have been published the other way round: no service has read either.
    pub fn may_swap(&self) -> bool {
        let [.., one, other] = self.entries.as_slice() else { return false };
        let either = one.bit() | other.bit();
        one.number != other.number && self.readers.iter().all(|reader| reader.inbox & either == 0)
    }

    /// Publishes the last two events the other way round.
    pub fn swap(&mut self) {
        let first = self.entries.len() - 2;
        Arc::make_mut(&mut self.entries).swap(first, first + 1);
        for reader in &mut self.readers {
            reader.next = reader.next.min(first as u8);
        }
        self.skip_unwanted();
    }

    /// A consumer counts and skips what its service does not subscribe to.
    fn skip_unwanted(&mut self) {
        for service in Service::ALL {
            let reader = &mut self.readers[service as usize];
            while self.entries.get(usize::from(reader.next)).is_some_and(|entry| !entry.is_wanted_by(service)) {
                reader.next += 1;
            }
        }
    }
}

/// An event's type without its package: `OrderPaid`.
pub fn short_name(event_type: &str) -> &str {
    event_type.rsplit_once('.').map_or(event_type, |(_, name)| name)
}

#[cfg(test)]
mod tests;
