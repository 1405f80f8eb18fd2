//! The subcommand that makes a service's read models anew.

use std::io::Write as _;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use messaging::EventStore;
use messaging::read_model::{ReadModels, Step, rebuild};
use tokio::time::Instant;

use crate::jobs;

/// The job's name: one rebuild at a time.
const JOB: &str = "rebuild";

/// How often it is told how far a rebuild is.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// How the read models are made anew.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "\
All rows are made from the histories in a shadow beside those that are served, by which nobody is disturbed; the two are compared, and then \
the shadow is served. After a release that shows more than the one before it, this is how older rows come to show it too.

Exit code: 0 when it is done, also if something differed; with --dry-run 1 if something differs; 2 for a command that cannot be understood.")]
pub struct Rebuild {
    /// Only says where what is served is not what the histories say
    #[arg(long)]
    dry_run: bool,
}

/// Makes the read models anew and prints what was found.
///
/// # Errors
/// Something differs in a dry run, a history cannot be read, or the database does not answer.
pub async fn operate<M: ReadModels>(arguments: &Rebuild, store: &EventStore, models: &M) -> anyhow::Result<()> {
    let mut told_at = Instant::now();
    let tell = move |step| match step {
        Step::Projected(_) if told_at.elapsed() < TOLD_EVERY => {}
        Step::Projected(aggregates) => {
            told_at = Instant::now();
            tracing::info!(aggregates, "projected into the shadow so far");
        }
        Step::Comparing => tracing::info!("comparing the shadow with what is served"),
        Step::Clearing => tracing::info!("deleting the rows that are not served"),
    };
    let rebuild = Box::pin(rebuild(store, models, !arguments.dry_run, tell));
    let rebuilt = jobs::now(JOB, store.pool(), rebuild).await?;
    let mut stdout = std::io::stdout();
    for difference in &rebuilt.differences {
        writeln!(stdout, "differs: {difference}")?;
    }
    let (aggregates, differences) = (rebuilt.aggregates, rebuilt.differences.len());
    match (differences, arguments.dry_run) {
        (0, true) => writeln!(stdout, "{aggregates} histories projected: the rows that are served say the same")?,
        (0, false) => writeln!(
            stdout,
            "{aggregates} histories projected: the rows before said the same; the new ones are served"
        )?,
        (_, true) => {
            bail!("{aggregates} histories projected: {differences} differences; run without --dry-run to mend them")
        }
        (_, false) => {
            writeln!(
                stdout,
                "{aggregates} histories projected: {differences} differences are mended; the new rows are served"
            )?;
        }
    }
    Ok(())
}
