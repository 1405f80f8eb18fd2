use kernel::{Id, Timestamp};
use prost::{Message, Name};
use rdkafka::message::{BorrowedMessage, Header, Headers, Message as _, OwnedHeaders};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::journal::Record;

/// Names an event; only for its id.
pub(crate) enum Event {}

/// What caused an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Who: `buyer:<id>`, `seller:<id>`, `operator:<id>`, `service:<name>` or `carrier:<name>`.
    pub actor: String,
    /// The event that directly caused it; none for a command.
    pub causation_id: Option<Uuid>,
    /// The journey that an aggregate begins in when this creates it. An aggregate that exists stays in its own. Without one,
    /// a new aggregate begins a journey of its own.
    pub correlation_id: Option<Uuid>,
    /// W3C trace context to go on in when no span of our own is recorded.
    pub traceparent: Option<String>,
}

impl Cause {
    /// A command by `actor`.
    pub fn command(actor: impl Into<String>) -> Self {
        Self { actor: actor.into(), causation_id: None, correlation_id: None, traceparent: None }
    }

    /// A command that begins a journey, or belongs to one.
    #[must_use]
    pub fn in_journey(mut self, correlation_id: Uuid) -> Self {
        self.correlation_id = Some(correlation_id);
        self
    }

    /// The reaction of `service` to an event.
    pub fn event(service: &str, event: &Envelope) -> Self {
        Self {
            actor: format!("service:{service}"),
            causation_id: Some(event.id),
            correlation_id: Some(event.correlation_id),
            traceparent: event.traceparent.clone(),
        }
    }
}

/// An event to record.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// What kind of aggregate it is about, such as `order`.
    pub aggregate_type: &'static str,
    /// The aggregate; also the key that the event is ordered by.
    pub aggregate_id: Uuid,
    /// Full name of the message.
    pub event_type: String,
    /// The message's bytes.
    pub payload: Vec<u8>,
}

impl Outgoing {
    /// An event about an aggregate.
    pub fn new<E: Message + Name>(aggregate_type: &'static str, aggregate_id: Uuid, event: &E) -> Self {
        Self { aggregate_type, aggregate_id, event_type: E::full_name(), payload: event.encode_to_vec() }
    }
}

/// An event cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("undecodable: {0}")]
pub struct Undecodable(pub String);

impl Undecodable {
    /// For the reason given.
    pub fn new(reason: impl std::fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

/// An event as it came from the broker.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The event's id (UUIDv7).
    pub id: Uuid,
    /// Full name of its message.
    pub event_type: String,
    /// The aggregate that it is about.
    pub aggregate_id: Uuid,
    /// Version of the aggregate from this event on.
    pub aggregate_version: i64,
    /// The journey that it belongs to.
    pub correlation_id: Uuid,
    /// The event that directly caused it.
    pub causation_id: Option<Uuid>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The message's bytes.
    pub payload: Vec<u8>,
    /// Where it was read.
    pub origin: Origin,
    /// Why its headers could not be read; then the fields above are derived from its place, and it can only be parked.
    pub malformed: Option<Undecodable>,
}

/// Where an event was read, with what is needed to show or announce it unchanged.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Key, as it came.
    pub key: Option<Vec<u8>>,
    /// Headers, as they came.
    pub headers: Vec<(String, String)>,
}

impl Envelope {
    /// Reads the message of an event.
    pub fn decode<E: Message + Name + Default>(&self) -> Result<E, Undecodable> {
        E::decode(self.payload.as_slice()).map_err(|error| Undecodable(format!("{} is malformed: {error}", E::NAME)))
    }

    /// Reads an event as it came from the broker. One that is not a CloudEvent is marked as malformed.
    pub fn from_kafka(message: &BorrowedMessage<'_>) -> Self {
        let headers = message
            .headers()
            .map(|headers| {
                // The database takes no NUL in a text, and what cannot be parked would stop its partition for ever.
                let text = |header: Header<'_, &[u8]>| {
                    let value = String::from_utf8_lossy(header.value.unwrap_or_default());
                    (header.key.to_owned(), value.replace('\0', "\u{FFFD}"))
                };
                headers.iter().map(text).collect()
            })
            .unwrap_or_default();
        let origin = Origin {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            headers,
        };
        let payload = message.payload().unwrap_or_default().to_vec();
        let sent_at_millis = message.timestamp().to_millis().unwrap_or_default();
        Self::from_parts(origin, payload, sent_at_millis)
    }

    /// Reads the headers of an event. Those of one that is not a CloudEvent cannot be read: it gets an id derived from its
    /// place, so that parking it twice has no second effect.
    pub(crate) fn from_parts(origin: Origin, payload: Vec<u8>, sent_at_millis: i64) -> Self {
        match Headered::read(&origin.headers) {
            Ok(read) => Self {
                id: read.id,
                event_type: read.event_type,
                aggregate_id: read.subject,
                aggregate_version: read.version,
                correlation_id: read.correlation_id,
                causation_id: read.causation_id,
                traceparent: read.traceparent,
                occurred_at: read.time,
                payload,
                origin,
                malformed: None,
            },
            Err(reason) => {
                let id = id_of_place(&origin, sent_at_millis);
                let key = origin.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
                Self {
                    id,
                    event_type: header(&origin.headers, "ce_type").unwrap_or("unknown").to_owned(),
                    aggregate_id: key.and_then(|key| key.parse().ok()).unwrap_or(id),
                    aggregate_version: 0,
                    correlation_id: id,
                    causation_id: None,
                    traceparent: None,
                    occurred_at: Timestamp::from_unix_micros(sent_at_millis.saturating_mul(1000)),
                    payload,
                    origin,
                    malformed: Some(reason),
                }
            }
        }
    }
}

/// What the CloudEvents headers say.
struct Headered {
    id: Uuid,
    event_type: String,
    subject: Uuid,
    version: i64,
    time: Timestamp,
    correlation_id: Uuid,
    causation_id: Option<Uuid>,
    traceparent: Option<String>,
}

impl Headered {
    fn read(headers: &[(String, String)]) -> Result<Self, Undecodable> {
        let required =
            |name: &str| header(headers, name).ok_or_else(|| Undecodable(format!("header {name} is missing")));
        let wrong = |name: &str, value: &str| Undecodable(format!("header {name} is {value:?}"));
        let uuid = |name: &str, value: &str| value.parse::<Uuid>().map_err(|_| wrong(name, value));
        let version = required("ce_aggregateversion")?;
        let time = required("ce_time")?;
        Ok(Self {
            id: uuid("ce_id", required("ce_id")?)?,
            event_type: required("ce_type")?.to_owned(),
            subject: uuid("ce_subject", required("ce_subject")?)?,
            version: version.parse().map_err(|_| wrong("ce_aggregateversion", version))?,
            time: time.parse().map_err(|_| wrong("ce_time", time))?,
            correlation_id: uuid("ce_correlationid", required("ce_correlationid")?)?,
            causation_id: header(headers, "ce_causationid").map(|id| uuid("ce_causationid", id)).transpose()?,
            traceparent: header(headers, "traceparent").map(str::to_owned),
        })
    }
}

/// What a message that looks like an event says that its type is, without reading anything else of it.
pub(crate) fn event_type<'a>(message: &'a BorrowedMessage<'_>) -> Option<&'a str> {
    let headers = message.headers()?;
    let value = |key| headers.iter().find(|header| header.key == key)?.value;
    value("ce_id").and(value("ce_subject"))?;
    std::str::from_utf8(value("ce_type")?).ok()
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// A UUID of version 8 made of the moment and a hash of topic, partition and offset: it sorts like a UUIDv7 of that moment.
fn id_of_place(origin: &Origin, sent_at_millis: i64) -> Uuid {
    let digest = Sha256::digest(format!("{}/{}/{}", origin.topic, origin.partition, origin.offset));
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&sent_at_millis.max(0).to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&digest[..10]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// The headers of the CloudEvents 1.0 Kafka binding in binary mode, with our extensions.
pub fn to_headers(service: &str, record: &Record) -> OwnedHeaders {
    let mut headers = Some(OwnedHeaders::new_with_capacity(11));
    let mut put = |key: &str, value: &str| {
        headers = headers.take().map(|headers| headers.insert(Header { key, value: Some(value) }));
    };
    let mut id = Uuid::encode_buffer();
    put("ce_specversion", "1.0");
    put("ce_id", record.event_id.hyphenated().encode_lower(&mut id));
    put("ce_source", &format!("/tradewind/{service}"));
    put("ce_type", &record.event_type);
    put("ce_subject", record.aggregate_id.hyphenated().encode_lower(&mut id));
    put("ce_time", &record.occurred_at.to_string());
    put("content-type", "application/protobuf");
    put("ce_aggregateversion", &record.version.to_string());
    put("ce_correlationid", record.correlation_id.hyphenated().encode_lower(&mut id));
    if let Some(cause) = record.causation_id {
        put("ce_causationid", cause.hyphenated().encode_lower(&mut id));
    }
    if let Some(traceparent) = &record.traceparent {
        put("traceparent", traceparent);
    }
    headers.expect("each header is put into what was there before")
}

/// A new event id.
pub(crate) fn new_event_id() -> Uuid {
    Id::<Event>::generate().uuid()
}
