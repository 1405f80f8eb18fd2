use kernel::Classified;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{ParkedEvent, failed, refused};
use crate::participant::{Batch, Caused, Outcome, Participant, lock, locks};
use crate::{Cause, Envelope, Error, EventStore, UnitOfWork};

/// What a retry of one event came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The event's number.
    pub id: i64,
    /// Full name of its type.
    pub event_type: String,
    /// What became of it, in words; or why it is stuck still.
    pub outcome: Result<String, String>,
}

/// Retries the parked events of one aggregate, in order, each in a transaction of its own, and tells of each. One that is stuck
/// holds back those behind it, on its topic. Events that arrive meanwhile wait for this and are taken after it.
///
/// Fails for passing reasons, such as a database that is away; what was told of by then stays done.
pub async fn retry<P: Participant>(
    store: &EventStore,
    participant: &P,
    consumer: &str,
    aggregate_id: Uuid,
    operator: &str,
    mut tell: impl FnMut(Tried),
) -> Result<(), Error> {
    let mut stuck_topics = Vec::new();
    loop {
        let mut unit = store.begin().await?;
        let Some(parked) = next(unit.tx(), consumer, aggregate_id, &stuck_topics).await? else { return Ok(()) };
        let outcome = match take_again(store, participant, &mut unit, &parked.envelope).await {
            Err(error) if !error.kind().is_transient() => Err(failed(&error)),
            outcome => outcome?,
        };
        match &outcome {
            Ok(_) => {
                resolve(&mut unit, parked.id, operator).await?;
                unit.commit().await?;
            }
            Err(reason) => {
                drop(unit);
                give_reason(store, parked.id, reason).await?;
                stuck_topics.push(parked.envelope.origin.topic);
            }
        }
        tell(Tried { id: parked.id, event_type: parked.envelope.event_type, outcome });
    }
}

/// The next event to retry, locked: another retry or a skip waits, and so does the consumer with later events.
async fn next(
    tx: &mut PgConnection,
    consumer: &str,
    aggregate_id: Uuid,
    stuck_topics: &[String],
) -> Result<Option<ParkedEvent>, Error> {
    let id: Option<i64> = sqlx::query_scalar(
        "SELECT id FROM parked_event
         WHERE consumer = $1 AND aggregate_id = $2 AND state = 'parked' AND topic <> ALL($3)
         ORDER BY id LIMIT 1 FOR UPDATE",
    )
    .bind(consumer)
    .bind(aggregate_id)
    .bind(stuck_topics)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(id) = id else { return Ok(None) };
    let row = sqlx::query("SELECT * FROM parked_chain WHERE id = $1").bind(id).fetch_one(tx).await?;
    ParkedEvent::from_row(&row).map(Some)
}

/// Lets a parked event take effect. Answers what became of it, or why it is stuck still.
async fn take_again<P: Participant>(
    store: &EventStore,
    participant: &P,
    unit: &mut UnitOfWork,
    event: &Envelope,
) -> Result<Result<String, String>, Error> {
    if let Some(malformed) = &event.malformed {
        return Ok(Err(malformed.to_string()));
    }
    let fact = match participant.decode(event) {
        Ok(Some(fact)) => fact,
        Ok(None) => return Ok(Ok(format!("does not concern {}", store.service()))),
        Err(undecodable) => return Ok(Err(undecodable.to_string())),
    };
    let caused = [Caused { fact, cause: Cause::event(store.service(), event) }];
    lock(unit.tx(), &locks(participant, &caused)).await?;
    let mut batch = Batch::load(participant, unit, &caused).await?;
    let told = match batch.decide_or_fail(unit, &caused[0])? {
        Outcome::Refused(refusal) => return Ok(Err(refused(&refusal))),
        Outcome::Applied => "took effect".to_owned(),
        Outcome::AlreadyApplied => "had taken effect before".to_owned(),
        Outcome::Ignored(why) => format!("needs no effect: {why}"),
    };
    batch.save(unit).await?;
    Ok(Ok(told))
}

async fn resolve(unit: &mut UnitOfWork, id: i64, operator: &str) -> Result<(), Error> {
    let now = OffsetDateTime::from(unit.now());
    sqlx::query("UPDATE parked_event SET state = 'retried', resolved_at = $2, resolved_by = $3 WHERE id = $1")
        .bind(id)
        .bind(now)
        .bind(operator)
        .execute(unit.tx())
        .await?;
    Ok(())
}

/// Writes down why an event is parked now: a mended cause may have hidden another, and a follower may have one of its own.
async fn give_reason(store: &EventStore, id: i64, reason: &str) -> Result<(), Error> {
    sqlx::query("UPDATE parked_event SET reason = $2 WHERE id = $1 AND state = 'parked'")
        .bind(id)
        .bind(reason)
        .execute(store.pool())
        .await?;
    Ok(())
}

/// Gives up a parked event for good: it will never take effect. Those after it can be retried then. False if no event of that
/// number is parked.
pub async fn skip(store: &EventStore, id: i64, operator: &str, reason: &str) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE parked_event SET state = 'skipped', resolved_at = $2, resolved_by = $3, resolution = $4
         WHERE id = $1 AND state = 'parked'",
    )
    .bind(id)
    .bind(OffsetDateTime::from(store.now()))
    .bind(operator)
    .bind(reason)
    .execute(store.pool())
    .await?;
    Ok(done.rows_affected() == 1)
}
