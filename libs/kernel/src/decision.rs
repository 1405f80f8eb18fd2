/// What a domain decided about a fact. Every pair of state and fact has one of these four answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision<Event, Refusal> {
    /// The state changed, and these events became true. There may be none: an intent that was noted is a change that
    /// nobody else hears of.
    Applied(Vec<Event>),
    /// The fact took effect before: a duplicate, or a compensation that is repeated. Nothing changed.
    AlreadyApplied,
    /// The fact does not matter in this state, for the reason given. Nothing changed.
    Ignored(&'static str),
    /// The fact may not happen in this state. Nothing changed; a command's caller is told, an event is parked for an operator.
    Refused(Refusal),
}

impl<Event, Refusal> Decision<Event, Refusal> {
    /// One event became true.
    pub fn applied(event: Event) -> Self {
        Self::Applied(vec![event])
    }

    /// The state changed, and nobody else hears of it.
    pub fn noted() -> Self {
        Self::Applied(Vec::new())
    }
}
