use messaging::parked::{Link, ParkedEvent, Tried};
use serde_json::{Value, json};
use uuid::Uuid;

use super::text::hex;

/// An event. Its payload is decoded where that is possible; else its bytes are there, and why they could not be read.
pub(super) fn event(event: &ParkedEvent) -> Value {
    let envelope = &event.envelope;
    let origin = &envelope.origin;
    let (payload, unreadable) = match event.payload_json() {
        Ok(payload) => (payload, None),
        Err(why) => (Value::Null, Some(why.to_string())),
    };
    json!({
        "id": event.id,
        "state": event.state,
        "consumer": event.consumer,
        "reason": event.reason,
        "parked_at": event.parked_at,
        "resolved_at": event.resolved.as_ref().map(|resolved| resolved.at),
        "resolved_by": event.resolved.as_ref().map(|resolved| &resolved.by),
        "resolution": event.resolved.as_ref().and_then(|resolved| resolved.why.as_ref()),
        "behind": event.behind,
        "followers": event.followers,
        "event_id": envelope.id,
        "type": envelope.event_type,
        "aggregate_id": envelope.aggregate_id,
        "aggregate_version": envelope.aggregate_version,
        "correlation_id": envelope.correlation_id,
        "causation_id": envelope.causation_id,
        "topic": origin.topic,
        "partition": origin.partition,
        "offset": origin.offset,
        "key": origin.key.as_deref().map(String::from_utf8_lossy),
        "headers": origin.headers,
        "payload": payload,
        "payload_unreadable": unreadable,
        "payload_hex": unreadable.is_some().then(|| hex(&envelope.payload)),
    })
}

/// An event with the chain that it stands in.
pub(super) fn details(event: &ParkedEvent, chain: &[Link]) -> Value {
    let mut details = self::event(event);
    details["chain"] = chain.iter().map(link).collect();
    details
}

/// What a retry of an event came to.
pub(super) fn tried(tried: &Tried, aggregate_id: Uuid) -> Value {
    let (Ok(told) | Err(told)) = &tried.outcome;
    json!({
        "id": tried.id,
        "type": tried.event_type,
        "aggregate_id": aggregate_id,
        "stuck": tried.outcome.is_err(),
        "outcome": told,
    })
}

/// A skipped event, and what of its aggregate can be retried now.
pub(super) fn skipped(id: i64, left: &[Link]) -> Value {
    json!({ "id": id, "state": "skipped", "chain": left.iter().map(link).collect::<Value>() })
}

fn link(link: &Link) -> Value {
    json!({ "id": link.id, "type": link.event_type, "reason": link.reason })
}
