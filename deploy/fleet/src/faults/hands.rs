//! Single acts of disturbance.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use sandbox_provider::Mode;

use crate::fleet::Fleet;
use crate::kafka::Kafka;
use crate::postgres::Postgres;
use crate::topology::PROVIDER;

/// A braked process runs for the first and stands still for the second, again and again.
const RUNS: Duration = Duration::from_millis(25);
const STANDS: Duration = Duration::from_millis(75);

/// The broker, which only a fleet with servers of its own may disturb.
pub(super) fn kafka(fleet: &mut Fleet) -> Result<&mut Kafka> {
    fleet.servers().kafka().context("the broker is somebody else's")
}

/// PostgreSQL, which only a fleet with servers of its own may disturb.
pub(super) fn postgres(fleet: &mut Fleet) -> Result<&mut Postgres> {
    fleet.servers().postgres().context("PostgreSQL is somebody else's")
}

/// Slows a process down until the task is aborted; the process may stand still then.
pub(super) async fn brake(pid: Pid) {
    loop {
        for (signal, time) in [(Signal::SIGSTOP, STANDS), (Signal::SIGCONT, RUNS)] {
            // It may have died meanwhile, which is noticed elsewhere.
            let _ = signal::kill(pid, signal);
            tokio::time::sleep(time).await;
        }
    }
}

/// Cuts every connection that a service has to the database.
pub(super) async fn cut_connections(fleet: &Fleet, service: &str) -> Result<()> {
    sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1")
        .bind(service)
        .execute(fleet.database())
        .await?;
    Ok(())
}

/// Tells the sandbox provider how to behave from now on.
pub(super) async fn set_provider(fleet: &Fleet, mode: Mode) -> Result<()> {
    // reqwest wants one even for plain HTTP; somebody else in this process may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = format!("{}/control", fleet.endpoint(PROVIDER));
    let answer = reqwest::Client::new().post(url).json(&mode).send().await.context("telling the provider")?;
    ensure!(answer.status().is_success(), "the provider answered {}", answer.status());
    Ok(())
}
