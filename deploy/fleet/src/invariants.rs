//! The invariants I1 to I5 and I7 of the choreography, read from the databases of a fleet that came to rest.
//!
//! This is the one place that looks into every service's schema: a proof must not ask the services that it is about.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use contracts::checkout::v1::Checkout;
use messaging::journal::{self, Head};
use sqlx::{AssertSqlSafe, FromRow, PgConnection};
use uuid::Uuid;

use crate::fleet::Fleet;
use crate::provider;
use crate::topology::SERVICES;

/// How often a fleet that has not come to rest is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// One claim, and a query that counts what it was checked on and what breaks it, with an example.
struct Check {
    invariant: &'static str,
    claim: &'static str,
    query: &'static str,
}

/// What the databases can be asked.
const CHECKS: &[Check] = &[
    Check {
        invariant: "I1 money",
        claim: "the postings of every ledger transaction sum to zero",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE sum <> 0) AS broken, min(id::text) FILTER (WHERE sum <> 0) AS example
                FROM (SELECT transaction_id AS id, sum(amount_minor) AS sum FROM payments.ledger_posting
                      GROUP BY transaction_id, currency) AS t",
    },
    Check {
        invariant: "I1 money",
        claim: "the ledger holds what was captured less what was refunded, and refunds stay below captures",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT p.order_id AS id, p.refunded_minor > p.captured_minor OR p.captured_minor - p.refunded_minor <>
                             coalesce((SELECT -sum(g.amount_minor) FROM payments.ledger_transaction t
                                       JOIN payments.ledger_posting g USING (transaction_id)
                                       WHERE t.order_id = p.order_id AND g.account = 'escrow'), 0) AS wrong
                      FROM payments.payment p) AS t",
    },
    Check {
        invariant: "I2 stock",
        claim: "total = available + reserved + committed, none below zero",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(sku) FILTER (WHERE wrong) AS example
                FROM (SELECT sku, total < 0 OR reserved < 0 OR committed < 0 OR total - reserved - committed < 0 AS wrong
                      FROM inventory.stock_item) AS t",
    },
    Check {
        invariant: "I2 stock",
        claim: "what is on hand is the sum of its movements",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(sku) FILTER (WHERE wrong) AS example
                FROM (SELECT s.sku, s.total <> coalesce((SELECT sum(m.quantity) FROM inventory.stock_movement m
                             WHERE m.stock_item_id = s.stock_item_id), 0) AS wrong
                      FROM inventory.stock_item s) AS t",
    },
    Check {
        invariant: "I2 stock",
        claim: "what is reserved and committed is what the reservations hold",
        query: "WITH held AS (
                    SELECT (a->>'stock_item_id')::uuid AS stock_item_id, r.status, (a->>'quantity')::bigint AS quantity
                    FROM inventory.reservation r CROSS JOIN jsonb_array_elements(r.allocations) AS a
                )
                SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(sku) FILTER (WHERE wrong) AS example
                FROM (SELECT s.sku,
                             s.reserved <> coalesce((SELECT sum(quantity) FROM held h WHERE h.stock_item_id = s.stock_item_id
                                                     AND h.status = 'active'), 0)
                             OR s.committed <> coalesce((SELECT sum(quantity) FROM held h WHERE h.stock_item_id = s.stock_item_id
                                                         AND h.status = 'committed'), 0) AS wrong
                      FROM inventory.stock_item s) AS t",
    },
    Check {
        invariant: "I3 end",
        claim: "every order is paid for or undone: none is under way",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT order_id AS id, NOT (status IN ('PAID', 'FAILED', 'CANCELLED')
                                                  OR status = 'CONFIRMED' AND card_token IS NULL) AS wrong
                      FROM orders.placed_order) AS t",
    },
    Check {
        invariant: "I3 end",
        claim: "paid orders hold committed stock and captured money",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT o.order_id AS id, r.status IS DISTINCT FROM 'committed' OR p.status IS DISTINCT FROM 'captured'
                             OR p.captured_minor - p.refunded_minor <> o.total_minor AS wrong
                      FROM orders.placed_order o LEFT JOIN inventory.reservation r USING (order_id)
                      LEFT JOIN payments.payment p USING (order_id)
                      WHERE o.status = 'PAID') AS t",
    },
    Check {
        invariant: "I3 end",
        claim: "failed and cancelled orders hold neither stock nor money",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT o.order_id AS id, coalesce(r.status IN ('active', 'committed'), false)
                             OR coalesce(p.status NOT IN ('declined', 'voided', 'refunded', 'closed', 'tombstone'), false) AS wrong
                      FROM orders.placed_order o LEFT JOIN inventory.reservation r USING (order_id)
                      LEFT JOIN payments.payment p USING (order_id)
                      WHERE o.status IN ('FAILED', 'CANCELLED')) AS t",
    },
    Check {
        invariant: "I3 end",
        claim: "checkout told every buyer what became of every order",
        query: "SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(id::text) FILTER (WHERE wrong) AS example
                FROM (SELECT c.order_id AS id, c.outcome IS DISTINCT FROM o.status AS wrong
                      FROM checkout.checkout_order c LEFT JOIN orders.placed_order o USING (order_id)) AS t",
    },
];

/// What the fleet acknowledged to its clients.
#[derive(Debug, Default)]
pub struct Acknowledged {
    orders: Vec<Uuid>,
    cancelled: Vec<Uuid>,
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
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report(Vec<Finding>);

#[derive(Debug, FromRow)]
struct Counts {
    examined: i64,
    broken: i64,
    example: Option<String>,
}

#[derive(Debug)]
struct Finding {
    invariant: &'static str,
    claim: &'static str,
    counts: Counts,
}

impl Report {
    fn add(&mut self, invariant: &'static str, claim: &'static str, counts: Counts) {
        self.0.push(Finding { invariant, claim, counts });
    }

    /// Whether any claim does not hold.
    pub fn is_broken(&self) -> bool {
        self.0.iter().any(|finding| finding.counts.broken > 0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {:<13} {:<94} {:>8}", "invariant", "claim", "checked")?;
        for Finding { invariant, claim, counts } in &self.0 {
            write!(f, "  {invariant:<13} {claim:<94} {:>8}  ", counts.examined)?;
            match (counts.broken, &counts.example) {
                (0, _) => writeln!(f, "holds")?,
                (broken, Some(example)) => writeln!(f, "BROKEN by {broken}, such as {example}")?,
                (broken, None) => writeln!(f, "BROKEN by {broken}")?,
            }
        }
        Ok(())
    }
}

/// Checks every invariant as soon as the fleet has come to rest, and at the latest after `settle_max`.
pub async fn check_when_settled(fleet: &Fleet, acknowledged: &Acknowledged, settle_max: Duration) -> Result<Report> {
    let deadline = Instant::now() + settle_max;
    loop {
        let report = check(fleet, acknowledged).await?;
        if !report.is_broken() || Instant::now() > deadline {
            return Ok(report);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn check(fleet: &Fleet, acknowledged: &Acknowledged) -> Result<Report> {
    let mut connection = fleet.database().acquire().await?;
    let mut report = Report::default();
    for Check { invariant, claim, query } in CHECKS {
        let counts = sqlx::query_as(*query).fetch_one(&mut *connection).await.with_context(|| claim.to_string())?;
        report.add(invariant, claim, counts);
    }
    report.add(
        "I1 money",
        "the provider charged nobody twice, and holds nothing for an order that ended",
        provider(fleet, &mut connection).await?,
    );
    report.add(
        "I4 history",
        "versions without a gap, hash chains unbroken, heads where the histories end",
        histories(&mut connection).await?,
    );
    report.add("I5 delivery", "every event took effect in every consumer, once", deliveries(&mut connection).await?);
    report.add("I5 delivery", "no event waits in an outbox or is parked", leftovers(&mut connection).await?);
    report.add(
        "I7 durable",
        "every acknowledged submission and cancellation is there",
        found(&mut connection, acknowledged).await?,
    );
    report.add(
        "I4 history",
        "orders verify-history: every snapshot is what was agreed",
        snapshots(fleet, &mut connection).await?,
    );
    report.0.sort_by_key(|finding| finding.invariant);
    Ok(report)
}

/// The provider's own books against ours.
async fn provider(fleet: &Fleet, connection: &mut PgConnection) -> Result<Counts> {
    let ours: Vec<(Uuid, i64, bool)> = sqlx::query_as(
        "SELECT order_id, captured_minor - refunded_minor, status IN ('authorized', 'capturing', 'voiding') FROM payments.payment",
    )
    .fetch_all(connection)
    .await?;
    let ours: BTreeMap<String, (i64, bool)> =
        ours.into_iter().map(|(id, net, holds)| (id.to_string(), (net, holds))).collect();
    let charges = provider::all_charges(fleet).await?;
    let wrong = charges.iter().filter(|charge| {
        let (net, holds) = ours.get(&charge.payment).copied().unwrap_or_default();
        charge.captures > 1
            || charge.captured_minor - charge.refunded_minor != net
            || (charge.held_minor != 0 && !holds)
    });
    let wrong: Vec<_> = wrong.map(|charge| charge.payment.clone()).collect();
    Ok(Counts { examined: charges.len() as i64, broken: wrong.len() as i64, example: wrong.into_iter().next() })
}

/// Every aggregate's row that keeps a head, against its history in the journal.
const HEADS: &[(&str, &str)] = &[
    ("products", "SELECT id, version, head_hash, correlation_id FROM products.product"),
    ("cart", "SELECT id, version, head_hash, correlation_id FROM cart.cart"),
    ("checkout", "SELECT checkout_id, version, head_hash, correlation_id FROM checkout.checkout"),
    ("orders", "SELECT order_id, version, head_hash, correlation_id FROM orders.order_state"),
    ("inventory", "SELECT order_id, version, head_hash, correlation_id FROM inventory.reservation"),
    ("inventory", "SELECT stock_item_id, version, head_hash, correlation_id FROM inventory.stock_item"),
    ("payments", "SELECT order_id, version, head_hash, correlation_id FROM payments.payment"),
];

async fn histories(connection: &mut PgConnection) -> Result<Counts> {
    let mut counts = Counts { examined: 0, broken: 0, example: None };
    for (schema, query) in HEADS {
        sqlx::raw_sql(AssertSqlSafe(format!("SET search_path = {schema}"))).execute(&mut *connection).await?;
        let heads: Vec<(Uuid, i64, Vec<u8>, Uuid)> = sqlx::query_as(*query).fetch_all(&mut *connection).await?;
        for (id, version, hash, correlation_id) in heads {
            let hash = hash.try_into().ok().context("a head's hash has 32 bytes")?;
            let history = journal::read(connection, id).await?;
            counts.examined += 1;
            if let Err(fault) = journal::verify(&history, Head { version, hash, correlation_id }) {
                counts.broken += 1;
                counts.example.get_or_insert(format!("{schema} {id}: {fault}"));
            }
        }
    }
    sqlx::raw_sql("RESET search_path").execute(connection).await?;
    Ok(counts)
}

/// What the orders service says of its own history; it recomputes the hashes of the snapshots as well.
async fn snapshots(fleet: &Fleet, connection: &mut PgConnection) -> Result<Counts> {
    let examined = sqlx::query_scalar("SELECT count(*) FROM orders.order_snapshot").fetch_one(connection).await?;
    Ok(match fleet.operate("orders", &["verify-history"]).await {
        Ok(_) => Counts { examined, broken: 0, example: None },
        Err(error) => Counts { examined, broken: 1, example: Some(error.to_string()) },
    })
}

/// Every recorded event of a subscription against the inbox of the consumer that subscribed to it. An inbox holds an event at
/// most once by its key, and an effect commits with its inbox row.
async fn deliveries(connection: &mut PgConnection) -> Result<Counts> {
    let mut all = Counts { examined: 0, broken: 0, example: None };
    for service in &SERVICES {
        let Some(consumer) = service.consumer else { continue };
        for subscription in service.subscriptions {
            let producer = subscription.topic().split('.').nth(1).context("a topic names its service")?;
            let query = format!(
                "SELECT count(*) AS examined, count(*) FILTER (WHERE i.event_id IS NULL) AS broken,
                        min(j.event_id::text) FILTER (WHERE i.event_id IS NULL) AS example
                 FROM {producer}.journal j
                 LEFT JOIN {}.inbox i ON i.event_id = j.event_id AND i.consumer = $1
                 WHERE j.event_type = $2",
                service.name
            );
            let counts: Counts = sqlx::query_as(AssertSqlSafe(query))
                .bind(consumer)
                .bind(subscription.event)
                .fetch_one(&mut *connection)
                .await?;
            all.examined += counts.examined;
            all.broken += counts.broken;
            all.example = all.example.or(counts.example.map(|id| format!("{} {id} in {consumer}", subscription.event)));
        }
    }
    Ok(all)
}

async fn leftovers(connection: &mut PgConnection) -> Result<Counts> {
    let mut all = Counts { examined: 0, broken: 0, example: None };
    for service in &SERVICES {
        let name = service.name;
        let query = format!(
            "SELECT (SELECT count(*) FROM {name}.journal) AS examined,
                    (SELECT count(*) FROM {name}.outbox) +
                    (SELECT count(*) FROM {name}.parked_event WHERE state = 'parked') AS broken, NULL::text AS example"
        );
        let counts: Counts = sqlx::query_as(AssertSqlSafe(query)).fetch_one(&mut *connection).await?;
        all.examined += counts.examined;
        all.broken += counts.broken;
        if counts.broken > 0 {
            all.example.get_or_insert(format!("{} of {name}", counts.broken));
        }
    }
    Ok(all)
}

async fn found(connection: &mut PgConnection, acknowledged: &Acknowledged) -> Result<Counts> {
    Ok(sqlx::query_as(
        "SELECT count(*) AS examined, count(*) FILTER (WHERE missing) AS broken, min(id::text) FILTER (WHERE missing) AS example
         FROM (SELECT id, NOT EXISTS (SELECT FROM orders.placed_order o WHERE o.order_id = id) AS missing
               FROM unnest($1::uuid[]) AS id
               UNION ALL
               SELECT id, NOT EXISTS (SELECT FROM orders.placed_order o WHERE o.order_id = id AND o.status = 'CANCELLED')
               FROM unnest($2::uuid[]) AS id) AS t",
    )
    .bind(&acknowledged.orders)
    .bind(&acknowledged.cancelled)
    .fetch_one(connection)
    .await?)
}
