//! Buyers of every kind, at a steady rate, whatever goes wrong around them. They try again as people do, a submission under its own
//! name, until they are answered.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use contracts::checkout::v1::{Checkout, Quote};
use contracts::orders::v1::OrderStatus;
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};
use tonic::{Code, Status};
use uuid::Uuid;

use super::sending::{Fate, Sending};
use crate::catalogue::{Catalogue, Product, Seller, Variant};
use crate::depot::Depot;
use crate::fleet::Fleet;
use crate::invariants::Acknowledged;
use crate::load::market::{Market, Mix};
use crate::load::outcomes::{Ending, Outcomes};
use crate::load::persist::{perhaps_not_there_yet, persist};
use crate::shopper::{self, Channels, Shopper, request_id};

/// What is on sale.
const MARKET: Market = Market { sellers: 10, skus: 20, stock: 1_000_000 };
/// The SKU of which there is less than buyers want.
const SCARCE: &str = "SCARCE-1";
/// Orders of one cart, one after the other.
const ORDERS_PER_CART: usize = 4;

/// What a buyer is up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Intent {
    /// Has money, and wants what there is enough of: anything but PAID is the fleet's fault.
    Pay,
    /// The issuer will decline.
    Declined,
    /// The issuer will authorize and then refuse the capture.
    CaptureRefused,
    /// Changes their mind at once, or a little later.
    Cancel,
    /// Pays at the door, and gets the goods: anything but PAID is the fleet's fault.
    Cash,
    /// Pays, and wants the money back while the parcels may be leaving.
    MoneyBack,
    /// Is to pay at the door, and changes their mind while the parcels may be leaving.
    CashCancel,
    /// Is to pay at the door, and no parcel gets there.
    CashFails,
    /// Wants what there is too little of.
    Scarce,
}

/// An order that was acknowledged.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The order.
    pub order_id: Uuid,
    /// What its buyer was up to.
    pub intent: Intent,
}

/// An order that was heard of as paid.
#[derive(Debug, Clone, Copy)]
pub struct Success {
    /// When its submission was sent for the first time.
    pub submitted: Instant,
    /// When it was heard of as paid.
    pub paid: Instant,
    /// In which partition of the topic of orders.
    pub partition: i32,
}

/// What the buyers share, and tell.
#[derive(Default)]
pub struct Ledger {
    acknowledged: Mutex<Acknowledged>,
    placed: Mutex<Vec<Placed>>,
    successes: Mutex<Vec<Success>>,
    given_up: Mutex<Vec<(Intent, String)>>,
    left_alone: Mutex<Vec<(Intent, String)>>,
    internal_errors: AtomicUsize,
}

impl Ledger {
    /// What was answered, to be found again at the end.
    pub fn acknowledged(&self) -> MutexGuard<'_, Acknowledged> {
        lock(&self.acknowledged)
    }

    /// Every order that was acknowledged.
    pub fn placed(&self) -> MutexGuard<'_, Vec<Placed>> {
        lock(&self.placed)
    }

    /// Every order that was heard of as paid.
    pub fn successes(&self) -> MutexGuard<'_, Vec<Success>> {
        lock(&self.successes)
    }

    /// Buyers who got no order, and why.
    pub fn given_up(&self) -> MutexGuard<'_, Vec<(Intent, String)>> {
        lock(&self.given_up)
    }

    /// Orders that were placed, and that their buyer, or whoever sends them, gave up on afterwards, and why.
    pub fn left_alone(&self) -> MutexGuard<'_, Vec<(Intent, String)>> {
        lock(&self.left_alone)
    }

    /// How many requests were answered with an internal error.
    pub fn internal_errors(&self) -> usize {
        self.internal_errors.load(Ordering::Relaxed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A crowd of buyers that has begun to come.
pub struct Buyers {
    ledger: Arc<Ledger>,
    baskets: JoinSet<()>,
    started: Instant,
}

impl Buyers {
    /// Puts the market on sale, and lets `orders` of them come, `rate` a second. One seed makes one crowd.
    pub async fn let_in(fleet: &Fleet, seed: u64, orders: usize, rate: f64) -> Result<Self> {
        shopper::load(fleet, &catalogue(orders)).await.context("putting the market on sale")?;
        let outcomes = Arc::new(Outcomes::listen(fleet).await?);
        let channels = Channels::open(fleet)?;
        let depot = Depot::new(fleet)?;
        let ledger = Arc::new(Ledger::default());
        let mut random = StdRng::seed_from_u64(seed);
        // A fleet that has just started is not what is to be disturbed.
        let first = Shopper::over(&channels, fleet.keys(), "The first buyer");
        let [sku, _] = MARKET.pick(Mix::Uniform, &mut random);
        let bought = first.buy(&[(&sku, 1)], "tok_approved").await?;
        first.outcome(&bought.checkout.checkout_id).await?;
        let mut baskets = JoinSet::new();
        let started = Instant::now();
        for first in (0..orders).step_by(ORDERS_PER_CART) {
            let intents: Vec<_> =
                (first..orders.min(first + ORDERS_PER_CART)).map(|_| Plan::random(&mut random)).collect();
            let scarce = random.random_range(0..100) < 3;
            let [one, other] = MARKET.pick(Mix::Uniform, &mut random);
            let lines = if scarce { vec![SCARCE.to_owned()] } else { vec![one, other] };
            let basket = Basket {
                shopper: Shopper::over(&channels, fleet.keys(), "Buyer"),
                depot: depot.clone(),
                lines,
                scarce,
                plans: intents,
                ledger: ledger.clone(),
                outcomes: outcomes.clone(),
            };
            let comes = |n: usize| started + Duration::from_secs_f64((first + n) as f64 / rate);
            let times: Vec<_> = (0..basket.plans.len()).map(comes).collect();
            baskets.spawn(basket.shop(times));
        }
        Ok(Self { ledger, baskets, started })
    }

    /// When the first of them came.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// What they have told so far.
    pub fn ledger(&self) -> Arc<Ledger> {
        self.ledger.clone()
    }

    /// Waits until each of them has been answered, or has given up.
    pub async fn all_answered(&mut self) {
        while self.baskets.join_next().await.is_some() {}
    }
}

/// What a buyer changes about an order, as long as it is not confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// One thing less.
    TakeAway,
    /// One thing as an order of its own.
    Split,
}

/// How one order is paid for, and what its buyer does afterwards.
struct Plan {
    intent: Intent,
    /// None: in cash.
    card: Option<String>,
    cancel_after: Duration,
    /// What its buyer changes about it at once.
    change: Option<Change>,
    /// Whether the goods are sent while things go wrong, and not some day.
    is_sent: bool,
    /// What becomes of them then.
    fate: Fate,
}

impl Plan {
    /// Of a hundred buyers seventy-five pay: with cards that are easy, with cards that are not, and at the door.
    fn random(random: &mut StdRng) -> Self {
        let millis = random.random_range(100..1_500);
        let slow = format!("tok_slow_{millis}");
        let (mut intent, mut card) = match random.random_range(0..100) {
            0..3 => (Intent::Declined, Some("tok_insufficient_funds")),
            3..5 => (Intent::Declined, Some("tok_card_expired")),
            5..7 => (Intent::CaptureRefused, Some("tok_capture_fails")),
            7..11 => (Intent::Cancel, Some("tok_approved")),
            11..15 => (Intent::Cancel, Some(slow.as_str())),
            15..20 => (Intent::Pay, Some(slow.as_str())),
            20..24 => (Intent::Pay, Some("tok_lost_answer")),
            24..27 => (Intent::Pay, Some("tok_down_2")),
            27..35 => (Intent::Cash, None),
            35..39 => (Intent::CashCancel, None),
            39..45 => (Intent::MoneyBack, Some("tok_approved")),
            _ => (Intent::Pay, Some("tok_approved")),
        };
        // While the provider is thinking there is time for that.
        let change = match random.random_range(0..3) {
            0 if card == Some(slow.as_str()) => Some(Change::TakeAway),
            1 if card == Some(slow.as_str()) => Some(Change::Split),
            _ => None,
        };
        let is_sent = card.is_none() || intent == Intent::MoneyBack || random.random_range(0..4) == 0;
        let cancel_after = Duration::from_millis(random.random_range(0..800));
        let chosen = Fate::random(random);
        let fate = match intent {
            Intent::Pay | Intent::Cash => chosen,
            // Whoever wants something else of the order has had enough.
            Intent::Declined
            | Intent::CaptureRefused
            | Intent::Cancel
            | Intent::MoneyBack
            | Intent::CashCancel
            | Intent::CashFails
            | Intent::Scarce => Fate::Arrive,
        };
        if intent == Intent::Cash && matches!(fate, Fate::AllFail(_)) {
            intent = Intent::CashFails;
        }
        if fate == Fate::Goodwill && card == Some("tok_approved") {
            card = Some("tok_refund_fails_1");
        }
        Self { intent, card: card.map(str::to_owned), cancel_after, change, is_sent, fate }
    }
}

/// A buyer with one cart, out of which several orders are made.
struct Basket {
    shopper: Shopper,
    depot: Depot,
    lines: Vec<String>,
    scarce: bool,
    plans: Vec<Plan>,
    ledger: Arc<Ledger>,
    outcomes: Arc<Outcomes>,
}

impl Basket {
    async fn shop(self, times: Vec<Instant>) {
        sleep_until(times[0].into()).await;
        let lines: Vec<_> = self.lines.iter().map(|sku| (sku.as_str(), 1)).collect();
        let cart_id = self.persist(|| self.shopper.fill_cart(&lines)).await;
        let orders = self.plans.iter().zip(times).map(|(plan, at)| {
            let (basket, cart_id) = (&self, &cart_id);
            async move {
                sleep_until(at.into()).await;
                let ordered = match cart_id {
                    Ok(cart_id) => basket.order(plan, cart_id).await,
                    Err(error) => Err(error.clone()),
                };
                if let Err(why) = ordered {
                    lock(&basket.ledger.given_up).push((basket.intent(plan), why));
                }
            }
        });
        join_all(orders).await;
    }

    /// Whoever wants what is scarce may be told so, whatever else was planned.
    fn intent(&self, plan: &Plan) -> Intent {
        if self.scarce { Intent::Scarce } else { plan.intent }
    }

    async fn order(&self, plan: &Plan, cart_id: &str) -> Result<(), String> {
        let quote = self.persist(|| self.shopper.quote_cart(cart_id.to_owned())).await?;
        let submitted = Instant::now();
        let checkout = self.submit(plan, &quote).await?;
        let order = checkout.orders.first().ok_or("no order in the answer")?;
        let order_id: Uuid = order.order_id.parse().map_err(|_| "an order id that is none".to_owned())?;
        self.ledger.acknowledged().submitted(&checkout).map_err(|error| error.to_string())?;
        lock(&self.ledger.placed).push(Placed { order_id, intent: self.intent(plan) });
        self.listen(order_id, submitted);
        if let Err(why) = self.perhaps_change(plan, &order.order_id).await {
            lock(&self.ledger.left_alone).push((self.intent(plan), why));
        }
        let sent = async { if plan.is_sent { self.send(plan, &order.order_id).await } else { Ok(()) } };
        let (cancelled, sent) = tokio::join!(self.perhaps_cancel(plan, &order.order_id), sent);
        // It is placed, whatever could not be done about it since.
        if let Err(why) = cancelled.and(sent) {
            lock(&self.ledger.left_alone).push((self.intent(plan), why));
        }
        Ok(())
    }

    async fn send(&self, plan: &Plan, order_id: &str) -> Result<(), String> {
        // What is scarce is one thing in one parcel.
        let fate = if self.scarce { Fate::Arrive } else { plan.fate };
        let failed = |code| self.note(code);
        let (depot, buyer, ledger) = (&self.depot, &self.shopper, &*self.ledger);
        Sending { depot, buyer, order_id, ledger, failed }.send(fate).await
    }

    /// Too late is an answer too.
    async fn perhaps_change(&self, plan: &Plan, order_id: &str) -> Result<(), String> {
        // What is scarce is one thing, of which nothing would be left.
        let (Some(change), [sku, _]) = (plan.change, &self.lines[..]) else { return Ok(()) };
        let attempt = || async move {
            let changed = match change {
                Change::TakeAway => self.shopper.modify(order_id, sku, 0).await.map(drop),
                Change::Split => self.shopper.split(order_id, sku, 1).await.map(drop),
            };
            match changed {
                Ok(()) => Ok(()),
                Err(status) if status.code() == Code::FailedPrecondition => Ok(()),
                Err(status) => Err(perhaps_not_there_yet(status).into()),
            }
        };
        self.persist(attempt).await
    }

    async fn perhaps_cancel(&self, plan: &Plan, order_id: &str) -> Result<(), String> {
        match plan.intent {
            Intent::Cancel | Intent::CashCancel => {
                sleep(plan.cancel_after).await;
                self.cancel(order_id).await
            }
            Intent::MoneyBack => self.want_money_back(order_id).await,
            Intent::Pay
            | Intent::Declined
            | Intent::CaptureRefused
            | Intent::Cash
            | Intent::CashFails
            | Intent::Scarce => Ok(()),
        }
    }

    async fn submit(&self, plan: &Plan, quote: &Quote) -> Result<Checkout, String> {
        let request_id = &request_id();
        let submit = || async move {
            let submitted = match &plan.card {
                Some(card) => self.shopper.submit(quote, card, request_id).await,
                None => self.shopper.submit_in_cash(quote, request_id).await,
            };
            Ok(submitted?.checkout)
        };
        self.persist(submit).await
    }

    /// Notes when the order is heard of as paid.
    fn listen(&self, order_id: Uuid, submitted: Instant) {
        let (outcomes, ledger) = (self.outcomes.clone(), self.ledger.clone());
        tokio::spawn(async move {
            let heard = outcomes.of(order_id).await;
            if heard.ending == Ending::Paid {
                lock(&ledger.successes).push(Success { submitted, paid: heard.at, partition: heard.partition });
            }
        });
    }

    /// Asks as soon as the order is paid. Too late is an answer too.
    async fn want_money_back(&self, order_id: &str) -> Result<(), String> {
        let ask = || async move {
            match self.shopper.order(order_id).await {
                Ok(order) if matches!(order.status(), OrderStatus::Created | OrderStatus::Confirmed) => {
                    Err(Status::unavailable("not paid yet").into())
                }
                Ok(_) => match self.shopper.request_refund(order_id).await {
                    Ok(_) => Ok(()),
                    Err(status) if status.code() == Code::FailedPrecondition => Ok(()),
                    Err(status) => Err(status.into()),
                },
                Err(status) => Err(perhaps_not_there_yet(status).into()),
            }
        };
        self.persist(ask).await
    }

    /// Too late is an answer too.
    async fn cancel(&self, order_id: &str) -> Result<(), String> {
        let cancel = || async move {
            match self.shopper.cancel(order_id).await {
                // Its parcels are to be stopped first: it may still go on.
                Ok(order) => Ok(!order.cancellation_requested),
                Err(status) if status.code() == Code::FailedPrecondition => Ok(false),
                Err(status) => Err(perhaps_not_there_yet(status).into()),
            }
        };
        if self.persist(cancel).await? {
            self.ledger.acknowledged().cancelled(order_id).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    async fn persist<T, F: Future<Output = Result<T>>>(&self, attempt: impl Fn() -> F) -> Result<T, String> {
        persist(|code| self.note(code), attempt).await
    }

    fn note(&self, code: Code) {
        if code == Code::Internal {
            self.ledger.internal_errors.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The market, and a shop with one SKU of which every second buyer who wants it gets one.
fn catalogue(orders: usize) -> Catalogue {
    let mut catalogue = MARKET.catalogue();
    let variant = Variant {
        sku: SCARCE.to_owned(),
        value: None,
        usd_cents: 9_900,
        grams: 100,
        stock: i64::try_from(orders).unwrap_or(i64::MAX).div_euclid(70).max(1),
    };
    catalogue.sellers.push(Seller {
        name: "Scarcity".to_owned(),
        seller_id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_ffff),
        warehouse: "MAIN".to_owned(),
        products: vec![Product { title: "Scarce thing".to_owned(), option: None, variants: vec![variant] }],
    });
    catalogue
}
