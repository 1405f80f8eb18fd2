//! Carries out what was committed as to be asked of the provider, and brings the answers back as facts.
//!
//! An operation is claimed, called for outside any transaction, and its outcome is committed with the events and postings that
//! follow. No answer is no outcome: the operation is asked for again by its key, after a while, for as long as it takes. A crash
//! at any point repeats the call under the same key, and a second outcome finds that there was one.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use kernel::{Classified as _, CrashPoint};
use messaging::{Caused, Error, EventStore, react};
use rand::RngExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::adapters::postgres::operation::{self, Claim, Claimed};
use crate::adapters::providers::{NoAnswer, Provider};
use crate::domain::{Fact, OperationKey, OperationKind, Outcome};
use crate::{Heard, Payments, Work};

/// Calls under way at once.
const CALLS_MAX: usize = 128;
/// How often what is due is looked for unasked: what another replica left, what a lost wake-up missed.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Pauses before an operation without an answer is asked for again: they double from 100 ms to 5 s, less up to a half.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Every so many attempts without an answer an operator is told.
const ATTEMPTS_ALARMING: i32 = 10;

/// Asks the provider.
#[derive(Debug)]
pub struct Asker<P> {
    desk: Desk<P>,
    /// Operations that are claimed already.
    handed_over: mpsc::Receiver<Claimed>,
}

/// Where operations are taken from, and their answers brought back to.
#[derive(Debug)]
struct Desk<P> {
    store: EventStore,
    payments: Arc<Payments>,
    provider: Arc<P>,
    claim: Claim,
}

/// What a call came back with.
pub type Returned = (Claimed, Result<Outcome, NoAnswer>);

impl<P: Provider> Asker<P> {
    /// Asks `provider` for what `payments` have to be asked.
    pub fn new(store: EventStore, payments: Arc<Payments>, provider: Arc<P>, work: Work) -> Self {
        let Work { claim, handed_over } = work;
        Self { desk: Desk { store, payments, provider, claim }, handed_over }
    }

    /// Runs until `stop`; then waits for the calls under way and commits what they answer.
    ///
    /// # Errors
    /// None: what fails is tried again.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        let Self { desk, mut handed_over } = self;
        desk.reclaim().await;
        let mut calls = Calls::default();
        // One commit at a time. What comes back meanwhile shares the next one.
        let mut commit = FuturesUnordered::new();
        let mut next_look = Instant::now();
        while !stop.is_cancelled() {
            let has_room = calls.len() < CALLS_MAX;
            tokio::select! {
                () = stop.cancelled() => break,
                Some(claimed) = handed_over.recv(), if has_room => calls.begin(&desk.provider, claimed),
                () = desk.payments.asked().notified(), if has_room => next_look = Instant::now(),
                () = sleep_until(next_look), if has_room => {
                    desk.look_at_table(&mut calls).await;
                    next_look = if calls.len() < CALLS_MAX { Instant::now() + SWEEP_EVERY } else { Instant::now() };
                }
                Some(returned) = calls.returned(), if commit.is_empty() => commit.push(desk.commit(returned, &stop)),
                Some(pause) = commit.next() => {
                    next_look = pause.map_or(next_look, |pause| next_look.min(Instant::now() + pause));
                }
            }
        }
        // What was handed over is claimed: nobody else would ask for it before the claim runs out.
        handed_over.close();
        while let Some(claimed) = handed_over.recv().await {
            calls.begin(&desk.provider, claimed);
        }
        while commit.next().await.is_some() {}
        while let Some(returned) = calls.returned().await {
            desk.commit(returned, &stop).await;
        }
        Ok(())
    }
}

impl<P: Provider> Desk<P> {
    /// What this replica was about to ask when it ended is asked again now, not when its claims have run out.
    async fn reclaim(&self) {
        match operation::reclaim(self.store.pool(), &self.claim.replica).await {
            Ok(0) => {}
            Ok(operations) => tracing::info!(operations, "taking up what was under way when this replica ended"),
            Err(error) => {
                tracing::warn!(%error, "cannot take up what was under way; it is due when its claims run out");
            }
        }
    }

    /// Claims what is due, as far as there is room, and begins to call.
    async fn look_at_table(&self, calls: &mut Calls) {
        let room = CALLS_MAX - calls.len();
        match operation::claim(self.store.pool(), &self.claim, &calls.keys, room).await {
            Ok(claimed) => claimed.into_iter().for_each(|claimed| calls.begin(&self.provider, claimed)),
            Err(error) => tracing::warn!(%error, "cannot look for what is to be asked of the provider; trying again"),
        }
    }

    /// Commits what calls came back with, trying again for as long as it fails for passing reasons. Answers after how long
    /// there is something to look for again, if there is. What is left uncommitted by a stop is asked for again by its key.
    async fn commit(&self, returned: Vec<Returned>, stop: &CancellationToken) -> Option<Duration> {
        CrashPoint::AfterAnswerBeforeCommit.pass();
        for (claimed, answer) in &returned {
            if let Err(no_answer) = answer {
                tell_unknown(claimed, no_answer);
            }
        }
        let mut pause_max = PAUSE_MIN;
        loop {
            match self.try_commit(&returned).await {
                Ok(pause) => return pause,
                Err(error) if !error.kind().is_transient() => return self.commit_one_by_one(&returned, &error).await,
                Err(error) => {
                    tracing::warn!(operations = returned.len(), %error, "answers are not committed yet; trying again");
                }
            }
            if stop.is_cancelled() {
                return None;
            }
            let pause = rand::rng().random_range(Duration::ZERO..=pause_max);
            let _ = timeout(pause, stop.cancelled()).await;
            pause_max = (pause_max * 2).min(PAUSE_MAX);
        }
    }

    /// One answer at fault must not hold up the others. What fails alone stays pending and is asked for again.
    async fn commit_one_by_one(&self, returned: &[Returned], error: &Error) -> Option<Duration> {
        tracing::warn!(operations = returned.len(), %error, "answers cannot be committed together; trying each");
        let mut pause: Option<Duration> = None;
        for each in returned {
            match self.try_commit(std::slice::from_ref(each)).await {
                Ok(next) => pause = pause.into_iter().chain(next).min(),
                Err(error) => {
                    let key = each.0.operation.key;
                    tracing::error!(%key, %error, "an answer of the provider cannot be committed");
                }
            }
        }
        pause
    }

    /// Brings the outcomes as facts, and gives back what is still unknown, in one transaction.
    async fn try_commit(&self, returned: &[Returned]) -> Result<Option<Duration>, Error> {
        let mut facts = Vec::new();
        let mut unknown = Vec::new();
        for (claimed, answer) in returned {
            match answer {
                Ok(outcome) => {
                    let (key, attempt) = (claimed.operation.key, claimed.attempt);
                    let fact = Fact::ProviderAnswered { key, attempt, outcome: outcome.clone() };
                    let cause = claimed.cause.clone();
                    facts.push(Caused { fact: Heard { fact, cause: cause.clone() }, cause });
                }
                Err(_) => unknown.push((claimed, pause_after(claimed.attempt))),
            }
        }
        let mut unit = self.store.begin().await?;
        let outcomes = react(self.payments.as_ref(), &mut unit, &facts).await?;
        operation::postpone(unit.tx(), &unknown).await?;
        unit.commit().await?;
        for (caused, outcome) in facts.iter().zip(outcomes) {
            tell_answered(&caused.fact.fact, outcome);
        }
        Ok(unknown.iter().map(|(_, pause)| *pause).min())
    }
}

/// The calls under way.
#[derive(Debug, Default)]
struct Calls {
    tasks: JoinSet<Returned>,
    keys: BTreeSet<OperationKey>,
}

impl Calls {
    fn len(&self) -> usize {
        self.tasks.len()
    }

    fn begin<P: Provider>(&mut self, provider: &Arc<P>, claimed: Claimed) {
        self.keys.insert(claimed.operation.key);
        self.tasks.spawn(call(Arc::clone(provider), claimed));
    }

    /// Waits for a call to come back, and takes all that have by then. None when no call is under way.
    async fn returned(&mut self) -> Option<Vec<Returned>> {
        let first = self.tasks.join_next().await?;
        let others = std::iter::from_fn(|| self.tasks.try_join_next());
        let returned: Vec<_> = std::iter::once(first).chain(others).flatten().collect();
        for (claimed, _) in &returned {
            self.keys.remove(&claimed.operation.key);
        }
        Some(returned)
    }
}

/// The first attempt asks for the operation. Any later one first asks what became of it: it may have been done.
pub async fn call<P: Provider>(provider: Arc<P>, claimed: Claimed) -> Returned {
    let key = claimed.operation.key.at_attempt(claimed.attempt);
    let attempt = async {
        if claimed.attempt > 1
            && let Some(outcome) = provider.find(&key).await?
        {
            return Ok(outcome);
        }
        provider.perform(&key, &claimed.operation, claimed.card_token.as_ref()).await
    };
    let answer = AssertUnwindSafe(attempt).catch_unwind().await;
    let answer = answer.unwrap_or_else(|_| Err(NoAnswer("the call panicked".to_owned())));
    (claimed, answer)
}

fn pause_after(attempt: i32) -> Duration {
    let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(16);
    let pause = (PAUSE_MIN * 2_u32.pow(doublings)).min(PAUSE_MAX);
    rand::rng().random_range(pause / 2..=pause)
}

fn tell_unknown(claimed: &Claimed, no_answer: &NoAnswer) {
    let (key, attempt) = (claimed.operation.key, claimed.attempt);
    if attempt % ATTEMPTS_ALARMING == 0 {
        tracing::error!(%key, attempt, error = %no_answer, "the provider does not say what became of an operation");
    } else {
        tracing::warn!(%key, attempt, error = %no_answer, "outcome unknown; asking again");
    }
}

fn tell_answered(fact: &Fact, outcome: messaging::Outcome<crate::domain::Refusal>) {
    let Fact::ProviderAnswered { key, outcome: answer, .. } = fact else { return };
    match (outcome, answer) {
        (messaging::Outcome::Refused(refusal), _) => tracing::error!(%key, %refusal, "an answer makes no sense"),
        (messaging::Outcome::Applied, Outcome::Declined(reason)) if key.kind == OperationKind::Void => {
            tracing::error!(%key, reason, "the provider refuses to give back: settle it by hand");
        }
        (messaging::Outcome::Applied, Outcome::Declined(reason)) if key.kind == OperationKind::Refund => {
            tracing::error!(%key, reason, "the provider refuses a refund: have it asked again with RetryRefund");
        }
        (messaging::Outcome::Applied | messaging::Outcome::AlreadyApplied | messaging::Outcome::Ignored(_), _) => {
            tracing::debug!(%key, ?answer, "the provider answered");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use kernel::{Currency, Money};
    use messaging::Cause;

    use super::*;
    use crate::domain::{CardToken, Operation, OrderId};

    /// A provider that knows, or does not know, what became of an operation, and remembers what it was asked.
    struct Scripted {
        known: Result<Option<Outcome>, NoAnswer>,
        asked: Mutex<Vec<&'static str>>,
    }

    impl Provider for Scripted {
        async fn perform(&self, _: &str, _: &Operation, _: Option<&CardToken>) -> Result<Outcome, NoAnswer> {
            self.asked.lock().unwrap().push("perform");
            Ok(Outcome::Succeeded)
        }

        async fn find(&self, _: &str) -> Result<Option<Outcome>, NoAnswer> {
            self.asked.lock().unwrap().push("find");
            self.known.clone()
        }
    }

    async fn asked(attempt: i32, known: Result<Option<Outcome>, NoAnswer>) -> Vec<&'static str> {
        let provider = Arc::new(Scripted { known, asked: Mutex::default() });
        let key = OperationKey::new(OrderId::generate(), OperationKind::Capture);
        let amount = Money::from_minor(1, Currency::EUR);
        let operation = Operation { key, amount, charged_order_id: key.order_id };
        let claimed = Claimed { operation, card_token: None, attempt, cause: Cause::command("service:test") };
        let _ = call(Arc::clone(&provider), claimed).await;
        provider.asked.lock().unwrap().clone()
    }

    #[tokio::test]
    async fn only_the_first_attempt_asks_without_asking_what_became_of_it() {
        assert_eq!(asked(1, Ok(None)).await, ["perform"]);
        assert_eq!(asked(2, Ok(None)).await, ["find", "perform"]);
        assert_eq!(asked(2, Ok(Some(Outcome::Succeeded))).await, ["find"]);
    }

    #[tokio::test]
    async fn while_it_is_unknown_what_became_of_an_operation_it_is_not_asked_for_again() {
        assert_eq!(asked(2, Err(NoAnswer("processing".to_owned()))).await, ["find"]);
    }

    #[test]
    fn pauses_grow_to_five_seconds_and_no_further() {
        for (attempt, pause_max) in [(1, 100), (2, 200), (6, 3_200), (7, 5_000), (1_000_000, 5_000)] {
            let pause = pause_after(attempt);
            let pause_max = Duration::from_millis(pause_max);
            assert!((pause_max / 2..=pause_max).contains(&pause), "{attempt}: {pause:?}");
        }
    }
}
