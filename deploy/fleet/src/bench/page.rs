//! What a run found, for people: `target/bench/summary.md`, and the same on the terminal.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use super::ceiling::Ceilings;
use super::summary::{Conditions, Level, OpenLevel, Preloaded, Summary};

/// A level's name and its figures.
type Named<'a> = (String, &'a Level);

/// Writes the page.
pub fn page(summary: &Summary) -> Result<String, fmt::Error> {
    let mut page = String::from("# fleet bench\n");
    if let Some(conditions) = &summary.conditions {
        write_conditions(&mut page, conditions)?;
    }
    if let Some(ceilings) = &summary.ceilings {
        write_ceilings(&mut page, ceilings)?;
    }
    let levels = levels(summary);
    if !levels.is_empty() {
        write_rates(&mut page, &levels)?;
        write_costs(&mut page, &levels)?;
        write_cpu(&mut page, &levels)?;
    }
    if let Some(preloaded) = &summary.preloaded {
        write_preloaded(&mut page, preloaded)?;
    }
    write_memory(&mut page, summary)?;
    Ok(page)
}

fn levels(summary: &Summary) -> Vec<Named<'_>> {
    let open = |name: &str, open: &OpenLevel| format!("{name}, {:.0}/s", open.rate_per_sec);
    let closed = summary.closed.iter().map(|(in_flight, level)| (in_flight.to_string(), level));
    let hot = summary.hot.iter().map(|(in_flight, level)| (format!("{in_flight}, hot SKUs"), level));
    let journey = summary.journey.iter().map(|level| ("whole journey".to_owned(), level));
    let life = summary.whole_life.iter().map(|level| ("whole life, to CLOSED".to_owned(), level));
    let half = summary.half_load.iter().map(|half| (open("half load", half), &half.level));
    let fixed = summary.open.iter().map(|fixed| (open("open loop", fixed), &fixed.level));
    let preloaded = summary.preloaded.iter().flat_map(|preloaded| {
        preloaded
            .closed
            .iter()
            .map(|(in_flight, level)| (format!("{in_flight}, over {} orders", preloaded.orders), level))
    });
    closed.chain(hot).chain(journey).chain(life).chain(half).chain(fixed).chain(preloaded).collect()
}

fn write_conditions(page: &mut String, conditions: &Conditions) -> fmt::Result {
    let Conditions { began, machine, release, replicas, seed, postgres, kafka, order } = conditions;
    let settings: Vec<_> = postgres.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let build = if *release { "release build" } else { "DEBUG BUILD: its figures say nothing" };
    writeln!(page, "\n{began}, {machine}, {build}, {replicas} of each service, seed {seed}. {order}.")?;
    writeln!(page, "PostgreSQL: {}. Kafka: {kafka}.", settings.join(", "))
}

fn write_ceilings(page: &mut String, ceilings: &Ceilings) -> fmt::Result {
    writeln!(page, "\n| bare SQL by pgbench, least statements | orders/s | clients | WAL kB/order |")?;
    writeln!(page, "| --- | ---: | ---: | ---: |")?;
    for (name, ceiling) in [
        ("pipelined: one transaction a step, each one round trip", ceilings.pipelined),
        ("single transaction without events, statement by statement", ceilings.single_tx),
        ("single transaction without events, one round trip", ceilings.single_tx_one_round_trip),
    ] {
        let kilobytes = ceiling.wal_bytes_per_order / 1e3;
        writeln!(page, "| {name} | {:.0} | {} | {kilobytes:.1} |", ceiling.orders_per_sec, ceiling.clients)?;
    }
    Ok(())
}

fn write_rates(page: &mut String, levels: &[Named<'_>]) -> fmt::Result {
    writeln!(
        page,
        "\n| in flight | orders/s to PAID | / pipelined | / single tx | ack p50 | p99 | p99.9 ms | PAID p50 | p99 | p99.9 ms | \
         orders | s | others' cores |"
    )?;
    writeln!(page, "| --- |{}", " ---: |".repeat(12))?;
    let ratio = |ratio: Option<f64>| ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
    for (name, level) in levels {
        writeln!(
            page,
            "| {name} | {:.0} | {} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {} | {:.1} | {:.2} |",
            level.orders_per_sec,
            ratio(level.ratio_to_pipelined),
            ratio(level.ratio_to_single_tx),
            level.ack_p50_ms,
            level.ack_p99_ms,
            level.ack_p999_ms,
            level.paid_p50_ms,
            level.paid_p99_ms,
            level.paid_p999_ms,
            level.orders,
            level.seconds,
            level.cores_used_by_others,
        )?;
    }
    Ok(())
}

fn write_costs(page: &mut String, levels: &[Named<'_>]) -> fmt::Result {
    let consumers: BTreeSet<&String> = levels.iter().flat_map(|(_, level)| level.events_per_batch.keys()).collect();
    let header = cells(&consumers);
    writeln!(
        page,
        "\nAn order costs, and events are taken in batches of:\n\n\
         | in flight | transactions | rows inserted | updated | deleted | WAL kB | outbox age p50 | max ms |{header}"
    )?;
    writeln!(page, "| --- |{}", " ---: |".repeat(7 + consumers.len()))?;
    for (name, level) in levels {
        write!(
            page,
            "| {name} | {:.2} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} |",
            level.transactions_per_order,
            level.rows_per_order.inserted,
            level.rows_per_order.updated,
            level.rows_per_order.deleted,
            level.wal_bytes_per_order / 1e3,
            level.outbox_age_p50_ms,
            level.outbox_age_max_ms,
        )?;
        for consumer in &consumers {
            write!(page, " {:.1} |", level.events_per_batch.get(*consumer).copied().unwrap_or_default())?;
        }
        writeln!(page)?;
    }
    Ok(())
}

/// The middle of a header, one cell for each name.
fn cells(names: &BTreeSet<&String>) -> String {
    names.iter().fold(String::new(), |cells, name| cells + " " + name + " |")
}

fn write_cpu(page: &mut String, levels: &[Named<'_>]) -> fmt::Result {
    let processes: BTreeSet<&String> = levels.iter().flat_map(|(_, level)| level.cpu_ms_by_process.keys()).collect();
    let header = cells(&processes);
    writeln!(page, "\nCPU-ms per order (the generator is not in the sum):\n\n| in flight | sum |{header} generator |")?;
    writeln!(page, "| --- |{}", " ---: |".repeat(2 + processes.len()))?;
    for (name, level) in levels {
        write!(page, "| {name} | {:.2} |", level.cpu_ms_per_order)?;
        for process in &processes {
            write!(page, " {:.2} |", level.cpu_ms_by_process.get(*process).copied().unwrap_or_default())?;
        }
        writeln!(page, " {:.2} |", level.generator_cpu_ms_per_order)?;
    }
    Ok(())
}

fn write_preloaded(page: &mut String, preloaded: &Preloaded) -> fmt::Result {
    for (in_flight, ratio) in &preloaded.ratio_to_empty {
        writeln!(
            page,
            "\nWith {} finished orders in the tables, {in_flight} in flight: {:.0} % of the rate with none.",
            preloaded.orders,
            ratio * 1e2
        )?;
    }
    Ok(())
}

fn write_memory(page: &mut String, summary: &Summary) -> fmt::Result {
    if summary.memory_at_rest_mib.is_empty() {
        return Ok(());
    }
    writeln!(page, "\n| resident memory, MiB | after start | after the run |\n| --- | ---: | ---: |")?;
    for (name, at_rest) in &summary.memory_at_rest_mib {
        let after = summary.memory_after_mib.get(name).copied().unwrap_or_default();
        writeln!(page, "| {name} | {at_rest:.0} | {after:.0} |")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::summary::tests::{ceilings, measured};
    use super::*;

    #[test]
    fn every_table_has_as_many_cells_in_each_row_as_in_its_header() {
        let level = Level::of(&measured(), Some(&ceilings()));
        let summary = Summary {
            ceilings: Some(ceilings()),
            closed: BTreeMap::from([(1, level.clone()), (128, level.clone())]),
            journey: Some(level.clone()),
            whole_life: Some(level.clone()),
            half_load: Some(OpenLevel { rate_per_sec: 50.0, level }),
            memory_at_rest_mib: BTreeMap::from([("orders".to_owned(), 31.0)]),
            ..Summary::default()
        };
        let page = page(&summary).unwrap();
        let mut width = None;
        for line in page.lines() {
            let cells = line.starts_with('|').then(|| line.matches('|').count());
            assert!(width.is_none() || cells.is_none() || cells == width, "{line}\n{page}");
            width = cells;
        }
        assert!(page.contains("| half load, 50/s | 100 | 2.00 | 0.50 |"), "{page}");
    }
}
