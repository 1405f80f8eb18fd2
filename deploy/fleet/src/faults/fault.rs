//! What can go wrong, as plain data.

use std::fmt;
use std::time::Duration;

use kernel::CrashPoint;
use sandbox_provider::Mode;

use crate::topology::PROVIDER;

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A process is killed with -9, and started again when the fault is over.
    Kill {
        /// Such as `orders-0`.
        process: String,
    },
    /// Every replica of a service is killed at once.
    KillAll {
        /// Such as `orders`.
        service: &'static str,
    },
    /// A process dies at a named place of the code; it is started again at once.
    Crash {
        /// The process.
        process: String,
        /// Where it dies.
        point: CrashPoint,
        /// When it passes there for the so manieth time.
        pass: u32,
    },
    /// SIGSTOP, and SIGCONT when the fault is over: it keeps its connections, its locks and its turn, and does nothing.
    Pause {
        /// The process.
        process: String,
    },
    /// A process runs a quarter of the time.
    Slow {
        /// The process.
        process: String,
    },
    /// A process lives by a clock that is wrong.
    Clock {
        /// The process.
        process: String,
        /// Positive is ahead.
        offset_secs: i64,
    },
    /// The broker is killed with -9.
    Broker,
    /// PostgreSQL ends at once without a checkpoint.
    Postgres,
    /// Every connection of a service to its database is cut.
    Cut {
        /// The service.
        service: &'static str,
    },
    /// Bytes on a topic that are no event.
    Poison(Poison),
    /// A service is killed and its consumer group set back before it is started again.
    Rewind {
        /// The service.
        service: &'static str,
    },
    /// The payment provider behaves badly.
    Provider(Mode),
}

/// Bytes that are no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poison {
    /// A message without any header, on the topic of that package.
    Headless(&'static str),
    /// The headers of this event of an order that nobody knows, over a payload that is not one.
    Garbled(&'static str),
    /// The same in the middle of the history of an order under way: what follows in its history has to wait for an operator.
    InTheWay(&'static str),
}

impl Fault {
    /// What is disturbed. Two faults at once never disturb the same.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Kill { process }
            | Self::Crash { process, .. }
            | Self::Pause { process }
            | Self::Slow { process }
            | Self::Clock { process, .. } => Some(service_of(process)),
            Self::KillAll { service } | Self::Cut { service } | Self::Rewind { service } => Some(service),
            Self::Broker => Some("kafka"),
            Self::Postgres => Some("postgres"),
            Self::Provider(_) => Some(PROVIDER),
            Self::Poison(_) => None,
        }
    }

    /// The name of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Kill { .. } => "kill",
            Self::KillAll { .. } => "kill-all",
            Self::Crash { .. } => "crash",
            Self::Pause { .. } => "pause",
            Self::Slow { .. } => "slow",
            Self::Clock { .. } => "clock",
            Self::Broker => "broker",
            Self::Postgres => "postgres",
            Self::Cut { .. } => "cut",
            Self::Poison(_) => "poison",
            Self::Rewind { .. } => "rewind",
            Self::Provider(_) => "provider",
        }
    }
}

/// The service that a process belongs to; the provider's process is all of it.
fn service_of(process: &str) -> &str {
    if process == PROVIDER { process } else { process.rsplit_once('-').map_or(process, |(service, _)| service) }
}

/// For people, without how long it lasts.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill { process } => write!(f, "kill -9 {process}"),
            Self::KillAll { service } => write!(f, "kill -9 every replica of {service}"),
            Self::Crash { process, point, pass } => write!(f, "{process} crashes {}, pass {pass}", spoken(*point)),
            Self::Pause { process } => write!(f, "SIGSTOP {process}"),
            Self::Slow { process } => write!(f, "{process} runs a quarter of the time"),
            Self::Clock { process, offset_secs } => {
                let direction = if *offset_secs < 0 { "behind" } else { "ahead" };
                write!(f, "the clock of {process} is {} s {direction}", offset_secs.abs())
            }
            Self::Broker => f.write_str("kill -9 the broker"),
            Self::Postgres => f.write_str("PostgreSQL stops immediately"),
            Self::Cut { service } => write!(f, "every database connection of {service} is cut"),
            Self::Poison(Poison::Headless(package)) => write!(f, "bytes without headers on {package}"),
            Self::Poison(Poison::Garbled(event)) => write!(f, "a garbled {} of an unknown order", short(event)),
            Self::Poison(Poison::InTheWay(event)) => write!(f, "a garbled {} of an order under way", short(event)),
            Self::Rewind { service } => write!(f, "{service} is killed and its consumer group rewound"),
            Self::Provider(Mode::Up) => f.write_str("the provider is up"),
            Self::Provider(Mode::Down) => f.write_str("the provider is down"),
            Self::Provider(Mode::Slow { delay_ms }) => write!(f, "the provider answers {delay_ms} ms late"),
            Self::Provider(Mode::Losing) => f.write_str("the provider acts and loses its answers"),
        }
    }
}

fn spoken(point: CrashPoint) -> String {
    point.name().replace('-', " ")
}

fn short(event: &str) -> &str {
    event.rsplit('.').next().unwrap_or(event)
}

/// A fault with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// When it begins, from the beginning of the load.
    pub at: Duration,
    /// How long it lasts. Zero is over at once: a killed process is started again without delay.
    pub lasts: Duration,
    /// Nothing else goes wrong at the same time or shortly after, so that the recovery can be measured.
    pub alone: bool,
    /// What goes wrong.
    pub fault: Fault,
}
