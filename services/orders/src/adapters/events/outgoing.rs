//! Orders' own events on the wire.

use contracts::convert::{money_to_wire, timestamp_to_wire};
use contracts::inventory::v1 as inventory;
use contracts::orders::v1 as wire;
use kernel::Timestamp;
use messaging::Outgoing;
use prost::{Message, Name};

use crate::adapters::{wire_refund, wire_terms};
use crate::domain::event::Event;
use crate::domain::ids::OrderId;
use crate::domain::refund::Units;
use crate::domain::shipping_instruction::{Allocation, ShippingInstruction};
use crate::domain::snapshot::{Snapshot, TermsVersion};

/// An event on the wire.
#[expect(clippy::too_many_lines, reason = "each event is written here, and nowhere else")]
pub fn encode(event: &Event) -> Outgoing {
    match event {
        Event::Created { snapshot, unpaid_deadline, split_from } => {
            of_order(snapshot.terms().order_id, &order_created(snapshot, *unpaid_deadline, *split_from))
        }
        Event::Modified { snapshot, terms_version, split_off, note } => {
            of_order(snapshot.terms().order_id, &order_modified(snapshot, *terms_version, split_off, note))
        }
        Event::Backordered { order_id, checkout_id, until, unpaid_deadline } => of_order(
            *order_id,
            &wire::OrderBackordered {
                order_id: order_id.to_string(),
                checkout_id: checkout_id.to_string(),
                wait_until_time: Some(timestamp_to_wire(*until)),
                unpaid_deadline: Some(timestamp_to_wire(*unpaid_deadline)),
            },
        ),
        Event::Confirmed { order_id, checkout_id, cash_on_delivery, shipping_instruction } => of_order(
            *order_id,
            &wire::OrderConfirmed {
                order_id: order_id.to_string(),
                checkout_id: checkout_id.to_string(),
                cash_on_delivery: *cash_on_delivery,
                shipping_instruction: shipping_instruction.as_deref().map(instruction_to_wire),
            },
        ),
        Event::Paid { order_id, checkout_id, shipping_instruction } => of_order(
            *order_id,
            &wire::OrderPaid {
                order_id: order_id.to_string(),
                checkout_id: checkout_id.to_string(),
                shipping_instruction: shipping_instruction.as_deref().map(instruction_to_wire),
            },
        ),
        Event::Shipped { order_id, checkout_id } => of_order(
            *order_id,
            &wire::OrderShipped { order_id: order_id.to_string(), checkout_id: checkout_id.to_string() },
        ),
        Event::Delivered { order_id, checkout_id } => of_order(
            *order_id,
            &wire::OrderDelivered { order_id: order_id.to_string(), checkout_id: checkout_id.to_string() },
        ),
        Event::Failed { order_id, checkout_id, reason, detail } => of_order(
            *order_id,
            &wire::OrderFailed {
                order_id: order_id.to_string(),
                checkout_id: checkout_id.to_string(),
                reason: reason.as_str().to_owned(),
                detail: detail.clone(),
            },
        ),
        Event::Cancelled { order_id, checkout_id, reason, note } => of_order(
            *order_id,
            &wire::OrderCancelled {
                order_id: order_id.to_string(),
                checkout_id: checkout_id.to_string(),
                reason: reason.as_str().to_owned(),
                note: note.clone(),
            },
        ),
        Event::RefundRequested { order_id, checkout_id, refund, note } => of_order(
            *order_id,
            &wire::RefundRequested {
                order_id: order_id.to_string(),
                checkout_id: checkout_id.to_string(),
                amount: Some(money_to_wire(refund.amount)),
                refund_number: refund.number,
                kind: wire_refund::kind_to_wire(refund.kind).into(),
                lines: refund.lines.iter().map(wire_refund::line_to_wire).collect(),
                note: note.clone(),
            },
        ),
        Event::RefundApproved { order_id, checkout_id, number, amount, exchange_order_id } => of_order(
            *order_id,
            &wire::RefundApproved {
                order_id: order_id.to_string(),
                checkout_id: checkout_id.to_string(),
                amount: Some(money_to_wire(*amount)),
                refund_number: *number,
                exchange_order_id: exchange_order_id.map(|id| id.to_string()).unwrap_or_default(),
            },
        ),
        Event::RefundRejected { order_id, checkout_id, number, reason } => of_order(
            *order_id,
            &wire::RefundRejected {
                order_id: order_id.to_string(),
                checkout_id: checkout_id.to_string(),
                reason: reason.as_str().to_owned(),
                refund_number: *number,
            },
        ),
        Event::RefundCompleted { order_id, checkout_id, number, amount, refunded } => of_order(
            *order_id,
            &wire::RefundCompleted {
                order_id: order_id.to_string(),
                checkout_id: checkout_id.to_string(),
                refund_number: *number,
                amount: Some(money_to_wire(*amount)),
                refunded_amount: Some(money_to_wire(*refunded)),
            },
        ),
        Event::Closed { order_id, checkout_id } => of_order(
            *order_id,
            &wire::OrderClosed { order_id: order_id.to_string(), checkout_id: checkout_id.to_string() },
        ),
        Event::Refunded { order_id, checkout_id } => of_order(
            *order_id,
            &wire::OrderRefunded { order_id: order_id.to_string(), checkout_id: checkout_id.to_string() },
        ),
        Event::CancellationRequested { order_id, checkout_id } => of_order(
            *order_id,
            &wire::OrderCancellationRequested { order_id: order_id.to_string(), checkout_id: checkout_id.to_string() },
        ),
    }
}

fn of_order<E: Message + Name>(order_id: OrderId, event: &E) -> Outgoing {
    Outgoing::new("order", order_id.uuid(), event)
}

fn instruction_to_wire(instruction: &ShippingInstruction) -> wire::ShippingInstruction {
    let allocation = |allocation: &Allocation| inventory::Allocation {
        sku: allocation.sku.to_string(),
        warehouse_id: allocation.warehouse_id.to_string(),
        quantity: i64::from(allocation.quantity),
    };
    wire::ShippingInstruction {
        buyer_id: instruction.buyer_id.to_string(),
        seller_id: instruction.seller_id.to_string(),
        ship_to: Some(wire_terms::address_to_wire(&instruction.ship_to)),
        allocations: instruction.allocations.iter().map(allocation).collect(),
        cash_to_collect: instruction.cash_to_collect.map(money_to_wire),
        sku_totals: instruction.sku_totals.iter().map(wire_refund::sku_total_to_wire).collect(),
        shipping_service: instruction.shipping_service.to_string(),
    }
}

fn order_created(snapshot: &Snapshot, unpaid_deadline: Timestamp, split_from: Option<OrderId>) -> wire::OrderCreated {
    let terms = snapshot.terms();
    wire::OrderCreated {
        order_id: terms.order_id.to_string(),
        checkout_id: terms.checkout_id.to_string(),
        buyer_id: terms.buyer_id.to_string(),
        seller_id: terms.seller_id.to_string(),
        lines: terms.lines.iter().map(wire_terms::line_to_wire).collect(),
        ship_to: Some(wire_terms::address_to_wire(&terms.ship_to)),
        subtotal: Some(money_to_wire(terms.subtotal)),
        shipping: Some(money_to_wire(terms.shipping)),
        tax: Some(money_to_wire(terms.tax)),
        total: Some(money_to_wire(terms.total)),
        payment_method: Some(wire_terms::payment_method_to_wire(&terms.payment_method)),
        snapshot_hash: snapshot.hash().to_string(),
        unpaid_deadline: Some(timestamp_to_wire(unpaid_deadline)),
        shipping_service: terms.shipping_service.to_string(),
        split_from_order_id: split_from.map(|id| id.to_string()).unwrap_or_default(),
    }
}

fn order_modified(
    snapshot: &Snapshot,
    terms_version: TermsVersion,
    split_off: &[(OrderId, Units)],
    note: &str,
) -> wire::OrderModified {
    let terms = snapshot.terms();
    let split_off = split_off.iter().map(|(order_id, units)| wire::SplitOff {
        order_id: order_id.to_string(),
        units: units.iter().map(|(sku, units)| wire::OrderUnits { sku: sku.to_string(), quantity: *units }).collect(),
    });
    wire::OrderModified {
        order_id: terms.order_id.to_string(),
        checkout_id: terms.checkout_id.to_string(),
        terms_version,
        seller_id: terms.seller_id.to_string(),
        lines: terms.lines.iter().map(wire_terms::line_to_wire).collect(),
        ship_to: Some(wire_terms::address_to_wire(&terms.ship_to)),
        subtotal: Some(money_to_wire(terms.subtotal)),
        shipping: Some(money_to_wire(terms.shipping)),
        tax: Some(money_to_wire(terms.tax)),
        total: Some(money_to_wire(terms.total)),
        snapshot_hash: snapshot.hash().to_string(),
        split_off: split_off.collect(),
        note: note.to_owned(),
    }
}
