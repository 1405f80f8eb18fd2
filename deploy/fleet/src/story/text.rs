//! A story for a person to read.

use std::fmt;

use kernel::Timestamp;

use super::order::{Because, Story, Told, short};

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { order_id, checkout_id, status, .. } = self;
        write!(f, "Order {order_id}: {status}")?;
        for part in [self.total.as_deref(), self.paid].into_iter().flatten() {
            write!(f, ", {part}")?;
        }
        write!(f, "\nCheckout {checkout_id}")?;
        match self.submitted_at {
            Some(at) => writeln!(f, ", submitted {}", date(at))?,
            None => writeln!(f, ", of which there is no submission")?,
        }
        for sibling in &self.siblings {
            let total = sibling.total.as_deref().unwrap_or("an unknown amount");
            writeln!(f, "Order {} of the same checkout: {}, {total}", sibling.order_id, sibling.status)?;
        }
        writeln!(f)?;
        self.facts(f)?;
        self.awaited(f)?;
        self.parked(f)?;
        self.unpublished(f)
    }
}

impl Story {
    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["#", "time", "service", "because of", "what happened"].map(str::to_owned);
        let row = |fact: &Told| {
            let because = self.because(&fact.because);
            [fact.number.to_string(), elapsed(fact.after_micros), fact.service.clone(), because, fact.what.clone()]
        };
        let rows: Vec<_> = std::iter::once(header).chain(self.facts.iter().map(row)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let [number, time, service, because] = [0, 1, 2, 3].map(width);
        for row in &rows {
            let [n, at, who, why, what] = row;
            let what = visible(what);
            writeln!(f, "{n:>number$}  {at:>time$}  {who:<service$}  {why:<because$}  {what}")?;
        }
        Ok(())
    }

    fn because(&self, because: &Because) -> String {
        match because {
            Because::Fact(number) => format!("#{number}"),
            Because::Event(id) => format!("event {}", short_id(&id.to_string())),
            Because::Actor(actor) => match actor.split_once(':') {
                Some(("buyer", id)) if Some(id) == self.buyer_id.as_deref() => "the buyer".to_owned(),
                // By itself, when a deadline passed; or another service's call.
                Some((role, who)) => visible(&format!("{role} {}", short_id(who))),
                None => visible(actor),
            },
        }
    }

    fn awaited(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.awaited.is_empty() {
            return writeln!(f, "\nNothing is awaited: the order is at rest.");
        }
        writeln!(f, "\nAwaited now:")?;
        let width = self.awaited.iter().map(|awaited| awaited.from.len()).max().unwrap_or_default();
        self.awaited
            .iter()
            .try_for_each(|awaited| writeln!(f, "  {:<width$}  {}", awaited.from, visible(&awaited.what)))
    }

    fn parked(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.parked.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nParked:")?;
        for event in &self.parked {
            let (service, id, name) = (&event.service, event.id, self.name(event.event_id, &event.event_type));
            writeln!(f, "  {service}  {name}, since {}: {}", date(event.since), visible(&event.reason))?;
            match (&event.resolved_by, &event.resolution) {
                (Some(by), Some(why)) => writeln!(f, "    {} by {}: {}", event.state, visible(by), visible(why))?,
                (Some(by), None) => writeln!(f, "    {} by {}", event.state, visible(by))?,
                (None, _) => writeln!(f, "    fleet operate {service} parked show {id}")?,
            }
        }
        Ok(())
    }

    fn unpublished(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.unpublished.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nNot known to be published:")?;
        for event in &self.unpublished {
            let (service, name) = (&event.service, self.name(event.event_id, &event.event_type));
            write!(f, "  {service}  {name}, since {}", date(event.since))?;
            match &event.last_error {
                Some(error) if event.held_back => {
                    writeln!(f, "; held back after {} tries: {}", event.attempts, visible(error))?;
                    writeln!(f, "    fleet operate {service} outbox release {}", event.id)?;
                }
                Some(error) => writeln!(f, "; the relay tries on: {}", visible(error))?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }

    /// An event by its name, and by its number where it is told.
    fn name(&self, event_id: uuid::Uuid, event_type: &str) -> String {
        let number = self.facts.iter().find(|fact| fact.event_id == event_id).map(|fact| fact.number);
        let number = number.map_or_else(String::new, |number| format!("#{number} "));
        format!("{number}{}", visible(short(event_type)))
    }
}

/// `12.345`, `3:05.123`, `2:03:05.123`, `2d 02:03:05.123`: a point in time by how long after another it is.
fn elapsed(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let millis = micros.unsigned_abs() / 1_000;
    let (secs, millis) = (millis / 1_000, millis % 1_000);
    let (days, hours, minutes, secs) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60, secs % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{secs}.{millis:03}"),
        (0, 0, _) => format!("{sign}{minutes}:{secs:02}.{millis:03}"),
        (0, ..) => format!("{sign}{hours}:{minutes:02}:{secs:02}.{millis:03}"),
        _ => format!("{sign}{days}d {hours:02}:{minutes:02}:{secs:02}.{millis:03}"),
    }
}

/// The end of a UUID, which tells people apart; a name as it is.
fn short_id(id: &str) -> String {
    id.parse::<uuid::Uuid>().map_or_else(|_| id.to_owned(), |uuid| format!("..{}", &uuid.to_string()[24..]))
}

/// To the second, in UTC.
pub(crate) fn date(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} {} UTC", &text[..10], &text[11..19])
}

/// What came from outside must not command the terminal.
fn visible(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}
