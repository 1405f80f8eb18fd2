//! `fleet flash-sale`: far more buyers than units, all at once, and processes that are killed in the middle of it. Exactly the units
//! that there are may be sold, and everybody is to be told.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use contracts::checkout::v1::Quote;
use futures::{StreamExt, TryStreamExt};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::timeout;
use uuid::Uuid;

use crate::catalogue::{Catalogue, Product, Seller, Variant};
use crate::fleet::Fleet;
use crate::interrupt::Interrupts;
use crate::invariants::{self, Acknowledged};
use crate::load::outcomes::{Ending, Outcomes};
use crate::load::persist::persist;
use crate::progress::{self, Step};
use crate::servers::ExternalServers;
use crate::shopper::{self, Channels, Shopper, request_id};
use crate::topology::{Deadlines, Shape, replica};

/// The run folder.
const NAME: &str = "flash-sale";
/// What everybody wants.
const SKU: &str = "FLASH-1";
/// Quotes that are asked for at once before the sale opens.
const PREPARED_AT_ONCE: usize = 32;
/// Submissions under way at once: whoever comes on top waits at the door.
const SUBMITTED_AT_ONCE: usize = 256;
/// Which services lose a process, when so many in a thousand buyers were acknowledged: while the stock lasts, and after it.
const KILLS: [(&str, usize); 5] =
    [("inventory", 5), ("orders", 15), ("inventory", 100), ("orders", 300), ("inventory", 600)];
/// How often it is looked who waits for a lock.
const SAMPLE_EVERY: Duration = Duration::from_millis(50);
/// How long the last effects may take to settle once everybody was told.
const SETTLE_MAX: Duration = Duration::from_secs(30);

/// How large the sale is.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// People who want one.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub buyers: u32,
    /// Units that there are.
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub units: u32,
    /// Processes of each service.
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=4))]
    pub replicas: u16,
    /// Chooses which replica is killed each time.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Within how many seconds of the opening everybody has to be told.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub within: u64,
}

/// Holds the sale over a fleet of its own. Fails if not exactly the units that there are were sold, somebody was not told in time,
/// or an invariant is broken.
pub async fn flash_sale(external: &ExternalServers, options: &Options) -> Result<()> {
    let mut interrupts = Interrupts::listen()?;
    let mut fleet = tokio::select! {
        fleet = Fleet::start(NAME, external, Shape::replicated(Deadlines::PRODUCTION, options.replicas)) => fleet?,
        signal = interrupts.next() => bail!("stopped by {signal} while starting"),
    };
    let held = tokio::select! {
        held = hold(&mut fleet, options) => held,
        signal = interrupts.next() => Err(anyhow!("stopped by {signal}")),
    };
    fleet.stop().await?;
    held
}

async fn hold(fleet: &mut Fleet, options: &Options) -> Result<()> {
    shopper::load(fleet, &catalogue(options.units)).await?;
    let mut outcomes = Outcomes::listen(fleet).await?;
    let buyers = queue_up(fleet, options.buyers).await?;
    let (watch, stop) = watch_locks(fleet);
    let sale = open(fleet, options, buyers, &mut outcomes).await;
    stop.abort();
    let sale = sale?;

    let settled = invariants::until_settled(fleet, &sale.acknowledged, SETTLE_MAX).await?;
    ensure!(settled.is_some(), "not every saga had ended {} s after everybody was told", SETTLE_MAX.as_secs());
    let books = invariants::check(fleet, &sale.acknowledged).await?;
    let endings = endings(fleet).await?;
    println!("\n{sale}  {}\n\n{books}", watch.told());
    ensure!(!books.is_broken(), "an invariant is broken");
    let (units, buyers) = (i64::from(options.units), i64::from(options.buyers));
    let sold = units.min(buyers);
    let mut expected = BTreeMap::from([("PAID".to_owned(), sold)]);
    if buyers > sold {
        expected.insert("FAILED OUT_OF_STOCK".to_owned(), buyers - sold);
    }
    ensure!(endings == expected, "orders ended as {endings:?}, not as {expected:?}");
    ensure!(sale.told_last() <= Duration::from_secs(options.within), "somebody was told after {:?}", sale.told_last());
    Ok(())
}

/// Buyers in front of the door: each with a cart and a quote of their own, given while there was something to sell.
async fn queue_up(fleet: &Fleet, count: u32) -> Result<Vec<(Shopper, Quote)>> {
    let step = Step::of("queue");
    let channels = Channels::open(fleet)?;
    let ready = AtomicUsize::new(0);
    let buyers: Vec<_> = (0..count).map(|n| Shopper::over(&channels, fleet.keys(), &format!("Buyer {n}"))).collect();
    let quoted = futures::stream::iter(buyers).map(|buyer| {
        let ready = &ready;
        async move {
            let quote = buyer.quote(&[(SKU, 1)]).await?;
            let now = ready.fetch_add(1, Ordering::Relaxed) + 1;
            if now.is_multiple_of(1_000) {
                progress::say("queue", format_args!("{now} buyers hold a quote"));
            }
            anyhow::Ok((buyer, quote))
        }
    });
    let queue: Vec<_> = quoted.buffer_unordered(PREPARED_AT_ONCE).try_collect().await?;
    step.reached(format_args!("{} buyers hold a quote", queue.len()));
    Ok(queue)
}

/// What a sale came to.
struct Sale {
    buyers: usize,
    acknowledged: Acknowledged,
    /// How long after the opening each buyer was told, in order.
    told: Vec<Duration>,
    endings: BTreeMap<String, usize>,
    kills: Vec<String>,
}

/// Opens the door: everybody submits, and waits to be told.
async fn open(
    fleet: &mut Fleet,
    options: &Options,
    buyers: Vec<(Shopper, Quote)>,
    outcomes: &mut Outcomes,
) -> Result<Sale> {
    let step = Step::of("sale");
    let count = buyers.len();
    let opened = Instant::now();
    let (answered, acknowledged) = (AtomicUsize::new(0), std::sync::Mutex::new(Acknowledged::default()));
    let within = Duration::from_secs(options.within);
    let outcomes = &*outcomes;
    let submissions = futures::stream::iter(buyers).map(|(buyer, quote)| {
        let (answered, acknowledged) = (&answered, &acknowledged);
        async move {
            let request_id = &request_id();
            let submit = || async { Ok(buyer.submit(&quote, "tok_approved", request_id).await?.checkout) };
            let checkout = persist(drop, submit).await.map_err(|why| anyhow!("a buyer was not served: {why}"))?;
            let order_id: Uuid = checkout.orders.first().context("no order in the answer")?.order_id.parse()?;
            acknowledged.lock().expect("nobody panics in here").submitted(&checkout)?;
            answered.fetch_add(1, Ordering::Relaxed);
            anyhow::Ok(order_id)
        }
    });
    let served = async {
        let orders: Vec<Uuid> = submissions.buffer_unordered(SUBMITTED_AT_ONCE).try_collect().await?;
        step.reached(format_args!("{} submissions are acknowledged", orders.len()));
        let told = futures::stream::iter(orders).map(|order_id| async move {
            let left = within.saturating_sub(opened.elapsed());
            let heard = timeout(left, outcomes.of(order_id))
                .await
                .ok()
                .with_context(|| format!("the buyer of order {order_id} was not told within {} s", within.as_secs()))?;
            anyhow::Ok((heard.at - opened, heard.ending))
        });
        told.buffer_unordered(count).try_collect::<Vec<_>>().await
    };
    let (told, kills) = futures::future::try_join(served, kill_in_between(fleet, options, &answered, opened)).await?;
    step.reached("everybody was told");

    let mut endings = BTreeMap::new();
    let mut times: Vec<_> = told.iter().map(|(at, _)| *at).collect();
    times.sort_unstable();
    for (_, ending) in told {
        let name = match ending {
            Ending::Paid => "PAID".to_owned(),
            Ending::Failed(reason) => format!("FAILED {reason}"),
            Ending::Cancelled(reason) => format!("CANCELLED {reason}"),
            Ending::Closed => "CLOSED".to_owned(),
        };
        *endings.entry(name).or_default() += 1;
    }
    let acknowledged = acknowledged.into_inner().expect("nobody panics in here");
    Ok(Sale { buyers: count, acknowledged, told: times, endings, kills })
}

/// Kills a process each time that so many buyers were acknowledged, and starts it again at once.
async fn kill_in_between(
    fleet: &mut Fleet,
    options: &Options,
    answered: &AtomicUsize,
    opened: Instant,
) -> Result<Vec<String>> {
    let mut random = StdRng::seed_from_u64(options.seed);
    let mut kills = Vec::new();
    for (service, per_mille) in KILLS {
        let process = replica(service, random.random_range(0..options.replicas));
        while answered.load(Ordering::Relaxed) * 1_000 < options.buyers as usize * per_mille {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        fleet.kill9(&process).await?;
        fleet.respawn(&process)?;
        let told = format!(
            "{:.1} s, {} submissions acknowledged: kill -9 {process}",
            opened.elapsed().as_secs_f64(),
            answered.load(Ordering::Relaxed)
        );
        progress::say("kill", &told);
        kills.push(told);
    }
    Ok(kills)
}

impl Sale {
    fn told_last(&self) -> Duration {
        self.told.last().copied().unwrap_or_default()
    }
}

impl fmt::Display for Sale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |share: f64| self.told[((self.told.len() - 1) as f64 * share) as usize].as_secs_f64();
        let each: Vec<_> = self.endings.iter().map(|(ending, count)| format!("{count} {ending}")).collect();
        writeln!(f, "{} buyers: {}.", self.buyers, each.join(", "))?;
        for kill in &self.kills {
            writeln!(f, "  {kill}")?;
        }
        writeln!(
            f,
            "  Told after the opening: half of them within {:.1} s, 99 % within {:.1} s, the last after {:.1} s.",
            at(0.5),
            at(0.99),
            at(1.0)
        )
    }
}

/// How orders ended, as the database has it.
async fn endings(fleet: &Fleet) -> Result<BTreeMap<String, i64>> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT concat_ws(' ', status, reason) AS ending, count(*) FROM orders.order_state GROUP BY 1")
            .fetch_all(fleet.database())
            .await?;
    Ok(rows.into_iter().collect())
}

/// The most sessions of inventory that were seen to wait for a lock.
#[derive(Debug, Default)]
struct LockWatch {
    while_stock_lasted: AtomicUsize,
    after_it_was_gone: AtomicUsize,
}

impl LockWatch {
    fn told(&self) -> String {
        format!(
            "Sessions of inventory that waited for a lock at once: {} at most while the stock lasted, {} after it was gone.",
            self.while_stock_lasted.load(Ordering::Relaxed),
            self.after_it_was_gone.load(Ordering::Relaxed)
        )
    }
}

/// Looks, until it is aborted, how many sessions of inventory wait for a lock.
fn watch_locks(fleet: &Fleet) -> (Arc<LockWatch>, tokio::task::JoinHandle<()>) {
    let watch = Arc::new(LockWatch::default());
    let (seen, database) = (watch.clone(), fleet.database().clone());
    let task = tokio::spawn(async move {
        loop {
            tokio::time::sleep(SAMPLE_EVERY).await;
            let row: Result<(i64, bool), _> = sqlx::query_as(
                "SELECT (SELECT count(*) FROM pg_stat_activity WHERE usename = 'inventory' AND wait_event_type = 'Lock'),
                        EXISTS (SELECT FROM inventory.stock_item WHERE sku = $1 AND total > reserved + committed)",
            )
            .bind(SKU)
            .fetch_one(&database)
            .await;
            if let Ok((waiting, has_stock)) = row {
                let most = if has_stock { &seen.while_stock_lasted } else { &seen.after_it_was_gone };
                most.fetch_max(usize::try_from(waiting).unwrap_or(0), Ordering::Relaxed);
            }
        }
    });
    (watch, task)
}

/// A shop with one thing to sell.
fn catalogue(units: u32) -> Catalogue {
    let variant = Variant { sku: SKU.to_owned(), value: None, usd_cents: 4_900, grams: 200, stock: i64::from(units) };
    Catalogue {
        sellers: vec![Seller {
            name: "Flash".to_owned(),
            seller_id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_f1a5),
            warehouse: "MAIN".to_owned(),
            products: vec![Product { title: "What everybody wants".to_owned(), option: None, variants: vec![variant] }],
        }],
    }
}
