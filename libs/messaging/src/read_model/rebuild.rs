//! All rows anew, beside those that are read.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::{Generation, ReadModels, Table, lock_of, project};
use crate::participant::lock;
use crate::{Error, EventStore, begin_snapshot};

/// Aggregates in one transaction.
const BATCH: i64 = 500;
/// Rows that are deleted in one transaction.
const CLEAR_ROWS: i64 = 10_000;
/// Differences that are told, of each table.
const TOLD_MAX: i64 = 100;
/// What was recorded a moment ago is in the shadow before the projector has put it into what is read. So whatever differs is looked at
/// again, so often, and counts only if it differs in the same way each time.
const LOOKS: u32 = 6;
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// How far a rebuild is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many aggregates are in the shadow.
    Projected(u64),
    /// The shadow is compared with what is read.
    Comparing,
    /// The rows that are not read any more are deleted.
    Clearing,
}

/// What a rebuild found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// Aggregates that were looked at.
    pub aggregates: u64,
    /// Where what was read is not what the histories say; up to a hundred of each table.
    pub differences: Vec<String>,
}

/// Makes all rows of the read models anew from the histories in a generation of their own, a shadow, and compares it with the one that
/// is read. With `change_over` the shadow is read from then on, and the rows before it are deleted; otherwise the shadow is.
///
/// Readers go on meanwhile, and so does the projector, which keeps both up to date. One rebuild at a time: whoever calls sees to that. A
/// shadow that was left behind is begun again.
pub async fn rebuild<M: ReadModels>(
    store: &EventStore,
    models: &M,
    change_over: bool,
    mut tell: impl FnMut(Step),
) -> Result<Rebuilt, Error> {
    let Generations { serving, shadow } = begin_shadow(store).await?;
    let mut aggregates = 0;
    let mut after = Uuid::nil();
    loop {
        let ids = next_aggregates(store, after).await?;
        let Some(last) = ids.last() else { break };
        after = *last;
        let mut unit = store.begin().await?;
        let mut locks: Vec<_> = ids.iter().copied().map(lock_of).collect();
        locks.sort_unstable();
        lock(unit.tx(), &locks).await?;
        project(models, unit.tx(), &[shadow], &ids).await?;
        unit.commit().await?;
        aggregates += ids.len() as u64;
        tell(Step::Projected(aggregates));
    }
    tell(Step::Comparing);
    let differences = compare(store, M::TABLES, serving, shadow).await?;
    end_shadow(store, change_over).await?;
    tell(Step::Clearing);
    clear(store, M::TABLES).await?;
    Ok(Rebuilt { aggregates, differences })
}

struct Generations {
    serving: Generation,
    shadow: Generation,
}

/// Has a new generation kept up to date from now on.
async fn begin_shadow(store: &EventStore) -> Result<Generations, Error> {
    let mut unit = store.begin().await?;
    await_projectors(unit.tx()).await?;
    sqlx::query("UPDATE read_model_generation SET state = 'leaving' WHERE state = 'building'")
        .execute(unit.tx())
        .await?;
    let shadow =
        sqlx::query_scalar("INSERT INTO read_model_generation (state) VALUES ('building') RETURNING generation")
            .fetch_one(unit.tx())
            .await?;
    let serving = sqlx::query_scalar("SELECT generation FROM read_model_generation WHERE state = 'serving'")
        .fetch_one(unit.tx())
        .await?;
    unit.commit().await?;
    Ok(Generations { serving, shadow })
}

/// One of the two leaves, and the other is served.
async fn end_shadow(store: &EventStore, change_over: bool) -> Result<(), Error> {
    let mut unit = store.begin().await?;
    await_projectors(unit.tx()).await?;
    let leaving = if change_over { "serving" } else { "building" };
    sqlx::query("UPDATE read_model_generation SET state = 'leaving' WHERE state = $1")
        .bind(leaving)
        .execute(unit.tx())
        .await?;
    sqlx::query("UPDATE read_model_generation SET state = 'serving' WHERE state = 'building'")
        .execute(unit.tx())
        .await?;
    unit.commit().await
}

/// Waits until no transaction of a projector is under way, and lets none begin before this one ends.
async fn await_projectors(tx: &mut PgConnection) -> Result<(), Error> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('read models'), hashtext(current_schema()))")
        .execute(tx)
        .await?;
    Ok(())
}

/// The next aggregates of which anything is known, in the order of their ids.
async fn next_aggregates(store: &EventStore, after: Uuid) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar(
        "(SELECT aggregate_id FROM journal WHERE version = 1 AND aggregate_id > $1 ORDER BY aggregate_id LIMIT $2)
         UNION
         (SELECT DISTINCT aggregate_id FROM heard_event WHERE aggregate_id > $1 ORDER BY aggregate_id LIMIT $2)
         ORDER BY aggregate_id LIMIT $2",
    );
    Ok(ids.bind(after).bind(BATCH).fetch_all(store.pool()).await?)
}

/// What differs each time that one looks.
async fn compare(
    store: &EventStore,
    tables: &[Table],
    serving: Generation,
    shadow: Generation,
) -> Result<Vec<String>, Error> {
    let mut lasting: Option<BTreeSet<String>> = None;
    for _ in 0..LOOKS {
        if lasting.is_some() {
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        }
        let mut snapshot = begin_snapshot(store.pool()).await?;
        // Two whole tables side by side: that takes its time, and is no walk along an index.
        sqlx::query("SELECT set_config('statement_timeout', '0', true), set_config('enable_hashjoin', 'on', true)")
            .execute(&mut *snapshot)
            .await?;
        let mut seen: Vec<String> = Vec::new();
        for table in tables {
            let differences = sqlx::query_scalar(table.differences).bind(serving).bind(shadow).bind(TOLD_MAX);
            seen.extend(differences.fetch_all(&mut *snapshot).await?);
        }
        lasting = Some(match lasting {
            None => seen.into_iter().collect(),
            Some(before) => seen.into_iter().filter(|difference| before.contains(difference)).collect(),
        });
        if lasting.as_ref().is_some_and(BTreeSet::is_empty) {
            break;
        }
    }
    Ok(lasting.unwrap_or_default().into_iter().collect())
}

/// Deletes the rows of every generation that is leaving.
async fn clear(store: &EventStore, tables: &[Table]) -> Result<(), Error> {
    let leaving: Vec<Generation> =
        sqlx::query_scalar("SELECT generation FROM read_model_generation WHERE state = 'leaving'")
            .fetch_all(store.pool())
            .await?;
    for generation in leaving {
        for table in tables {
            while delete(store, table, generation).await? > 0 {}
        }
        let mut unit = store.begin().await?;
        sqlx::query("DELETE FROM read_model_generation WHERE generation = $1")
            .bind(generation)
            .execute(unit.tx())
            .await?;
        unit.commit().await?;
    }
    Ok(())
}

/// Deletes rows that nobody writes any more, some at a time, and answers how many.
async fn delete(store: &EventStore, Table { name, .. }: &Table, generation: Generation) -> Result<u64, Error> {
    // Made of the name alone, which is the service's own.
    let statement = AssertSqlSafe(format!(
        "DELETE FROM {name} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {name} WHERE generation = $1 LIMIT $2))"
    ));
    let mut unit = store.begin().await?;
    let deleted = sqlx::query(statement).bind(generation).bind(CLEAR_ROWS).execute(unit.tx()).await?;
    unit.commit().await?;
    Ok(deleted.rows_affected())
}
