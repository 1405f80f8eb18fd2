//! PostgreSQL and Kafka together: our own, or those that the environment names.

use anyhow::{Context, Result};
use nix::unistd::Pid;

use crate::kafka::{self, Kafka, KafkaJars};
use crate::postgres::{self, Postgres};
use crate::process::Death;
use crate::progress;
use crate::requirements::{Needs, Requirements};
use crate::workdir::Workdir;

/// Servers that run already and are used instead of starting our own.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ExternalServers {
    /// A PostgreSQL to use instead of starting one: the URL of a role that may create databases and roles.
    #[arg(long, value_name = "URL", env = "TRADEWIND_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// A Kafka to use instead of starting one: `host:port[,host:port...]`.
    #[arg(long, value_name = "BROKERS", env = "TRADEWIND_KAFKA_BROKERS")]
    pub kafka_brokers: Option<String>,
}

impl ExternalServers {
    /// Neither is named.
    pub fn is_empty(&self) -> bool {
        self.database_url.is_none() && self.kafka_brokers.is_none()
    }

    async fn check(&self) -> Result<()> {
        if let Some(url) = &self.database_url {
            postgres::answers(url).await.context("the PostgreSQL that TRADEWIND_DATABASE_URL names")?;
            progress::say("postgres", "the one that TRADEWIND_DATABASE_URL names");
        }
        if let Some(brokers) = &self.kafka_brokers {
            kafka::answers(brokers).await.context("the Kafka that TRADEWIND_KAFKA_BROKERS names")?;
            progress::say("kafka", format_args!("{brokers}, as TRADEWIND_KAFKA_BROKERS says"));
        }
        Ok(())
    }
}

/// A pair of servers that answer.
#[derive(Debug)]
pub struct Servers {
    /// `None` when it is not ours.
    postgres: Option<Postgres>,
    /// `None` when it is not ours.
    kafka: Option<Kafka>,
    database_url: String,
    kafka_brokers: String,
}

impl Servers {
    /// Starts in `workdir` what `external` does not name, after getting what that requires. Returns when both answer.
    /// Dropping the future, or what it returned, kills what was started; [`Servers::stop`] ends it in order.
    pub async fn start(workdir: &Workdir, external: &ExternalServers) -> Result<Self> {
        Self::start_with(workdir, external, &[]).await
    }

    /// As [`Self::start`]; a PostgreSQL of our own gets these settings as well.
    pub async fn start_with(workdir: &Workdir, external: &ExternalServers, settings: &[&str]) -> Result<Self> {
        external.check().await?;
        let jars = KafkaJars::locate();
        let needs = Needs {
            postgres: external.database_url.is_none(),
            java: external.kafka_brokers.is_none(),
            maven: external.kafka_brokers.is_none() && !jars.are_complete(),
            npx: false,
        };
        let found = Requirements::provide(needs).await?;

        let postgres = async {
            let Some(programs) = &found.postgres else { return Ok(None) };
            Postgres::start(workdir, programs, settings).await.map(Some)
        };
        let kafka = async {
            let Some(java) = &found.java else { return Ok(None) };
            if let Some(maven) = &found.maven {
                jars.fetch(maven).await?;
            }
            Kafka::start(workdir, java, &jars).await.map(Some)
        };
        let (postgres, kafka) = tokio::try_join!(postgres, kafka)?;

        let own_or =
            |own: Option<&str>, external: Option<&String>| own.or(external.map(String::as_str)).map(str::to_owned);
        Ok(Self {
            database_url: own_or(postgres.as_ref().map(Postgres::url), external.database_url.as_ref())
                .expect("a PostgreSQL that is not named was started"),
            kafka_brokers: own_or(kafka.as_ref().map(Kafka::brokers), external.kafka_brokers.as_ref())
                .expect("a Kafka that is not named was started"),
            postgres,
            kafka,
        })
    }

    /// A PostgreSQL URL with user and password, of a role that may create databases.
    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    /// `host:port`, several separated by commas.
    pub fn kafka_brokers(&self) -> &str {
        &self.kafka_brokers
    }

    /// Our own PostgreSQL, if it is ours.
    pub fn postgres(&mut self) -> Option<&mut Postgres> {
        self.postgres.as_mut()
    }

    /// Our own Kafka, if it is ours.
    pub fn kafka(&mut self) -> Option<&mut Kafka> {
        self.kafka.as_mut()
    }

    /// The name and the process id of those that are our own.
    pub fn processes(&self) -> impl Iterator<Item = (String, Pid)> {
        let postgres = self.postgres.as_ref().and_then(Postgres::pid).map(|pid| ("postgres".to_owned(), pid));
        let kafka = self.kafka.as_ref().and_then(Kafka::pid).map(|pid| ("kafka".to_owned(), pid));
        postgres.into_iter().chain(kafka)
    }

    /// Waits until one of our own servers ends by itself; for ever when both are others'.
    pub async fn died(&mut self) -> Death {
        let postgres = async {
            match &mut self.postgres {
                Some(postgres) => postgres.died().await,
                None => std::future::pending().await,
            }
        };
        let kafka = async {
            match &mut self.kafka {
                Some(kafka) => kafka.died().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            death = postgres => death,
            death = kafka => death,
        }
    }

    /// Stops what is ours, both at once.
    pub async fn stop(mut self) -> Result<()> {
        let postgres = async {
            match &mut self.postgres {
                Some(postgres) => postgres.stop().await,
                None => Ok(()),
            }
        };
        let kafka = async {
            match &mut self.kafka {
                Some(kafka) => kafka.stop().await,
                None => Ok(()),
            }
        };
        // Joined, not tried: a failure of one is no reason to leave the other running.
        let (postgres, kafka) = tokio::join!(postgres, kafka);
        postgres.and(kafka)
    }
}
