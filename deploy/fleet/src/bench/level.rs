//! One level of load: so many orders in flight, or so many a second, with everything measured between two moments at which
//! the load is on.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use tokio::sync::Notify;
use tokio::time::{sleep_until, timeout};

use super::meters::{Meters, Used};
use crate::load::crowd::Bought;

/// What a level measured.
#[derive(Debug)]
pub struct Measured {
    /// The orders that were paid for within the window.
    pub orders: Vec<Bought>,
    /// What was used within the window, and how long it was.
    pub used: Used,
    /// Age of the oldest row of any outbox, every 100 ms.
    pub outbox_ages: Vec<Duration>,
    /// Events that took effect over the transactions in which they did, by consumer.
    pub events_per_batch: BTreeMap<String, f64>,
    /// Where the database spent its time, if that was asked for.
    pub statements: Option<String>,
    /// Orders that began, within the window or not.
    pub begun: usize,
}

/// When the window opens and when no more orders begin.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Orders that there are.
    pub orders: usize,
    /// The window opens when so many are paid for.
    pub warm_up: usize,
    /// Nothing begins after the window has been open for so long.
    pub window_max: Duration,
}

impl Extent {
    /// A tenth of the orders warm up, and at least those in flight.
    pub fn of(orders: usize, in_flight: usize, window_max: Duration) -> Self {
        Self { orders, warm_up: (orders / 10).max(in_flight).min(orders / 2).max(1), window_max }
    }
}

/// Closed loop: each of `in_flight` lanes begins its next order when its last one is paid for. `buy` makes the n-th order.
/// What is in flight when the window closes is waited for, unmeasured.
pub async fn closed<F>(
    extent: Extent,
    in_flight: usize,
    meters: &Meters,
    buy: impl Fn(usize, Instant) -> F,
) -> Result<Measured>
where
    F: Future<Output = Result<Bought>>,
{
    let log = Log::new(extent);
    let next = AtomicUsize::new(0);
    let lane = || async {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= extent.orders || log.is_over() {
                log.used_up.notify_one();
                return Ok(());
            }
            log.note(buy(n, Instant::now()).await?);
        }
    };
    let lanes = try_join_all((0..in_flight).map(|_| lane()));
    let (_, mut measured) = tokio::try_join!(lanes, log.watch(meters))?;
    measured.begun = next.into_inner().min(extent.orders);
    Ok(measured)
}

/// Open loop: orders begin at a fixed rate, whatever became of those before.
pub async fn open<F>(
    extent: Extent,
    per_sec: f64,
    meters: &Meters,
    buy: impl Fn(usize, Instant) -> F,
) -> Result<Measured>
where
    F: Future<Output = Result<Bought>>,
{
    let (log, buy) = (&Log::new(extent), &buy);
    let began = Instant::now();
    let order = |n: usize| async move {
        let intended = began + Duration::from_secs_f64(n as f64 / per_sec);
        sleep_until(intended.into()).await;
        if n + 1 == extent.orders {
            log.used_up.notify_one();
        }
        if !log.is_over() {
            log.note(buy(n, intended).await?);
        }
        Ok(())
    };
    let orders = try_join_all((0..extent.orders).map(order));
    let (_, mut measured) = tokio::try_join!(orders, log.watch(meters))?;
    measured.begun = extent.orders;
    Ok(measured)
}

/// What the lanes of a level share.
struct Log {
    extent: Extent,
    bought: Mutex<Vec<Bought>>,
    warmed_up: Notify,
    used_up: Notify,
    over: AtomicBool,
}

impl Log {
    fn new(extent: Extent) -> Self {
        Self {
            extent,
            bought: Mutex::default(),
            warmed_up: Notify::new(),
            used_up: Notify::new(),
            over: AtomicBool::new(false),
        }
    }

    fn note(&self, bought: Bought) {
        let mut all = self.bought.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(bought);
        if all.len() == self.extent.warm_up {
            self.warmed_up.notify_one();
        }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Reads the meters when the window opens and when it closes, and looks at the outboxes in between.
    async fn watch(&self, meters: &Meters) -> Result<Measured> {
        self.warmed_up.notified().await;
        let opened = meters.open().await?;
        let mut outbox_ages = Vec::new();
        tokio::select! {
            _ = timeout(self.extent.window_max, self.used_up.notified()) => {}
            failed = meters.watch_outboxes(&mut outbox_ages) => { failed?; }
        }
        let closed = meters.read().await?;
        self.over.store(true, Ordering::Relaxed);
        let events_per_batch = meters.events_per_batch(&opened, &closed).await?;
        let used = closed.since(&opened);
        let orders = self.paid_within(&used);
        ensure!(!orders.is_empty(), "no order was paid for within the window; ask for more of them");
        let statements = meters.statements(orders.len()).await?;
        Ok(Measured { orders, used, outbox_ages, events_per_batch, statements, begun: 0 })
    }

    fn paid_within(&self, used: &Used) -> Vec<Bought> {
        let orders = self.bought.lock().unwrap_or_else(PoisonError::into_inner);
        orders.iter().filter(|order| (used.opened..used.closed).contains(&order.paid)).cloned().collect()
    }
}
