//! An order on the wire, as `GetOrder` answers it.

use contracts::convert::{money_to_wire, timestamp_to_wire};
use contracts::orders::v1 as wire;
use kernel::Timestamp;

use super::postgres::PlacedOrder;
use super::wire_status::milestone_to_wire;
use super::{wire_refund, wire_terms};
use crate::domain::status::{FulfilmentStatus, Milestone, PaymentStatus};

const fn payment_to_wire(payment: PaymentStatus) -> wire::OrderPaymentStatus {
    match payment {
        PaymentStatus::Unpaid => wire::OrderPaymentStatus::Unpaid,
        PaymentStatus::Authorized => wire::OrderPaymentStatus::Authorized,
        PaymentStatus::Captured => wire::OrderPaymentStatus::Captured,
        PaymentStatus::Declined => wire::OrderPaymentStatus::Declined,
        PaymentStatus::CaptureFailed => wire::OrderPaymentStatus::CaptureFailed,
        PaymentStatus::Voided => wire::OrderPaymentStatus::Voided,
        PaymentStatus::Refunded => wire::OrderPaymentStatus::Refunded,
    }
}

const fn fulfilment_to_wire(fulfilment: FulfilmentStatus) -> wire::OrderFulfilmentStatus {
    match fulfilment {
        FulfilmentStatus::Unallocated => wire::OrderFulfilmentStatus::Unallocated,
        FulfilmentStatus::Allocated => wire::OrderFulfilmentStatus::Allocated,
        FulfilmentStatus::Released => wire::OrderFulfilmentStatus::Released,
        FulfilmentStatus::PartlyShipped => wire::OrderFulfilmentStatus::PartlyShipped,
        FulfilmentStatus::Shipped => wire::OrderFulfilmentStatus::Shipped,
        FulfilmentStatus::Delivered => wire::OrderFulfilmentStatus::Delivered,
        FulfilmentStatus::Failed => wire::OrderFulfilmentStatus::Failed,
    }
}

pub(super) fn order_to_wire(order: &PlacedOrder) -> wire::Order {
    let terms = order.snapshot.terms();
    wire::Order {
        order_id: terms.order_id.to_string(),
        checkout_id: terms.checkout_id.to_string(),
        buyer_id: terms.buyer_id.to_string(),
        seller_id: terms.seller_id.to_string(),
        status: milestone_to_wire(order.standing.status.milestone()).into(),
        payment_status: payment_to_wire(order.standing.payment).into(),
        fulfilment_status: fulfilment_to_wire(order.standing.fulfilment).into(),
        lines: terms.lines.iter().map(wire_terms::line_to_wire).collect(),
        ship_to: Some(wire_terms::address_to_wire(&terms.ship_to)),
        subtotal: Some(money_to_wire(terms.subtotal)),
        shipping: Some(money_to_wire(terms.shipping)),
        tax: Some(money_to_wire(terms.tax)),
        total: Some(money_to_wire(terms.total)),
        cash_on_delivery: terms.payment_method.is_cash_on_delivery(),
        reason: order.standing.status.reason().unwrap_or_default().to_owned(),
        snapshot_hash: order.snapshot.hash().to_string(),
        version: order.head.version,
        create_time: Some(timestamp_to_wire(order.created_at)),
        update_time: Some(timestamp_to_wire(order.updated_at)),
        cancellation_requested: order.cancellation_requested,
        refunds: order.refunds.iter().map(wire_refund::refund_to_wire).collect(),
        close_time: order.close_at.map(timestamp_to_wire),
        shipping_service: terms.shipping_service.to_string(),
        wait_until_time: waits_until(order).map(timestamp_to_wire),
        terms_version: order.terms_version,
        split_from_order_id: order.split_from.map(|id| id.to_string()).unwrap_or_default(),
        split_into_order_ids: order.split_into.iter().map(ToString::to_string).collect(),
        exchange_for_order_id: terms
            .payment_method
            .exchange()
            .map(|exchange| exchange.order_id.to_string())
            .unwrap_or_default(),
    }
}

/// How long an order waits for stock that does.
fn waits_until(order: &PlacedOrder) -> Option<Timestamp> {
    order.waits_until.filter(|_| order.standing.status.milestone() == Milestone::Created)
}
