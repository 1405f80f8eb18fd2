//! One level of load: so many orders in flight, or so many a second, with everything measured between two moments at which
//! the load is on.

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
        Self { orders, warm_up: (orders / 10).max(in_flight).min(orders / 2), window_max }
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
    let (_, used) = tokio::try_join!(lanes, log.watch(meters))?;
    log.within(used)
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
    let (_, used) = tokio::try_join!(orders, log.watch(meters))?;
    log.within(used)
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

    /// Reads the meters when the window opens and when it closes.
    async fn watch(&self, meters: &Meters) -> Result<Used> {
        self.warmed_up.notified().await;
        let opened = meters.read().await?;
        let _ = timeout(self.extent.window_max, self.used_up.notified()).await;
        let used = meters.read().await?.since(opened);
        self.over.store(true, Ordering::Relaxed);
        Ok(used)
    }

    /// The orders that were paid for while the window was open.
    fn within(&self, used: Used) -> Result<Measured> {
        let mut orders = std::mem::take(&mut *self.bought.lock().unwrap_or_else(PoisonError::into_inner));
        orders.retain(|order| (used.opened..used.closed).contains(&order.paid));
        ensure!(!orders.is_empty(), "no order was paid for within the window; ask for more of them");
        Ok(Measured { orders, used })
    }
}
