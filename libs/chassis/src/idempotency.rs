//! A command that is repeated takes effect once.
//!
//! Whoever sends a command names it by a `request_id`. The answer is stored in the transaction that did the work; the same
//! command under the same name gets it again, and another one under that name is refused. Refusals are not stored: what
//! was refused may be tried again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use contracts::convert::InvalidField;
use kernel::{Classified, ErrorKind, FieldViolation, Timestamp};
use messaging::{EventStore, UnitOfWork};
use prost::{Message, Name};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::Caller;

const REQUEST_ID_CHARS_MAX: usize = 64;

/// Keys deleted by one statement: few enough that it holds nobody up.
const DELETED_AT_ONCE_MAX: i64 = 5_000;

/// What names one command of one caller.
///
/// ```no_run
/// # use contracts::orders::v1::{CancelOrderRequest, CancelOrderResponse};
/// # use messaging::{EventStore, UnitOfWork};
/// # async fn cancel_order(_: &mut UnitOfWork) -> Result<CancelOrderResponse, messaging::Error> { todo!() }
/// # async fn handler(
/// #     store: EventStore,
/// #     request: tonic::Request<CancelOrderRequest>,
/// # ) -> Result<tonic::Response<CancelOrderResponse>, tonic::Status> {
/// let caller = chassis::caller(&request);
/// let command = request.into_inner();
/// let mut fields = chassis::Fields::new();
/// let key = fields.take(chassis::idempotency::Key::new(&caller, &command.request_id, &command));
/// let Some(key) = key else { return Err(chassis::status(fields.refuse())) };
///
/// let answer = key.run(&store, async |unit| cancel_order(unit).await).await.map_err(chassis::status)?;
/// # Ok(tonic::Response::new(answer))
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Key {
    principal: String,
    method: &'static str,
    request_id: String,
    request_hash: [u8; 32],
}

impl Key {
    /// The key of `request` by `caller`. All guests share one name, so a guest's `request_id` should be hard to guess.
    ///
    /// # Errors
    /// `request_id` is not of 1 to 64 visible ASCII characters.
    pub fn new<R: Message + Name>(caller: &Caller, request_id: &str, request: &R) -> Result<Self, InvalidField> {
        let is_visible = request_id.bytes().all(|byte| byte.is_ascii_graphic());
        if request_id.is_empty() || request_id.len() > REQUEST_ID_CHARS_MAX || !is_visible {
            return Err(InvalidField::new("request_id", "must have 1 to 64 visible ASCII characters"));
        }
        Ok(Self {
            principal: caller
                .principal()
                .map_or_else(|_| "guest".to_owned(), |principal| principal.subject.to_string()),
            method: R::NAME.strip_suffix("Request").unwrap_or(R::NAME),
            request_id: request_id.to_owned(),
            request_hash: Sha256::digest(request.encode_to_vec()).into(),
        })
    }

    /// The stored answer, if the command was carried out before. [`Key::run`] looks by itself; this spares a repeated command
    /// the questions to other services that come before it.
    pub async fn lookup<A: Message + Default>(&self, store: &EventStore) -> Result<Option<A>, KeyError> {
        let mut connection = store.pool().acquire().await.map_err(messaging::Error::from)?;
        self.stored_answer(&mut connection).await
    }

    /// Carries the command out, once: `work` runs in a unit of work that also stores its answer, and that is committed
    /// here. A repeated command waits for the first, and gets its answer.
    ///
    /// # Errors
    /// What `work` refuses, and [`KeyError`]. Either way nothing was done.
    pub async fn run<A, E>(
        &self,
        store: &EventStore,
        work: impl AsyncFnOnce(&mut UnitOfWork) -> Result<A, E>,
    ) -> Result<A, CommandError<E>>
    where
        A: Message + Default,
    {
        let mut unit = store.begin().await.map_err(KeyError::from)?;
        let now = unit.now();
        if !self.claim(unit.tx(), now).await? {
            return self.stored_answer(unit.tx()).await?.ok_or(CommandError::Key(KeyError::Gone));
        }
        let answer = work(&mut unit).await.map_err(CommandError::Command)?;
        self.store_answer(unit.tx(), &answer).await?;
        unit.commit().await.map_err(KeyError::from)?;
        Ok(answer)
    }

    /// Takes the key, unless it was taken before. Waits for whoever holds it in a transaction that is still open.
    async fn claim(&self, tx: &mut PgConnection, now: Timestamp) -> Result<bool, KeyError> {
        let done = sqlx::query(
            "INSERT INTO idempotency_key (principal, method, key, request_hash, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING",
        )
        .bind(&self.principal)
        .bind(self.method)
        .bind(&self.request_id)
        .bind(self.request_hash.as_slice())
        .bind(OffsetDateTime::from(now))
        .execute(tx)
        .await
        .map_err(messaging::Error::from)?;
        Ok(done.rows_affected() == 1)
    }

    /// What tells it from the keys of other commands of its kind.
    pub(crate) fn name(&self) -> (String, String) {
        (self.principal.clone(), self.request_id.clone())
    }

    async fn stored_answer<A: Message + Default>(&self, connection: &mut PgConnection) -> Result<Option<A>, KeyError> {
        let row: Option<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "SELECT request_hash, answer FROM idempotency_key WHERE principal = $1 AND method = $2 AND key = $3",
        )
        .bind(&self.principal)
        .bind(self.method)
        .bind(&self.request_id)
        .fetch_optional(connection)
        .await
        .map_err(messaging::Error::from)?;
        let Some((request_hash, answer)) = row else { return Ok(None) };
        if request_hash != self.request_hash {
            return Err(KeyError::Reused);
        }
        A::decode(answer.as_slice()).map(Some).map_err(KeyError::Undecodable)
    }

    async fn store_answer(&self, tx: &mut PgConnection, answer: &impl Message) -> Result<(), KeyError> {
        sqlx::query("UPDATE idempotency_key SET answer = $4 WHERE principal = $1 AND method = $2 AND key = $3")
            .bind(&self.principal)
            .bind(self.method)
            .bind(&self.request_id)
            .bind(answer.encode_to_vec())
            .execute(tx)
            .await
            .map_err(messaging::Error::from)?;
        Ok(())
    }
}

/// A command that was carried out before: what it was, what this one is, and what was answered.
#[derive(Debug)]
pub(crate) struct Stored {
    is_same: bool,
    answer: Vec<u8>,
}

impl Stored {
    /// The answer, if it is one to this command.
    pub(crate) fn answer<A: Message + Default>(&self) -> Result<A, KeyError> {
        if !self.is_same {
            return Err(KeyError::Reused);
        }
        A::decode(self.answer.as_slice()).map_err(KeyError::Undecodable)
    }
}

/// The stored answer to each of several commands of one kind, where there is one.
pub(crate) async fn stored_answers(
    tx: &mut PgConnection,
    keys: &[&Key],
) -> Result<Vec<Option<Stored>>, messaging::Error> {
    let Some(first) = keys.first() else { return Ok(Vec::new()) };
    let rows: Vec<(String, String, Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT k.principal, k.key, k.request_hash, k.answer
         FROM unnest($1::text[], $3::text[]) AS asked (principal, key)
         JOIN idempotency_key k ON k.principal = asked.principal AND k.method = $2 AND k.key = asked.key",
    )
    .bind(keys.iter().map(|key| key.principal.as_str()).collect::<Vec<_>>())
    .bind(first.method)
    .bind(keys.iter().map(|key| key.request_id.as_str()).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    let stored: HashMap<(String, String), (Vec<u8>, Vec<u8>)> =
        rows.into_iter().map(|(principal, key, hash, answer)| ((principal, key), (hash, answer))).collect();
    let of_key = |key: &&Key| {
        let (hash, answer) = stored.get(&key.name())?;
        Some(Stored { is_same: *hash == key.request_hash, answer: answer.clone() })
    };
    Ok(keys.iter().map(of_key).collect())
}

/// Stores the answers to several commands of one kind, in the transaction that carried them out.
///
/// # Errors
/// [`messaging::Error::Conflict`] when one of them was carried out meanwhile by another replica: then its answer is there.
pub(crate) async fn store_answers(unit: &mut UnitOfWork, answers: &[(&Key, Vec<u8>)]) -> Result<(), messaging::Error> {
    let Some((first, _)) = answers.first() else { return Ok(()) };
    let now = OffsetDateTime::from(unit.now());
    let stored = sqlx::query(
        "INSERT INTO idempotency_key (principal, method, key, request_hash, answer, created_at)
         SELECT t.principal, $2, t.key, t.request_hash, t.answer, $6
         FROM unnest($1::text[], $3::text[], $4::bytea[], $5::bytea[]) AS t (principal, key, request_hash, answer)
         ORDER BY t.principal, t.key",
    )
    .bind(answers.iter().map(|(key, _)| key.principal.as_str()).collect::<Vec<_>>())
    .bind(first.method)
    .bind(answers.iter().map(|(key, _)| key.request_id.as_str()).collect::<Vec<_>>())
    .bind(answers.iter().map(|(key, _)| key.request_hash.as_slice()).collect::<Vec<_>>())
    .bind(answers.iter().map(|(_, answer)| answer.as_slice()).collect::<Vec<_>>())
    .bind(now)
    .execute(unit.tx())
    .await;
    match stored {
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("idempotency_key_pkey") => {
            Err(messaging::Error::Conflict("a command under the same key"))
        }
        stored => Ok(stored.map(drop)?),
    }
}

/// Deletes the keys that are older than `retention`: a job. A command that is repeated later than that is carried out again,
/// or refused for what it did the first time.
pub async fn forget(store: &EventStore, retention: Duration) -> Result<(), messaging::Error> {
    let before = OffsetDateTime::from(store.now() - retention);
    loop {
        let deleted = sqlx::query(
            "DELETE FROM idempotency_key WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM idempotency_key WHERE created_at < $1 LIMIT $2))",
        )
        .bind(before)
        .bind(DELETED_AT_ONCE_MAX)
        .execute(store.pool())
        .await?
        .rows_affected();
        if deleted < DELETED_AT_ONCE_MAX as u64 {
            return Ok(());
        }
    }
}

/// A command was not carried out, because of its key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The same name was given to another command before.
    #[error("this request_id was used for another request")]
    Reused,
    /// The command was carried out, and its answer deleted while we looked for it.
    #[error("the stored answer is gone")]
    Gone,
    /// The stored answer was written by other code.
    #[error("the stored answer cannot be read")]
    Undecodable(#[source] prost::DecodeError),
    /// The database did not answer.
    #[error("keeping the answer failed")]
    Storage(#[from] messaging::Error),
    /// The transaction that this command shared with others failed.
    #[error("the transaction that several commands shared failed")]
    Together(#[source] Arc<messaging::Error>),
    /// The process is told to stop.
    #[error("the service is stopping")]
    Stopping,
}

impl Classified for KeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Reused => ErrorKind::InvalidArgument,
            Self::Gone => ErrorKind::Aborted,
            Self::Undecodable(_) => ErrorKind::Internal,
            Self::Storage(error) => error.kind(),
            Self::Together(error) => error.kind(),
            Self::Stopping => ErrorKind::Unavailable,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Reused => "REQUEST_ID_REUSED",
            Self::Gone => "ANSWER_GONE",
            Self::Undecodable(_) => "ANSWER_UNDECODABLE",
            Self::Storage(error) => error.reason(),
            Self::Together(error) => error.reason(),
            Self::Stopping => "STOPPING",
        }
    }

    fn field_violations(&self) -> Vec<FieldViolation> {
        match self {
            Self::Reused => vec![FieldViolation::new("request_id", self)],
            Self::Gone | Self::Undecodable(_) | Self::Storage(_) | Self::Together(_) | Self::Stopping => Vec::new(),
        }
    }
}

/// A command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<E> {
    /// Because of its key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Because the work was refused or failed.
    #[error(transparent)]
    Command(E),
}

impl<E: Classified + 'static> Classified for CommandError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Key(error) => error.kind(),
            Self::Command(error) => error.kind(),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Key(error) => error.reason(),
            Self::Command(error) => error.reason(),
        }
    }

    fn field_violations(&self) -> Vec<FieldViolation> {
        match self {
            Self::Key(error) => error.field_violations(),
            Self::Command(error) => error.field_violations(),
        }
    }
}
