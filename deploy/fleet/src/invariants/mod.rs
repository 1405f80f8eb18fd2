//! The invariants I1 to I7 of the choreography, read from the databases of a fleet that came to rest.
//!
//! This is the one place that looks into every service's schema: a proof must not ask the services that it is about.

mod carrier;
mod checkout;
mod delivery;
mod fulfilment;
mod history;
mod money;
mod refund;
mod views;

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use contracts::checkout::v1::Checkout;
use serde::Serialize;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::fleet::Fleet;
use crate::witness;

/// How often a fleet that has not come to rest is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// One claim, and a query that counts what it was checked on and what breaks it, with an example.
struct Check {
    invariant: &'static str,
    claim: &'static str,
    query: &'static str,
}

/// What the fleet acknowledged to its clients.
#[derive(Debug, Clone, Default)]
pub struct Acknowledged {
    orders: Vec<Uuid>,
    cancelled: Vec<Uuid>,
    parcels: Vec<Uuid>,
    failed_parcels: Vec<Uuid>,
    refunds: Vec<(Uuid, i32)>,
}

impl Acknowledged {
    /// A submission was answered.
    pub fn submitted(&mut self, checkout: &Checkout) -> Result<()> {
        for order in &checkout.orders {
            self.orders.push(order.order_id.parse().context("an order id")?);
        }
        Ok(())
    }

    /// A cancellation was answered.
    pub fn cancelled(&mut self, order_id: &str) -> Result<()> {
        self.cancelled.push(order_id.parse().context("an order id")?);
        Ok(())
    }

    /// A parcel was handed over, and that was answered.
    pub fn dispatched(&mut self, parcel_id: &str) -> Result<()> {
        self.parcels.push(parcel_id.parse().context("a parcel id")?);
        Ok(())
    }

    /// A parcel was said to have failed, and that was answered.
    pub fn failed(&mut self, parcel_id: &str) -> Result<()> {
        self.failed_parcels.push(parcel_id.parse().context("a parcel id")?);
        Ok(())
    }

    /// An order was answered with a refund of that number.
    pub fn refund(&mut self, order_id: &str, number: i32) -> Result<()> {
        self.refunds.push((order_id.parse().context("an order id")?, number));
        Ok(())
    }
}

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Report(Vec<Finding>);

/// What a claim was checked on, and what breaks it.
#[derive(Debug, Default, FromRow, Serialize)]
struct Counts {
    examined: i64,
    broken: i64,
    example: Option<String>,
}

#[derive(Debug, Serialize)]
struct Finding {
    invariant: &'static str,
    claim: &'static str,
    #[serde(flatten)]
    counts: Counts,
}

impl Report {
    fn add(&mut self, invariant: &'static str, claim: &'static str, counts: Counts) {
        self.0.push(Finding { invariant, claim, counts });
    }

    /// How many claims do not hold.
    pub fn broken(&self) -> usize {
        self.0.iter().filter(|finding| finding.counts.broken > 0).count()
    }

    /// How a claim is broken, if it is.
    pub fn breach_of(&self, claim: &str) -> Option<String> {
        let finding = self.0.iter().find(|finding| finding.claim == claim && finding.counts.broken > 0)?;
        Some(finding.counts.to_string())
    }

    /// Whether any claim does not hold.
    pub fn is_broken(&self) -> bool {
        self.broken() > 0
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.broken, &self.example) {
            (0, _) => f.write_str("holds"),
            (broken, Some(example)) => write!(f, "BROKEN by {broken}, such as {example}"),
            (broken, None) => write!(f, "BROKEN by {broken}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {:<13} {:<94} {:>8}", "invariant", "claim", "checked")?;
        for Finding { invariant, claim, counts } in &self.0 {
            write!(f, "  {invariant:<13} {claim:<94} {:>8}  ", counts.examined)?;
            writeln!(f, "{counts}")?;
        }
        Ok(())
    }
}

/// Checks every invariant as soon as the fleet has come to rest, and at the latest after `settle_max`.
pub async fn check_when_settled(fleet: &Fleet, acknowledged: &Acknowledged, settle_max: Duration) -> Result<Report> {
    until_settled(fleet, acknowledged, settle_max).await?;
    check(fleet, acknowledged).await
}

/// Waits until nothing is under way any more: every saga has ended, every event has taken effect. Answers how long that took,
/// or none if it took longer than `settle_max`.
pub async fn until_settled(
    fleet: &Fleet,
    acknowledged: &Acknowledged,
    settle_max: Duration,
) -> Result<Option<Duration>> {
    let began = Instant::now();
    loop {
        let mut report = Report::default();
        check_states(fleet, acknowledged, &mut report).await?;
        if !report.is_broken() {
            return Ok(Some(began.elapsed()));
        }
        if began.elapsed() > settle_max {
            return Ok(None);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Checks every invariant now.
pub async fn check(fleet: &Fleet, acknowledged: &Acknowledged) -> Result<Report> {
    let mut report = Report::default();
    check_states(fleet, acknowledged, &mut report).await?;
    let mut connection = fleet.database().acquire().await?;
    report.add(
        "I1 money",
        "the provider charged nobody twice, and holds nothing for an order that ended",
        money::provider(fleet, &mut connection).await?,
    );
    report.add(
        "I1 money",
        "the carrier sold no return two labels to a warehouse, and we show those that it sold",
        carrier::labels_back(fleet, &mut connection).await?,
    );
    report.add(
        "I4 history",
        "versions without a gap, hash chains unbroken, heads where the histories end",
        history::chains(&mut connection).await?,
    );
    report.add(
        "I4 history",
        "orders verify-history: every snapshot is what was agreed",
        history::snapshots(fleet, &mut connection).await?,
    );
    report.add(
        "I6 views",
        "orders rebuild: the views made anew are those that are served",
        views::rebuilt(fleet, "orders").await?,
    );
    report.add(
        "I6 views",
        "inventory rebuild: the views made anew are those that are served",
        views::rebuilt(fleet, "inventory").await?,
    );
    report.0.sort_by_key(|finding| finding.invariant);
    Ok(report)
}

/// What a few statements tell; it holds once the fleet has come to rest.
async fn check_states(fleet: &Fleet, acknowledged: &Acknowledged, report: &mut Report) -> Result<()> {
    let mut connection = fleet.database().acquire().await?;
    let checks = [checkout::CHECKS, fulfilment::CHECKS, refund::CHECKS, views::CHECKS];
    for Check { invariant, claim, query } in checks.into_iter().flatten() {
        let counts = sqlx::query_as(*query).fetch_one(&mut *connection).await.with_context(|| claim.to_string())?;
        report.add(invariant, claim, counts);
    }
    let claim = "every event took effect in every consumer, once";
    report.add("I5 delivery", claim, delivery::deliveries(&mut connection).await?);
    if let Some(witness) = fleet.services().find(|service| service.name == witness::NAME) {
        let claim = "a witness that would count twice saw every event once, in its aggregate's order";
        let events: Vec<_> = witness.subscriptions().map(|subscription| subscription.event).collect();
        report.add("I5 delivery", claim, delivery::witnessed(&mut connection, &events).await?);
    }
    let claim = "no event waits in an outbox or is parked";
    report.add("I5 delivery", claim, delivery::leftovers(&mut connection, fleet).await?);
    let claim = "every acknowledged submission, cancellation, parcel, failure and refund is there";
    report.add("I7 durable", claim, found(&mut connection, acknowledged).await?);
    Ok(())
}

async fn found(connection: &mut PgConnection, acknowledged: &Acknowledged) -> Result<Counts> {
    Ok(sqlx::query_as(
        "SELECT count(*) AS examined, count(*) FILTER (WHERE missing) AS broken, min(id::text) FILTER (WHERE missing) AS example
         FROM (SELECT id, NOT EXISTS (SELECT FROM orders.placed_order o WHERE o.order_id = id) AS missing
               FROM unnest($1::uuid[]) AS id
               UNION ALL
               SELECT id, NOT EXISTS (SELECT FROM orders.placed_order o WHERE o.order_id = id AND o.status = 'CANCELLED')
               FROM unnest($2::uuid[]) AS id
               UNION ALL
               SELECT id, NOT EXISTS (SELECT FROM shipping.parcel p WHERE p.parcel_id = id)
               FROM unnest($3::uuid[]) AS id
               UNION ALL
               SELECT id, NOT EXISTS (SELECT FROM shipping.parcel p WHERE p.parcel_id = id AND p.failed_at IS NOT NULL)
               FROM unnest($4::uuid[]) AS id
               UNION ALL
               SELECT id, NOT EXISTS (SELECT FROM orders.order_state o CROSS JOIN jsonb_array_elements(o.refunds) AS r
                                      WHERE o.order_id = id AND (r->>'number')::integer = number)
               FROM unnest($5::uuid[], $6::integer[]) AS t (id, number)) AS t",
    )
    .bind(&acknowledged.orders)
    .bind(&acknowledged.cancelled)
    .bind(&acknowledged.parcels)
    .bind(&acknowledged.failed_parcels)
    .bind(acknowledged.refunds.iter().map(|(order_id, _)| *order_id).collect::<Vec<_>>())
    .bind(acknowledged.refunds.iter().map(|(_, number)| *number).collect::<Vec<_>>())
    .fetch_one(connection)
    .await?)
}
