use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::FutureExt;
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use tokio::sync::oneshot;

use crate::{Error, KafkaConfig};

/// How long the thread waits for delivery reports at a time, and how long it outlives its producer, at most.
const POLL: Duration = Duration::from_secs(1);
/// How long a full queue is waited for before it is tried again.
const QUEUE_FULL: Duration = Duration::from_millis(1);

/// Sends events and tells what became of each.
///
/// As rdkafka's `FutureProducer` does, but for its thread: that one spins for the last millisecond of every tenth of a second,
/// which costs each process a hundredth of a core for as long as it lives.
#[derive(Clone)]
pub(crate) struct Producer(Arc<BaseProducer<Reports>>);

/// Passes delivery reports on.
struct Reports;

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<oneshot::Sender<Result<(), KafkaError>>>;

    fn delivery(&self, report: &DeliveryResult<'_>, waiting: Self::DeliveryOpaque) {
        // Whoever sent it may be gone.
        let _ = waiting.send(report.as_ref().map(drop).map_err(|(error, _)| error.clone()));
    }
}

impl Producer {
    pub(crate) fn new(kafka: &KafkaConfig) -> Result<Self, Error> {
        let producer: Arc<BaseProducer<Reports>> = Arc::new(kafka.producer_config().create_with_context(Reports)?);
        let reports = Arc::downgrade(&producer);
        std::thread::Builder::new()
            .name("producer".to_owned())
            .spawn(move || {
                while let Some(producer) = Weak::upgrade(&reports) {
                    producer.poll(POLL);
                }
            })
            .map_err(|error| Error::Internal(format!("no thread for the producer: {error}")))?;
        Ok(Self(producer))
    }

    /// Hands an event over; a full queue is waited for. Answers what will become of it, which is [`KafkaError::Canceled`] if the
    /// producer is dropped before.
    pub(crate) async fn send(
        &self,
        topic: &str,
        key: Option<&[u8]>,
        payload: &[u8],
        headers: OwnedHeaders,
    ) -> Result<impl Future<Output = Result<(), KafkaError>> + Send + use<>, KafkaError> {
        let (report, delivery) = oneshot::channel();
        let mut record = BaseRecord::with_opaque_to(topic, Box::new(report)).payload(payload).headers(headers);
        record.key = key;
        loop {
            match self.0.send(record) {
                Ok(()) => return Ok(delivery.map(|report| report.unwrap_or(Err(KafkaError::Canceled)))),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), returned)) => record = returned,
                Err((error, _)) => return Err(error),
            }
            tokio::time::sleep(QUEUE_FULL).await;
        }
    }

    /// Why the producer can never send again, if that is so.
    pub(crate) fn fatal_error(&self) -> Option<String> {
        self.0.client().fatal_error().map(|(code, reason)| format!("{code} {reason}"))
    }
}
