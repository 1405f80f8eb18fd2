use kernel::{Classified, ErrorKind};

/// What can go wrong between a service, its database and the broker.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or could not be reached.
    #[error("database: {}", in_words(.0))]
    Database(#[from] sqlx::Error),
    /// The broker refused or could not be reached.
    #[error("kafka: {0}")]
    Kafka(#[from] rdkafka::error::KafkaError),
    /// An event is larger than the wire takes.
    #[error("event {event_type} of {aggregate_id} has {bytes} bytes, more than {EVENT_BYTES_MAX}")]
    EventTooLarge {
        /// The event's type.
        event_type: String,
        /// The aggregate.
        aggregate_id: uuid::Uuid,
        /// Size of its payload.
        bytes: usize,
    },
    /// Somebody else was faster with the same thing: looking again shows what became of it.
    #[error("conflict: {0} was committed meanwhile")]
    Conflict(&'static str),
    /// What is stored cannot be read: it was written by newer code, or damaged.
    #[error("corrupt: {0}")]
    Corrupt(String),
    /// The service's own code asked for something that cannot be.
    #[error("internal: {0}")]
    Internal(String),
}

/// Largest payload of an event in bytes: below the broker's default limit of 1 MiB, with room for key and headers.
pub(crate) const EVENT_BYTES_MAX: usize = 900 * 1024;

impl Error {
    /// Whether a statement took so long that the database gave it up. A busy database recovers; a statement that is too much
    /// does not, and only trying again tells one from the other.
    pub(crate) fn is_timeout(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        error.code().as_deref() == Some("57014")
    }
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Database(error) => database_kind(error),
            Self::Kafka(_) => ErrorKind::Unavailable,
            Self::Conflict(_) => ErrorKind::Aborted,
            Self::EventTooLarge { .. } => ErrorKind::InvalidArgument,
            Self::Corrupt(_) | Self::Internal(_) => ErrorKind::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Database(_) => "DATABASE",
            Self::Kafka(_) => "BROKER",
            Self::Conflict(_) => "CONFLICT",
            Self::EventTooLarge { .. } => "EVENT_TOO_LARGE",
            Self::Corrupt(_) => "CORRUPT",
            Self::Internal(_) => "INTERNAL",
        }
    }
}

/// What the database said and its SQLSTATE, without the place in its own sources.
fn in_words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(database) => {
            format!("{} ({})", database.message(), database.code().as_deref().unwrap_or("no code"))
        }
        error => error.to_string(),
    }
}

/// Whether the database may well say yes when asked again. Classes are those of PostgreSQL's appendix A.
fn database_kind(error: &sqlx::Error) -> ErrorKind {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
            ErrorKind::Unavailable
        }
        sqlx::Error::WorkerCrashed | sqlx::Error::Protocol(_) => ErrorKind::Unavailable,
        sqlx::Error::Database(database) => match database.code().as_deref() {
            // Serialization failure, deadlock, lock not available, query cancelled by a timeout.
            Some("40001" | "40P01" | "55P03" | "57014") => ErrorKind::Aborted,
            // The server gave up a transaction that slept too long, as in a process that was stopped for a while; or it is a
            // standby that is about to lead.
            Some("25P03" | "25P04" | "25006") => ErrorKind::Unavailable,
            // Connection, resources, the server going down or coming up.
            Some(code) if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
                ErrorKind::Unavailable
            }
            // Two writers of one version of an aggregate: the journal's key is the optimistic lock.
            Some("23505") if database.constraint() == Some("journal_pkey") => ErrorKind::Aborted,
            _ => ErrorKind::Internal,
        },
        _ => ErrorKind::Internal,
    }
}
