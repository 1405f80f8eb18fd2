//! Subcommands for the events that could not take effect.
//!
//! | module | holds |
//! | --- | --- |
//! | `which` | [`Which`]: the filters of `list` and `retry` |
//! | `text` | what a person reads |
//! | `json` | what a script reads |

mod json;
mod text;
mod which;

use std::collections::HashSet;
use std::io::Write as _;

use anyhow::{Context as _, bail, ensure};
use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args, Subcommand};
use messaging::parked::{self, Filter, ParkedEvent, ROWS_MAX, Tried};
use messaging::{EventStore, Participant};
use uuid::Uuid;

use crate::operator::Operator;
pub use which::Which;

/// What to do about parked events. They are named by the numbers that `list` shows.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
#[command(after_help = "\
An event that cannot be read, is refused or fails is parked, and the later ones of its aggregate wait behind it: its chain. \
Every other aggregate flows on.

  list                     what is parked, and how much waits behind it
  show 17                  why, the payload as JSON, where it came from, its chain
  retry 17                 once the cause is mended: the whole chain of event 17, in order
  skip 17 --reason WHY     give event 17 up for good; then retry those behind it

Exit code: 0 when it is done and nothing that was retried is stuck still; 1 otherwise, with the reason on standard error; 2 for \
a command that cannot be understood.")]
pub enum ParkedOperation {
    /// Lists events, oldest first; those that wait behind a listed one are counted at it
    List(List),
    /// Shows one event: why it is parked, its payload, where it came from, the chain that it stands in
    Show {
        /// Number of the event
        #[arg(value_name = "NUMBER")]
        id: i64,
        /// Prints a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Retries whole aggregates, each in order, until an event is stuck again; tells what became of each event
    Retry(Retry),
    /// Gives one event up for good, so that those behind it can be retried; tells which these are
    Skip {
        /// Number of the event
        #[arg(value_name = "NUMBER")]
        id: i64,
        /// Why; it is recorded
        #[arg(long, value_name = "WHY", value_parser = reason)]
        reason: String,
        #[command(flatten)]
        #[expect(missing_docs, reason = "named after its type")]
        operator: Operator,
        /// Prints a JSON object
        #[arg(long)]
        json: bool,
    },
}

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct List {
    /// What became of them
    #[arg(long, default_value = "parked", value_parser = PossibleValuesParser::new(["parked", "retried", "skipped", "all"]))]
    state: String,
    /// So many at most
    #[arg(long, default_value_t = 100, value_name = "COUNT", value_parser = clap::value_parser!(i64).range(1..ROWS_MAX))]
    limit: i64,
    /// Goes on behind that number: the last one of the page before
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    after: i64,
    /// Prints a JSON object a line, and nothing else
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    which: Which,
}

/// What to retry.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(["ids", "aggregate", "all"]))]
pub struct Retry {
    /// Numbers of events; what is parked in front of them and behind them is retried with them
    #[arg(value_name = "NUMBER", conflicts_with = "Which")]
    ids: Vec<i64>,
    /// Every aggregate of which a parked event matches the filters
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    #[command(flatten)]
    operator: Operator,
    /// Prints a JSON object a line, and nothing else
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    which: Which,
}

/// Carries out an operation on the events parked by `consumer`, which hands them to `participant`.
///
/// # Errors
/// There is no such event, another consumer parked it, something is stuck still, or the database does not answer.
pub async fn operate<P: Participant>(
    operation: ParkedOperation,
    store: &EventStore,
    consumer: &str,
    participant: &P,
) -> anyhow::Result<()> {
    match operation {
        ParkedOperation::List(arguments) => list(arguments, store).await,
        ParkedOperation::Show { id, json } => show(id, json, store).await,
        ParkedOperation::Retry(arguments) => retry(arguments, store, consumer, participant).await,
        ParkedOperation::Skip { id, reason, operator, json } => {
            skip(id, &reason, &operator.name()?, json, store, consumer).await
        }
    }
}

async fn list(List { which, state, limit, after, json }: List, store: &EventStore) -> anyhow::Result<()> {
    // One more than is shown tells whether there is another page.
    let state = Some(state).filter(|state| state != "all");
    let filter = Filter { state, heads_only: true, after, limit: limit + 1, ..which.filter(store.now()) };
    let mut events = parked::list(store, &filter).await?;
    let has_more = events.len() as i64 > limit;
    events.truncate(limit as usize);
    if json {
        return events.iter().try_for_each(|event| print(&format!("{}\n", json::event(event))));
    }
    print(&text::list(&events, has_more, store.service()))
}

async fn show(id: i64, json: bool, store: &EventStore) -> anyhow::Result<()> {
    let event = find(store, id).await?;
    let chain = parked::chain(store, &event).await?;
    print(&if json {
        format!("{:#}\n", json::details(&event, &chain))
    } else {
        text::details(&event, &chain, store.service())
    })
}

async fn retry<P: Participant>(
    Retry { ids, which, operator, json, .. }: Retry,
    store: &EventStore,
    consumer: &str,
    participant: &P,
) -> anyhow::Result<()> {
    let operator = operator.name()?;
    let aggregates = if ids.is_empty() {
        aggregates_that_match(which.filter(store.now()), store, consumer).await?
    } else {
        aggregates_of(&ids, store, consumer).await?
    };
    if aggregates.is_empty() && !json {
        return print(text::NOTHING);
    }
    let (mut done, mut stuck) = (0, 0);
    for aggregate_id in aggregates {
        if !json {
            print(&format!("{aggregate_id}\n"))?;
        }
        let mut printed = Ok(());
        let tell = |tried: Tried| {
            *if tried.outcome.is_ok() { &mut done } else { &mut stuck } += 1;
            let line = if json { format!("{}\n", json::tried(&tried, aggregate_id)) } else { text::tried(&tried) };
            printed = print(&line);
        };
        parked::retry(store, participant, consumer, aggregate_id, &operator, tell).await?;
        printed?;
    }
    if !json && done > 0 {
        print(&format!("{} no longer parked\n", text::events(done)))?;
    }
    ensure!(stuck == 0, "{} stuck still, with what waits behind; mend the cause, or skip", text::events(stuck));
    Ok(())
}

/// The aggregates of these events, each once.
async fn aggregates_of(ids: &[i64], store: &EventStore, consumer: &str) -> anyhow::Result<Vec<Uuid>> {
    let mut aggregates = Vec::new();
    for id in ids {
        let aggregate_id = find_parked(store, *id, consumer).await?.envelope.aggregate_id;
        if !aggregates.contains(&aggregate_id) {
            aggregates.push(aggregate_id);
        }
    }
    Ok(aggregates)
}

/// The aggregates of which a parked event matches, each once, in the order in which they were parked.
async fn aggregates_that_match(filter: Filter, store: &EventStore, consumer: &str) -> anyhow::Result<Vec<Uuid>> {
    let mut filter = Filter { consumer: Some(consumer.to_owned()), heads_only: true, ..filter };
    let mut seen = HashSet::new();
    let mut aggregates = Vec::new();
    loop {
        let page = parked::list(store, &filter).await?;
        let Some(last) = page.last() else { return Ok(aggregates) };
        filter.after = last.id;
        let ids = page.iter().map(|event| event.envelope.aggregate_id);
        aggregates.extend(ids.filter(|id| seen.insert(*id)));
    }
}

async fn skip(
    id: i64,
    reason: &str,
    operator: &str,
    json: bool,
    store: &EventStore,
    consumer: &str,
) -> anyhow::Result<()> {
    let event = find_parked(store, id, consumer).await?;
    ensure!(parked::skip(store, id, operator, reason).await?, "event {id} was retried or skipped meanwhile");
    let left = parked::chain(store, &event).await?;
    print(&if json { format!("{}\n", json::skipped(id, &left)) } else { text::skipped(&event, &left, store.service()) })
}

async fn find(store: &EventStore, id: i64) -> anyhow::Result<ParkedEvent> {
    let unknown =
        || format!("there is no event of number {id}; `{} parked list` shows those that there are", store.service());
    parked::show(store, id).await?.with_context(unknown)
}

/// An event that something can be done about.
async fn find_parked(store: &EventStore, id: i64, consumer: &str) -> anyhow::Result<ParkedEvent> {
    let event = find(store, id).await?;
    if let Some(resolved) = &event.resolved {
        bail!("event {id} is not parked any more: {}", text::resolved(&event.state, resolved));
    }
    ensure!(event.consumer == consumer, "event {id} was parked by {}, not by {consumer}", event.consumer);
    Ok(event)
}

/// Somebody will ask why.
fn reason(text: &str) -> Result<String, &'static str> {
    let reason = text.trim();
    if reason.is_empty() { Err("say why; it is recorded") } else { Ok(reason.to_owned()) }
}

fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        // Whoever read on, such as `head`, has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
