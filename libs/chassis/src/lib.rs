//! What every service binary is made of. A service's `run()` calls these parts one by one; nothing here calls a service.
//!
//! | module | holds |
//! | --- | --- |
//! | `service` | [`Service`]: what this crate must know about a service, as plain data |
//! | [`settings`] | [`Settings`]: the options that every binary has, each with its environment variable |
//! | [`cli`] | [`cli::parse`], and [`Operation`]: the subcommands that every binary has |
//! | [`config`] | the configuration in effect, for a person to read |
//! | [`telemetry`] | logs, and traces and metrics over OTLP |
//! | [`webhook`] | webhooks that come in: whether their signature is right |
//! | [`database`] | the pool, migrations, the check that the schema is up to date |
//! | [`auth`] | who calls: tokens, keys, [`Caller`] |
//! | [`grpc`] | the server with its limits, and clients of other services |
//! | [`mod@status`] | from an error to a gRPC status |
//! | [`faults`] | what a process of a test build does wrong on purpose |
//! | [`fields`] | [`Fields`]: every field of a request that is wrong, in one answer |
//! | [`idempotency`] | a command that is repeated takes effect once |
//! | [`mod@group_commit`] | commands that wait at the same moment share a transaction |
//! | [`paging`] | sizes and tokens of pages |
//! | [`parked`] | subcommands for the events that could not take effect |
//! | [`outbox`] | subcommands for the events that the broker refuses |
//! | [`rebuild`] | the subcommand that makes read models anew |
//! | [`operator`] | [`Operator`](operator::Operator): who acts |
//! | [`jobs`] | work that is due every so often, on one replica at a time |
//! | [`tasks`] | [`Tasks`]: what a process runs, until one ends or a signal comes; then the drain |
//!
//! Only what `run()` calls at start or end answers with `anyhow`; whatever serves a request has errors of its own.

pub mod auth;
pub mod cli;
pub mod config;
pub mod database;
pub mod faults;
pub mod fields;
pub mod group_commit;
pub mod grpc;
pub mod idempotency;
pub mod jobs;
pub mod operator;
pub mod outbox;
pub mod paging;
pub mod parked;
pub mod rebuild;
mod service;
pub mod settings;
mod start;
pub mod status;
pub mod tasks;
pub mod telemetry;
pub mod webhook;

pub use auth::{Caller, Principal, caller};
pub use cli::Operation;
pub use fields::{Fields, InvalidRequest};
pub use group_commit::group_commit;
pub use outbox::OutboxOperation;
pub use parked::ParkedOperation;
pub use rebuild::Rebuild;
pub use service::Service;
pub use settings::Settings;
pub use status::status;
pub use tasks::Tasks;
