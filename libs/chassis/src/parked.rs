//! Subcommands for the events that could not take effect.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use messaging::parked::{self, ParkedEvent};
use messaging::{EventStore, Participant};

/// What to do about parked events. They are named by the numbers that `list` shows.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ParkedOperation {
    /// Lists the events that wait, oldest first; at most 1,000
    List,
    /// Shows one event: where it came from, why it is parked, its payload as JSON
    Show {
        /// Number of the event
        id: i64,
    },
    /// Retries the events of one aggregate in order, until one is refused again
    Retry {
        /// Number of any of the aggregate's events
        id: i64,
        /// Who retries; it is recorded
        #[arg(long, env = "TRADEWIND_OPERATOR", value_name = "NAME")]
        operator: String,
    },
    /// Gives one event up for good, so that those behind it can be retried
    Skip {
        /// Number of the event
        id: i64,
        /// Who skips it; it is recorded
        #[arg(long, env = "TRADEWIND_OPERATOR", value_name = "NAME")]
        operator: String,
        /// Why; it is recorded
        #[arg(long)]
        reason: String,
    },
}

/// Carries out an operation on the events parked by `consumer`, which hands them to `participant`.
///
/// # Errors
/// There is no such event, another consumer parked it, it is refused again, or the database does not answer.
pub async fn operate<P: Participant>(
    operation: ParkedOperation,
    store: &EventStore,
    consumer: &str,
    participant: &P,
) -> anyhow::Result<()> {
    match operation {
        ParkedOperation::List => print(&parked::list(store).await?.iter().map(line).collect::<String>()),
        ParkedOperation::Show { id } => print(&details(&find(store, id).await?)),
        ParkedOperation::Retry { id, operator } => {
            let event = find(store, id).await?;
            if event.consumer != consumer {
                bail!("event {id} was parked by {}, not by {consumer}", event.consumer);
            }
            let aggregate = event.envelope.aggregate_id;
            let retried = parked::retry(store, participant, consumer, aggregate, &operator).await?;
            print(&format!("{} events of {aggregate} took effect\n", retried.taken))?;
            match retried.stuck {
                Some((id, reason)) => bail!("event {id} is refused again: {reason}"),
                None => Ok(()),
            }
        }
        ParkedOperation::Skip { id, operator, reason } => {
            if !parked::skip(store, id, &operator, &reason).await? {
                bail!("no event of number {id} is parked");
            }
            print(&format!("event {id} is skipped\n"))
        }
    }
}

async fn find(store: &EventStore, id: i64) -> anyhow::Result<ParkedEvent> {
    parked::show(store, id).await?.with_context(|| format!("there is no event of number {id}"))
}

fn line(event: &ParkedEvent) -> String {
    let ParkedEvent { id, consumer, envelope, reason, parked_at, .. } = event;
    format!("{id}  {parked_at}  {consumer}  {}  {}  {reason}\n", envelope.event_type, envelope.aggregate_id)
}

fn details(event: &ParkedEvent) -> String {
    let envelope = &event.envelope;
    let mut text = line(event);
    let payload = match event.payload_json() {
        Some(json) => format!("{json:#}"),
        None => format!("{} bytes that are no {}", envelope.payload.len(), envelope.event_type),
    };
    let rows = [
        ("event", envelope.id.to_string()),
        ("correlation", envelope.correlation_id.to_string()),
        ("state", event.state.clone()),
        ("resolution", event.resolution.clone().unwrap_or_else(|| "-".to_owned())),
        ("payload", payload),
    ];
    for (name, value) in rows {
        writeln!(text, "{name:12}{value}").expect("writing to a String does not fail");
    }
    text
}

fn print(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
