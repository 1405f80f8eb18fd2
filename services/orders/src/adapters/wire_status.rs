//! Milestones on the wire.

use contracts::convert::InvalidField;
use contracts::orders::v1 as wire;

use crate::domain::status::Milestone;

/// A milestone as a request or an event names it.
pub(crate) fn milestone_from_wire(field: &str, status: i32) -> Result<Milestone, InvalidField> {
    match wire::OrderStatus::try_from(status) {
        Ok(wire::OrderStatus::Created) => Ok(Milestone::Created),
        Ok(wire::OrderStatus::Confirmed) => Ok(Milestone::Confirmed),
        Ok(wire::OrderStatus::Paid) => Ok(Milestone::Paid),
        Ok(wire::OrderStatus::Failed) => Ok(Milestone::Failed),
        Ok(wire::OrderStatus::Shipped) => Ok(Milestone::Shipped),
        Ok(wire::OrderStatus::Delivered) => Ok(Milestone::Delivered),
        Ok(wire::OrderStatus::Refunded) => Ok(Milestone::Refunded),
        Ok(wire::OrderStatus::Closed) => Ok(Milestone::Closed),
        Ok(wire::OrderStatus::Cancelled) => Ok(Milestone::Cancelled),
        Ok(wire::OrderStatus::Unspecified) | Err(_) => Err(InvalidField::new(field, format!("{status} is no status"))),
    }
}

pub(crate) const fn milestone_to_wire(milestone: Milestone) -> wire::OrderStatus {
    match milestone {
        Milestone::Created => wire::OrderStatus::Created,
        Milestone::Confirmed => wire::OrderStatus::Confirmed,
        Milestone::Paid => wire::OrderStatus::Paid,
        Milestone::Failed => wire::OrderStatus::Failed,
        Milestone::Shipped => wire::OrderStatus::Shipped,
        Milestone::Delivered => wire::OrderStatus::Delivered,
        Milestone::Refunded => wire::OrderStatus::Refunded,
        Milestone::Closed => wire::OrderStatus::Closed,
        Milestone::Cancelled => wire::OrderStatus::Cancelled,
    }
}
