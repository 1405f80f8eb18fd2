//! Subcommands for the events that the broker refuses.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::ensure;
use clap::Subcommand;
use messaging::EventStore;
use messaging::outbox::{self, RefusedEvent};
use serde_json::{Value, json};

/// What to do about events that the broker refuses. They are named by the numbers that `list` shows.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
#[command(after_help = "\
An event that the broker refuses ten times for its own sake, for instance because it is larger than the topic allows, is held \
back, and the later ones of its aggregate behind it. Mend what makes the broker refuse it, then release it. It cannot be \
skipped: its aggregate's history would have a hole.")]
pub enum OutboxOperation {
    /// Lists the events that the broker refused and has not taken since, oldest first; at most 1,000
    List {
        /// Prints a JSON object a line, and nothing else
        #[arg(long)]
        json: bool,
    },
    /// Lets held-back events go: the service that serves tries them again within seconds, ten times as before
    Release {
        /// Numbers of the events
        #[arg(value_name = "NUMBER", required_unless_present = "all")]
        ids: Vec<i64>,
        /// Every event that is held back
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
}

/// Carries out an operation on a service's outbox.
///
/// # Errors
/// An event of those numbers is not held back, or the database does not answer.
pub async fn operate(operation: OutboxOperation, store: &EventStore) -> anyhow::Result<()> {
    let text = match operation {
        OutboxOperation::List { json: true } => {
            outbox::refused(store).await?.iter().map(|event| as_json(event).to_string() + "\n").collect()
        }
        OutboxOperation::List { json: false } => list(store).await?,
        OutboxOperation::Release { ids, all } => release(store, if all { None } else { Some(&ids) }).await?,
    };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

async fn list(store: &EventStore) -> anyhow::Result<String> {
    let mut text: String = outbox::refused(store).await?.iter().map(entry).collect();
    let (waiting, oldest) = outbox::waiting(store).await?;
    let since = oldest.map(|oldest| format!(", the oldest since {oldest}")).unwrap_or_default();
    writeln!(text, "events that wait for the broker: {waiting}{since}").expect("writing to a String does not fail");
    Ok(text)
}

fn entry(event: &RefusedEvent) -> String {
    let RefusedEvent { id, event_type, aggregate_id, version, payload_bytes, error, attempts, followers, .. } = event;
    let state = match event.held_back_at {
        Some(at) => format!("held back {at} after {attempts} tries; {followers} wait behind it"),
        None => format!("the relay tries on; {followers} wait behind it"),
    };
    format!(
        "{id:<6}{event_type} of {aggregate_id}, version {version}, {payload_bytes} bytes\n      {error}\n      {state}\n"
    )
}

fn as_json(event: &RefusedEvent) -> Value {
    json!({
        "id": event.id,
        "type": event.event_type,
        "aggregate_id": event.aggregate_id,
        "aggregate_version": event.version,
        "payload_bytes": event.payload_bytes,
        "error": event.error,
        "attempts": event.attempts,
        "held_back_at": event.held_back_at,
        "followers": event.followers,
    })
}

async fn release(store: &EventStore, ids: Option<&[i64]>) -> anyhow::Result<String> {
    let released = outbox::release(store, ids).await?;
    let service = store.service();
    let unknown: Vec<_> = ids.unwrap_or_default().iter().filter(|id| !released.contains(id)).collect();
    ensure!(unknown.is_empty(), "released: {released:?}; not held back: {unknown:?}; see `{service} outbox list`");
    if released.is_empty() {
        return Ok("no event is held back\n".to_owned());
    }
    Ok(format!(
        "released: {released:?}; `{service} outbox list` shows in half a minute whether the broker takes them\n"
    ))
}
