use std::fmt::Write as _;

use messaging::parked::{Link, ParkedEvent, Resolved, Tried};

/// Bytes of a payload that are shown to a person.
const HEX_MAX: usize = 512;
/// Followers of an event that are named where it is listed.
const FOLLOWERS_MAX: usize = 10;
/// Where there is nothing to list or to retry.
pub(super) const NOTHING: &str = "no event matches\n";

/// A page of events, and how to go on.
pub(super) fn list(events: &[ParkedEvent], has_more: bool, service: &str) -> String {
    let Some(last) = events.last() else { return NOTHING.to_owned() };
    let mut text: String = events.iter().map(entry).collect();
    let followers: usize = events.iter().map(|event| event.followers.len()).sum();
    let behind = if followers > 0 { format!("; {followers} more behind them") } else { String::new() };
    line(&mut text, &format!("\n{} listed{behind}", self::events(events.len())));
    if has_more {
        line(&mut text, &format!("the next page: add --after {}", last.id));
    }
    line(&mut text, &format!("all about one: {service} parked show {}", last.id));
    text
}

fn entry(event: &ParkedEvent) -> String {
    let ParkedEvent { id, envelope, parked_at, .. } = event;
    let number = format!("{id:<6}");
    let mut text = format!("{number}{} of {}", short(&envelope.event_type), envelope.aggregate_id);
    let state = match &event.resolved {
        Some(resolved) => self::resolved(&event.state, resolved),
        None => format!("parked {parked_at}"),
    };
    line(&mut text, &format!(", {state}"));
    line(&mut text, &format!("      {}", visible(&event.reason)));
    if !event.followers.is_empty() {
        line(&mut text, &format!("      {} wait behind it: {}", event.followers.len(), numbers(&event.followers)));
    }
    text
}

fn numbers(ids: &[i64]) -> String {
    let named: Vec<_> = ids.iter().take(FOLLOWERS_MAX).map(i64::to_string).collect();
    let more = ids.len() - named.len();
    format!("{}{}", named.join(", "), if more > 0 { format!(" and {more} more") } else { String::new() })
}

/// Everything about an event, the chain that it stands in, and what can be done.
pub(super) fn details(event: &ParkedEvent, chain: &[Link], service: &str) -> String {
    let envelope = &event.envelope;
    let origin = &envelope.origin;
    let mut text = format!("event {} of {}: {}\n", event.id, event.consumer, event.state);
    let mut row = |name: &str, value: &str| line(&mut text, &format!("  {name:<12}{}", visible(value)));
    row("why", &event.reason);
    row("parked", &event.parked_at.to_string());
    if let Some(resolved) = &event.resolved {
        row("since then", &self::resolved(&event.state, resolved));
    }
    row("type", &envelope.event_type);
    row("aggregate", &format!("{}, version {}", envelope.aggregate_id, envelope.aggregate_version));
    row("event id", &envelope.id.to_string());
    row("journey", &envelope.correlation_id.to_string());
    row("came from", &format!("{}, partition {}, offset {}", origin.topic, origin.partition, origin.offset));
    row("key", &origin.key.as_deref().map_or_else(|| "none".to_owned(), text_or_hex));
    for (name, value) in &origin.headers {
        row("header", &format!("{name}: {value}"));
    }
    text.push_str(&payload(event));
    if !chain.is_empty() {
        line(&mut text, "chain, in the order in which a retry takes it");
        text.extend(chain.iter().map(|link| self::link(link, event.id)));
    }
    if event.resolved.is_none() {
        let id = event.id;
        line(&mut text, "what can be done");
        line(&mut text, &format!("  {service} parked retry {id}                once the cause is mended"));
        line(&mut text, &format!("  {service} parked skip {id} --reason WHY    if it shall never take effect"));
    }
    text
}

fn payload(event: &ParkedEvent) -> String {
    let bytes = &event.envelope.payload;
    let why = match event.payload_json() {
        Ok(json) => return format!("payload, {} bytes\n{}\n", bytes.len(), indented(&format!("{json:#}"))),
        Err(why) => why,
    };
    let shown = &bytes[..bytes.len().min(HEX_MAX)];
    let rows: Vec<_> = shown.chunks(32).map(hex).collect();
    let mut text = format!(
        "payload, {} bytes in hex; {}\n{}\n",
        bytes.len(),
        visible(&why.to_string()),
        indented(&rows.join("\n"))
    );
    if shown.len() < bytes.len() {
        line(&mut text, &format!("  and {} bytes more, which --json shows", bytes.len() - shown.len()));
    }
    text
}

/// What an operator did.
pub(super) fn resolved(state: &str, resolved: &Resolved) -> String {
    let why = resolved.why.as_ref().map(|why| format!(": {}", visible(why))).unwrap_or_default();
    format!("{state} {} by {}{why}", resolved.at, resolved.by)
}

/// What a retry of an event came to.
pub(super) fn tried(tried: &Tried) -> String {
    let told = match &tried.outcome {
        Ok(told) => visible(told),
        Err(reason) => format!("stuck: {}", visible(reason)),
    };
    format!("  {:<6}{:<24} {told}\n", tried.id, short(&tried.event_type))
}

/// That an event was skipped, and what of its aggregate can be retried now.
pub(super) fn skipped(event: &ParkedEvent, left: &[Link], service: &str) -> String {
    let aggregate = event.envelope.aggregate_id;
    let mut text = format!("event {} is skipped\n", event.id);
    let Some(first) = left.first() else {
        line(&mut text, &format!("nothing waits behind it: later events of {aggregate} take effect as they come"));
        return text;
    };
    line(&mut text, &format!("still parked of {aggregate}, in this order"));
    text.extend(left.iter().map(|link| self::link(link, event.id)));
    line(&mut text, &format!("what can be done: {service} parked retry {}", first.id));
    text
}

/// "1 event is", "2 events are".
pub(super) fn events(count: usize) -> String {
    if count == 1 { "1 event is".to_owned() } else { format!("{count} events are") }
}

fn link(link: &Link, shown: i64) -> String {
    let mark = if link.id == shown { '>' } else { ' ' };
    format!("{mark} {:<6}{:<24} {}\n", link.id, short(&link.event_type), visible(&link.reason))
}

/// `OrderCreated` of `tradewind.orders.v1.OrderCreated`.
fn short(event_type: &str) -> String {
    visible(event_type.rsplit('.').next().unwrap_or(event_type))
}

/// What came from outside must not command the terminal.
fn visible(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

fn text_or_hex(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| format!("{} (hex)", hex(bytes)), str::to_owned)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String does not fail");
        text
    })
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
