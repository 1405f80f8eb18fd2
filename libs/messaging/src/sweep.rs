//! A deadline passes for whatever is due: what the jobs of the services have in common.

use crate::{Cause, Caused, Error, EventStore, Outcome, Participant, react};

/// Facts in one transaction, at most.
const BATCH_MAX: i64 = 200;

/// Lets a deadline pass for all that are due, a batch in a transaction, and answers those for which that took effect.
///
/// `due` answers at most so many, those that are due the longest first, and `fact` says what happens to one. Two replicas may find the
/// same: the second waits for the first's lock, and then the decision leaves it alone.
pub async fn sweep<P, Key, Due>(
    store: &EventStore,
    participant: &P,
    due: impl Fn(i64) -> Due,
    fact: impl Fn(&Key, &Cause) -> P::Fact,
) -> Result<Vec<Key>, Error>
where
    P: Participant,
    Due: Future<Output = Result<Vec<Key>, Error>>,
{
    let cause = Cause::command(format!("service:{}", store.service()));
    let mut swept = Vec::new();
    loop {
        let keys = due(BATCH_MAX).await?;
        let is_last = keys.len() < BATCH_MAX as usize;
        if keys.is_empty() {
            return Ok(swept);
        }
        let facts: Vec<_> = keys.iter().map(|key| Caused { fact: fact(key, &cause), cause: cause.clone() }).collect();
        let mut unit = store.begin().await?;
        let outcomes = react(participant, &mut unit, &facts).await?;
        unit.commit().await?;
        let before = swept.len();
        let applied = keys.into_iter().zip(outcomes).filter(|(_, outcome)| matches!(outcome, Outcome::Applied));
        swept.extend(applied.map(|(key, _)| key));
        // Where nothing took effect somebody else decided all of them meanwhile, or the decision leaves them alone: going on could ask in a
        // circle. Whatever is left is found by the next run.
        if is_last || swept.len() == before {
            return Ok(swept);
        }
    }
}
