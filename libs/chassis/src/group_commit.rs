//! Group commit: commands that wait at the same moment share a transaction, and each gets its own answer.
//!
//! A commit costs the same for one command as for fifty. Under load the commands of a kind that queue up while a transaction is
//! under way are carried out in the next one; at rest a command finds the queue empty and is carried out alone, at once. Each
//! takes effect once under its [`Key`], as with [`Key::run`].

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use kernel::Classified;
use messaging::{EventStore, UnitOfWork};
use prost::Message;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::idempotency::{self, CommandError, Key, KeyError};

/// Commands in one transaction, at most.
const BATCH_MAX: usize = 128;
/// Commands that wait, at most; the next one's caller waits for a place, and its deadline goes on.
const WAITING_MAX: usize = 1024;
/// How often a transaction that fails for a passing reason is tried. A caller that is told of it may try again as well.
const ATTEMPTS_MAX: usize = 3;

/// Carries out commands of one kind.
pub trait Handler: Send + Sync + 'static {
    /// What is asked for.
    type Command: Send + Sync + 'static;
    /// What is answered.
    type Answer: Message + Default + 'static;
    /// Why a command is refused.
    type Error: Send + 'static;

    /// Carries out the commands in a unit of work that is committed afterwards, and answers each, in their order. One that is
    /// refused changes nothing. An error is that of all of them: nothing was done.
    fn handle(
        &self,
        unit: &mut UnitOfWork,
        commands: &[&Self::Command],
    ) -> impl Future<Output = Result<Answers<Self::Answer, Self::Error>, messaging::Error>> + Send;
}

/// What becomes of each of several commands.
pub type Answers<A, E> = Vec<Result<A, E>>;

/// Where commands are handed in.
pub struct GroupCommit<H: Handler>(mpsc::Sender<Waiting<H>>);

impl<H: Handler> Clone for GroupCommit<H> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<H: Handler> std::fmt::Debug for GroupCommit<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupCommit").field("places", &self.0.capacity()).finish()
    }
}

/// The task that carries them out.
pub struct Committer<H: Handler> {
    store: EventStore,
    handler: H,
    waiting: mpsc::Receiver<Waiting<H>>,
}

struct Waiting<H: Handler> {
    key: Key,
    command: H::Command,
    answer: oneshot::Sender<Answer<H>>,
}

type Answer<H> = Result<<H as Handler>::Answer, CommandError<<H as Handler>::Error>>;

/// Group commit of what `handler` carries out in `store`.
pub fn group_commit<H: Handler>(store: EventStore, handler: H) -> (GroupCommit<H>, Committer<H>) {
    let (sender, waiting) = mpsc::channel(WAITING_MAX);
    (GroupCommit(sender), Committer { store, handler, waiting })
}

impl<H: Handler> GroupCommit<H> {
    /// Has a command carried out, once under its key, and waits for its answer.
    ///
    /// # Errors
    /// What the handler refuses, and [`KeyError`]. Either way nothing was done.
    pub async fn run(&self, key: Key, command: H::Command) -> Answer<H> {
        let (answer, answered) = oneshot::channel();
        let handed_in = self.0.send(Waiting { key, command, answer }).await;
        handed_in.map_err(|_| KeyError::Stopping)?;
        answered.await.map_err(|_| KeyError::Stopping)?
    }
}

impl<H: Handler> Committer<H> {
    /// Runs until `stop`, and until what waits by then is answered.
    ///
    /// # Errors
    /// None: what fails is told to whoever asked for it.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), Infallible> {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        loop {
            tokio::select! {
                taken = self.waiting.recv_many(&mut batch, BATCH_MAX) => if taken == 0 { return Ok(()) },
                () = stop.cancelled(), if !self.waiting.is_closed() => self.waiting.close(),
            }
            // Whoever gave up waiting may ask again, and be answered then.
            batch.retain(|waiting| !waiting.answer.is_closed());
            while !batch.is_empty() {
                let repeated = repeated(&mut batch);
                self.answer(std::mem::replace(&mut batch, repeated)).await;
            }
        }
    }

    /// Carries commands out in one transaction; one by one if it fails for a reason that lies in one of them.
    async fn answer(&self, batch: Vec<Waiting<H>>) {
        match self.try_often(&batch).await {
            Ok(answers) => give(batch, answers),
            Err(error) if error.kind().is_transient() || batch.len() == 1 => give_all(batch, error),
            Err(error) => {
                tracing::warn!(commands = batch.len(), %error, "commands fail together; trying each");
                for waiting in batch {
                    let alone = vec![waiting];
                    match self.try_often(&alone).await {
                        Ok(answers) => give(alone, answers),
                        Err(error) => give_all(alone, error),
                    }
                }
            }
        }
    }

    async fn try_often(&self, batch: &[Waiting<H>]) -> Result<Vec<Answer<H>>, messaging::Error> {
        let mut attempt = 1;
        loop {
            match self.attempt(batch).await {
                Err(error) if error.kind().is_transient() && attempt < ATTEMPTS_MAX => {
                    tracing::debug!(commands = batch.len(), attempt, %error, "commands failed for now; trying again");
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn attempt(&self, batch: &[Waiting<H>]) -> Result<Vec<Answer<H>>, messaging::Error> {
        let mut unit = self.store.begin().await?;
        let keys: Vec<&Key> = batch.iter().map(|waiting| &waiting.key).collect();
        let mut stored = idempotency::stored_answers(unit.tx(), &keys).await?;
        let fresh: Vec<&Waiting<H>> =
            batch.iter().zip(&stored).filter(|(_, stored)| stored.is_none()).map(|(waiting, _)| waiting).collect();
        let commands: Vec<&H::Command> = fresh.iter().map(|waiting| &waiting.command).collect();
        let handled = if commands.is_empty() { Vec::new() } else { self.handler.handle(&mut unit, &commands).await? };
        let done: Vec<(&Key, Vec<u8>)> = fresh
            .iter()
            .zip(&handled)
            .filter_map(|(waiting, handled)| Some((&waiting.key, handled.as_ref().ok()?.encode_to_vec())))
            .collect();
        idempotency::store_answers(&mut unit, &done).await?;
        unit.commit().await?;
        let mut handled = handled.into_iter();
        let answer = |stored: Option<idempotency::Stored>| match stored {
            Some(stored) => stored.answer().map_err(CommandError::Key),
            None => handled.next().expect("a handler answers every command").map_err(CommandError::Command),
        };
        Ok(stored.drain(..).map(answer).collect())
    }
}

/// Takes out those that have the same key as one before them: they find its answer when that is committed.
fn repeated<H: Handler>(batch: &mut Vec<Waiting<H>>) -> Vec<Waiting<H>> {
    let mut keys = HashSet::with_capacity(batch.len());
    batch.extract_if(.., |waiting| !keys.insert(waiting.key.name())).collect()
}

fn give<H: Handler>(batch: Vec<Waiting<H>>, answers: Vec<Answer<H>>) {
    for (waiting, answer) in batch.into_iter().zip(answers) {
        // Whoever gave up waiting finds the answer when asking again.
        let _ = waiting.answer.send(answer);
    }
}

fn give_all<H: Handler>(batch: Vec<Waiting<H>>, error: messaging::Error) {
    let error = Arc::new(error);
    let answers = batch.iter().map(|_| Err(CommandError::Key(KeyError::Together(error.clone())))).collect();
    give(batch, answers);
}
