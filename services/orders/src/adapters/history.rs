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

/// What the history's first entry says: the terms, their hash in hexadecimal, the deadline.
pub fn created_from_history(first: &Record) -> Result<(Terms, String, Timestamp), Undecodable> {
    let created: wire::OrderCreated = entry(first)?;
    let terms = wire_terms::terms_from_order_created(&created).map_err(Undecodable::new)?;
    let unpaid_deadline =
        timestamp_from_wire("unpaid_deadline", created.unpaid_deadline.as_ref()).map_err(Undecodable::new)?;
    Ok((terms, created.snapshot_hash, unpaid_deadline))
}

/// The milestone from an entry of the history on; `None` for an entry that newer code wrote.
pub fn milestone_after(event_type: &str) -> Option<Milestone> {
    match event_type {
        "tradewind.orders.v1.OrderCreated" => Some(Milestone::Created),
        "tradewind.orders.v1.OrderConfirmed" | "tradewind.orders.v1.OrderCancellationRequested" => {
            Some(Milestone::Confirmed)
        }
        "tradewind.orders.v1.OrderPaid" => Some(Milestone::Paid),
        "tradewind.orders.v1.OrderFailed" => Some(Milestone::Failed),
        "tradewind.orders.v1.OrderShipped" => Some(Milestone::Shipped),
        "tradewind.orders.v1.OrderDelivered" => Some(Milestone::Delivered),
        "tradewind.orders.v1.OrderCancelled" => Some(Milestone::Cancelled),
        _ => None,
    }
}

/// The status from an entry of the history on, with the reason that the entry gives.
pub fn status_after(record: &Record) -> Result<Status, Undecodable> {
    let unknown = || Undecodable(format!("{} is no step of an order", record.event_type));
    let milestone = milestone_after(&record.event_type).ok_or_else(unknown)?;
    let reason = match milestone {
        Milestone::Failed => Some(entry::<wire::OrderFailed>(record)?.reason),
        Milestone::Cancelled => Some(entry::<wire::OrderCancelled>(record)?.reason),
        Milestone::Created | Milestone::Confirmed | Milestone::Paid | Milestone::Shipped | Milestone::Delivered => None,
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
