//! One order on one page.

use contracts::convert::timestamp_to_wire;
use contracts::orders::v1 as wire;
use contracts::payments::v1::payment_method::Method;
use contracts::{payments::v1 as payments, shipping::v1 as shipping};
use messaging::Error;
use messaging::journal::Record;
use messaging::read_model::{Generation, Heard, Table};
use prost::Message;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::adapters::history::milestone_after;
use crate::adapters::wire_status::milestone_to_wire;
use crate::domain::ids::{BuyerId, OrderId, SellerId};

/// Its table.
pub const TABLE: Table = Table {
    name: "order_detail_view",
    differences: "
    SELECT format('the detail of order %s', order_id)
    FROM (SELECT * FROM order_detail_view WHERE generation = $1) AS a
    FULL JOIN (SELECT * FROM order_detail_view WHERE generation = $2) AS b USING (order_id)
    WHERE a.document IS DISTINCT FROM b.document
    ORDER BY order_id LIMIT $3",
};

/// What the histories say of an order: its own, which is not empty, and what was heard of it by topic.
///
/// What was heard comes after the own history, whenever it was: what one topic says does not wait for another.
///
/// # Errors
/// Something in them cannot be read.
pub fn project(own: &[Record], heard: &[Heard]) -> Result<wire::OrderDetail, Error> {
    let first = own.first().ok_or_else(|| Error::Internal("an order without a history has no detail".to_owned()))?;
    let mut detail = begin(first.read()?);
    detail.create_time = Some(timestamp_to_wire(first.occurred_at));
    let mut updated_at = first.occurred_at;
    for record in own {
        apply(&mut detail, record)?;
        detail.version = record.version;
        updated_at = updated_at.max(record.occurred_at);
    }
    for event in heard {
        apply_heard(&mut detail, event)?;
        updated_at = updated_at.max(event.occurred_at);
    }
    detail.update_time = Some(timestamp_to_wire(updated_at));
    Ok(detail)
}

fn begin(created: wire::OrderCreated) -> wire::OrderDetail {
    let method = created.payment_method.and_then(|method| method.method);
    wire::OrderDetail {
        order_id: created.order_id,
        checkout_id: created.checkout_id,
        buyer_id: created.buyer_id,
        seller_id: created.seller_id,
        lines: created.lines,
        ship_to: created.ship_to,
        subtotal: created.subtotal,
        shipping: created.shipping,
        tax: created.tax,
        total: created.total,
        shipping_service: created.shipping_service,
        terms_version: 1,
        split_from_order_id: created.split_from_order_id,
        cash_on_delivery: matches!(method, Some(Method::CashOnDelivery(_))),
        exchange_for_order_id: match method {
            Some(Method::Exchange(exchange)) => exchange.order_id,
            Some(Method::CardToken(_) | Method::CashOnDelivery(_)) | None => String::new(),
        },
        ..wire::OrderDetail::default()
    }
}

/// A fact of the order's own history.
fn apply(detail: &mut wire::OrderDetail, record: &Record) -> Result<(), Error> {
    if let Some(milestone) = milestone_after(&record.event_type) {
        let status = milestone_to_wire(milestone);
        let reach_time = Some(timestamp_to_wire(record.occurred_at));
        detail.wait_until_time = None;
        detail.milestones.push(wire::OrderMilestone { status: status.into(), reach_time });
        detail.set_status(status);
    }
    match record.event_type.as_str() {
        "tradewind.orders.v1.OrderBackordered" => {
            detail.wait_until_time = record.read::<wire::OrderBackordered>()?.wait_until_time;
        }
        "tradewind.orders.v1.OrderModified" => modify(detail, record.read()?),
        "tradewind.orders.v1.OrderFailed" => detail.reason = record.read::<wire::OrderFailed>()?.reason,
        "tradewind.orders.v1.OrderCancelled" => {
            detail.reason = record.read::<wire::OrderCancelled>()?.reason;
            detail.cancellation_requested = false;
        }
        "tradewind.orders.v1.OrderCancellationRequested" => detail.cancellation_requested = true,
        "tradewind.orders.v1.RefundRequested" => detail.refunds.push(refund_asked_for(record.read()?)),
        "tradewind.orders.v1.RefundApproved" => {
            let approved: wire::RefundApproved = record.read()?;
            if let Some(refund) = refund(detail, approved.refund_number) {
                refund.set_status(wire::RefundStatus::Approved);
                refund.amount = approved.amount;
                refund.exchange_order_id = approved.exchange_order_id;
            }
        }
        "tradewind.orders.v1.RefundRejected" => {
            let rejected: wire::RefundRejected = record.read()?;
            if let Some(refund) = refund(detail, rejected.refund_number) {
                refund.set_status(wire::RefundStatus::Rejected);
                refund.reason = rejected.reason;
            }
        }
        "tradewind.orders.v1.RefundCompleted" => {
            let completed: wire::RefundCompleted = record.read()?;
            if let Some(refund) = refund(detail, completed.refund_number) {
                refund.set_status(wire::RefundStatus::Refunded);
            }
        }
        // The other milestones say no more than that; what newer code tells is not shown.
        _ => {}
    }
    Ok(())
}

/// Other lines and amounts are agreed from now on.
fn modify(detail: &mut wire::OrderDetail, modified: wire::OrderModified) {
    detail.terms_version = modified.terms_version;
    detail.lines = modified.lines;
    detail.subtotal = modified.subtotal;
    detail.shipping = modified.shipping;
    detail.tax = modified.tax;
    detail.total = modified.total;
    detail.split_into_order_ids.extend(modified.split_off.into_iter().map(|part| part.order_id));
}

/// Facts of before there were several refunds name neither number nor kind.
fn refund_asked_for(requested: wire::RefundRequested) -> wire::Refund {
    let kind = match requested.kind() {
        wire::RefundKind::Unspecified => wire::RefundKind::BeforeDispatch,
        named => named,
    };
    wire::Refund {
        refund_number: requested.refund_number.max(1),
        kind: kind.into(),
        status: wire::RefundStatus::Requested.into(),
        amount: requested.amount,
        lines: requested.lines,
        reason: String::new(),
        exchange_order_id: String::new(),
    }
}

fn refund(detail: &mut wire::OrderDetail, number: i32) -> Option<&mut wire::Refund> {
    detail.refunds.iter_mut().find(|refund| refund.refund_number == number.max(1))
}

/// What another service told of the order.
fn apply_heard(detail: &mut wire::OrderDetail, event: &Heard) -> Result<(), Error> {
    let time = Some(timestamp_to_wire(event.occurred_at));
    match event.event_type.as_str() {
        "tradewind.payments.v1.PaymentCaptured" => {
            detail.captured_amount = event.read::<payments::PaymentCaptured>()?.amount;
        }
        "tradewind.payments.v1.PaymentRefunded" => {
            let refunded: payments::PaymentRefunded = event.read()?;
            detail.refunded_amount = refunded.refunded_amount;
            turn(detail, refunded.refund_number, wire::RefundStatus::Failed, wire::RefundStatus::Approved, "");
        }
        "tradewind.payments.v1.RefundFailed" => {
            let failed: payments::RefundFailed = event.read()?;
            let (from, to) = (wire::RefundStatus::Approved, wire::RefundStatus::Failed);
            turn(detail, failed.refund_number, from, to, &failed.reason);
        }
        "tradewind.shipping.v1.ShipmentDispatched" => {
            let dispatched: shipping::ShipmentDispatched = event.read()?;
            detail.parcels.push(shipping::Parcel {
                parcel_id: dispatched.parcel_id,
                carrier: dispatched.carrier,
                tracking_number: dispatched.tracking_number,
                lines: dispatched.lines,
                status: shipping::ParcelStatus::Dispatched.into(),
                dispatch_time: time,
                ..shipping::Parcel::default()
            });
        }
        "tradewind.shipping.v1.ShipmentDelivered" => {
            let delivered: shipping::ShipmentDelivered = event.read()?;
            if let Some(parcel) = parcel(detail, &delivered.parcel_id) {
                parcel.set_status(shipping::ParcelStatus::Delivered);
                parcel.deliver_time = time;
            }
        }
        "tradewind.shipping.v1.ShipmentFailed" => {
            let failed: shipping::ShipmentFailed = event.read()?;
            if let Some(parcel) = parcel(detail, &failed.parcel_id) {
                parcel.set_status(shipping::ParcelStatus::Failed);
                parcel.failure = failed.failure;
                parcel.fail_time = time;
            }
        }
        "tradewind.shipping.v1.ShipmentCancelRefused" => {
            let refused: shipping::ShipmentCancelRefused = event.read()?;
            // What becomes of a refund its own history says.
            detail.cancellation_requested &= refused.refund_number != 0;
        }
        "tradewind.shipping.v1.ReturnReceived" => {
            let received: shipping::ReturnReceived = event.read()?;
            let back = return_of(detail, &received);
            back.received.extend(received.lines);
            back.complete = received.complete;
            back.receive_time = time;
        }
        // Nothing else is kept.
        _ => {}
    }
    Ok(())
}

/// Has a numbered refund stand elsewhere, if it stands at `from`: what its own history says goes before what payments tell.
fn turn(detail: &mut wire::OrderDetail, number: i32, from: wire::RefundStatus, to: wire::RefundStatus, reason: &str) {
    let numbered = detail.refunds.iter_mut().find(|refund| refund.refund_number == number);
    if let Some(refund) = numbered.filter(|refund| refund.status() == from) {
        refund.set_status(to);
        reason.clone_into(&mut refund.reason);
    }
}

fn parcel<'a>(detail: &'a mut wire::OrderDetail, parcel_id: &str) -> Option<&'a mut shipping::Parcel> {
    detail.parcels.iter_mut().find(|parcel| parcel.parcel_id == parcel_id)
}

/// The return of which something came back; a new one, if it is the first of it.
fn return_of<'a>(detail: &'a mut wire::OrderDetail, received: &shipping::ReturnReceived) -> &'a mut wire::OrderReturn {
    let returns = &mut detail.returns;
    let known = returns.iter().position(|known| known.return_id == received.return_id);
    let index = known.unwrap_or_else(|| {
        let (return_id, refund_number) = (received.return_id.clone(), received.refund_number);
        returns.push(wire::OrderReturn { return_id, refund_number, ..wire::OrderReturn::default() });
        returns.len() - 1
    });
    &mut returns[index]
}

/// Saves details, in each of the generations.
pub(super) async fn save(
    tx: &mut PgConnection,
    generations: &[Generation],
    details: &[wire::OrderDetail],
) -> Result<(), Error> {
    let ids = details.iter().map(|detail| id(&detail.order_id)).collect::<Result<Vec<_>, _>>()?;
    sqlx::query(
        "INSERT INTO order_detail_view (generation, order_id, document)
         SELECT generation, order_id, document
         FROM unnest($1::integer[]) AS generation, unnest($2::uuid[], $3::bytea[]) AS t (order_id, document)
         ON CONFLICT (generation, order_id) DO UPDATE SET document = excluded.document
         WHERE order_detail_view.document <> excluded.document",
    )
    .bind(generations)
    .bind(ids)
    .bind(details.iter().map(Message::encode_to_vec).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// The detail of an order, if there is one yet.
pub async fn find(pool: &PgPool, order_id: OrderId) -> Result<Option<wire::OrderDetail>, Error> {
    let document: Option<Vec<u8>> = sqlx::query_scalar(
        "SELECT document FROM order_detail_view
         WHERE generation = (SELECT generation FROM read_model_generation WHERE state = 'serving') AND order_id = $1",
    )
    .bind(order_id.uuid())
    .fetch_optional(pool)
    .await?;
    let read = |document: Vec<u8>| wire::OrderDetail::decode(document.as_slice());
    document.map(read).transpose().map_err(|error| Error::Corrupt(format!("the detail of order {order_id}: {error}")))
}

/// Whose order it is: the buyer and the seller.
pub fn parties(detail: &wire::OrderDetail) -> Result<(BuyerId, SellerId), Error> {
    Ok((id(&detail.buyer_id).map(BuyerId::from_uuid)?, id(&detail.seller_id).map(SellerId::from_uuid)?))
}

/// An id as the histories say it.
pub(super) fn id(text: &str) -> Result<Uuid, Error> {
    text.parse().map_err(|error| Error::Corrupt(format!("{text:?} is no id: {error}")))
}
