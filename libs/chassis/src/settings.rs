//! The options that every service binary has. Each can be given as a flag or as an environment variable; `--help` names
//! both. A service's own options stand in its own `Args` struct, beside [`Settings`].

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use humantime::parse_duration;
use messaging::{Clock, KafkaConfig};
use sqlx::postgres::PgConnectOptions;

use crate::Service;
use crate::faults::FaultSettings;

/// The options that every service binary has.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Process")]
pub struct Settings {
    /// Stable name of this replica, such as orders-0: a restart under the same name takes up its work at once
    #[arg(long, env = "TRADEWIND_REPLICA", value_name = "NAME")]
    pub replica: Option<String>,

    /// How long to wait at start for the database and the token keys
    #[arg(long, env = "TRADEWIND_START_TIMEOUT", default_value = "60s", value_name = "DURATION", value_parser = parse_duration)]
    pub start_timeout: Duration,

    /// How long work in flight may take to finish when the process is told to stop
    #[arg(long, env = "TRADEWIND_DRAIN_TIMEOUT", default_value = "20s", value_name = "DURATION", value_parser = parse_duration)]
    pub drain_timeout: Duration,

    /// How long the answer to a command is kept for a repeat under the same request_id
    #[arg(long, env = "TRADEWIND_IDEMPOTENCY_RETENTION", default_value = "48h", value_name = "DURATION", value_parser = parse_duration)]
    pub idempotency_retention: Duration,

    /// Puts the clock wrong by that many seconds, positive is ahead: for fault tests
    #[arg(
        long,
        env = "TRADEWIND_CLOCK_OFFSET_SECS",
        default_value_t = 0,
        value_name = "SECONDS",
        allow_negative_numbers = true
    )]
    pub clock_offset_secs: i64,

    #[command(flatten)]
    #[expect(missing_docs, reason = "named after its type")]
    pub database: DatabaseSettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "named after its type")]
    pub kafka: KafkaSettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "named after its type")]
    pub grpc: GrpcSettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "named after its type")]
    pub auth: AuthSettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "named after its type")]
    pub telemetry: TelemetrySettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "named after its type")]
    pub faults: FaultSettings,
}

impl Settings {
    /// The clock that the process lives by.
    pub fn clock(&self) -> Clock {
        if self.clock_offset_secs == 0 { Clock::system() } else { Clock::skewed(self.clock_offset_secs) }
    }

    /// How a service reaches Kafka.
    pub fn kafka_config(&self, service: &Service) -> KafkaConfig {
        KafkaConfig {
            brokers: self.kafka.brokers.clone(),
            client_id: service.name.to_owned(),
            prefix: self.kafka.prefix.clone(),
            replica: self.replica.clone(),
        }
    }
}

/// PostgreSQL.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseSettings {
    /// PostgreSQL, as postgres://user:password@host:port/database
    #[arg(
        id = "database-url",
        long = "database-url",
        env = "TRADEWIND_DATABASE_URL",
        hide_env_values = true,
        default_value = "postgres://localhost:5432/tradewind",
        value_name = "URL"
    )]
    pub url: DatabaseUrl,

    /// Schema of the service's tables [default: the service's name]
    #[arg(id = "database-schema", long = "database-schema", env = "TRADEWIND_DATABASE_SCHEMA", value_name = "NAME", value_parser = identifier)]
    pub schema: Option<String>,

    /// Role that the service runs as, if not the one that migrates: `migrate` grants it what it needs, and no change of history
    #[arg(id = "database-role", long = "database-role", env = "TRADEWIND_DATABASE_ROLE", value_name = "NAME", value_parser = identifier)]
    pub role: Option<String>,

    /// Most connections that the pool opens
    #[arg(id = "database-connections-max", long = "database-connections-max", env = "TRADEWIND_DATABASE_CONNECTIONS_MAX", default_value_t = 10, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub connections_max: u32,

    /// How long one statement may take before the database gives it up; a wait for a lock ends after four fifths of it
    #[arg(id = "database-statement-timeout", long = "database-statement-timeout", env = "TRADEWIND_DATABASE_STATEMENT_TIMEOUT", default_value = "10s", value_name = "DURATION", value_parser = parse_duration)]
    pub statement_timeout: Duration,
}

/// Kafka.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Kafka")]
pub struct KafkaSettings {
    /// Kafka's bootstrap brokers, as host:port,host:port
    #[arg(
        id = "kafka-brokers",
        long = "kafka-brokers",
        env = "TRADEWIND_KAFKA_BROKERS",
        default_value = "localhost:9092",
        value_name = "BROKERS"
    )]
    pub brokers: String,

    /// What precedes the name of every topic and consumer group, so that several fleets can share one cluster
    #[arg(
        id = "kafka-prefix",
        long = "kafka-prefix",
        env = "TRADEWIND_KAFKA_PREFIX",
        default_value = "",
        value_name = "PREFIX"
    )]
    pub prefix: String,

    /// Partitions of a topic that `topics` creates; 3 suffice on one machine
    #[arg(long, env = "TRADEWIND_TOPIC_PARTITIONS", default_value_t = 12, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(1..))]
    pub topic_partitions: i32,

    /// Copies of a topic that `topics` creates; 1 on one machine
    #[arg(long, env = "TRADEWIND_TOPIC_REPLICATION", default_value_t = 3, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(1..))]
    pub topic_replication: i32,
}

/// The gRPC server and its limits.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "gRPC")]
pub struct GrpcSettings {
    /// Address to serve gRPC on; port 0 takes a free one and logs it
    #[arg(
        id = "grpc-listen",
        long = "grpc-listen",
        env = "TRADEWIND_GRPC_LISTEN",
        default_value = "127.0.0.1:50051",
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,

    /// Most requests worked on at once; the next is refused with OVERLOADED
    #[arg(long, env = "TRADEWIND_REQUESTS_IN_FLIGHT_MAX", default_value_t = 512, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub requests_in_flight_max: u32,

    /// Time for a request whose caller sets no deadline
    #[arg(long, env = "TRADEWIND_REQUEST_TIMEOUT_DEFAULT", default_value = "10s", value_name = "DURATION", value_parser = parse_duration)]
    pub request_timeout_default: Duration,

    /// Most time for a request, whatever its caller asks for
    #[arg(long, env = "TRADEWIND_REQUEST_TIMEOUT_MAX", default_value = "30s", value_name = "DURATION", value_parser = parse_duration)]
    pub request_timeout_max: Duration,

    /// Size of the largest request in bytes, at most 4 MiB
    #[arg(long, env = "TRADEWIND_REQUEST_BYTES_MAX", default_value_t = 1_048_576, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..=4_194_304))]
    pub request_bytes_max: u32,
}

/// Whose tokens are believed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Tokens")]
pub struct AuthSettings {
    /// Public keys that tokens are verified with: a JWKS as a file or an http(s) URL. Needed to serve
    #[arg(long, env = "TRADEWIND_JWKS", value_name = "FILE|URL")]
    pub jwks: Option<String>,

    /// Issuer that a token must name
    #[arg(long, env = "TRADEWIND_JWT_ISSUER", default_value = "tradewind", value_name = "NAME")]
    pub jwt_issuer: String,

    /// Audience that a token must name
    #[arg(long, env = "TRADEWIND_JWT_AUDIENCE", default_value = "tradewind", value_name = "NAME")]
    pub jwt_audience: String,
}

/// Logs, traces and metrics.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Telemetry")]
pub struct TelemetrySettings {
    /// How log lines look
    #[arg(long, env = "TRADEWIND_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub log_format: LogFormat,

    /// What is logged, such as info or info,messaging=debug
    #[arg(id = "log", long = "log", env = "TRADEWIND_LOG", default_value = "info", value_name = "FILTER")]
    pub log_filter: String,

    /// Collector for traces and metrics over OTLP/gRPC, such as http://localhost:4317 [default: none are sent]
    #[arg(long, env = "TRADEWIND_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Where the database is. It holds a password, so its `Debug` masks it.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The URL as options to connect with.
    pub fn connect_options(&self) -> PgConnectOptions {
        self.0.parse().expect("it was parsed when it was made")
    }
}

impl FromStr for DatabaseUrl {
    type Err = sqlx::Error;

    fn from_str(url: &str) -> Result<Self, sqlx::Error> {
        url.parse::<PgConnectOptions>()?;
        Ok(Self(url.to_owned()))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::config::masked(&self.0))
    }
}

/// Names become part of SQL and of connection options, so only plain ones are taken.
fn identifier(name: &str) -> Result<String, &'static str> {
    let is_plain = name.len() <= 63
        && name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain { Ok(name.to_owned()) } else { Err("use lower-case letters, digits and _, at most 63 of them") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_become_part_of_sql() {
        assert_eq!(identifier("orders_2"), Ok("orders_2".to_owned()));
        for name in ["", "2orders", "Orders", "orders; drop", "or\"ders", "o-r", &"x".repeat(64)] {
            assert!(identifier(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_password_does_not_show_in_debug_output() {
        let url: DatabaseUrl = "postgres://orders:hunter2@db:5432/tradewind".parse().unwrap();
        assert!(!format!("{url:?}").contains("hunter2"));
    }
}
