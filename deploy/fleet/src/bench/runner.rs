//! One part of the bench after the other, over one fleet.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use messaging::Clock;

use super::ceiling::{self, Ceilings};
use super::level::{self, Extent, Measured};
use super::memory;
use super::meters::Meters;
use super::options::{Options, Plan};
use super::preload::copy_quotes;
use super::statements;
use super::summary::{Conditions, Level, OpenLevel, Preloaded, Summary};
use crate::depot::Depot;
use crate::fleet::Fleet;
use crate::load::crowd::{Crowd, Prepared};
use crate::load::market::{Market, Mix};
use crate::progress::{self, Step};

/// Orders a second that one lane carries at most, by experience; so many are prepared before anything was measured.
const RATE_OF_A_LANE: f64 = 125.0;
/// No level is prepared for a greater rate.
const RATE_MAX: f64 = 6_000.0;
/// How much of the time of a level goes by before it is measured.
const WARM_UP: f64 = 0.25;
/// How long pgbench runs with each number of clients.
const CEILING: Duration = Duration::from_secs(8);
/// Orders in flight while many are put into the tables.
const PRELOAD_IN_FLIGHT: usize = 512;
/// Lives that are measured unless a number of orders is asked for.
const LIVES: usize = 400;
/// How long the processes rest before their memory is read.
const REST: Duration = Duration::from_secs(2);

/// Runs the parts and keeps what they found.
pub struct Runner<'a> {
    fleet: &'a Fleet,
    folder: &'a Path,
    plan: Plan,
    crowd: Crowd,
    meters: Meters,
    /// Quotes that nobody accepted yet.
    prepared: HashMap<Mix, Vec<Prepared>>,
    ceilings: Option<Ceilings>,
    summary: Summary,
}

impl<'a> Runner<'a> {
    /// Measures what is measured at rest, and opens the market.
    pub async fn begin(fleet: &'a Fleet, options: &Options, folder: &'a Path) -> Result<Self> {
        let plan = options.plan();
        let mut summary = Summary { conditions: Some(conditions(fleet, options).await?), ..Summary::default() };
        if options.statements {
            statements::prepare(fleet.database()).await?;
        }
        tokio::time::sleep(REST).await;
        summary.memory_at_rest_mib = memory::resident_mib(fleet)?;
        let ceilings =
            if plan.ceilings { Some(ceiling::measure(fleet, folder, CEILING.min(plan.window)).await?) } else { None };
        summary.ceiling_pipelined_per_sec = ceilings.map(|ceilings| ceilings.pipelined.orders_per_sec);
        summary.ceiling_single_tx_per_sec = ceilings.map(|ceilings| ceilings.single_tx.orders_per_sec);
        summary.ceilings = ceilings;
        let step = Step::of("market");
        let market = Market { skus: options.skus.into(), ..Market::LARGE };
        let crowd = Crowd::gather(fleet, market, options.seed).await?;
        step.reached(format_args!("{} SKUs of {} sellers on sale", market.sellers * market.skus, market.sellers));
        let meters = Meters::of(fleet, options.statements);
        Ok(Self { fleet, folder, plan, crowd, meters, prepared: HashMap::new(), ceilings, summary })
    }

    /// Every part of the plan.
    pub async fn run(&mut self) -> Result<()> {
        self.summary.closed = self.closed_levels(&self.plan.closed.clone(), Mix::Uniform).await?;
        self.summary.hot = self.closed_levels(&self.plan.hot.clone(), Mix::Hot).await?;
        if let Some(in_flight) = self.plan.journey {
            self.summary.journey = Some(self.journey(in_flight).await?);
        }
        if let Some(under_way) = self.plan.whole_life {
            self.summary.whole_life = Some(self.whole_life(under_way).await?);
        }
        if self.plan.half_load {
            let greatest = self.summary.closed.values().map(|level| level.orders_per_sec).fold(0.0, f64::max);
            self.summary.half_load = Some(self.open(greatest / 2.0).await?);
        }
        if let Some(per_sec) = self.plan.open {
            self.summary.open = Some(self.open(per_sec).await?);
        }
        if let Some(orders) = self.plan.preload {
            self.summary.preloaded = Some(self.preload(orders).await?);
        }
        Ok(())
    }

    /// What was found, and those who bought.
    pub fn end(mut self) -> Result<(Crowd, Summary)> {
        self.summary.memory_after_mib = memory::resident_mib(self.fleet)?;
        Ok((self.crowd, self.summary))
    }

    async fn closed_levels(&mut self, levels: &[usize], mix: Mix) -> Result<BTreeMap<usize, Level>> {
        let mut found = BTreeMap::new();
        let mut last = None;
        for in_flight in levels {
            let rate = expected_rate(*in_flight, last);
            let level = self.closed(*in_flight, rate, mix).await?;
            last = Some((*in_flight, level.orders_per_sec));
            found.insert(*in_flight, level);
        }
        Ok(found)
    }

    async fn closed(&mut self, in_flight: usize, rate: f64, mix: Mix) -> Result<Level> {
        let (orders, extent) = self.extent(rate, in_flight);
        self.prepare(orders, mix).await?;
        let prepared = &self.prepared[&mix];
        let measured =
            level::closed(extent, in_flight, &self.meters, |n, intended| self.crowd.checkout(&prepared[n], intended))
                .await?;
        self.used(mix, measured.begun);
        self.note(&format!("{in_flight} in flight, {mix:?}"), &measured)
    }

    async fn journey(&mut self, in_flight: usize) -> Result<Level> {
        let (orders, extent) = self.extent(expected_rate(in_flight, None), in_flight);
        let wishes = self.crowd.wishes(orders, Mix::Uniform);
        let measured =
            level::closed(extent, in_flight, &self.meters, |n, intended| self.crowd.journey(&wishes[n], intended))
                .await?;
        self.note(&format!("{in_flight} whole journeys under way"), &measured)
    }

    async fn whole_life(&mut self, under_way: usize) -> Result<Level> {
        let orders = self.plan.orders.unwrap_or(LIVES);
        let extent = Extent::of(orders, under_way, self.plan.window * 10);
        self.prepare(orders, Mix::Uniform).await?;
        let (depot, prepared) = (Depot::new(self.fleet)?, &self.prepared[&Mix::Uniform]);
        let live = |n: usize, intended| self.crowd.life(&depot, &prepared[n], intended);
        let measured = level::closed(extent, under_way, &self.meters, live).await?;
        self.used(Mix::Uniform, measured.begun);
        self.note(&format!("{under_way} whole lives under way, to CLOSED"), &measured)
    }

    async fn open(&mut self, per_sec: f64) -> Result<OpenLevel> {
        let (orders, extent) = self.extent(per_sec, 1);
        self.prepare(orders, Mix::Uniform).await?;
        let prepared = &self.prepared[&Mix::Uniform];
        let measured =
            level::open(extent, per_sec, &self.meters, |n, intended| self.crowd.checkout(&prepared[n], intended))
                .await?;
        self.used(Mix::Uniform, measured.begun);
        let level = self.note(&format!("open loop, {per_sec:.0} orders/s"), &measured)?;
        Ok(OpenLevel { rate_per_sec: per_sec, level })
    }

    async fn preload(&mut self, orders: usize) -> Result<Preloaded> {
        let step = Step::of("preload");
        step.begins(format_args!("carrying {orders} orders to PAID"));
        let templates = self.crowd.prepare(1_000, Mix::Uniform).await?;
        let quotes = copy_quotes(self.fleet, &templates, orders).await?;
        let extent = Extent::of(orders, PRELOAD_IN_FLIGHT, Duration::MAX);
        let buy = |n: usize, intended| self.crowd.checkout(&quotes[n], intended);
        let measured = level::closed(extent, PRELOAD_IN_FLIGHT, &self.meters, buy).await?;
        step.reached(format_args!("{orders} orders are in the tables"));
        self.note("preload", &measured)?;
        let closed = self.closed_levels(&self.plan.closed.clone(), Mix::Uniform).await?;
        let empty = &self.summary.closed;
        let ratio =
            |(in_flight, level): (&usize, &Level)| (*in_flight, level.orders_per_sec / empty[in_flight].orders_per_sec);
        let ratio_to_empty = closed.iter().map(ratio).collect();
        Ok(Preloaded { orders, closed, ratio_to_empty })
    }

    /// How many orders a level needs at that rate, and how long it goes on.
    fn extent(&self, rate: f64, in_flight: usize) -> (usize, Extent) {
        let seconds = self.plan.window.as_secs_f64();
        if let Some(orders) = self.plan.orders {
            // The orders end the level, and the time only one that is far too slow.
            return (orders, Extent::of(orders, in_flight, self.plan.window * 10));
        }
        let orders = (rate * seconds * (1.0 + WARM_UP)) as usize + 2 * in_flight;
        let warm_up = (rate * seconds * WARM_UP / 2.0) as usize + in_flight;
        (orders, Extent { orders, warm_up, window_max: self.plan.window })
    }

    /// Sees to it that there are so many quotes.
    async fn prepare(&mut self, orders: usize, mix: Mix) -> Result<()> {
        let ready = self.prepared.entry(mix).or_default();
        if ready.len() < orders {
            let step = Step::of("quotes");
            ready.extend(self.crowd.prepare(orders - ready.len(), mix).await?);
            step.reached(format_args!("{} are ready to be accepted", ready.len()));
        }
        Ok(())
    }

    fn used(&mut self, mix: Mix, count: usize) {
        self.prepared.entry(mix).or_default().drain(..count);
    }

    fn note(&self, name: &str, measured: &Measured) -> Result<Level> {
        let level = Level::of(measured, self.ceilings.as_ref());
        progress::say(
            "level",
            format_args!(
                "{name}: {:.0} orders/s, {:.2} CPU-ms an order, PAID p50 {:.0} p99 {:.0} ms",
                level.orders_per_sec, level.cpu_ms_per_order, level.paid_p50_ms, level.paid_p99_ms
            ),
        );
        if let Some(statements) = &measured.statements {
            let path: PathBuf = self.folder.join(format!("statements of {name}.md"));
            std::fs::write(&path, statements)?;
            progress::say("statements", path.display());
        }
        Ok(level)
    }
}

/// What a level may reach: a guess from the last one, on the high side. Too low a guess makes a level shorter.
fn expected_rate(in_flight: usize, last: Option<(usize, f64)>) -> f64 {
    let by_lanes = in_flight as f64 * RATE_OF_A_LANE;
    let by_last = last.map_or(1_500.0, |(lanes, rate)| rate * (in_flight as f64 / lanes as f64).max(1.0).powf(0.7));
    by_lanes.min(by_last).min(RATE_MAX)
}

async fn conditions(fleet: &Fleet, options: &Options) -> Result<Conditions> {
    let settings: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, setting FROM pg_settings
         WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'server_version')",
    )
    .fetch_all(fleet.database())
    .await?;
    let cores = std::thread::available_parallelism()?;
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    Ok(Conditions {
        began: Clock::system().now().to_string(),
        machine: format!("{cores} cores of {}", model.map_or("an unknown model", |(_, model)| model)),
        release: !cfg!(debug_assertions),
        replicas: options.replicas,
        seed: options.seed,
        postgres: settings.into_iter().collect(),
        kafka: "one node, idempotent producers with acks=all".to_owned(),
        order: "One order is a checkout of two lines of one seller, paid by card".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_prepared_for_more_than_the_last_one_reached() {
        assert!((expected_rate(1, None) - RATE_OF_A_LANE).abs() < 1e-9);
        assert!(expected_rate(32, Some((8, 400.0))) > 1_000.0);
        assert!(expected_rate(128, Some((128, 900.0))) < 901.0);
        assert!(expected_rate(512, Some((128, 5_000.0))) <= RATE_MAX);
    }
}
