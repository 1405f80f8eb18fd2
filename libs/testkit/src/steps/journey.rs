//! The rows of a table: what a service hears on a journey, what follows, and what undoes it.

use std::fmt;
use std::time::Duration;

use kernel::Decision;

/// One fact as it reaches the service, and how the service is to answer.
#[derive(Debug, Clone)]
pub struct Step<Fact> {
    pub(super) from: &'static str,
    pub(super) name: &'static str,
    pub(super) fact: Fact,
    pub(super) answer: Answer,
    pub(super) needs: &'static [&'static str],
    pub(super) at: Duration,
    pub(super) is_command: bool,
}

impl<Fact> Step<Fact> {
    /// `from` says `name`: the topic of a service, or whoever else brings facts, such as a buyer or a clock. What one of them
    /// says comes in the order in which it is said. It takes effect and nobody hears of that, unless the row says otherwise.
    pub fn new(from: &'static str, name: &'static str, fact: Fact) -> Self {
        Self { from, name, fact, answer: Answer::Tells(Vec::new()), needs: &[], at: Duration::ZERO, is_command: false }
    }

    /// It takes effect, and these events follow, in this order.
    #[must_use]
    pub fn tells(mut self, events: &[&str]) -> Self {
        self.answer = Answer::Tells(events.iter().map(|event| (*event).to_owned()).collect());
        self
    }

    /// It took effect before.
    #[must_use]
    pub fn is_known(mut self) -> Self {
        self.answer = Answer::Known;
        self
    }

    /// It does not matter.
    #[must_use]
    pub fn is_ignored(mut self) -> Self {
        self.answer = Answer::Ignored;
        self
    }

    /// It may not happen.
    #[must_use]
    pub fn is_refused(mut self) -> Self {
        self.answer = Answer::Refused;
        self
    }

    /// It can only come after these: facts that took effect here, and events that were told here. Without this it may come
    /// as soon as whatever the same source says before it has come.
    #[must_use]
    pub fn needs(mut self, names: &'static [&'static str]) -> Self {
        self.needs = names;
        self
    }

    /// It is a command: where it comes too late its caller is told so, and nothing is parked.
    #[must_use]
    pub fn commanded(mut self) -> Self {
        self.is_command = true;
        self
    }

    /// It comes so long after the journey began; otherwise at once.
    #[must_use]
    pub fn at(mut self, since_the_beginning: Duration) -> Self {
        self.at = since_the_beginning;
        self
    }

    /// After this step, these in turn undo the journey.
    pub fn undone_by(self, way: impl IntoIterator<Item = Step<Fact>>) -> Row<Fact> {
        Row { step: self, undo: Undo::default() }.or_by(way)
    }

    /// After this step, none of these undoes the journey any more.
    pub fn not_undone_by(self, attempts: impl IntoIterator<Item = Step<Fact>>) -> Row<Fact> {
        Row { step: self, undo: Undo::default() }.but_not_by(attempts)
    }
}

/// A step, and what undoes the journey when it has come so far.
#[derive(Debug)]
pub struct Row<Fact> {
    pub(super) step: Step<Fact>,
    pub(super) undo: Undo<Fact>,
}

impl<Fact> Row<Fact> {
    /// Another way to undo it.
    #[must_use]
    pub fn or_by(mut self, way: impl IntoIterator<Item = Step<Fact>>) -> Self {
        self.undo.ways.push(way.into_iter().collect());
        self
    }

    /// What does not undo it.
    #[must_use]
    pub fn but_not_by(mut self, attempts: impl IntoIterator<Item = Step<Fact>>) -> Self {
        self.undo.attempts.extend(attempts);
        self
    }
}

/// What undoes a journey from where it stands.
#[derive(Debug)]
pub(super) struct Undo<Fact> {
    pub(super) ways: Vec<Vec<Step<Fact>>>,
    /// What is answered there without any effect.
    pub(super) attempts: Vec<Step<Fact>>,
}

impl<Fact> Default for Undo<Fact> {
    fn default() -> Self {
        Self { ways: Vec::new(), attempts: Vec::new() }
    }
}

/// One way that a saga can go, as this service sees it.
#[derive(Debug)]
pub struct Journey<Fact> {
    pub(super) name: &'static str,
    /// Before anything was heard.
    pub(super) undo: Undo<Fact>,
    pub(super) rows: Vec<Row<Fact>>,
}

impl<Fact> Journey<Fact> {
    /// A journey of no steps yet.
    pub fn new(name: &'static str) -> Self {
        Self { name, undo: Undo::default(), rows: Vec::new() }
    }

    /// These in turn undo the journey before anything of it was heard.
    #[must_use]
    pub fn undone_by(mut self, way: impl IntoIterator<Item = Step<Fact>>) -> Self {
        self.undo.ways.push(way.into_iter().collect());
        self
    }

    /// None of these has an effect before anything was heard.
    #[must_use]
    pub fn not_undone_by(mut self, attempts: impl IntoIterator<Item = Step<Fact>>) -> Self {
        self.undo.attempts.extend(attempts);
        self
    }

    /// What comes next.
    #[must_use]
    pub fn then(mut self, row: Row<Fact>) -> Self {
        self.rows.push(row);
        self
    }

    /// What undoes the journey once the row was heard; none is before the first.
    pub(super) fn undo_after(&self, row: Option<usize>) -> &Undo<Fact> {
        row.map_or(&self.undo, |row| &self.rows[row].undo)
    }

    /// The step at a place.
    pub(super) fn step(&self, place: Place) -> &Step<Fact> {
        match place {
            Place::Row(row) => &self.rows[row].step,
            Place::Way { after, way, step } => &self.undo_after(after).ways[way][step],
            Place::Attempt { after, attempt } => &self.undo_after(after).attempts[attempt],
        }
    }

    /// Every place of the journey.
    pub(super) fn places(&self) -> Vec<Place> {
        let mut places: Vec<Place> = (0..self.rows.len()).map(Place::Row).collect();
        for after in std::iter::once(None).chain((0..self.rows.len()).map(Some)) {
            let undo = self.undo_after(after);
            for (way, steps) in undo.ways.iter().enumerate() {
                places.extend((0..steps.len()).map(|step| Place::Way { after, way, step }));
            }
            places.extend((0..undo.attempts.len()).map(|attempt| Place::Attempt { after, attempt }));
        }
        places
    }
}

/// Where a step stands in its journey, so that it is found again in the same journey of another order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Row(usize),
    Way { after: Option<usize>, way: usize, step: usize },
    Attempt { after: Option<usize>, attempt: usize },
}

/// How a fact was answered, in the words of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It took effect, and these events were told.
    Tells(Vec<String>),
    Known,
    Ignored,
    Refused,
}

impl Answer {
    /// A decision, with its events by their names.
    pub(super) fn of<Event, Refusal>(decision: &Decision<Event, Refusal>, name: impl Fn(&Event) -> String) -> Self {
        match decision {
            Decision::Applied(events) => Self::Tells(events.iter().map(name).collect()),
            Decision::AlreadyApplied => Self::Known,
            Decision::Ignored(_) => Self::Ignored,
            Decision::Refused(_) => Self::Refused,
        }
    }

    pub(super) fn took_effect(&self) -> bool {
        matches!(self, Self::Tells(_))
    }

    /// The events that were told.
    pub(super) fn told(&self) -> &[String] {
        match self {
            Self::Tells(events) => events,
            Self::Known | Self::Ignored | Self::Refused => &[],
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tells(events) if events.is_empty() => f.write_str("takes effect and tells nothing"),
            Self::Tells(events) => write!(f, "takes effect and tells {}", events.join(", ")),
            Self::Known => f.write_str("is known already"),
            Self::Ignored => f.write_str("is ignored"),
            Self::Refused => f.write_str("is refused"),
        }
    }
}

/// The bare name of a message.
pub(super) fn short_name(event_type: &str) -> String {
    event_type.rsplit('.').next().unwrap_or(event_type).to_owned()
}
