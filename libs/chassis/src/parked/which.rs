use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use kernel::Timestamp;
use messaging::parked::{Filter, KINDS};
use uuid::Uuid;

/// Filters: an event matches if everything that is given applies to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Filters")]
pub struct Which {
    /// Why it is parked: it cannot be read, the domain refuses it, its transaction fails, or an earlier one of its aggregate is parked
    #[arg(long, value_parser = PossibleValuesParser::new(KINDS))]
    kind: Option<String>,
    /// A part of the reason, in whatever case
    #[arg(id = "reason-part", long = "reason", value_name = "TEXT")]
    reason: Option<String>,
    /// Type of the event, such as OrderCreated or tradewind.orders.v1.OrderCreated
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// The aggregate, such as an order, by its id
    #[arg(long, value_name = "ID")]
    aggregate: Option<Uuid>,
    /// The topic that it came on, such as tradewind.orders.v1
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Parked since then: a time such as 2026-03-01T09:30:00Z, or how long ago, such as 2h
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Parked before then: a time, or how long ago
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
}

impl Which {
    /// The parked events that match.
    pub(super) fn filter(self, now: Timestamp) -> Filter {
        Filter {
            kind: self.kind,
            reason: self.reason,
            event_type: self.event_type,
            aggregate_id: self.aggregate,
            topic: self.topic,
            since: self.since.map(|moment| moment.at(now)),
            until: self.until.map(|moment| moment.at(now)),
            ..Filter::waiting()
        }
    }
}

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    At(Timestamp),
    Ago(Duration),
}

impl Moment {
    fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Ago(duration) => now - duration,
        }
    }
}

fn moment(text: &str) -> Result<Moment, String> {
    let at = |error: humantime::DurationError| {
        text.parse().map(Moment::At).map_err(|not_a_time| format!("{not_a_time}, or a duration such as 2h ({error})"))
    };
    humantime::parse_duration(text).map(Moment::Ago).or_else(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_how_long_ago() {
        let now: Timestamp = "2026-03-01T09:30:00Z".parse().unwrap();
        for (text, expected) in [
            ("90m", "2026-03-01T08:00:00Z"),
            ("1day 30m", "2026-02-28T09:00:00Z"),
            ("2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z"),
        ] {
            assert_eq!(moment(text).unwrap().at(now), expected.parse().unwrap(), "{text}");
        }
        for text in ["", "yesterday", "2026-02-01", "-2h"] {
            let refusal = moment(text).unwrap_err();
            assert!(refusal.contains("2026-03-01T09:30:00Z") && refusal.contains("2h"), "{refusal}");
        }
    }
}
