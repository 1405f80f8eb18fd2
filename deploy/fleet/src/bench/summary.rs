//! What a run found, in the form that other programs read: `target/bench/summary.json`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ceiling::Ceilings;
use super::level::Measured;

/// A run. Times are in milliseconds. What was not asked for is missing; when an invariant is broken, everything else is.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Orders a second of bare SQL: one transaction for each step of the saga, each one round trip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling_pipelined_per_sec: Option<f64>,
    /// Orders a second of bare SQL: one transaction without events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling_single_tx_per_sec: Option<f64>,
    /// Both, and a third, with what they wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceilings: Option<Ceilings>,
    /// From SubmitCheckout to PAID in a closed loop, every SKU as often as any other, by orders in flight.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub closed: BTreeMap<usize, Level>,
    /// The same, when every other order wants one of four SKUs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub hot: BTreeMap<usize, Level>,
    /// The whole journey in a closed loop: cart, two lines, quote, submission, PAID. Times are from its beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journey: Option<Level>,
    /// The whole life in a closed loop: submission, PAID, a parcel that arrives, CLOSED. What is elsewhere told of PAID is told of CLOSED here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whole_life: Option<Level>,
    /// From SubmitCheckout to PAID in an open loop at half of the greatest rate of `closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half_load: Option<OpenLevel>,
    /// The same at the rate that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<OpenLevel>,
    /// `closed` again, with that many more orders in the tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preloaded: Option<Preloaded>,
    /// Resident memory of each service after its start, in MiB; the largest of its replicas.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub memory_at_rest_mib: BTreeMap<String, f64>,
    /// The same after the run.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub memory_after_mib: BTreeMap<String, f64>,
    /// On what it ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Conditions>,
    /// How many claims about the books do not hold.
    pub invariants_broken: usize,
}

/// On what a run ran.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Conditions {
    /// When it began (RFC 3339).
    pub began: String,
    /// Cores of the machine, and their model.
    pub machine: String,
    /// Whether the binaries are optimised.
    pub release: bool,
    /// Processes of each service.
    pub replicas: u16,
    /// What chose the SKUs.
    pub seed: u64,
    /// The settings of PostgreSQL that durability depends on, as the server tells them.
    pub postgres: BTreeMap<String, String>,
    /// How the services produce.
    pub kafka: String,
    /// What one order is.
    pub order: String,
}

/// A level of load.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Level {
    /// Orders carried to PAID, a second.
    pub orders_per_sec: f64,
    /// Over the ceiling of the same run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio_to_pipelined: Option<f64>,
    /// Over the ceiling of the same run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio_to_single_tx: Option<f64>,
    /// CPU time of the services, the provider, PostgreSQL and Kafka, for an order.
    pub cpu_ms_per_order: f64,
    /// The same, one by one.
    pub cpu_ms_by_process: BTreeMap<String, f64>,
    /// Not in the sum: of the process that makes the load.
    pub generator_cpu_ms_per_order: f64,
    /// Cores that were busy with anything else meanwhile, on average.
    pub cores_used_by_others: f64,
    /// From the intended start to the answer of SubmitCheckout.
    pub ack_p50_ms: f64,
    /// 99 % are faster.
    pub ack_p99_ms: f64,
    /// 99.9 % are faster.
    pub ack_p999_ms: f64,
    /// From the intended start to PAID, as heard from Kafka.
    pub paid_p50_ms: f64,
    /// 99 % are faster.
    pub paid_p99_ms: f64,
    /// 99.9 % are faster.
    pub paid_p999_ms: f64,
    /// Transactions of the database.
    pub transactions_per_order: f64,
    /// Rows inserted, updated and deleted.
    pub rows_per_order: Rows,
    /// Bytes of the write-ahead log.
    pub wal_bytes_per_order: f64,
    /// Events that took effect, over the transactions in which they did, by consumer.
    pub events_per_batch: BTreeMap<String, f64>,
    /// Age of the oldest row of any outbox, looked at every 100 ms: the middle one.
    pub outbox_age_p50_ms: f64,
    /// And the greatest.
    pub outbox_age_max_ms: f64,
    /// Orders that were measured.
    pub orders: usize,
    /// Seconds that were measured.
    pub seconds: f64,
}

/// Rows written.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Rows {
    /// Inserted.
    pub inserted: f64,
    /// Updated.
    pub updated: f64,
    /// Deleted.
    pub deleted: f64,
}

/// A level at a fixed rate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OpenLevel {
    /// Orders that began, a second.
    pub rate_per_sec: f64,
    /// What came of it.
    #[serde(flatten)]
    pub level: Level,
}

/// Levels over full tables.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Preloaded {
    /// Finished orders that were put into the tables before.
    pub orders: usize,
    /// From SubmitCheckout to PAID in a closed loop, by orders in flight.
    pub closed: BTreeMap<usize, Level>,
    /// Orders a second over those of the same level with empty tables, by orders in flight.
    pub ratio_to_empty: BTreeMap<usize, f64>,
}

impl Summary {
    /// What is left of a run that broke an invariant.
    #[must_use]
    pub fn broken(invariants_broken: usize) -> Self {
        Self { invariants_broken, ..Self::default() }
    }
}

impl Level {
    /// The figures of a level.
    #[must_use]
    pub fn of(measured: &Measured, ceilings: Option<&Ceilings>) -> Self {
        let Measured { orders, used, outbox_ages, events_per_batch, .. } = measured;
        let count = orders.len() as f64;
        let seconds = used.window().as_secs_f64();
        let cpu_ms = |used: Duration| used.as_secs_f64() * 1e3 / count;
        let rows = |rows: i64| rows as f64 / count;
        let ack = Percentiles::of(orders.iter().map(|order| order.acknowledged - order.intended));
        let paid = Percentiles::of(orders.iter().map(|order| order.paid - order.intended));
        let ages = Percentiles::of(outbox_ages.iter().copied());
        let orders_per_sec = count / seconds;
        Self {
            orders_per_sec,
            ratio_to_pipelined: ceilings.map(|ceilings| orders_per_sec / ceilings.pipelined.orders_per_sec),
            ratio_to_single_tx: ceilings.map(|ceilings| orders_per_sec / ceilings.single_tx.orders_per_sec),
            cpu_ms_per_order: cpu_ms(used.cpu.fleet()),
            cpu_ms_by_process: used.cpu.by_process.iter().map(|(name, used)| (name.clone(), cpu_ms(*used))).collect(),
            generator_cpu_ms_per_order: cpu_ms(used.cpu.generator),
            cores_used_by_others: used.cpu.others().as_secs_f64() / seconds,
            ack_p50_ms: ack.at(0.5),
            ack_p99_ms: ack.at(0.99),
            ack_p999_ms: ack.at(0.999),
            paid_p50_ms: paid.at(0.5),
            paid_p99_ms: paid.at(0.99),
            paid_p999_ms: paid.at(0.999),
            transactions_per_order: rows(used.transactions),
            rows_per_order: Rows {
                inserted: rows(used.rows_inserted),
                updated: rows(used.rows_updated),
                deleted: rows(used.rows_deleted),
            },
            wal_bytes_per_order: rows(used.wal_bytes),
            events_per_batch: events_per_batch.clone(),
            outbox_age_p50_ms: ages.at(0.5),
            outbox_age_max_ms: ages.at(1.0),
            orders: orders.len(),
            seconds,
        }
    }
}

/// Durations, sorted.
struct Percentiles(Vec<Duration>);

impl Percentiles {
    fn of(durations: impl Iterator<Item = Duration>) -> Self {
        let mut durations: Vec<_> = durations.collect();
        durations.sort_unstable();
        Self(durations)
    }

    /// The smallest that so many of all are not above, in milliseconds; 0 of none.
    fn at(&self, fraction: f64) -> f64 {
        let rank = (self.0.len() as f64 * fraction).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).map_or(0.0, |duration| duration.as_secs_f64() * 1e3)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Instant;

    use super::super::ceiling::Ceiling;
    use super::super::cpu::Cpu;
    use super::super::meters::Used;
    use super::*;
    use crate::load::crowd::Bought;

    pub(crate) fn ceilings() -> Ceilings {
        let of = |orders_per_sec| Ceiling { orders_per_sec, clients: 32, wal_bytes_per_order: 8_700.0 };
        Ceilings { pipelined: of(50.0), single_tx: of(200.0), single_tx_one_round_trip: of(400.0) }
    }

    /// A hundred orders within a second: acknowledged after 1 to 100 ms, paid for after 10 to 1,000 ms.
    pub(crate) fn measured() -> Measured {
        let opened = Instant::now();
        let order = |n: u32| Bought {
            order_id: uuid::Uuid::nil(),
            intended: opened,
            acknowledged: opened + Duration::from_millis(1) * n,
            paid: opened + Duration::from_millis(10) * n,
        };
        let by_process =
            [("orders", 100), ("postgres", 50)].map(|(name, ms)| (name.to_owned(), Duration::from_millis(ms)));
        let cpu = Cpu {
            by_process: BTreeMap::from(by_process),
            generator: Duration::from_millis(20),
            machine: Duration::from_millis(670),
        };
        let used = Used {
            opened,
            closed: opened + Duration::from_secs(1),
            cpu,
            transactions: 250,
            rows_inserted: 4_000,
            rows_updated: 1_000,
            rows_deleted: 800,
            wal_bytes: 870_000,
        };
        Measured {
            orders: (1..=100).map(order).collect(),
            used,
            outbox_ages: [0, 30, 70].map(Duration::from_millis).to_vec(),
            events_per_batch: BTreeMap::from([("orders.saga".to_owned(), 12.5)]),
            statements: None,
            begun: 100,
        }
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let of = |values: &[u64]| Percentiles::of(values.iter().map(|ms| Duration::from_millis(*ms)));
        let hundred: Vec<u64> = (1..=100).rev().collect();
        let all = of(&hundred);
        let at = [0.5, 0.99, 0.999, 1.0].map(|fraction| all.at(fraction).round() as u64);
        assert_eq!(at, [50, 99, 100, 100]);
        assert_eq!(of(&[7]).at(0.5).round() as u64, 7);
        assert_eq!(of(&[]).at(0.99).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn a_level_is_what_was_used_over_what_was_paid_for() {
        let level = Level::of(&measured(), Some(&ceilings()));
        let near = |left: f64, right: f64| assert!((left - right).abs() < 1e-6, "{left} is not {right}");
        near(level.orders_per_sec, 100.0);
        near(level.ratio_to_pipelined.unwrap(), 2.0);
        near(level.ratio_to_single_tx.unwrap(), 0.5);
        near(level.cpu_ms_per_order, 1.5);
        near(level.cpu_ms_by_process["orders"], 1.0);
        near(level.generator_cpu_ms_per_order, 0.2);
        near(level.cores_used_by_others, 0.5);
        near(level.ack_p99_ms, 99.0);
        near(level.paid_p50_ms, 500.0);
        near(level.paid_p999_ms, 1_000.0);
        near(level.rows_per_order.inserted, 40.0);
        near(level.wal_bytes_per_order, 8_700.0);
        near(level.outbox_age_p50_ms, 30.0);
        near(level.outbox_age_max_ms, 70.0);
    }

    #[test]
    fn the_summary_has_the_shape_that_others_read() {
        let level = Level::of(&measured(), Some(&ceilings()));
        let summary = Summary {
            ceiling_pipelined_per_sec: Some(50.0),
            ceiling_single_tx_per_sec: Some(200.0),
            closed: BTreeMap::from([(128, level.clone())]),
            journey: Some(level.clone()),
            whole_life: Some(level.clone()),
            half_load: Some(OpenLevel { rate_per_sec: 50.0, level }),
            ..Summary::default()
        };
        let json = serde_json::to_value(&summary).unwrap();
        for path in [
            "/ceiling_pipelined_per_sec",
            "/ceiling_single_tx_per_sec",
            "/closed/128/orders_per_sec",
            "/closed/128/ratio_to_pipelined",
            "/closed/128/ratio_to_single_tx",
            "/closed/128/cpu_ms_per_order",
            "/closed/128/cpu_ms_by_process/postgres",
            "/closed/128/ack_p99_ms",
            "/closed/128/paid_p50_ms",
            "/closed/128/paid_p99_ms",
            "/journey/orders_per_sec",
            "/whole_life/cpu_ms_by_process/postgres",
            "/whole_life/rows_per_order/inserted",
            "/whole_life/wal_bytes_per_order",
            "/half_load/rate_per_sec",
            "/half_load/paid_p99_ms",
        ] {
            assert!(json.pointer(path).is_some_and(serde_json::Value::is_number), "{path} in {json:#}");
        }
        assert_eq!(json["invariants_broken"], 0);
    }

    #[test]
    fn a_run_that_broke_an_invariant_has_no_figures() {
        assert_eq!(serde_json::to_string(&Summary::broken(2)).unwrap(), r#"{"invariants_broken":2}"#);
    }
}
