//! `fleet bench`: how many orders a second, how long each takes, and what each costs.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`options`] | what is asked for |
//! | [`runner`] | one part after the other |
//! | [`level`] | one level of load, closed or open loop |
//! | [`meters`], [`cpu`], [`memory`], [`statements`] | what the fleet uses |
//! | [`ceiling`] | what the database alone could do |
//! | [`preload`] | many finished orders |
//! | [`summary`], [`page`] | what was found, for programs and for people |

pub mod ceiling;
pub mod cpu;
pub mod level;
pub mod memory;
pub mod meters;
pub mod options;
pub mod page;
pub mod preload;
pub mod runner;
pub mod statements;
pub mod summary;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::fleet::Fleet;
use crate::interrupt::Interrupts;
use crate::invariants;
use crate::progress::{self, Step};
use crate::servers::ExternalServers;
use crate::topology::{Deadlines, Shape};
use crate::workdir::fleet_folder;
pub use options::Options;
use runner::Runner;
use summary::Summary;

/// The run folder.
const NAME: &str = "bench";
/// The summary for programs. It lies there from the start, so that a folder can be told to be ours, and is empty until the end.
const SUMMARY: &str = "summary.json";
/// How long the last effects may take to settle.
const SETTLE_MAX: Duration = Duration::from_secs(30);

/// Runs the bench over a fleet of its own and writes what was found to `target/bench`. Fails, without figures, when an invariant
/// is broken afterwards.
pub async fn bench(options: &Options) -> Result<()> {
    let mut interrupts = Interrupts::listen()?;
    // Servers of its own, because their processes are measured.
    let external = ExternalServers::default();
    // An order whose goods have arrived may be closed at once: nobody sends anything back.
    let (return_window, close_sweep) = (Duration::ZERO, Duration::from_secs(1));
    let deadlines = Deadlines { return_window, close_sweep, ..Deadlines::PRODUCTION };
    let mut shape = Shape::replicated(deadlines, options.replicas)
        // Quotes are prepared long before they are used.
        .env("TRADEWIND_QUOTE_VALIDITY", "3h");
    if options.statements {
        shape.postgres.extend(statements::SETTINGS);
    }
    let folder = results_folder(options.out.as_deref())?;
    let mut fleet = tokio::select! {
        fleet = Fleet::start(NAME, &external, shape) => fleet?,
        signal = interrupts.next() => bail!("stopped by {signal} while starting"),
    };
    let found = tokio::select! {
        found = measure(&fleet, options, &folder, SETTLE_MAX) => found,
        signal = interrupts.next() => Err(anyhow::anyhow!("stopped by {signal}")),
    };
    // A process that died by itself explains a level that failed.
    let found = fleet.check_alive().and(found);
    fleet.stop().await?;
    let summary = found?;
    if summary.invariants_broken > 0 {
        bail!("{} claims about the books do not hold: this run has no result", summary.invariants_broken);
    }
    Ok(())
}

/// Measures, checks the invariants once the fleet is at rest or `settle_max` has passed, and writes what was found to `folder`.
pub async fn measure(fleet: &Fleet, options: &Options, folder: &Path, settle_max: Duration) -> Result<Summary> {
    let mut runner = Runner::begin(fleet, options, folder).await?;
    runner.run().await?;
    let step = Step::of("books");
    let (crowd, summary) = runner.end()?;
    let report = invariants::check_when_settled(fleet, &crowd.take_acknowledged(), settle_max).await?;
    step.reached("the invariants are read from the databases");
    let summary = if report.is_broken() { Summary::broken(report.broken()) } else { summary };
    let page = format!("{}\n```text\n{report}```\n", page::page(&summary)?);
    println!("{page}");
    write(folder, "summary.md", &page)?;
    write(folder, SUMMARY, &(serde_json::to_string_pretty(&summary)? + "\n"))?;
    Ok(summary)
}

/// Emptied: what lies there is of the last run.
fn results_folder(chosen: Option<&Path>) -> Result<PathBuf> {
    let usual = || Some(fleet_folder().parent()?.join(NAME));
    let folder = chosen.map(Path::to_owned).or_else(usual).context("the fleet's folder lies in another")?;
    if folder.exists() {
        let is_ours = folder.join(SUMMARY).exists() || folder.read_dir()?.next().is_none();
        ensure!(is_ours, "{} holds something else than results of the bench; choose another folder", folder.display());
        std::fs::remove_dir_all(&folder).with_context(|| format!("clearing {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    std::fs::write(folder.join(SUMMARY), "{}\n")?;
    Ok(folder)
}

fn write(folder: &Path, name: &str, content: &str) -> Result<()> {
    let path = folder.join(name);
    std::fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
    progress::say(NAME, format_args!("{} is written", path.display()));
    Ok(())
}
