//! `fleet bench`: how many orders a second, how long each takes, and what each costs.

pub mod cpu;
pub mod level;
pub mod meters;

use std::time::Duration;

use anyhow::{Result, bail};

use crate::fleet::Fleet;
use crate::interrupt::Interrupts;
use crate::invariants::{self, Acknowledged};
use crate::load::crowd::Crowd;
use crate::load::market::{Market, Mix};
use crate::progress::{self, Step};
use crate::servers::ExternalServers;
use crate::topology::{Deadlines, Shape};
use level::{Extent, Measured};
use meters::Meters;

/// The run folder.
const NAME: &str = "bench";
/// How long the last effects may take to settle.
const SETTLE_MAX: Duration = Duration::from_secs(30);

/// What is measured, and how much of it.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Orders in flight, level by level.
    #[arg(long, value_name = "COUNT", value_delimiter = ',', default_value = "1,8,32,128,512")]
    closed: Vec<usize>,
    /// Orders of a level.
    #[arg(long, value_name = "COUNT", default_value_t = 3_000)]
    orders: usize,
    /// The longest that a level is measured for, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    seconds: u64,
    /// Processes of each service.
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=4))]
    replicas: u16,
    /// Chooses the SKUs that are bought.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the bench over a fleet of its own.
pub async fn bench(options: &Options) -> Result<()> {
    let mut interrupts = Interrupts::listen()?;
    // Servers of its own, because their processes are measured.
    let external = ExternalServers::default();
    let mut fleet = tokio::select! {
        fleet = Fleet::start(NAME, &external, Shape::replicated(Deadlines::PRODUCTION, options.replicas)) => fleet?,
        signal = interrupts.next() => bail!("stopped by {signal} while starting"),
    };
    let measured = tokio::select! {
        measured = measure(&fleet, options) => measured,
        signal = interrupts.next() => Err(anyhow::anyhow!("stopped by {signal}")),
    };
    // A process that died by itself explains a level that failed.
    let measured = fleet.check_alive().and(measured);
    fleet.stop().await?;
    measured
}

async fn measure(fleet: &Fleet, options: &Options) -> Result<()> {
    let step = Step::of("market");
    let mut crowd = Crowd::gather(fleet, Market::LARGE, options.seed).await?;
    step.reached(format_args!("{} SKUs on sale", Market::LARGE.sellers * Market::LARGE.skus));
    let meters = Meters::of(fleet);
    for in_flight in &options.closed {
        let step = Step::of("closed");
        let prepared = crowd.prepare(options.orders, Mix::Uniform).await?;
        step.reached(format_args!("{} quotes to accept", prepared.len()));
        let extent = Extent::of(prepared.len(), *in_flight, Duration::from_secs(options.seconds));
        let measured =
            level::closed(extent, *in_flight, &meters, |n, intended| crowd.checkout(&prepared[n], intended)).await?;
        print(*in_flight, &measured);
    }
    let report = invariants::check_when_settled(fleet, &Acknowledged::default(), SETTLE_MAX).await?;
    println!("{report}");
    if report.is_broken() {
        bail!("an invariant is broken: no result");
    }
    Ok(())
}

fn print(in_flight: usize, measured: &Measured) {
    let Measured { orders, used } = measured;
    let count = orders.len() as f64;
    let per_order = |duration: Duration| duration.as_secs_f64() * 1e3 / count;
    println!(
        "{in_flight:>4} in flight: {:.0} orders/s over {:.1} s, CPU {:.2} ms an order (generator {:.2}, others on the machine {:.2}), \
         {:.1} transactions, {:.1} rows, {:.1} kB of log",
        count / used.window().as_secs_f64(),
        used.window().as_secs_f64(),
        per_order(used.cpu.fleet()),
        per_order(used.cpu.generator),
        per_order(used.cpu.others()),
        used.transactions as f64 / count,
        (used.rows_inserted + used.rows_updated + used.rows_deleted) as f64 / count,
        used.wal_bytes as f64 / count / 1e3,
    );
    let mut paid: Vec<_> = orders.iter().map(|order| order.paid - order.intended).collect();
    paid.sort_unstable();
    let mut acknowledged: Vec<_> = orders.iter().map(|order| order.acknowledged - order.intended).collect();
    acknowledged.sort_unstable();
    let at = |sorted: &[Duration], q: f64| sorted[((sorted.len() - 1) as f64 * q) as usize].as_secs_f64() * 1e3;
    println!(
        "     acknowledged p50 {:.1} p99 {:.1} ms, paid p50 {:.1} p99 {:.1} ms",
        at(&acknowledged, 0.5),
        at(&acknowledged, 0.99),
        at(&paid, 0.5),
        at(&paid, 0.99)
    );
    let by_process: Vec<_> =
        used.cpu.by_process.iter().map(|(name, used)| format!("{name} {:.2}", per_order(*used))).collect();
    println!("     ms an order: {}", by_process.join(", "));
    progress::say("closed", "done");
}
