/// One row of a service's SUBSCRIPTIONS table: what it does when it hears of an event. `docs/choreography.md` is generated
/// from these rows, and the consumer subscribes to the topics that they name.
#[derive(Debug, Clone, Copy)]
pub struct Subscription {
    /// Full name of the event, such as `tradewind.orders.v1.OrderCreated`.
    pub event: &'static str,
    /// What the service does, in words for the choreography page.
    pub reaction: &'static str,
    /// The events that may follow, by their short names.
    pub follows: &'static [&'static str],
    /// The tests that show this row, as `file::test`.
    pub tests: &'static [&'static str],
}

impl Subscription {
    /// The topic that the event travels on: its package.
    pub fn topic(&self) -> &'static str {
        topic_of_type(self.event)
    }

    /// The distinct topics of a table, sorted.
    pub fn topics(table: &[Self]) -> Vec<&'static str> {
        let mut topics: Vec<_> = table.iter().map(Self::topic).collect();
        topics.sort_unstable();
        topics.dedup();
        topics
    }
}

/// What a service does without having heard an event: a client commands it, a deadline passes, somebody outside answers. Only for the
/// choreography page; nothing is looked up here.
#[derive(Debug, Clone, Copy)]
pub struct Trigger {
    /// What happened, in words.
    pub cause: &'static str,
    /// What the service does.
    pub reaction: &'static str,
    /// The events that may follow, by their short names.
    pub follows: &'static [&'static str],
    /// The tests that show this row, as `file::test`.
    pub tests: &'static [&'static str],
}

/// The topic of an event type: everything before its last dot.
pub(crate) fn topic_of_type(event_type: &str) -> &str {
    event_type.rsplit_once('.').map_or(event_type, |(package, _)| package)
}
