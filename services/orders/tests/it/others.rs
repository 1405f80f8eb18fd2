//! What the other services say about an order of `back_office`.

use contracts::convert::timestamp_to_wire;
use contracts::inventory::v1 as inventory;
use contracts::payments::v1 as payments;
use contracts::shipping::v1 as shipping;
use kernel::{Id, Timestamp};
use orders::domain::ids::OrderId;
use prost::{Message, Name};
use testkit::Event;

use crate::back_office::euro_on_wire;

fn by_payments<E: Message + Name>(order_id: OrderId, message: &E) -> Event {
    Event::new("payments", "payment", order_id.uuid(), 1, message)
}

fn by_shipping<E: Message + Name>(order_id: OrderId, message: &E) -> Event {
    Event::new("shipping", "consignment", order_id.uuid(), 1, message)
}

fn by_inventory<E: Message + Name>(order_id: OrderId, message: &E) -> Event {
    Event::new("inventory", "reservation", order_id.uuid(), 1, message)
}

/// A parcel left, and it was the last one or not.
pub(crate) fn dispatched(order_id: OrderId, order_dispatched: bool) -> Event {
    let order_id_text = order_id.to_string();
    let message = shipping::ShipmentDispatched { order_id: order_id_text, order_dispatched, ..Default::default() };
    by_shipping(order_id, &message)
}

/// A parcel arrived, and it was the last one or not.
pub(crate) fn delivered(order_id: OrderId, order_delivered: bool) -> Event {
    let order_id_text = order_id.to_string();
    let message = shipping::ShipmentDelivered { order_id: order_id_text, order_delivered, ..Default::default() };
    by_shipping(order_id, &message)
}

pub(crate) fn stopped(order_id: OrderId) -> Event {
    let order_id_text = order_id.to_string();
    by_shipping(order_id, &shipping::ShipmentCancelled { order_id: order_id_text, ..Default::default() })
}

/// A part is stopped for a refund, and whether nothing else of the order was awaited: it has left, or it has arrived.
pub(crate) fn part_stopped(
    order_id: OrderId,
    refund_number: i32,
    lines: &[(&str, i64)],
    (order_dispatched, order_delivered): (bool, bool),
) -> Event {
    let line = |(sku, quantity): &(&str, i64)| shipping::StoppedLine {
        sku: (*sku).to_owned(),
        warehouse_id: Id::<shipping::StoppedLine>::generate().to_string(),
        quantity: *quantity,
    };
    let lines = lines.iter().map(line).collect();
    let part = shipping::StoppedPart { lines, order_dispatched, order_delivered, ..Default::default() };
    let order_id_text = order_id.to_string();
    by_shipping(order_id, &shipping::ShipmentCancelled { order_id: order_id_text, refund_number, part: Some(part) })
}

/// What the first refund was to stop had left.
pub(crate) fn part_not_stopped(order_id: OrderId) -> Event {
    not_stopped_for(order_id, 1)
}

pub(crate) fn not_stopped(order_id: OrderId) -> Event {
    not_stopped_for(order_id, 0)
}

fn not_stopped_for(order_id: OrderId, refund_number: i32) -> Event {
    let reason = "ALREADY_DISPATCHED".to_owned();
    by_shipping(order_id, &shipping::ShipmentCancelRefused { order_id: order_id.to_string(), reason, refund_number })
}

pub(crate) fn authorized(order_id: OrderId) -> Event {
    let order_id_text = order_id.to_string();
    let message = payments::PaymentAuthorized { order_id: order_id_text, ..payments::PaymentAuthorized::default() };
    by_payments(order_id, &message)
}

pub(crate) fn declined(order_id: OrderId, reason: &str) -> Event {
    by_payments(order_id, &payments::PaymentDeclined { order_id: order_id.to_string(), reason: reason.to_owned() })
}

pub(crate) fn captured(order_id: OrderId) -> Event {
    captured_part(order_id, 4_060)
}

/// So much was collected at the door, in cents.
pub(crate) fn captured_part(order_id: OrderId, cents: i64) -> Event {
    let amount = Some(euro_on_wire(cents));
    by_payments(order_id, &payments::PaymentCaptured { order_id: order_id.to_string(), amount })
}

pub(crate) fn capture_failed(order_id: OrderId) -> Event {
    by_payments(
        order_id,
        &payments::CaptureFailed { order_id: order_id.to_string(), reason: "CARD_EXPIRED".to_owned() },
    )
}

pub(crate) fn voided(order_id: OrderId) -> Event {
    by_payments(
        order_id,
        &payments::PaymentVoided { order_id: order_id.to_string(), amount: Some(euro_on_wire(4_060)) },
    )
}

/// All of the money is back, for the first refund.
pub(crate) fn refunded(order_id: OrderId) -> Event {
    refunded_part(order_id, 1, 4_060, 4_060)
}

/// All of the money is back, because the order ended.
pub(crate) fn undone(order_id: OrderId) -> Event {
    refunded_part(order_id, 0, 4_060, 4_060)
}

/// So much went back because the order ended.
pub(crate) fn undone_part(order_id: OrderId, cents: i64) -> Event {
    refunded_part(order_id, 0, cents, cents)
}

/// The money of one refund is back, and so much in all, in cents.
pub(crate) fn refunded_part(order_id: OrderId, refund_number: i32, cents: i64, in_all: i64) -> Event {
    let message = payments::PaymentRefunded {
        order_id: order_id.to_string(),
        amount: Some(euro_on_wire(cents)),
        refunded_amount: Some(euro_on_wire(in_all)),
        refund_number,
        whole: in_all == 4_060,
        to_credit: false,
    };
    by_payments(order_id, &message)
}

pub(crate) fn refund_failed(order_id: OrderId) -> Event {
    let message = payments::RefundFailed {
        order_id: order_id.to_string(),
        refund_number: 1,
        amount: Some(euro_on_wire(4_060)),
        reason: "REFUND_REFUSED".to_owned(),
    };
    by_payments(order_id, &message)
}

fn shipment_lines(lines: &[(&str, i64)]) -> Vec<shipping::ShipmentLine> {
    let line = |(sku, quantity): &(&str, i64)| shipping::ShipmentLine { sku: (*sku).to_owned(), quantity: *quantity };
    lines.iter().map(line).collect()
}

/// A parcel with these units is lost; the others have arrived, or there are none.
pub(crate) fn lost(order_id: OrderId, lines: &[(&str, i64)], order_delivered: bool) -> Event {
    let message = shipping::ShipmentFailed {
        order_id: order_id.to_string(),
        parcel_id: Id::<shipping::Parcel>::generate().to_string(),
        failure: shipping::ParcelFailure::Lost.into(),
        lines: shipment_lines(lines),
        order_delivered,
        order_failed: !order_delivered,
        ..shipping::ShipmentFailed::default()
    };
    by_shipping(order_id, &message)
}

/// These units of what the first refund waits for are accepted.
pub(crate) fn returned(order_id: OrderId, accepted: &[(&str, i64)], complete: bool) -> Event {
    let message = shipping::ReturnReceived {
        order_id: order_id.to_string(),
        refund_number: 1,
        accepted_lines: shipment_lines(accepted),
        complete,
        ..shipping::ReturnReceived::default()
    };
    by_shipping(order_id, &message)
}

/// The mugs are committed in one warehouse, the spoon in another.
pub(crate) fn committed(order_id: OrderId) -> Event {
    let allocation = |sku: &str, warehouse: u128, quantity| inventory::Allocation {
        sku: sku.to_owned(),
        warehouse_id: Id::<inventory::Allocation>::from_uuid(uuid::Uuid::from_u128(warehouse)).to_string(),
        quantity,
    };
    let allocations = vec![allocation("MUG-BLUE", 1, 2), allocation("SPOON", 2, 1)];
    by_inventory(
        order_id,
        &inventory::InventoryCommitted { order_id: order_id.to_string(), allocations, terms_version: 1 },
    )
}

pub(crate) fn backordered(order_id: OrderId, until: Timestamp) -> Event {
    let wait_until_time = Some(timestamp_to_wire(until));
    let message =
        inventory::InventoryBackordered { order_id: order_id.to_string(), shortages: Vec::new(), wait_until_time };
    by_inventory(order_id, &message)
}

pub(crate) fn rejected(order_id: OrderId) -> Event {
    by_inventory(order_id, &inventory::InventoryRejected { order_id: order_id.to_string(), shortages: Vec::new() })
}

pub(crate) fn commit_refused(order_id: OrderId) -> Event {
    let reason = "RESERVATION_EXPIRED".to_owned();
    by_inventory(order_id, &inventory::InventoryCommitRefused { order_id: order_id.to_string(), reason })
}

pub(crate) fn expired(order_id: OrderId) -> Event {
    by_inventory(order_id, &inventory::ReservationExpired { order_id: order_id.to_string() })
}

pub(crate) fn released(order_id: OrderId) -> Event {
    released_in_part(order_id, false)
}

/// What was held is on sale again, all of it or a part.
pub(crate) fn released_in_part(order_id: OrderId, partial: bool) -> Event {
    let order_id_text = order_id.to_string();
    let message = inventory::InventoryReleased { order_id: order_id_text, allocations: Vec::new(), partial };
    by_inventory(order_id, &message)
}
