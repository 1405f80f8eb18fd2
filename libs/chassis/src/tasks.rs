//! What a process runs: tasks, until one of them ends or a signal comes; then the drain.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use futures::future::select_all;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// The tasks of a process, such as its relay, its consumers, its jobs and its gRPC server.
///
/// They are stopped one after the other, the last first, as values are dropped: spawn the relay first and the server last,
/// and requests in flight are answered before the relay that publishes their events stops.
#[derive(Debug)]
pub struct Tasks {
    drain_timeout: Duration,
    tasks: Vec<Task>,
}

#[derive(Debug)]
struct Task {
    name: String,
    stop: CancellationToken,
    handle: JoinHandle<anyhow::Result<()>>,
}

impl Tasks {
    /// No task yet. When they are stopped they have `drain_timeout` together; what runs on is cut off.
    pub fn new(drain_timeout: Duration) -> Self {
        Self { drain_timeout, tasks: Vec::new() }
    }

    /// Starts a task. It runs until it fails, or until the token that it is given is cancelled.
    pub fn spawn<F, E>(&mut self, name: impl Into<String>, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<anyhow::Error>,
    {
        let stop = CancellationToken::new();
        let work = task(stop.clone());
        let handle = tokio::spawn(async move { work.await.map_err(Into::into) });
        self.tasks.push(Task { name: name.into(), stop, handle });
    }

    /// Runs until SIGTERM, Ctrl-C, or the first task ends; then stops the others. A second signal cuts them off.
    ///
    /// # Errors
    /// A task failed, panicked, or ended although nothing told it to; its name is in the error.
    pub async fn run(self) -> anyhow::Result<()> {
        let signals = Signals::new().context("cannot listen for signals")?;
        self.run_until(signals).await
    }

    async fn run_until(mut self, mut signals: Signals) -> anyhow::Result<()> {
        let outcome = tokio::select! {
            name = signals.next() => {
                tracing::info!(signal = name, drain_timeout = ?self.drain_timeout, "told to stop, draining");
                Ok(())
            }
            ended = self.first_to_end() => Err(ended),
        };
        if let Err(error) = &outcome {
            tracing::error!(error = format!("{error:#}"), "a task ended, draining the others");
        }
        let deadline = Instant::now() + self.drain_timeout;
        tokio::select! {
            () = self.drain(deadline) => {}
            _ = signals.next() => tracing::warn!("told to stop again, cutting off what runs on"),
        }
        outcome
    }

    /// Waits for a task to end, which none should, and answers why it did.
    async fn first_to_end(&mut self) -> anyhow::Error {
        if self.tasks.is_empty() {
            std::future::pending::<()>().await;
        }
        let (result, index, _) = select_all(self.tasks.iter_mut().map(|task| &mut task.handle)).await;
        let name = self.tasks.remove(index).name;
        match flatten(result) {
            Ok(()) => anyhow!("{name} ended although nothing told it to"),
            Err(error) => error.context(format!("{name} failed")),
        }
    }

    async fn drain(&mut self, deadline: Instant) {
        while let Some(Task { name, stop, mut handle }) = self.tasks.pop() {
            stop.cancel();
            match timeout_at(deadline, &mut handle).await.map(flatten) {
                Ok(Ok(())) => tracing::debug!(task = name, "stopped"),
                Ok(Err(error)) => tracing::warn!(task = name, error = format!("{error:#}"), "failed while stopping"),
                Err(_) => {
                    tracing::warn!(task = name, "not done in time, cut off");
                    handle.abort();
                }
            }
        }
    }
}

/// A panic has been printed where it happened.
fn flatten(result: Result<anyhow::Result<()>, JoinError>) -> anyhow::Result<()> {
    result.map_err(|error| anyhow!("task panicked: {error}"))?
}

/// The signals that ask a process to end.
#[derive(Debug)]
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    async fn until_told(stop: CancellationToken) -> anyhow::Result<()> {
        stop.cancelled().await;
        Ok(())
    }

    #[tokio::test]
    async fn a_task_that_fails_brings_the_process_down_under_its_name() {
        let mut tasks = Tasks::new(PATIENCE);
        tasks.spawn("relay", until_told);
        tasks.spawn("consumer", |_| async { Err(anyhow!("the broker is gone")) });
        let error = format!("{:#}", tasks.run().await.unwrap_err());
        assert_eq!(error, "consumer failed: the broker is gone");
    }

    #[tokio::test]
    async fn a_task_that_panics_or_ends_by_itself_brings_the_process_down() {
        let mut tasks = Tasks::new(PATIENCE);
        tasks.spawn("relay", |_| async { anyhow::Ok(()) });
        assert_eq!(tasks.run().await.unwrap_err().to_string(), "relay ended although nothing told it to");

        let mut tasks = Tasks::new(PATIENCE);
        tasks.spawn("relay", |_| async {
            assert!(std::env::args().next().is_none(), "on purpose");
            anyhow::Ok(())
        });
        assert_eq!(tasks.run().await.unwrap_err().to_string(), "relay failed");
    }

    #[tokio::test]
    async fn tasks_stop_one_after_the_other_the_last_first() {
        let mut tasks = Tasks::new(PATIENCE);
        let stopped = Arc::new(Mutex::new(Vec::new()));
        for name in ["relay", "consumer", "grpc"] {
            let stopped = Arc::clone(&stopped);
            tasks.spawn(name, async move |stop: CancellationToken| {
                until_told(stop).await?;
                stopped.lock().unwrap().push(name);
                anyhow::Ok(())
            });
        }
        tasks.drain(Instant::now() + PATIENCE).await;
        assert_eq!(*stopped.lock().unwrap(), ["grpc", "consumer", "relay"]);
    }

    #[tokio::test]
    async fn what_runs_on_past_the_drain_timeout_is_cut_off() {
        let mut tasks = Tasks::new(Duration::from_millis(50));
        tasks.spawn("stubborn", |_| std::future::pending::<anyhow::Result<()>>());
        tasks.spawn("failing", |_| async { Err(anyhow!("enough")) });
        let ended = tokio::time::timeout(PATIENCE, tasks.run()).await.expect("it is cut off");
        assert_eq!(format!("{:#}", ended.unwrap_err()), "failing failed: enough");
    }
}
