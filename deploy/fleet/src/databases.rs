//! The databases of a fleet, to look something up in: each service's schema, by that service's own rights.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::fleet::Fleet;
use crate::operate;
use crate::topology::SERVICES;

/// How long a database may take to answer before the command says that it does not.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// One database for each service.
#[derive(Debug)]
pub struct Databases(BTreeMap<&'static str, PgPool>);

impl Databases {
    /// Those of the fleet that another process runs under that name. Nothing can be changed through them.
    pub fn of_running(fleet: &str) -> Result<Self> {
        let connect = |name: &'static str| Ok((name, connect(fleet, name)?));
        SERVICES.iter().map(|service| connect(service.name)).collect::<Result<_>>().map(Self)
    }

    /// Those of the fleet that this process runs.
    pub fn of(fleet: &Fleet) -> Self {
        Self(SERVICES.iter().map(|service| (service.name, fleet.database().clone())).collect())
    }

    /// The database of a service of the seven.
    pub fn of_service(&self, name: &str) -> &PgPool {
        &self.0[name]
    }
}

fn connect(fleet: &str, service: &str) -> Result<PgPool> {
    let command = operate::command(fleet, service)?;
    let url = command.get_envs().find(|(name, _)| *name == "TRADEWIND_DATABASE_URL").and_then(|(_, url)| url?.to_str());
    let url = url.with_context(|| format!("{service} runs without a database"))?;
    let options: PgConnectOptions = url.parse().with_context(|| format!("the URL of the database of {service}"))?;
    let options = options.options([("default_transaction_read_only", "on")]);
    Ok(PgPoolOptions::new().max_connections(1).acquire_timeout(ANSWER_MAX).connect_lazy_with(options))
}
