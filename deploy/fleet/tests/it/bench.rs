//! The bench in small: its parts run, its figures can be read, and a run that breaks an invariant has none.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use clap::Parser;
use fleet::bench::{Options, measure};
use fleet::fleet::Fleet;
use fleet::topology::{Deadlines, Shape};
use fleet::workdir::fleet_folder;

use crate::marketplace::{ONE_FLEET, test_servers};

fn results(test: &str) -> PathBuf {
    fleet_folder().join("bench-tests").join(test)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_part_of_the_bench_writes_its_figures() {
    let _turn = ONE_FLEET.lock().await;
    let folder = results("every-part");
    let parts = ["--ceilings", "--closed", "4,8", "--hot", "8", "--journey", "4", "--whole-life", "8", "--half-load"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleet"));
    let size = ["--orders", "40", "--seconds", "1", "--skus", "5", "--seed", "7"];
    command.arg("bench").args(parts).args(size).arg("--out").arg(&folder);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let summary = std::fs::read_to_string(folder.join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let positive = |path: &str| {
        let figure = summary.pointer(path).and_then(serde_json::Value::as_f64);
        assert!(figure.is_some_and(|figure| figure > 0.0), "{path} in {summary:#}");
    };
    for figure in ["orders_per_sec", "ratio_to_pipelined", "ratio_to_single_tx", "cpu_ms_per_order", "paid_p99_ms"] {
        for level in ["/closed/4", "/closed/8", "/hot/8", "/journey", "/whole_life", "/half_load"] {
            positive(&format!("{level}/{figure}"));
        }
    }
    let services = ["products", "cart", "checkout", "orders", "inventory", "payments", "shipping"];
    for process in services.into_iter().chain(["sandbox-provider", "postgres", "kafka"]) {
        assert!(summary["closed"]["8"]["cpu_ms_by_process"].get(process).is_some(), "{process} in {summary:#}");
    }
    positive("/ceiling_pipelined_per_sec");
    positive("/ceiling_single_tx_per_sec");
    positive("/half_load/rate_per_sec");
    positive("/memory_at_rest_mib/orders");
    positive("/closed/8/events_per_batch/orders.saga");
    positive("/closed/8/wal_bytes_per_order");
    positive("/whole_life/rows_per_order/inserted");
    positive("/whole_life/wal_bytes_per_order");
    assert_eq!(summary["invariants_broken"], 0);
    let page = std::fs::read_to_string(folder.join("summary.md")).unwrap();
    assert!(page.contains("DEBUG BUILD"), "a debug build must not pass for a measurement:\n{page}");
    assert!(String::from_utf8_lossy(&output.stdout).contains(&page), "the terminal shows the page");
}

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_breaks_an_invariant_has_no_figures() {
    let _turn = ONE_FLEET.lock().await;
    let fleet = Fleet::start("bench-broken", &test_servers(), Shape::single(Deadlines::PRODUCTION)).await.unwrap();
    // An event that nobody will ever send.
    sqlx::query("INSERT INTO cart.outbox (aggregate_id, version, created_at) VALUES (gen_random_uuid(), 1, now())")
        .execute(fleet.database())
        .await
        .unwrap();
    let folder = results("broken");
    std::fs::create_dir_all(&folder).unwrap();
    let options = Line::parse_from(["bench", "--closed", "4", "--orders", "20", "--skus", "5"]).options;
    let summary = measure(&fleet, &options, &folder, Duration::from_secs(1)).await.unwrap();
    fleet.stop().await.unwrap();
    assert_eq!(summary.invariants_broken, 1);
    let written = std::fs::read_to_string(folder.join("summary.json")).unwrap();
    assert_eq!(written, "{\n  \"invariants_broken\": 1\n}\n");
    assert!(std::fs::read_to_string(folder.join("summary.md")).unwrap().contains("BROKEN by 1"));
}
