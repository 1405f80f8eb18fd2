//! The journeys of a table, played on rows: each step in a unit of work on PostgreSQL.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use messaging::{Cause, Caused, EventStore, Outcome, Participant, UnitOfWork, react};
use sqlx::{AssertSqlSafe, PgPool};

use super::decisions::{LATE, Move, Run, START, explore, trail};
use super::faults::{self, Point};
use super::journey::{Answer, Journey, Step, short_name};
use super::rows::Rows;
use super::{Broken, FactOf, Table};
use crate::{Database, TestClock};

/// What was shown on rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    /// Ways through journeys, each for an order of its own.
    pub runs: usize,
    /// Steps that were interrupted, tried again and repeated.
    pub steps: usize,
    /// Transactions that were made to fail.
    pub failures: usize,
    /// Ways through journeys that were taken in one batch, each fact twice.
    pub batches: usize,
}

impl fmt::Display for Committed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, steps, failures, batches } = self;
        write!(
            f,
            "{runs} ways through the journeys, {steps} steps interrupted and repeated, {failures} transactions failed, \
             {batches} ways in one batch"
        )
    }
}

/// Plays every journey of a table on PostgreSQL.
///
/// # Errors
/// What is not as it was in memory, or leaves other rows than it may; in words, with the steps that led there.
pub async fn transactions<T: Table>() -> Result<Committed, Broken> {
    let (decided, runs) = explore(&T::about_a_new_order(START))?;
    let mut checked = Checked::default();
    for journey in 0..decided.journeys {
        // A database each: every row of it is read again and again.
        let mut player = Player::<T>::open(&mut checked).await?;
        for run in runs.iter().filter(|run| run.journey == journey) {
            player.play(run).await?;
            player.play_in_one_batch(run).await?;
        }
    }
    Ok(checked.committed)
}

#[derive(Debug, Default)]
struct Checked {
    committed: Committed,
    /// The pairs of a world and a fact that were interrupted and repeated.
    pairs: HashSet<u64>,
    has_begun: bool,
}

struct Player<'a, T: Table> {
    pool: PgPool,
    clock: TestClock,
    store: EventStore,
    participant: T::Participant,
    checked: &'a mut Checked,
}

impl<'a, T: Table> Player<'a, T> {
    async fn open(checked: &'a mut Checked) -> anyhow::Result<Self> {
        let database = Database::migrated(T::service()).await;
        faults::install(database.pool()).await?;
        let pool = database.another_pool().await;
        let clock = TestClock::at(&START.to_string());
        let store = EventStore::new(T::service().name, pool.clone(), clock.clock());
        Ok(Self { pool, clock, store, participant: T::participant(), checked })
    }

    async fn play(&mut self, run: &Run) -> anyhow::Result<()> {
        let mut table = T::about_a_new_order(START);
        self.begin(&mut table).await.context("before any journey")?;
        let journeys = table.journeys();
        let journey = &journeys[run.journey];
        let slate = self.slate().await?;
        for (index, Move { place, answer, pair }) in run.moves.iter().enumerate() {
            let step = journey.step(*place);
            let place = || format!("{}: {}", trail(journey, &run.moves[..index]), step.name);
            if self.checked.pairs.insert(*pair) {
                self.take_with_care(step, answer).await.with_context(place)?;
            } else {
                self.take(step, answer).await.with_context(place)?;
            }
            if run.undone_after.is_some_and(|moves| index + 1 >= moves) {
                self.check_slate(&slate).await.with_context(place)?;
            }
        }
        self.repeat(journey, &run.moves).await?;
        self.checked.committed.runs += 1;
        Ok(())
    }

    /// Makes the rows that a journey begins with. The first time it is interrupted everywhere before.
    async fn begin(&mut self, table: &mut T) -> anyhow::Result<()> {
        self.clock.set(START);
        let mut unit = self.store.begin().await?;
        table.begin(&mut unit).await?;
        let writes: bool =
            sqlx::query_scalar("SELECT pg_current_xact_id_if_assigned() IS NOT NULL").fetch_one(unit.tx()).await?;
        if self.checked.has_begun || !writes {
            return Ok(unit.commit().await?);
        }
        drop(unit);
        self.checked.has_begun = true;
        let before = self.rows().await?;
        let written = self.interrupt(&before, async |unit| table.begin(unit).await).await?;
        self.checked.committed.failures += 3 + written.len();
        let mut unit = self.store.begin().await?;
        table.begin(&mut unit).await.context("tried again")?;
        Ok(unit.commit().await?)
    }

    /// Takes a step, which must be answered as in memory.
    async fn take(&self, step: &Step<FactOf<T>>, in_memory: &Answer) -> anyhow::Result<()> {
        let answer = self.answer(step, step.at).await?;
        ensure!(answer == *in_memory, "on rows it {answer}; in memory it {in_memory}");
        Ok(())
    }

    /// Interrupts a step everywhere, takes it, and repeats it.
    async fn take_with_care(&mut self, step: &Step<FactOf<T>>, in_memory: &Answer) -> anyhow::Result<()> {
        let before = self.rows().await?;
        let mut written = BTreeSet::new();
        if in_memory.took_effect() {
            self.clock.set(START + step.at);
            let facts = [caused(step)];
            let mut unit = self.store.begin().await?;
            self.participant.load(unit.tx(), &facts).await?;
            drop(unit);
            self.check_untouched(&before, &Point::AfterTheLoad).await?;
            written = self.interrupt(&before, async |unit| self.take_effect(unit, &facts, in_memory).await).await?;
            self.checked.committed.failures += 4 + written.len();
        }
        self.take(step, in_memory).await?;
        let after = self.rows().await?;
        // Whatever it changes was made to fail before; a step without effect was not, and so must change nothing.
        let changed = after.changed_since(&before);
        let unharmed: Vec<_> = changed.iter().filter(|table| !written.contains(**table)).collect();
        ensure!(unharmed.is_empty(), "it changes {unharmed:?}, and no write of those was made to fail");
        let again = self.answer(step, step.at + LATE).await.context("a second time")?;
        let repeated = self.rows().await?;
        ensure!(!again.took_effect(), "a second time it {again}");
        ensure!(repeated == after, "a second time it changes rows:{}", repeated.difference(&after));
        self.checked.committed.steps += 1;
        Ok(())
    }

    /// Lets a transaction fail at every point in turn, and finds every row as it was. Answers the tables whose write was
    /// made to fail.
    async fn interrupt(
        &self,
        before: &Rows,
        mut act: impl AsyncFnMut(&mut UnitOfWork) -> anyhow::Result<()>,
    ) -> anyhow::Result<BTreeSet<String>> {
        let mut unit = self.store.begin().await?;
        act(&mut unit).await.with_context(|| Point::AfterTheSave)?;
        let tables = faults::tables_of_a_commit(unit.tx()).await?;
        drop(unit);
        self.check_untouched(before, &Point::AfterTheSave).await?;

        let mut unit = self.store.begin().await?;
        act(&mut unit).await.with_context(|| Point::BeforeTheCommit)?;
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(unit.tx()).await?;
        faults::cut(&self.pool, backend).await?;
        ensure!(unit.commit().await.is_err(), "it commits on a connection that is lost");
        self.check_untouched(before, &Point::BeforeTheCommit).await?;

        let mut written = BTreeSet::new();
        for table in tables {
            let error = self.fail(Some(&table), &mut act).await?;
            if faults::is_injected(&error, Some(&table)) {
                self.check_untouched(before, &Point::WriteOf(table.clone())).await?;
                written.insert(table);
            }
        }
        self.fail(None, &mut act).await?;
        self.check_untouched(before, &Point::Commit).await?;
        Ok(written)
    }

    /// Runs a transaction that cannot commit, and answers why it did not.
    async fn fail(
        &self,
        table: Option<&str>,
        mut act: impl AsyncFnMut(&mut UnitOfWork) -> anyhow::Result<()>,
    ) -> anyhow::Result<anyhow::Error> {
        faults::arm(&self.pool, table).await?;
        let attempt = async {
            let mut unit = self.store.begin().await?;
            act(&mut unit).await?;
            anyhow::Ok(unit.commit().await?)
        };
        let outcome = attempt.await;
        faults::disarm(&self.pool).await?;
        match outcome {
            Err(error) if faults::is_injected(&error, None) => Ok(error),
            Err(error) => Err(error.context("tried again, it fails otherwise than was injected")),
            Ok(()) => bail!(
                "it was made to fail at the write of {}, or else at its commit, and is committed: it swallows the failure, \
                 or writes nothing",
                table.unwrap_or("nothing")
            ),
        }
    }

    async fn check_untouched(&self, before: &Rows, point: &Point) -> anyhow::Result<()> {
        let after = self.rows().await?;
        ensure!(after == *before, "{point}, it leaves a trace:{}", after.difference(before));
        Ok(())
    }

    /// Everything that took effect, once more, at the very end.
    async fn repeat(&self, journey: &Journey<FactOf<T>>, moves: &[Move]) -> anyhow::Result<()> {
        let before = self.rows().await?;
        for Move { place, answer, .. } in moves {
            if answer.took_effect() {
                let step = journey.step(*place);
                let again = self.answer(step, step.at + LATE).await?;
                ensure!(!again.took_effect(), "{}: {} again {again}", trail(journey, moves), step.name);
            }
        }
        let after = self.rows().await?;
        ensure!(after == before, "{}, all of it again: {}", trail(journey, moves), after.difference(&before));
        Ok(())
    }

    /// Takes a whole way in one transaction, each fact twice, if all of it can happen at one instant.
    async fn play_in_one_batch(&mut self, run: &Run) -> anyhow::Result<()> {
        let mut table = T::about_a_new_order(START);
        self.begin(&mut table).await?;
        let journeys = table.journeys();
        let journey = &journeys[run.journey];
        let steps: Vec<_> = run.moves.iter().map(|each| journey.step(each.place)).collect();
        if steps.is_empty() || steps.iter().any(|step| !step.at.is_zero()) {
            return Ok(());
        }
        let slate = self.slate().await?;
        let facts: Vec<_> = steps.iter().flat_map(|step| [caused(step), caused(step)]).collect();
        let place = || format!("{}, in one batch with each fact twice", trail(journey, &run.moves));
        let (outcomes, told) = self.react(&facts, Duration::ZERO).await.with_context(place)?;
        let mut expected = Vec::new();
        for ((Move { answer, .. }, step), outcomes) in run.moves.iter().zip(&steps).zip(outcomes.chunks(2)) {
            expected.extend(answer.told().iter().cloned());
            let [first, second] = outcomes else { unreachable!("each fact was given twice") };
            let first = answer_of(first, answer.told().to_vec());
            ensure!(first == *answer, "{}: {} {first}; in memory it {answer}", place(), step.name);
            ensure!(!matches!(second, Outcome::Applied), "{}: {} takes effect twice", place(), step.name);
        }
        ensure!(told == expected, "{}: {told:?} is told, and in memory {expected:?}", place());
        if run.undone_after.is_some() {
            self.check_slate(&slate).await.with_context(place)?;
        }
        self.checked.committed.batches += 1;
        Ok(())
    }

    /// Brings one fact, and answers what became of it.
    async fn answer(&self, step: &Step<FactOf<T>>, at: Duration) -> anyhow::Result<Answer> {
        let (outcomes, told) = self.react(&[caused(step)], at).await?;
        let outcome = outcomes.first().context("a fact was brought, and nothing answered")?;
        let answer = answer_of(outcome, told.clone());
        ensure!(answer.took_effect() || told.is_empty(), "it {answer}, and yet tells {told:?}");
        Ok(answer)
    }

    /// A batch in a transaction of its own: what became of each fact, and the events that wait in the outbox for it.
    async fn react(
        &self,
        facts: &[Caused<FactOf<T>>],
        at: Duration,
    ) -> anyhow::Result<(Vec<Outcome<<T::Participant as Participant>::Refusal>>, Vec<String>)> {
        self.clock.set(START + at);
        let last: i64 = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM outbox").fetch_one(&self.pool).await?;
        let mut unit = self.store.begin().await?;
        let outcomes = react(&self.participant, &mut unit, facts).await?;
        unit.commit().await?;
        let told: Vec<String> = sqlx::query_scalar(
            "SELECT j.event_type FROM outbox o JOIN journal j USING (aggregate_id, version) WHERE o.id > $1 ORDER BY o.id",
        )
        .bind(last)
        .fetch_all(&self.pool)
        .await?;
        Ok((outcomes, told.iter().map(|event_type| short_name(event_type)).collect()))
    }

    /// Brings one fact in a transaction that somebody else ends; it must take effect.
    async fn take_effect(
        &self,
        unit: &mut UnitOfWork,
        facts: &[Caused<FactOf<T>>],
        in_memory: &Answer,
    ) -> anyhow::Result<()> {
        for outcome in react(&self.participant, unit, facts).await? {
            let answer = answer_of(&outcome, Vec::new());
            ensure!(answer.took_effect(), "on rows it {answer}; in memory it {in_memory}");
        }
        Ok(())
    }

    async fn rows(&self) -> anyhow::Result<Rows> {
        Ok(Rows::read(&mut *self.pool.acquire().await?).await?)
    }

    /// The answers of the table's queries.
    async fn slate(&self) -> anyhow::Result<Vec<Vec<String>>> {
        let mut slate = Vec::new();
        for query in T::SLATE {
            let query = format!("SELECT to_jsonb(t)::text FROM ({query}) t ORDER BY 1");
            slate.push(sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(&self.pool).await?);
        }
        Ok(slate)
    }

    async fn check_slate(&self, before: &[Vec<String>]) -> anyhow::Result<()> {
        for ((query, was), is) in T::SLATE.iter().zip(before).zip(self.slate().await?) {
            ensure!(is == *was, "the slate is not clean: {query}\n  answers {is:?}\n  and did    {was:?}");
        }
        Ok(())
    }
}

/// What became of a fact, with the events that it told if it took effect.
fn answer_of<Refusal>(outcome: &Outcome<Refusal>, told: Vec<String>) -> Answer {
    match outcome {
        Outcome::Applied => Answer::Tells(told),
        Outcome::AlreadyApplied => Answer::Known,
        Outcome::Ignored(_) => Answer::Ignored,
        Outcome::Refused(_) => Answer::Refused,
    }
}

fn caused<Fact: Clone>(step: &Step<Fact>) -> Caused<Fact> {
    Caused { fact: step.fact.clone(), cause: Cause::command("service:test") }
}
