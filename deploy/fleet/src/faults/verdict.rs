//! What is asked of a fleet after a campaign, beyond the invariants.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;
use uuid::Uuid;

use super::buyers::{Intent, Ledger, Success};
use super::fault::Fault;
use super::injector::{Disturbed, Injection, NEVER_PASSED};
use super::{Options, SETTLE_MAX};
use crate::fleet::Fleet;
use crate::invariants;
use crate::topology::PROVIDER;

/// After a single kill the first order that was submitted since is paid within that time, wherever.
const FIRST_SUCCESS_MAX: Duration = Duration::from_secs(10);
/// The same in each partition of the topic of orders. There it depends on how soon the work of the dead is taken over, and on
/// whatever else the machine does.
const EVERY_PARTITION_MAX: Duration = Duration::from_secs(30);
/// Of the orders that met no business failure, so many in a hundred are paid.
const PAID_PERCENT_MIN: f64 = 95.0;

/// What happened.
pub struct Course<'a> {
    /// The fleet, which came to rest or did not.
    pub fleet: &'a Fleet,
    /// What was asked for.
    pub options: &'a Options,
    /// What was done to it.
    pub disturbed: &'a Disturbed,
    /// What the buyers told.
    pub ledger: &'a Ledger,
    /// The beginning of the load.
    pub started: Instant,
    /// After what time every saga had ended.
    pub settled: Option<Duration>,
    /// Orders that were not closed at the end, though nothing of them was under way.
    pub unclosed: usize,
    /// The invariants.
    pub books: &'a invariants::Report,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct Findings {
    /// Orders by what their buyer was up to and how they ended.
    pub endings: BTreeMap<String, usize>,
    /// Orders that were placed and given up on afterwards, which the endings count too, by what their buyer was up to and why.
    pub left_alone: BTreeMap<String, usize>,
    /// What was asked back, by why and how far it came.
    pub refunds: BTreeMap<String, i64>,
    /// Orders that met no business failure, and how many of them are paid.
    pub payable: usize,
    /// See there.
    pub paid: usize,
    /// Requests that were answered with an internal error.
    pub internal_errors: usize,
    /// Recoveries after single kills.
    pub recoveries: Vec<Recovery>,
    /// Processes that died though nobody killed them.
    pub deaths: Vec<String>,
    /// Why the fleet did not withstand the campaign; empty if it did.
    pub failures: Vec<String>,
}

/// How long the fleet needed after a kill that came alone.
#[derive(Debug, Clone, Serialize)]
pub struct Recovery {
    /// The fault.
    pub fault: String,
    /// Whether the process was away for a while instead of being started again at once.
    pub lost: bool,
    /// Until the first order that was submitted after it was paid.
    pub first_success_secs: Option<f64>,
    /// Until that had happened in every partition of the topic of orders, so that nobody was left waiting.
    pub every_partition_secs: Option<f64>,
}

/// Looks at what happened.
pub async fn reach(course: &Course<'_>) -> Result<Findings> {
    let endings = endings(course).await?;
    let of = |intent: Intent, ending: &str| endings.get(&format!("{intent:?} {ending}")).copied().unwrap_or_default();
    let of_either = |ending: &str| of(Intent::Pay, ending) + of(Intent::Cash, ending);
    let paid = of(Intent::Pay, "SHIPPED")
        + of(Intent::Pay, "DELIVERED")
        + ["PAID", "REFUNDED", "CLOSED", "CLOSED REFUNDED"].map(of_either).iter().sum::<usize>();
    let is_pay = |(intent, _): &&(Intent, usize)| matches!(intent, Intent::Pay | Intent::Cash);
    let payable: usize = intents(course.ledger).iter().filter(is_pay).map(|(_, count)| count).sum();
    let recoveries = recoveries(course);
    let mut findings = Findings {
        endings,
        left_alone: left_alone(course.ledger),
        refunds: refunds(course.fleet).await?,
        payable,
        paid,
        internal_errors: course.ledger.internal_errors(),
        recoveries,
        deaths: course.disturbed.deaths.clone(),
        failures: Vec::new(),
    };
    findings.failures = failures(course, &findings);
    Ok(findings)
}

fn failures(course: &Course<'_>, findings: &Findings) -> Vec<String> {
    let mut failures = Vec::new();
    if course.books.is_broken() {
        failures.push(format!("{} claims about the books do not hold", course.books.broken()));
    }
    if course.settled.is_none() {
        failures.push(format!("not every saga had ended {} s after the last fault", SETTLE_MAX.as_secs()));
    }
    if course.unclosed > 0 {
        failures.push(format!("{} orders were not closed, though their time was over", course.unclosed));
    }
    let percent = 100.0 * findings.paid as f64 / findings.payable.max(1) as f64;
    if percent < PAID_PERCENT_MIN {
        failures.push(format!("only {percent:.1} % of the orders that met no business failure were paid"));
    }
    for recovery in &findings.recoveries {
        for (secs, max, place) in [
            (recovery.first_success_secs, FIRST_SUCCESS_MAX, "anywhere"),
            (recovery.every_partition_secs, EVERY_PARTITION_MAX, "in every partition"),
        ] {
            if secs.is_none_or(|secs| secs > max.as_secs_f64()) {
                let (fault, max) = (&recovery.fault, max.as_secs());
                failures.push(format!("after \"{fault}\" it took over {max} s until orders were paid again {place}"));
            }
        }
    }
    for injection in
        course.disturbed.injections.iter().filter(|injection| injection.note.as_deref() == Some(NEVER_PASSED))
    {
        failures.push(format!("\"{}\" did not happen", injection.planned.fault));
    }
    for death in &findings.deaths {
        failures.push(format!("a process died by itself: {}", death.lines().next().unwrap_or_default()));
    }
    failures
}

/// Orders by what their buyer was up to: those that were placed, and those that could not be.
fn intents(ledger: &Ledger) -> Vec<(Intent, usize)> {
    let mut counts: BTreeMap<Intent, usize> = BTreeMap::new();
    let placed = ledger.placed().iter().map(|placed| placed.intent).collect::<Vec<_>>();
    let given_up = ledger.given_up().iter().map(|(intent, _)| *intent).collect::<Vec<_>>();
    for intent in placed.into_iter().chain(given_up) {
        *counts.entry(intent).or_default() += 1;
    }
    counts.into_iter().collect()
}

/// Orders by what their buyer was up to and how they ended, as the database has it.
async fn endings(course: &Course<'_>) -> Result<BTreeMap<String, usize>> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "SELECT order_id, concat_ws(' ', status, reason, CASE WHEN status = 'CLOSED' THEN nullif(payment_status, 'CAPTURED') END)
         FROM orders.order_state",
    )
    .fetch_all(course.fleet.database())
    .await?;
    let ends: BTreeMap<Uuid, String> = rows.into_iter().collect();
    let mut endings = BTreeMap::new();
    for placed in course.ledger.placed().iter() {
        let ending = ends.get(&placed.order_id).map_or("missing", String::as_str);
        *endings.entry(format!("{:?} {ending}", placed.intent)).or_default() += 1;
    }
    for (intent, why) in course.ledger.given_up().iter() {
        *endings.entry(format!("{intent:?} not placed: {why}")).or_default() += 1;
    }
    Ok(endings)
}

async fn refunds(fleet: &Fleet) -> Result<BTreeMap<String, i64>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT (r->>'kind') || ' ' || (r->>'status'), count(*)
         FROM orders.order_state CROSS JOIN jsonb_array_elements(refunds) AS r GROUP BY 1",
    )
    .fetch_all(fleet.database())
    .await?;
    Ok(rows.into_iter().collect())
}

fn left_alone(ledger: &Ledger) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (intent, why) in ledger.left_alone().iter() {
        *counts.entry(format!("{intent:?}: {why}")).or_default() += 1;
    }
    counts
}

/// The recoveries after every kill of one process that came alone.
fn recoveries(course: &Course<'_>) -> Vec<Recovery> {
    let successes = course.ledger.successes();
    let killed =
        course.disturbed.injections.iter().filter(|injection| is_single_kill(injection, course.options.replicas));
    killed
        .map(|injection| {
            let first = first_successes(&successes, course.started + injection.began);
            Recovery {
                fault: injection.planned.fault.to_string(),
                lost: !injection.planned.lasts.is_zero(),
                first_success_secs: first.values().min().map(Duration::as_secs_f64),
                every_partition_secs: first.values().max().map(Duration::as_secs_f64),
            }
        })
        .collect()
}

/// A service of which the only process is lost cannot recover before it comes back.
fn is_single_kill(injection: &Injection, replicas: u16) -> bool {
    let of_service = matches!(&injection.planned.fault, Fault::Kill { process } if process != PROVIDER);
    of_service && injection.planned.alone && (replicas > 1 || injection.planned.lasts.is_zero())
}

/// By partition, how long after a moment the first order that was submitted since then was paid.
fn first_successes(successes: &[Success], since: Instant) -> BTreeMap<i32, Duration> {
    let mut first: BTreeMap<i32, Duration> = BTreeMap::new();
    for success in successes.iter().filter(|success| success.submitted >= since) {
        let took = success.paid - since;
        first.entry(success.partition).and_modify(|least| *least = took.min(*least)).or_insert(took);
    }
    first
}

#[cfg(test)]
mod tests {
    use super::super::buyers::Placed;
    use super::*;

    #[test]
    fn an_order_that_was_placed_and_given_up_on_afterwards_counts_once_and_not_as_one_that_was_not_placed() {
        let ledger = Ledger::default();
        ledger.placed().push(Placed { order_id: Uuid::nil(), intent: Intent::Cash });
        ledger.left_alone().push((Intent::Cash, "no parcel".to_owned()));
        ledger.given_up().push((Intent::Pay, "no quote".to_owned()));
        assert_eq!(intents(&ledger), [(Intent::Pay, 1), (Intent::Cash, 1)]);
        assert_eq!(left_alone(&ledger), BTreeMap::from([("Cash: no parcel".to_owned(), 1)]));
    }
}
