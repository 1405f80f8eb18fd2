//! Table `provider_operation`: what is to be asked of the provider, whose turn it is to ask, and what became of it.

use std::collections::BTreeSet;
use std::time::Duration;

use kernel::{Money, Timestamp};
use messaging::{Cause, Error};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use time::OffsetDateTime;

use super::money;
use crate::domain::{Answered, CardToken, Exchange, Operation, OperationKey, OperationKind, OrderId, Outcome};

const PENDING: &str = "pending";
const SUCCEEDED: &str = "succeeded";
const DECLINED: &str = "declined";

/// A claim holds for both questions of an attempt, and this much for committing the answer.
const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// After that time an operation that was handed over to the worker of this process has reached it, or never will.
const HANDOVER_MAX: Duration = Duration::from_secs(3);

/// Who takes an operation to call the provider for it, and for how long nobody else takes it.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Stable name of the process.
    pub replica: String,
    /// How long it holds.
    pub lease: Duration,
}

impl Claim {
    /// The claim of a process whose provider answers each question within `provider_timeout`.
    pub fn new(replica: String, provider_timeout: Duration) -> Self {
        Self { replica, lease: 2 * provider_timeout + LEASE_MARGIN }
    }
}

/// Writes down what is to be asked, each with what caused it; taken already, if there is a claim.
pub(super) async fn save_asked(
    tx: &mut PgConnection,
    asked: &[Operation],
    causes: &[Cause],
    claim: Option<&Claim>,
    now: Timestamp,
) -> Result<(), Error> {
    if asked.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO provider_operation (order_id, kind, number, amount_minor, currency, caused_by, traceparent, created_at,
                                         claimed_by, leased_until, attempts)
         SELECT t.*, $8, $9, now() + make_interval(secs => $10), CASE WHEN $9 IS NULL THEN 0 ELSE 1 END
         FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::bigint[], $5::text[], $6::uuid[], $7::text[]) AS t",
    )
    .bind(asked.iter().map(|operation| operation.key.order_id.uuid()).collect::<Vec<_>>())
    .bind(asked.iter().map(|operation| operation.key.kind.as_str()).collect::<Vec<_>>())
    .bind(asked.iter().map(|operation| operation.key.number).collect::<Vec<_>>())
    .bind(asked.iter().map(|operation| operation.amount.minor()).collect::<Vec<_>>())
    .bind(asked.iter().map(|operation| operation.amount.currency().code().to_owned()).collect::<Vec<_>>())
    .bind(causes.iter().map(|cause| cause.causation_id).collect::<Vec<_>>())
    .bind(causes.iter().map(|cause| cause.traceparent.clone()).collect::<Vec<_>>())
    .bind(OffsetDateTime::from(now))
    .bind(claim.map(|claim| &claim.replica))
    .bind(claim.map(|claim| claim.lease.as_secs_f64()))
    .execute(tx)
    .await?;
    Ok(())
}

/// Has what the provider declined asked for again, from the table. The attempts go on, so that the next one first asks what became of it.
pub(super) async fn save_asked_again(tx: &mut PgConnection, asked_again: &[OperationKey]) -> Result<(), Error> {
    if asked_again.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE provider_operation o
         SET status = 'pending', reason = NULL, completed_at = NULL, due_at = now(), leased_until = NULL
         FROM unnest($1::uuid[], $2::text[], $3::integer[]) AS t (order_id, kind, number)
         WHERE o.order_id = t.order_id AND o.kind = t.kind AND o.number = t.number",
    )
    .bind(asked_again.iter().map(|key| key.order_id.uuid()).collect::<Vec<_>>())
    .bind(asked_again.iter().map(|key| key.kind.as_str()).collect::<Vec<_>>())
    .bind(asked_again.iter().map(|key| key.number).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes down what the provider answered; what it did is done, also if it declined it before. What is pending is recognised by what it
/// lacks: asked for its status, the planner takes the index of what is due, and walks all of that for each answer.
pub(super) async fn save_answered(tx: &mut PgConnection, answered: &[Answered], now: Timestamp) -> Result<(), Error> {
    if answered.is_empty() {
        return Ok(());
    }
    let status = |answered: &Answered| match answered.outcome {
        Outcome::Succeeded => SUCCEEDED,
        Outcome::Declined(_) => DECLINED,
    };
    let reason = |answered: &Answered| match &answered.outcome {
        Outcome::Succeeded => None,
        Outcome::Declined(reason) => Some(reason.clone()),
    };
    sqlx::query(
        "UPDATE provider_operation o
         SET status = t.status, reason = t.reason, completed_at = $5
         FROM unnest($1::uuid[], $2::text[], $6::integer[], $3::text[], $4::text[])
              AS t (order_id, kind, number, status, reason)
         WHERE o.order_id = t.order_id AND o.kind = t.kind AND o.number = t.number
           AND (o.completed_at IS NULL OR o.reason IS NOT NULL)",
    )
    .bind(answered.iter().map(|answered| answered.key.order_id.uuid()).collect::<Vec<_>>())
    .bind(answered.iter().map(|answered| answered.key.kind.as_str()).collect::<Vec<_>>())
    .bind(answered.iter().map(status).collect::<Vec<_>>())
    .bind(answered.iter().map(reason).collect::<Vec<_>>())
    .bind(OffsetDateTime::from(now))
    .bind(answered.iter().map(|answered| answered.key.number).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// An operation that this replica has taken, to call the provider for it.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// What is asked, and the key.
    pub operation: Operation,
    /// The card; none for cash, about which nobody is ever asked.
    pub card_token: Option<CardToken>,
    /// Which attempt this is, from 1. From the second on, the one before may have reached the provider.
    pub attempt: i32,
    /// What the operation was decided on.
    pub cause: Cause,
}

/// Takes up to `limit` operations that are due. Nobody takes them again before the claim has run out, unless it is this process,
/// which knows what it is asking (`under_way`): what else it took was lost on the way to it, as when the answer to a commit was.
/// A claim that a crash of the database forgets only repeats a call, so its commit does not wait for the disk.
pub async fn claim(
    pool: &PgPool,
    claim: &Claim,
    under_way: &BTreeSet<OperationKey>,
    limit: usize,
) -> Result<Vec<Claimed>, Error> {
    let rows = sqlx::query(
        "WITH unhurried AS (
             SELECT set_config('synchronous_commit', 'off', true)
         ), due AS (
             SELECT o.order_id, o.kind, o.number FROM provider_operation o, unhurried
             WHERE o.status = 'pending' AND o.due_at <= now()
               AND (o.leased_until IS NULL OR o.leased_until <= now()
                    OR (o.claimed_by = $1 AND o.leased_until <= now() + make_interval(secs => $3 - $6)
                        AND NOT EXISTS (SELECT FROM unnest($4::uuid[], $5::text[], $7::integer[]) AS asking (order_id, kind, number)
                                        WHERE asking.order_id = o.order_id AND asking.kind = o.kind
                                          AND asking.number = o.number)))
             ORDER BY o.due_at LIMIT $2 FOR UPDATE OF o SKIP LOCKED
         )
         UPDATE provider_operation o
         SET attempts = o.attempts + 1, leased_until = now() + make_interval(secs => $3), claimed_by = $1
         FROM due, payment p
         WHERE o.order_id = due.order_id AND o.kind = due.kind AND o.number = due.number AND p.order_id = o.order_id
         RETURNING o.order_id, o.kind, o.number, o.amount_minor, o.currency, o.attempts, o.caused_by, o.traceparent, p.card_token,
                   p.correlation_id, p.exchange",
    )
    .bind(&claim.replica)
    .bind(limit as i64)
    .bind(claim.lease.as_secs_f64())
    .bind(under_way.iter().map(|key| key.order_id.uuid()).collect::<Vec<_>>())
    .bind(under_way.iter().map(|key| key.kind.as_str()).collect::<Vec<_>>())
    .bind(HANDOVER_MAX.as_secs_f64())
    .bind(under_way.iter().map(|key| key.number).collect::<Vec<_>>())
    .fetch_all(pool)
    .await?;
    rows.iter().map(claimed_from_row).collect()
}

fn claimed_from_row(row: &PgRow) -> Result<Claimed, Error> {
    let key = key(row)?;
    let exchange: Option<Json<Exchange>> = row.try_get("exchange")?;
    let charged_order_id = exchange.and_then(|exchange| exchange.charged_order_id).unwrap_or(key.order_id);
    let card_token: Option<String> = row.try_get("card_token")?;
    Ok(Claimed {
        operation: Operation { key, amount: money(row, "amount_minor")?, charged_order_id },
        card_token: card_token
            .map(CardToken::new)
            .transpose()
            .map_err(|error| Error::Corrupt(format!("card token {error}")))?,
        attempt: row.try_get("attempts")?,
        cause: Cause {
            actor: format!("service:{}", crate::SERVICE.name),
            causation_id: row.try_get("caused_by")?,
            correlation_id: Some(row.try_get("correlation_id")?),
            traceparent: row.try_get("traceparent")?,
        },
    })
}

/// Gives operations back, to be taken again after a while each. One that another replica has taken meanwhile stays with it.
pub async fn postpone(tx: &mut PgConnection, postponed: &[(&Claimed, Duration)]) -> Result<(), Error> {
    if postponed.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE provider_operation o
         SET due_at = now() + make_interval(secs => t.delay_secs), leased_until = NULL
         FROM unnest($1::uuid[], $2::text[], $5::integer[], $3::integer[], $4::double precision[])
              AS t (order_id, kind, number, attempts, delay_secs)
         WHERE o.order_id = t.order_id AND o.kind = t.kind AND o.number = t.number AND o.attempts = t.attempts
           AND o.completed_at IS NULL",
    )
    .bind(postponed.iter().map(|(claimed, _)| claimed.operation.key.order_id.uuid()).collect::<Vec<_>>())
    .bind(postponed.iter().map(|(claimed, _)| claimed.operation.key.kind.as_str()).collect::<Vec<_>>())
    .bind(postponed.iter().map(|(claimed, _)| claimed.attempt).collect::<Vec<_>>())
    .bind(postponed.iter().map(|(_, delay)| delay.as_secs_f64()).collect::<Vec<_>>())
    .bind(postponed.iter().map(|(claimed, _)| claimed.operation.key.number).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Gives back what a replica had taken before it ended. Answers how many those are.
pub async fn reclaim(pool: &PgPool, replica: &str) -> Result<u64, Error> {
    let done = sqlx::query(
        "UPDATE provider_operation SET leased_until = NULL
         WHERE status = 'pending' AND claimed_by = $1 AND leased_until > now()",
    )
    .bind(replica)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// An operation, as it is shown.
#[derive(Debug)]
pub struct Found {
    /// The key.
    pub key: OperationKey,
    /// The amount asked for.
    pub amount: Money,
    /// What became of it; none while that is not known.
    pub outcome: Option<Outcome>,
    /// How often a worker set out to call.
    pub attempts: i32,
    /// When it was decided on.
    pub created_at: Timestamp,
    /// When its outcome became known.
    pub completed_at: Option<Timestamp>,
}

/// What was asked of the provider for an order, oldest first.
pub async fn of_order(executor: impl PgExecutor<'_>, order_id: OrderId) -> Result<Vec<Found>, Error> {
    let rows = sqlx::query("SELECT * FROM provider_operation WHERE order_id = $1 ORDER BY created_at, kind, number")
        .bind(order_id.uuid())
        .fetch_all(executor)
        .await?;
    rows.iter().map(found_from_row).collect()
}

fn found_from_row(row: &PgRow) -> Result<Found, Error> {
    let status: &str = row.try_get("status")?;
    let reason: Option<String> = row.try_get("reason")?;
    let outcome = match (status, reason) {
        (PENDING, _) => None,
        (SUCCEEDED, _) => Some(Outcome::Succeeded),
        (DECLINED, Some(reason)) => Some(Outcome::Declined(reason)),
        (status, _) => return Err(Error::Corrupt(format!("operation status {status:?}"))),
    };
    Ok(Found {
        key: key(row)?,
        amount: money(row, "amount_minor")?,
        outcome,
        attempts: row.try_get("attempts")?,
        created_at: row.try_get::<OffsetDateTime, _>("created_at")?.into(),
        completed_at: row.try_get::<Option<OffsetDateTime>, _>("completed_at")?.map(Timestamp::from),
    })
}

fn key(row: &PgRow) -> Result<OperationKey, Error> {
    let kind: &str = row.try_get("kind")?;
    let corrupt = || Error::Corrupt(format!("operation kind {kind:?}"));
    Ok(OperationKey {
        order_id: OrderId::from_uuid(row.try_get("order_id")?),
        kind: OperationKind::from_name(kind).ok_or_else(corrupt)?,
        number: row.try_get("number")?,
    })
}
