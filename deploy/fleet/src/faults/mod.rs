//! `fleet faults`: real processes under load while everything goes wrong that a seed can think of, and then the books.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`fault`] | what can go wrong, as plain data |
//! | [`schedule`] | which faults, and when: one seed makes one schedule |
//! | [`injector`] | makes them happen, and mends them; `hands`, `rewind`, [`poison`] are what it does it with |
//! | [`buyers`] | buyers of every kind, at a steady rate |
//! | [`sending`] | warehouses and carriers, who send what they ordered |
//! | [`afterwards`] | what follows: goods come back, goodwill is given, orders are closed |
//! | [`verdict`] | what is asked of a fleet that went through it |
//! | [`report`] | what happened, for people and for machines |
//! | [`mutants`] | a fleet that is broken on purpose, and the scene that shows it |

pub mod afterwards;
pub mod buyers;
pub mod fault;
mod hands;
pub mod injector;
pub mod mutants;
pub mod poison;
pub mod report;
mod rewind;
mod scenes;
pub mod schedule;
pub mod sending;
pub mod verdict;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use kernel::Mutant;

use crate::fleet::Fleet;
use crate::interrupt::Interrupts;
use crate::invariants;
use crate::progress::{self, Step};
use crate::servers::ExternalServers;
use crate::topology::{Deadlines, Shape};
use crate::witness;
use buyers::Buyers;
use injector::Injector;
use report::Report;
use verdict::Course;

/// The run folder.
const NAME: &str = "faults";
/// Every saga ends within that time after the last fault.
pub const SETTLE_MAX: Duration = Duration::from_secs(30);
/// Of the time in which buyers come, the faults are planned for so much: one that takes longer puts off the others.
const PLANNED_SHARE: f64 = 0.85;
/// How long goods may be sent back in a campaign: so short that orders are closed while things go wrong, and so long that a buyer who is
/// held up by that is mostly not too late.
const RETURN_WINDOW: Duration = Duration::from_secs(15);
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// How much goes wrong.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Chooses the faults, their times and victims, and what the buyers do. The same seed makes the same schedule.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Orders that buyers place while things go wrong.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = at_least_one)]
    pub orders: usize,
    /// Processes of each service.
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=4))]
    pub replicas: u16,
    /// Orders a second. Fewer a second make a longer campaign, with more faults; more than the machine can carry show what too much
    /// load does, and not what faults do.
    #[arg(long, value_name = "COUNT", default_value_t = 15.0, value_parser = above_zero)]
    pub rate: f64,
    /// Breaks the fleet in this way instead, plays the scene that is to show it, and succeeds if it is noticed. Debug builds only.
    #[arg(long, value_name = "NAME", value_parser = mutant, conflicts_with_all = ["seed", "orders", "replicas", "rate"])]
    pub mutant: Option<Mutant>,
    /// The same for every mutant, after the scenes were played with a fleet that is whole.
    #[arg(long, conflicts_with_all = ["mutant", "seed", "orders", "replicas", "rate"])]
    pub mutants: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "a number from 1 on".to_owned())
}

fn above_zero(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0).ok_or_else(|| "a number above 0".to_owned())
}

fn mutant(name: &str) -> Result<Mutant, String> {
    Mutant::from_name(name).ok_or_else(|| format!("there are {}", Mutant::ALL.map(Mutant::name).join(", ")))
}

/// Runs a campaign, or shows that one would be noticed.
pub async fn faults(options: &Options) -> Result<()> {
    if options.mutants {
        return mutants::all(&ExternalServers::default()).await;
    }
    if let Some(mutant) = options.mutant {
        return mutants::one(&ExternalServers::default(), mutant).await;
    }
    let report = campaign(NAME, options).await?;
    println!("\n{report}");
    let path = report.write()?;
    progress::say("report", path.display());
    if report.failures.is_empty() {
        return Ok(());
    }
    bail!("the fleet did not withstand it: {}", report.failures.join("; "))
}

/// Starts a fleet with servers of its own, lets buyers in and everything go wrong, mends it all, and looks at the books.
pub async fn campaign(name: &str, options: &Options) -> Result<Report> {
    let mut interrupts = Interrupts::listen()?;
    let close_sweep = Duration::from_secs(1);
    let deadlines = Deadlines { return_window: RETURN_WINDOW, close_sweep, ..Deadlines::PRODUCTION };
    let shape = Shape::replicated(deadlines, options.replicas).with(witness::service());
    let external = ExternalServers::default();
    let mut fleet = tokio::select! {
        fleet = Fleet::start(name, &external, shape) => fleet?,
        signal = interrupts.next() => bail!("stopped by {signal} while starting"),
    };
    let report = tokio::select! {
        report = run(&mut fleet, options) => report,
        signal = interrupts.next() => Err(anyhow::anyhow!("stopped by {signal}")),
    };
    fleet.stop().await?;
    report
}

async fn run(fleet: &mut Fleet, options: &Options) -> Result<Report> {
    let lasts = Duration::from_secs_f64(options.orders as f64 / options.rate);
    let schedule = schedule::deal(options.seed, options.replicas, lasts.mul_f64(PLANNED_SHARE));
    progress::say(
        "campaign",
        format_args!(
            "seed {}: {} orders in {} s, {} faults",
            options.seed,
            options.orders,
            lasts.as_secs(),
            schedule.len()
        ),
    );
    let mut buyers = Buyers::let_in(fleet, options.seed, options.orders, options.rate).await?;
    let (started, ledger) = (buyers.started(), buyers.ledger());
    let teller = tokio::spawn(tell(ledger.clone(), started));
    let under_way = || ledger.placed().last().map(|placed| placed.order_id);
    let injected = Injector::new(fleet, started)?.run(&schedule, under_way).await;
    buyers.all_answered().await;
    teller.abort();
    let disturbed = injected?;

    let cleared = disturbed.poisoner.clear(fleet).await?;
    progress::say(
        "operator",
        format_args!("skipped {} poisoned events, retried behind {}", cleared.skipped, cleared.retried),
    );
    let step = Step::of("campaign");
    let acknowledged = ledger.acknowledged().clone();
    let mended = Instant::now();
    afterwards::last_round(fleet, SETTLE_MAX).await?;
    let left = SETTLE_MAX.saturating_sub(mended.elapsed());
    let settled = invariants::until_settled(fleet, &acknowledged, left).await?.map(|_| mended.elapsed());
    step.reached(if settled.is_some() { "every saga has ended" } else { "not every saga has ended" });
    let unclosed = afterwards::close(fleet, SETTLE_MAX).await?;
    invariants::until_settled(fleet, &acknowledged, SETTLE_MAX).await?;
    step.reached(format_args!("the time for returns is over, {unclosed} orders are not closed that could be"));
    let books = invariants::check(fleet, &acknowledged).await?;
    step.reached("the books are read");
    let course =
        Course { fleet, options, disturbed: &disturbed, ledger: &ledger, started, settled, unclosed, books: &books };
    let findings = verdict::reach(&course).await?;
    Ok(Report::of(options, disturbed, cleared, settled, findings, books))
}

/// Tells how far the buyers are, until it is aborted.
async fn tell(ledger: std::sync::Arc<buyers::Ledger>, started: Instant) {
    loop {
        tokio::time::sleep(TELL_EVERY).await;
        let (placed, paid) = (ledger.placed().len(), ledger.successes().len());
        progress::say(
            "buyers",
            format_args!("{:>6.1} s  {placed} orders placed, {paid} paid", started.elapsed().as_secs_f64()),
        );
    }
}
