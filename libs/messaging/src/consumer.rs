//! From Kafka to a participant, in batches.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use kernel::{Classified, CrashPoint};
use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use rand::RngExt;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::inbox::{Admission, admit, admit_again};
use crate::participant::{Batch, Caused, Outcome, Participant, locks};
use crate::{
    Cause, Envelope, Error, EventStore, KafkaConfig, Subscription, Undecodable, UnitOfWork, envelope, parked, trace,
};

/// Events in one transaction, at most.
const BATCH_MAX: usize = 512;
/// A batch of so many wanted events means load: the next one gathers.
const GATHER_FROM: usize = 4;
/// How long a batch gathers under load. Never at rest: every hop would wait.
const GATHER: Duration = Duration::from_millis(3);
/// Pauses between tries of a batch that failed for a passing reason: with full jitter, from 50 ms to 5 s, without an end.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// An event whose statements were given up so often in a row, alone, is at fault itself. A wait for a lock does not count.
const TIMEOUTS_MAX: u32 = 5;

/// A member that is shut out twice within that time has a double of the same name: heartbeats tell of one within two seconds.
const SHUT_OUT_APART: Duration = Duration::from_secs(10);

/// Outcomes that are counted in several places.
const DUPLICATE: &str = "duplicate";
const PARKED: &str = "parked";
const NOT_FOR_US: &str = "not_for_us";

/// One consumer group of a service: hands the events of its subscriptions to a participant.
///
/// A batch is one poll's worth of events from all assigned partitions, and one transaction. An event that is refused or cannot
/// be read is parked with the later ones of its aggregate; a batch that fails as a whole is retried in halves until the event
/// at fault stands alone, and so is one that takes too long; any other failure passes and is retried in place.
#[derive(Debug)]
pub struct Consumer<P> {
    store: EventStore,
    kafka: KafkaConfig,
    group: &'static str,
    subscriptions: &'static [Subscription],
    participant: Arc<P>,
    events: Counter<u64>,
    /// How long the broker gathers before it hands events over.
    linger: Duration,
}

impl<P: Participant> Consumer<P> {
    /// The consumer of `group`, such as `inventory.saga`.
    pub fn new(
        store: EventStore,
        kafka: KafkaConfig,
        group: &'static str,
        subscriptions: &'static [Subscription],
        participant: Arc<P>,
    ) -> Self {
        let events = opentelemetry::global::meter("messaging")
            .u64_counter("consumer.events")
            .with_description("Events taken from the broker, by what became of them")
            .build();
        Self { store, kafka, group, subscriptions, participant, events, linger: Duration::ZERO }
    }

    /// Has the broker gather for so long before it hands events over, also at rest: for effects that nobody waits for, and that cost less
    /// together.
    #[must_use]
    pub fn lingering(self, linger: Duration) -> Self {
        Self { linger, ..self }
    }

    /// Runs until `stop`. Ends with an error only when the broker shuts this member out for good.
    ///
    /// A member that hears nothing of the broker for longer than its session gives its member id up. What it commits of its offsets
    /// before it has another is refused, as if somebody else had its name, and librdkafka ends with that
    /// (confluentinc/librdkafka#3437). So it comes back under its name once; if it is shut out again soon, somebody else has it.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        let mut shut_out: Option<Instant> = None;
        loop {
            match self.be_member(&stop).await {
                Err(error) if is_shut_out(&error) && shut_out.is_none_or(|at| at.elapsed() > SHUT_OUT_APART) => {
                    tracing::warn!(consumer = self.group, %error, "shut out of the group; joining again");
                    shut_out = Some(Instant::now());
                }
                ended => return ended,
            }
        }
    }

    /// Takes part in the group until `stop`, or until it is shut out.
    async fn be_member(&self, stop: &CancellationToken) -> Result<(), Error> {
        let kafka = self.kafka.consumer(self.group, self.linger)?;
        let topics: Vec<_> =
            Subscription::topics(self.subscriptions).into_iter().map(|topic| self.kafka.name(topic)).collect();
        kafka.subscribe(&topics.iter().map(String::as_str).collect::<Vec<_>>())?;
        let mut wanted = 0;
        loop {
            let taken = tokio::select! {
                () = stop.cancelled() => break,
                taken = self.take_batch(&kafka, wanted >= GATHER_FROM) => taken?,
            };
            wanted = taken.events.len();
            if !self.take_effect(&taken.events, stop).await {
                break;
            }
            CrashPoint::AfterCommitBeforeOffset.pass();
            for ((topic, partition), offset) in &taken.offsets {
                // A partition that was taken away meanwhile is another member's: its offset is not ours to store.
                if let Err(error) = kafka.store_offset(topic, *partition, *offset) {
                    tracing::debug!(%topic, partition, %error, "offset is not stored");
                }
            }
        }
        Ok(())
    }

    /// Whether the message is of a type that the table names, or is no event. Events of other types are counted and skipped, and
    /// nothing else of them is read: that is how a producer may move first.
    fn wants(&self, message: &BorrowedMessage<'_>) -> bool {
        let wanted = envelope::event_type(message)
            .is_none_or(|event_type| self.subscriptions.iter().any(|subscription| subscription.event == event_type));
        if !wanted {
            self.count("not_subscribed");
        }
        wanted
    }

    fn count(&self, outcome: &'static str) {
        self.events.add(1, &[KeyValue::new("consumer", self.group), KeyValue::new("outcome", outcome)]);
    }

    /// Waits for a message, takes all that are there, and under load waits a moment for more.
    async fn take_batch(&self, kafka: &StreamConsumer, gather: bool) -> Result<Taken, Error> {
        let mut taken = Taken::default();
        while taken.offsets.is_empty() {
            self.take_one(kafka.recv().await, &mut taken).await?;
        }
        let deadline = Instant::now() + GATHER;
        while taken.events.len() < BATCH_MAX {
            let received = match kafka.recv().now_or_never() {
                Some(received) => received,
                None if gather => match timeout_at(deadline, kafka.recv()).await {
                    Ok(received) => received,
                    Err(_) => break,
                },
                None => break,
            };
            self.take_one(received, &mut taken).await?;
        }
        Ok(taken)
    }

    async fn take_one(
        &self,
        received: Result<BorrowedMessage<'_>, KafkaError>,
        taken: &mut Taken,
    ) -> Result<(), Error> {
        match received {
            Ok(message) => {
                let place = (message.topic().to_owned(), message.partition());
                taken.offsets.insert(place, message.offset());
                if self.wants(&message) {
                    taken.events.push(Envelope::from_kafka(&message));
                }
                Ok(())
            }
            // Another member took this replica's name: going on would mean two of them.
            Err(error @ KafkaError::MessageConsumptionFatal(_)) => Err(error.into()),
            Err(error) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) => Err(error.into()),
            Err(error) => {
                // A topic that was created a moment ago, a broker that is away: librdkafka goes on by itself.
                tracing::warn!(%error, "broker does not answer as hoped; going on");
                tokio::time::sleep(PAUSE_MIN).await;
                Ok(())
            }
        }
    }

    /// Takes events until each is committed or parked. False when stopped before that.
    ///
    /// What fails for a reason that may lie in an event is tried in halves until the event at fault stands alone, and is parked.
    /// Anything else passes, and is waited for without an end.
    async fn take_effect(&self, events: &[Envelope], stop: &CancellationToken) -> bool {
        let mut rest = events;
        let mut size = rest.len();
        let mut timeouts = 0;
        let mut pause_max = PAUSE_MIN;
        while let Some(first) = rest.first() {
            let mut outcome = self.attempt(&rest[..size]).await;
            if size == 1
                && let Err(error) = &outcome
            {
                timeouts += u32::from(error.is_timeout());
                let is_at_fault = if error.is_timeout() { timeouts >= TIMEOUTS_MAX } else { !passes(error) };
                if is_at_fault {
                    outcome = self.park_alone(first, error).await;
                }
            }
            let Err(error) = outcome else {
                rest = &rest[size..];
                size = (size * 2).min(rest.len());
                (timeouts, pause_max) = (0, PAUSE_MIN);
                continue;
            };
            if size > 1 && (error.is_timeout() || !passes(&error)) {
                tracing::warn!(consumer = self.group, events = size, %error, "batch fails; trying halves");
                size /= 2;
                continue;
            }
            tracing::warn!(consumer = self.group, events = size, %error, "batch failed for now; trying again");
            let pause = rand::rng().random_range(Duration::ZERO..=pause_max);
            if timeout(pause, stop.cancelled()).await.is_ok() {
                return false;
            }
            pause_max = (pause_max * 2).min(PAUSE_MAX);
        }
        true
    }

    async fn attempt(&self, events: &[Envelope]) -> Result<(), Error> {
        let taken = events.len();
        let (events, read) = self.read(events);
        if events.is_empty() {
            (0..taken).for_each(|_| self.count(NOT_FOR_US));
            return Ok(());
        }
        let mut unit = self.store.begin().await?;
        let locks = locks(self.participant.as_ref(), read.iter().filter_map(|read| read.as_ref().ok()));
        let admissions = self.admit(&mut unit, &events, &locks).await?;
        let mut entries = Vec::with_capacity(events.len());
        let mut facts = Vec::with_capacity(events.len());
        for (read, admission) in read.into_iter().zip(admissions) {
            entries.push(match (admission, read) {
                (Admission::Seen, _) => Entry::Seen,
                (Admission::BehindParked, _) => Entry::Behind,
                (Admission::Fresh, Err(undecodable)) => Entry::Poison(undecodable.to_string()),
                (Admission::Fresh, Ok(fact)) => {
                    facts.push(fact);
                    Entry::Fact(facts.len() - 1)
                }
            });
        }
        let mut batch = Batch::load(self.participant.as_ref(), &mut unit, &facts).await?;
        let mut poisoned: HashSet<(&str, Uuid)> = HashSet::new();
        let mut outcomes = Vec::with_capacity(events.len());
        for (event, entry) in events.iter().copied().zip(entries) {
            let aggregate = (event.origin.topic.as_str(), event.aggregate_id);
            let verdict = match entry {
                Entry::Seen => Verdict::Done(DUPLICATE),
                _ if poisoned.contains(&aggregate) => Verdict::Behind,
                Entry::Behind => Verdict::Behind,
                Entry::Poison(reason) => Verdict::Poison(reason),
                Entry::Fact(index) => self.decide(event, &mut batch, &mut unit, &facts[index])?,
            };
            match verdict {
                Verdict::Done(outcome) => outcomes.push(outcome),
                Verdict::Behind => {
                    outcomes.push(PARKED);
                    let now = unit.now();
                    parked::park_behind(unit.tx(), self.group, event, now).await?;
                }
                Verdict::Poison(reason) => {
                    outcomes.push(PARKED);
                    poisoned.insert(aggregate);
                    self.park(&mut unit, event, &reason).await?;
                }
            }
        }
        batch.save(&mut unit).await?;
        unit.commit().await?;
        // Only now: a batch that is tried again would be counted again.
        for outcome in outcomes {
            self.count(outcome);
        }
        (events.len()..taken).for_each(|_| self.count(NOT_FOR_US));
        Ok(())
    }

    /// Reads the events, before anything is locked for them, and leaves out those that turn out not to concern us: they have no
    /// effect, so nothing need remember them.
    fn read<'a>(&self, events: &'a [Envelope]) -> (Vec<&'a Envelope>, Vec<Read<P::Fact>>) {
        let read = |event: &'a Envelope| {
            let fact = match &event.malformed {
                Some(malformed) => Err(malformed.clone()),
                None => self.participant.decode(event).transpose()?,
            };
            let caused = |fact| Caused { fact, cause: Cause::event(self.store.service(), event) };
            Some((event, fact.map(caused)))
        };
        events.iter().filter_map(read).unzip()
    }

    async fn admit(
        &self,
        unit: &mut UnitOfWork,
        events: &[&Envelope],
        locks: &[Uuid],
    ) -> Result<Vec<Admission>, Error> {
        if P::TAKES_AGAIN {
            admit_again(unit.tx(), self.group, events, locks).await
        } else {
            admit(unit.tx(), self.group, events, locks).await
        }
    }

    fn decide(
        &self,
        event: &Envelope,
        batch: &mut Batch<'_, P>,
        unit: &mut UnitOfWork,
        caused: &Caused<P::Fact>,
    ) -> Result<Verdict, Error> {
        let span = tracing::info_span!("react", consumer = self.group, event = %event.event_type, aggregate_id = %event.aggregate_id);
        trace::continue_trace(&span, event.traceparent.as_deref());
        let _entered = span.enter();
        let outcome = batch.decide_or_fail(unit, caused)?;
        match &outcome {
            Outcome::Refused(refusal) => return Ok(Verdict::Poison(parked::refused(refusal))),
            Outcome::Ignored(why) => tracing::debug!(event_id = %event.id, why, "event is ignored"),
            Outcome::Applied | Outcome::AlreadyApplied => {}
        }
        Ok(Verdict::Done(outcome.name()))
    }

    async fn park(&self, unit: &mut UnitOfWork, event: &Envelope, reason: &str) -> Result<(), Error> {
        let now = unit.now();
        parked::park(unit.tx(), self.group, event, reason, now).await
    }

    /// Parks an event that makes its transaction fail, in a transaction of its own.
    async fn park_alone(&self, event: &Envelope, error: &Error) -> Result<(), Error> {
        let mut unit = self.store.begin().await?;
        let is_new = self.admit(&mut unit, &[event], &[]).await? != [Admission::Seen];
        if is_new {
            self.park(&mut unit, event, &parked::failed(error)).await?;
        }
        unit.commit().await?;
        self.count(if is_new { PARKED } else { DUPLICATE });
        Ok(())
    }
}

fn is_shut_out(error: &Error) -> bool {
    matches!(error, Error::Kafka(error) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::FencedInstanceId))
}

fn passes(error: &Error) -> bool {
    error.kind().is_transient()
}

/// What an event says, or why it cannot be read.
type Read<Fact> = Result<Caused<Fact>, Undecodable>;

/// How an event of a batch was met before anything was decided.
enum Entry {
    Seen,
    Behind,
    Poison(String),
    /// The fact of that index is to be decided.
    Fact(usize),
}

/// What becomes of an event of a batch.
enum Verdict {
    Done(&'static str),
    Behind,
    Poison(String),
}

/// A batch and the offsets to store once it is committed.
#[derive(Default)]
struct Taken {
    events: Vec<Envelope>,
    offsets: HashMap<(String, i32), i64>,
}
