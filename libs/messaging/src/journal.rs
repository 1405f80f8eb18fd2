//! The append-only history of every aggregate, chained by hashes.

use std::collections::HashMap;

use kernel::Timestamp;
use prost::{Message, Name};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, Row, postgres::PgRow};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Error;

/// How far an aggregate's history goes. An aggregate's row keeps it, so that a record cut off the end of the journal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Version of the aggregate: the number of its events; 0 before the first.
    pub version: i64,
    /// Hash of the last event; zeros before the first.
    pub hash: [u8; 32],
    /// The journey that the aggregate was born in and belongs to.
    pub correlation_id: Uuid,
}

impl Head {
    /// The head of an aggregate without history.
    pub const fn begin(correlation_id: Uuid) -> Self {
        Self { version: 0, hash: [0; 32], correlation_id }
    }

    /// The head that an aggregate's row keeps in its columns `version`, `head_hash` and `correlation_id`.
    pub fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let hash: &[u8] = row.try_get("head_hash")?;
        Ok(Self {
            version: row.try_get("version")?,
            hash: hash.try_into().map_err(|error| sqlx::Error::ColumnDecode {
                index: "head_hash".to_owned(),
                source: Box::new(error),
            })?,
            correlation_id: row.try_get("correlation_id")?,
        })
    }
}

/// The heads of the aggregates that a unit of work touches, by aggregate id.
#[derive(Debug, Clone, Default)]
pub struct Heads(HashMap<Uuid, Head>);

impl Heads {
    /// Remembers where a loaded aggregate stands.
    pub fn insert(&mut self, aggregate_id: Uuid, head: Head) {
        self.0.insert(aggregate_id, head);
    }

    /// Where an aggregate stands.
    pub fn get(&self, aggregate_id: Uuid) -> Option<Head> {
        self.0.get(&aggregate_id).copied()
    }

    /// Where an aggregate stands; one without history begins in the journey given.
    pub fn get_or_begin(&mut self, aggregate_id: Uuid, correlation_id: Uuid) -> &mut Head {
        self.0.entry(aggregate_id).or_insert_with(|| Head::begin(correlation_id))
    }
}

/// One event of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns' comments are in the migration")]
pub struct Record {
    pub aggregate_id: Uuid,
    pub version: i64,
    pub event_id: Uuid,
    pub aggregate_type: String,
    pub event_type: String,
    pub payload: Vec<u8>,
    pub correlation_id: Uuid,
    pub causation_id: Option<Uuid>,
    pub actor: String,
    pub traceparent: Option<String>,
    pub occurred_at: Timestamp,
    pub previous_hash: [u8; 32],
    pub hash: [u8; 32],
}

impl Record {
    /// SHA-256 over the previous hash and every field but the trace context. Each field is preceded by its length, so that
    /// no two different records hash the same bytes.
    pub fn compute_hash(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        field(&self.previous_hash);
        field(self.aggregate_id.as_bytes());
        field(&self.version.to_be_bytes());
        field(self.event_id.as_bytes());
        field(self.aggregate_type.as_bytes());
        field(self.event_type.as_bytes());
        field(&self.payload);
        field(self.correlation_id.as_bytes());
        field(self.causation_id.as_ref().map_or(&[], |id| id.as_bytes()));
        field(self.actor.as_bytes());
        field(&self.occurred_at.unix_micros().to_be_bytes());
        hasher.finalize().into()
    }

    /// Reads the message.
    ///
    /// # Errors
    /// It is of another type, or was damaged.
    pub fn read<E: Message + Name + Default>(&self) -> Result<E, Error> {
        read_message(self.event_id, &self.event_type, &self.payload)
    }

    pub(crate) fn from_row(row: &PgRow) -> Result<Self, Error> {
        let hash = |column: &str| -> Result<[u8; 32], Error> {
            let bytes: &[u8] = row.try_get(column)?;
            bytes.try_into().map_err(|_| Error::Corrupt(format!("{column} has {} bytes", bytes.len())))
        };
        Ok(Self {
            aggregate_id: row.try_get("aggregate_id")?,
            version: row.try_get("version")?,
            event_id: row.try_get("event_id")?,
            aggregate_type: row.try_get("aggregate_type")?,
            event_type: row.try_get("event_type")?,
            payload: row.try_get("payload")?,
            correlation_id: row.try_get("correlation_id")?,
            causation_id: row.try_get("causation_id")?,
            actor: row.try_get("actor")?,
            traceparent: row.try_get("traceparent")?,
            occurred_at: row.try_get::<OffsetDateTime, _>("occurred_at")?.into(),
            previous_hash: hash("previous_hash")?,
            hash: hash("hash")?,
        })
    }
}

/// Reads the message of an event that is kept.
pub(crate) fn read_message<E: Message + Name + Default>(
    event_id: Uuid,
    event_type: &str,
    payload: &[u8],
) -> Result<E, Error> {
    if event_type != E::full_name() {
        return Err(Error::Corrupt(format!("event {event_id} is {event_type}, not {}", E::full_name())));
    }
    E::decode(payload).map_err(|error| Error::Corrupt(format!("event {event_id}, {event_type}: {error}")))
}

/// The whole history of an aggregate, oldest first.
pub async fn read(connection: &mut PgConnection, aggregate_id: Uuid) -> Result<Vec<Record>, Error> {
    let rows = sqlx::query("SELECT * FROM journal WHERE aggregate_id = $1 ORDER BY version")
        .bind(aggregate_id)
        .fetch_all(connection)
        .await?;
    rows.iter().map(Record::from_row).collect()
}

/// The whole histories of several aggregates, oldest first. One without a history is absent.
pub async fn read_many(
    connection: &mut PgConnection,
    aggregate_ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Record>>, Error> {
    let rows = sqlx::query("SELECT * FROM journal WHERE aggregate_id = ANY($1) ORDER BY aggregate_id, version")
        .bind(aggregate_ids)
        .fetch_all(connection)
        .await?;
    by_aggregate(&rows)
}

/// What each of several histories has after a version, oldest first, at most `limit` records of each. One in which nothing is after it is absent.
///
/// For whoever keeps what follows from a history, and goes on from there: a history may be long, and has no end.
pub async fn read_after(
    connection: &mut PgConnection,
    after: &[(Uuid, i64)],
    limit: i64,
) -> Result<HashMap<Uuid, Vec<Record>>, Error> {
    let rows = sqlx::query(
        "SELECT record.* FROM unnest($1::uuid[], $2::bigint[]) AS reached (aggregate_id, version)
         CROSS JOIN LATERAL (SELECT * FROM journal WHERE aggregate_id = reached.aggregate_id AND version > reached.version
                             ORDER BY version LIMIT $3) AS record
         ORDER BY record.aggregate_id, record.version",
    )
    .bind(after.iter().map(|(aggregate_id, _)| *aggregate_id).collect::<Vec<_>>())
    .bind(after.iter().map(|(_, version)| *version).collect::<Vec<_>>())
    .bind(limit)
    .fetch_all(connection)
    .await?;
    by_aggregate(&rows)
}

fn by_aggregate(rows: &[PgRow]) -> Result<HashMap<Uuid, Vec<Record>>, Error> {
    let mut histories: HashMap<Uuid, Vec<Record>> = HashMap::new();
    for row in rows {
        let record = Record::from_row(row)?;
        histories.entry(record.aggregate_id).or_default().push(record);
    }
    Ok(histories)
}

/// Where a history stops being true.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A version is missing, or two changed places.
    #[error("version {expected} is missing: {found} follows")]
    Gap {
        /// The version that should come next.
        expected: i64,
        /// The version that comes instead.
        found: i64,
    },
    /// A record does not continue the one before it.
    #[error("version {0} does not continue the record before it")]
    BrokenChain(i64),
    /// A record's content is not what was hashed.
    #[error("version {0} was changed after it was written")]
    Altered(i64),
    /// The history ends elsewhere than the aggregate's row says.
    #[error("the history ends at version {found}, the aggregate stands at {expected}")]
    Truncated {
        /// Version of the aggregate.
        expected: i64,
        /// Last version of the history.
        found: i64,
    },
}

/// Recomputes a history's chain and compares its end with the aggregate's head. The history is of one aggregate, oldest first.
pub fn verify(history: &[Record], head: Head) -> Result<(), Fault> {
    let mut reached = Head::begin(head.correlation_id);
    for record in history {
        if record.version != reached.version + 1 {
            return Err(Fault::Gap { expected: reached.version + 1, found: record.version });
        }
        if record.previous_hash != reached.hash {
            return Err(Fault::BrokenChain(record.version));
        }
        if record.compute_hash() != record.hash {
            return Err(Fault::Altered(record.version));
        }
        reached = Head { version: record.version, hash: record.hash, ..reached };
    }
    if (reached.version, reached.hash) != (head.version, head.hash) {
        return Err(Fault::Truncated { expected: head.version, found: reached.version });
    }
    Ok(())
}
