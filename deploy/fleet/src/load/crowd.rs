//! Buyers in numbers, and what they do. Every moment is taken from a monotonic clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use contracts::checkout::v1::Quote;
use futures::{StreamExt, TryStreamExt};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::time::timeout;
use uuid::Uuid;

use super::market::{Market, Mix};
use super::outcomes::{Ending, Outcomes};
use crate::depot::Depot;
use crate::fleet::Fleet;
use crate::invariants::Acknowledged;
use crate::shopper::{self, Channels, Shopper, patiently, request_id};

/// Different people among the buyers.
const BUYERS: usize = 256;
/// Quotes that are asked for at once while a run is prepared.
const PREPARED_AT_ONCE: usize = 32;
/// Quotes of one prepared cart. Each is an offer of its own; only carts are saved.
const QUOTES_PER_CART: usize = 10;
/// How long an order may take to its outcome.
const OUTCOME_MAX: Duration = Duration::from_mins(1);
/// The card of every buyer.
const CARD: &str = "tok_approved";

/// Buyers in a market, and the ear that hears what becomes of their orders.
pub struct Crowd {
    buyers: Vec<Shopper>,
    market: Market,
    outcomes: Outcomes,
    random: StdRng,
    acknowledged: Mutex<Acknowledged>,
}

/// An offer that a buyer is about to accept.
#[derive(Clone)]
pub struct Prepared {
    buyer: Shopper,
    quote: Arc<Quote>,
}

/// One order from the buyer's side.
#[derive(Debug, Clone)]
pub struct Bought {
    /// The order.
    pub order_id: Uuid,
    /// When it was meant to begin: queueing in the generator counts as latency.
    pub intended: Instant,
    /// When SubmitCheckout was answered.
    pub acknowledged: Instant,
    /// When it was heard of as paid.
    pub paid: Instant,
}

impl Prepared {
    /// The quote's id.
    pub fn quote_id(&self) -> &str {
        &self.quote.quote_id
    }

    /// The same buyer with another quote of that id and hash.
    #[must_use]
    pub fn with_quote(&self, quote_id: String, hash: String) -> Self {
        Self { buyer: self.buyer.clone(), quote: Arc::new(Quote { quote_id, hash, ..Quote::default() }) }
    }
}

impl Crowd {
    /// Puts the market on sale, as its sellers would, and lets the buyers in.
    pub async fn gather(fleet: &Fleet, market: Market, seed: u64) -> Result<Self> {
        shopper::load(fleet, &market.catalogue()).await.context("putting the market on sale")?;
        let channels = Channels::open(fleet)?;
        let buyer = |n| Shopper::over(&channels, fleet.keys(), &format!("Buyer {n}"));
        Ok(Self {
            buyers: (0..BUYERS).map(buyer).collect(),
            market,
            outcomes: Outcomes::listen(fleet).await?,
            random: StdRng::seed_from_u64(seed),
            acknowledged: Mutex::default(),
        })
    }

    /// What the next buyers want: who, and two SKUs of one seller.
    pub fn wishes(&mut self, count: usize, mix: Mix) -> Vec<Wish> {
        let wish =
            |n: usize| Wish { buyer: self.buyers[n % BUYERS].clone(), skus: self.market.pick(mix, &mut self.random) };
        (0..count).map(wish).collect()
    }

    /// Fills carts and asks for so many quotes of them.
    pub async fn prepare(&mut self, count: usize, mix: Mix) -> Result<Vec<Prepared>> {
        let wishes = self.wishes(count.div_ceil(QUOTES_PER_CART), mix);
        let quotes = futures::stream::iter(wishes).map(|wish| wish.quotes(QUOTES_PER_CART));
        let prepared: Vec<Vec<Prepared>> = quotes.buffer_unordered(PREPARED_AT_ONCE).try_collect().await?;
        // Round by round, so that neighbours want different SKUs.
        let rounds = (0..QUOTES_PER_CART).flat_map(|round| prepared.iter().map(move |quotes| quotes[round].clone()));
        Ok(rounds.take(count).collect())
    }

    /// Accepts a quote and waits until it is paid for. Anything else is an error; only a service that is unavailable is asked
    /// again, while the time goes on.
    pub async fn checkout(&self, prepared: &Prepared, intended: Instant) -> Result<Bought> {
        let request_id = request_id();
        let submit = async || Ok(prepared.buyer.submit(&prepared.quote, CARD, &request_id).await?);
        let submitted = patiently(submit).await.context("SubmitCheckout")?;
        let acknowledged = Instant::now();
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).submitted(&submitted.checkout)?;
        let [order] = submitted.checkout.orders.as_slice() else { bail!("one seller makes one order") };
        let order_id = order.order_id.parse().context("an order id")?;
        let Ok(heard) = timeout(OUTCOME_MAX, self.outcomes.of(order_id)).await else {
            bail!("order {order_id} has no outcome after {} s", OUTCOME_MAX.as_secs());
        };
        match heard.ending {
            Ending::Paid => Ok(Bought { order_id, intended, acknowledged, paid: heard.at }),
            other => bail!("order {order_id} ended as {other:?}"),
        }
    }

    /// A whole life: accepts a quote, which is paid for; is sent everything in one parcel from each warehouse; and waits until the order
    /// is closed, which is then what `paid` tells.
    pub async fn life(&self, depot: &Depot, prepared: &Prepared, intended: Instant) -> Result<Bought> {
        let bought = self.checkout(prepared, intended).await?;
        let order_id = bought.order_id.to_string();
        for shipment in depot.shipments(&order_id).await? {
            let (shipment_id, name) = (&shipment.shipment_id, request_id());
            let parcel = patiently(async || Ok(depot.dispatch(shipment_id, &[], &name).await?)).await?;
            patiently(async || Ok(depot.deliver(shipment_id, &parcel).await?)).await?;
        }
        let Ok(heard) = timeout(OUTCOME_MAX, self.outcomes.closing_of(bought.order_id)).await else {
            bail!("order {order_id} is not closed after {} s", OUTCOME_MAX.as_secs());
        };
        Ok(Bought { paid: heard.at, ..bought })
    }

    /// Everything that was acknowledged since this was asked last, to be found again at the end.
    pub fn take_acknowledged(&self) -> Acknowledged {
        std::mem::take(&mut *self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The whole journey: a cart, two lines, a quote, a submission, until it is paid for.
    pub async fn journey(&self, wish: &Wish, intended: Instant) -> Result<Bought> {
        let quote = patiently(async || wish.buyer.quote(&wish.lines()).await).await?;
        self.checkout(&Prepared { buyer: wish.buyer.clone(), quote: Arc::new(quote) }, intended).await
    }
}

/// What a buyer wants.
#[derive(Clone)]
pub struct Wish {
    buyer: Shopper,
    skus: [String; 2],
}

impl Wish {
    fn lines(&self) -> [(&str, i32); 2] {
        [(&self.skus[0], 1), (&self.skus[1], 1)]
    }

    async fn quotes(self, count: usize) -> Result<Vec<Prepared>> {
        let cart_id = patiently(async || self.buyer.fill_cart(&self.lines()).await).await?;
        let mut quotes = Vec::with_capacity(count);
        for _ in 0..count {
            let quote = patiently(async || self.buyer.quote_cart(cart_id.clone()).await).await?;
            quotes.push(Prepared { buyer: self.buyer.clone(), quote: Arc::new(quote) });
        }
        Ok(quotes)
    }
}
