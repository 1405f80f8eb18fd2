//! What an order's history says: the terms that it begins with, and the status after each entry.

use contracts::convert::timestamp_from_wire;
use contracts::orders::v1 as wire;
use kernel::Timestamp;
use messaging::Undecodable;
use messaging::journal::Record;
use prost::{Message, Name};

use super::wire_terms;
use crate::domain::snapshot::Terms;
use crate::domain::status::{Milestone, Status};

/// What a history says was agreed: the first version, and that after each modification, each with its hash in hexadecimal; and when the order
/// was to be cancelled at first if it was still unpaid.
pub fn agreements(history: &[Record]) -> Result<(Vec<(Terms, String)>, Timestamp), Undecodable> {
    let first = history.first().ok_or_else(|| Undecodable::new("it is empty"))?;
    let created: wire::OrderCreated = entry(first)?;
    let terms = wire_terms::terms_from_order_created(&created).map_err(Undecodable::new)?;
    let unpaid_deadline =
        timestamp_from_wire("unpaid_deadline", created.unpaid_deadline.as_ref()).map_err(Undecodable::new)?;
    let mut agreed = vec![(terms, created.snapshot_hash)];
    for record in history.iter().filter(|record| record.event_type == wire::OrderModified::full_name()) {
        let modified: wire::OrderModified = entry(record)?;
        let (before, _) = agreed.last().expect("it begins with one");
        let terms = wire_terms::terms_after(before, &modified).map_err(Undecodable::new)?;
        agreed.push((terms, modified.snapshot_hash));
    }
    Ok((agreed, unpaid_deadline))
}

/// What the history says of when the order is cancelled if it is still unpaid, if it says so after its first entry.
pub fn later_unpaid_deadline(history: &[Record]) -> Result<Option<Timestamp>, Undecodable> {
    let backordered = wire::OrderBackordered::full_name();
    let Some(record) = history.iter().rev().find(|record| record.event_type == backordered) else { return Ok(None) };
    let deadline = entry::<wire::OrderBackordered>(record)?.unpaid_deadline;
    timestamp_from_wire("unpaid_deadline", deadline.as_ref()).map(Some).map_err(Undecodable::new)
}

/// The milestone from a step of the history on; `None` for an entry that newer code wrote.
pub fn milestone_after(event_type: &str) -> Option<Milestone> {
    match event_type {
        "tradewind.orders.v1.OrderCreated" => Some(Milestone::Created),
        "tradewind.orders.v1.OrderConfirmed" => Some(Milestone::Confirmed),
        "tradewind.orders.v1.OrderRefunded" => Some(Milestone::Refunded),
        "tradewind.orders.v1.OrderClosed" => Some(Milestone::Closed),
        "tradewind.orders.v1.OrderPaid" => Some(Milestone::Paid),
        "tradewind.orders.v1.OrderFailed" => Some(Milestone::Failed),
        "tradewind.orders.v1.OrderShipped" => Some(Milestone::Shipped),
        "tradewind.orders.v1.OrderDelivered" => Some(Milestone::Delivered),
        "tradewind.orders.v1.OrderCancelled" => Some(Milestone::Cancelled),
        _ => None,
    }
}

/// Whether an entry asks for something or answers that, and leaves the order's status as it is.
pub fn leaves_status(event_type: &str) -> bool {
    matches!(
        event_type,
        "tradewind.orders.v1.OrderCancellationRequested"
            | "tradewind.orders.v1.OrderBackordered"
            | "tradewind.orders.v1.OrderModified"
            | "tradewind.orders.v1.RefundRequested"
            | "tradewind.orders.v1.RefundApproved"
            | "tradewind.orders.v1.RefundRejected"
            | "tradewind.orders.v1.RefundCompleted"
    )
}

/// The milestone from each entry of a history on; `None` from an entry on that newer code wrote.
pub fn milestones(history: &[Record]) -> Vec<Option<Milestone>> {
    let mut reached = None;
    let after = |record: &Record| {
        if !leaves_status(&record.event_type) {
            reached = milestone_after(&record.event_type);
        }
        reached
    };
    history.iter().map(after).collect()
}

/// The status that a history leads to.
pub fn status_of(history: &[Record]) -> Result<Status, Undecodable> {
    let step = history.iter().rev().find(|record| !leaves_status(&record.event_type));
    step.map_or_else(|| Err(Undecodable::new("it has no step")), status_after)
}

/// The status from a step of the history on, with the reason that it gives.
fn status_after(record: &Record) -> Result<Status, Undecodable> {
    let unknown = || Undecodable(format!("{} is no step of an order", record.event_type));
    let milestone = milestone_after(&record.event_type).ok_or_else(unknown)?;
    let reason = match milestone {
        Milestone::Failed => Some(entry::<wire::OrderFailed>(record)?.reason),
        Milestone::Cancelled => Some(entry::<wire::OrderCancelled>(record)?.reason),
        Milestone::Created
        | Milestone::Confirmed
        | Milestone::Paid
        | Milestone::Shipped
        | Milestone::Delivered
        | Milestone::Refunded
        | Milestone::Closed => None,
    };
    Status::from_parts(milestone, reason.as_deref()).ok_or_else(unknown)
}

fn entry<E: Message + Name + Default>(record: &Record) -> Result<E, Undecodable> {
    if record.event_type != E::full_name() {
        return Err(Undecodable(format!("{} is not {}", record.event_type, E::full_name())));
    }
    E::decode(record.payload.as_slice()).map_err(Undecodable::new)
}

#[cfg(test)]
mod tests;
