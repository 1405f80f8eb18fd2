//! `fleet story`: all that happened to an order, from the journals of every service that took part in it.
//!
//! | module | what it does |
//! | --- | --- |
//! | `journey` | reads a checkout's facts, and what is stuck of them, from the databases |
//! | `order` | picks the facts of one order, in order, each with its cause |
//! | `event`, `words` | a fact by its type, and in plain words |
//! | `awaited` | what has to happen next, and who has to do it |
//! | `text` | the story for a person to read |

mod awaited;
mod event;
mod journey;
mod order;
pub(crate) mod text;
mod words;

#[cfg(test)]
mod awaited_table;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

use std::io::Write as _;

use anyhow::Result;
use uuid::Uuid;

pub use awaited::Awaited;
pub use journey::Journey;
pub use order::Story;

use crate::databases::Databases;

/// Whose story, and for whom.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
A line is a fact of a service's journal. `time` is counted from the submission of the checkout, in hours, minutes and seconds. \
`because of` names the fact that caused it by its number, or who commanded it; a service's own name there means that it acted by \
itself, because a deadline passed. What the services say to each other is in docs/choreography.md.")]
pub struct Options {
    /// The order; or its checkout, for all of its orders
    #[arg(value_name = "ORDER", value_parser = id)]
    pub id: Uuid,
    /// Prints a JSON object a line for each order, with every payload, and nothing else
    #[arg(long)]
    pub json: bool,
}

/// An order's or a checkout's id, from a command line.
pub(crate) fn id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| {
        "an order or a checkout is named by a UUID, as 01890a5d-ac96-774b-bcce-b302099a8057 is one".to_owned()
    })
}

/// Tells the story of an order, or of each order of a checkout, of a fleet that another process runs.
pub async fn story(fleet: &str, options: &Options) -> Result<()> {
    let journey = Journey::read(&Databases::of_running(fleet)?, options.id).await?;
    let stories = journey.stories(options.id);
    let text = if options.json {
        let lines: Vec<_> = stories.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        lines.join("\n") + "\n"
    } else {
        stories.iter().map(Story::to_string).collect::<Vec<_>>().join("\n")
    };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
