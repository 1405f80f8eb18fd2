//! Events in and out: what shipping subscribes to, and what its own events look like on the wire.

use std::collections::BTreeMap;

use contracts::convert::{InvalidField, id_from_wire, money_from_wire, money_to_wire};
use contracts::orders::v1::{
    OrderCancellationRequested, OrderConfirmed, OrderPaid, RefundRequested, ShippingInstruction,
};
use contracts::shipping::v1 as wire;
use kernel::{Money, Quantity, Sku};
use messaging::{Envelope, Outgoing, Subscription, Trigger, Undecodable};
use prost::{Message, Name};

use super::wire_terms::{address_from_wire, line_from_wire, lines_to_wire};
use crate::domain::consignment::{Instruction, Terms};
use crate::domain::contents::Contents;
use crate::domain::event::Event;
use crate::domain::fact::Fact;
use crate::domain::ids::{OrderId, WarehouseId};

/// What shipping reacts to.
pub const SUBSCRIPTIONS: &[Subscription] = &[
    Subscription {
        event: "tradewind.orders.v1.OrderPaid",
        reaction: "creates a shipment for each warehouse that has stock of the order; one that is paid in cash on delivery was sent before",
        follows: &["ShipmentCreated"],
        tests: &[
            "services/shipping/tests/it/fulfilment.rs::a_paid_order_is_sent_from_each_warehouse_that_has_stock_of_it",
            "services/shipping/tests/it/fulfilment.rs::an_order_whose_goods_may_not_leave_yet_is_nothing_to_shipping",
            "services/shipping/tests/it/fulfilment.rs::an_instruction_that_cannot_be_read_is_parked_and_others_flow_on",
        ],
    },
    Subscription {
        event: "tradewind.orders.v1.OrderConfirmed",
        reaction: "creates the shipments of an order that is paid in cash on delivery; others wait for OrderPaid",
        follows: &["ShipmentCreated"],
        tests: &[
            "services/shipping/tests/it/fulfilment.rs::an_order_in_cash_is_sent_delivered_and_its_cash_is_passed_on",
            "services/shipping/tests/it/fulfilment.rs::an_order_whose_goods_may_not_leave_yet_is_nothing_to_shipping",
        ],
    },
    Subscription {
        event: "tradewind.orders.v1.OrderCancellationRequested",
        reaction: "stops the parcels if none has left; otherwise the order goes on",
        follows: &["ShipmentCancelled", "ShipmentCancelRefused"],
        tests: &[
            "services/shipping/tests/it/fulfilment.rs::an_order_that_is_cancelled_in_time_never_leaves",
            "services/shipping/tests/it/fulfilment.rs::an_order_that_has_begun_to_leave_cannot_be_stopped",
            "services/shipping/tests/it/fulfilment.rs::a_cancellation_meets_a_parcel_and_one_of_them_is_told_no",
        ],
    },
    Subscription {
        event: "tradewind.orders.v1.RefundRequested",
        reaction: "stops the parcels if none has left; otherwise the order goes on",
        follows: &["ShipmentCancelled", "ShipmentCancelRefused"],
        tests: &[
            "services/shipping/tests/it/fulfilment.rs::a_paid_order_whose_money_is_wanted_back_in_time_never_leaves",
            "services/shipping/tests/it/fulfilment.rs::a_paid_order_that_has_begun_to_leave_goes_on_although_its_money_is_wanted_back",
        ],
    },
];

/// What makes shipping act without an event.
pub const TRIGGERS: &[Trigger] = &[
    Trigger {
        cause: "the seller, or an operator, calls `DispatchParcel`",
        reaction: "lets a parcel leave; refuses more than the shipment holds",
        follows: &["ShipmentDispatched"],
        tests: &[
            "services/shipping/tests/it/fulfilment.rs::an_order_leaves_in_parcels_and_arrives_as_a_whole",
            "services/shipping/tests/it/fulfilment.rs::parcels_that_compete_for_the_last_unit_never_ship_more_than_there_is",
            "services/shipping/tests/it/rpc/dispatch.rs::a_parcel_leaves_with_what_it_was_asked_to_hold",
            "services/shipping/tests/it/rpc/dispatch.rs::more_than_the_shipment_holds_is_refused_for_a_reason_of_its_own",
        ],
    },
    Trigger {
        cause: "an operator calls `RecordDelivery`, as the carrier reports it",
        reaction: "notes that a parcel was delivered",
        follows: &["ShipmentDelivered"],
        tests: &[
            "services/shipping/tests/it/fulfilment.rs::an_order_leaves_in_parcels_and_arrives_as_a_whole",
            "services/shipping/tests/it/rpc/delivery.rs::a_parcel_is_delivered_once",
        ],
    },
    Trigger {
        cause: "an operator calls `RecordRemittance`, as the carrier passes cash on",
        reaction: "notes the whole amount, once, of an order that was delivered as a whole",
        follows: &["CashCollected"],
        tests: &[
            "services/shipping/tests/it/fulfilment.rs::an_order_in_cash_is_sent_delivered_and_its_cash_is_passed_on",
            "services/shipping/tests/it/rpc/remittance.rs::cash_is_passed_on_once_and_whole_when_everything_was_delivered",
            "services/shipping/tests/it/rpc/remittance.rs::nothing_is_passed_on_for_an_order_that_was_paid_before",
        ],
    },
];

/// Reads an event of [`SUBSCRIPTIONS`]. Without an instruction the goods may not leave yet, or have left, and there is nothing to do.
pub fn decode(event: &Envelope) -> Result<Option<Fact>, Undecodable> {
    let (order_id, instruction, is_prepaid) = match event.event_type.as_str() {
        "tradewind.orders.v1.OrderPaid" => {
            let paid: OrderPaid = event.decode()?;
            (paid.order_id, paid.shipping_instruction, true)
        }
        "tradewind.orders.v1.OrderConfirmed" => {
            let confirmed: OrderConfirmed = event.decode()?;
            (confirmed.order_id, confirmed.shipping_instruction, false)
        }
        "tradewind.orders.v1.OrderCancellationRequested" => {
            let requested: OrderCancellationRequested = event.decode()?;
            let order_id = order_id_from_wire(event, &requested.order_id)?;
            return Ok(Some(Fact::StopRequested { order_id }));
        }
        "tradewind.orders.v1.RefundRequested" => {
            let requested: RefundRequested = event.decode()?;
            let order_id = order_id_from_wire(event, &requested.order_id)?;
            return Ok(Some(Fact::StopRequested { order_id }));
        }
        _ => return Ok(None),
    };
    let Some(instruction) = instruction else { return Ok(None) };
    let order_id = order_id_from_wire(event, &order_id)?;
    let instruction = instruction_from_wire(&instruction, is_prepaid)
        .map_err(|invalid| Undecodable::new(invalid.within("shipping_instruction")))?;
    Ok(Some(Fact::ShipRequested { order_id, instruction: Box::new(instruction) }))
}

/// An event is ordered by its key, so the order that it is about must be that key.
fn order_id_from_wire(event: &Envelope, order_id: &str) -> Result<OrderId, Undecodable> {
    let order_id: OrderId = id_from_wire("order_id", order_id).map_err(Undecodable::new)?;
    if order_id.uuid() != event.aggregate_id {
        return Err(Undecodable(format!("it is about order {order_id} and ordered by {}", event.aggregate_id)));
    }
    Ok(order_id)
}

fn instruction_from_wire(instruction: &ShippingInstruction, is_prepaid: bool) -> Result<Instruction, InvalidField> {
    let mut lines: BTreeMap<WarehouseId, Vec<(Sku, Quantity)>> = BTreeMap::new();
    for (index, allocation) in instruction.allocations.iter().enumerate() {
        let at = format!("allocations[{index}]");
        let warehouse_id =
            id_from_wire("warehouse_id", &allocation.warehouse_id).map_err(|invalid| invalid.within(&at))?;
        let line = line_from_wire(&allocation.sku, allocation.quantity).map_err(|invalid| invalid.within(&at))?;
        lines.entry(warehouse_id).or_default().push(line);
    }
    if lines.is_empty() {
        return Err(InvalidField::new("allocations", "there are none"));
    }
    Ok(Instruction {
        terms: Terms {
            buyer_id: id_from_wire("buyer_id", &instruction.buyer_id)?,
            seller_id: id_from_wire("seller_id", &instruction.seller_id)?,
            ship_to: address_from_wire("ship_to", instruction.ship_to.as_ref())?,
            cash_to_collect: cash_from_wire(instruction, is_prepaid)?,
        },
        allocations: lines.into_iter().map(|(warehouse_id, lines)| (warehouse_id, Contents::of(lines))).collect(),
    })
}

/// Whoever paid pays nothing at the door, and nothing leaves unpaid that is not paid for there.
fn cash_from_wire(instruction: &ShippingInstruction, is_prepaid: bool) -> Result<Option<Money>, InvalidField> {
    let cash = instruction.cash_to_collect.as_ref();
    if is_prepaid {
        return match cash {
            None => Ok(None),
            Some(_) => Err(InvalidField::new("cash_to_collect", "is set, and the order is paid")),
        };
    }
    let cash = money_from_wire("cash_to_collect", cash)?;
    if cash.is_positive() { Ok(Some(cash)) } else { Err(InvalidField::new("cash_to_collect", "must be above zero")) }
}

/// An event on the wire.
pub fn encode(event: &Event) -> Outgoing {
    match event {
        Event::ShipmentCreated { order_id, shipment_id, warehouse_id, holds } => of_order(
            *order_id,
            &wire::ShipmentCreated {
                order_id: order_id.to_string(),
                shipment_id: shipment_id.to_string(),
                warehouse_id: warehouse_id.to_string(),
                lines: lines_to_wire(holds),
            },
        ),
        Event::ShipmentDispatched { order_id, shipment_id, warehouse_id, parcel, dispatched, order_dispatched } => {
            of_order(
                *order_id,
                &wire::ShipmentDispatched {
                    order_id: order_id.to_string(),
                    shipment_id: shipment_id.to_string(),
                    warehouse_id: warehouse_id.to_string(),
                    parcel_id: parcel.id.to_string(),
                    carrier: parcel.carrier.to_string(),
                    tracking_number: parcel.tracking_number.to_string(),
                    lines: lines_to_wire(&parcel.contents),
                    dispatched_lines: lines_to_wire(dispatched),
                    order_dispatched: *order_dispatched,
                },
            )
        }
        Event::ShipmentDelivered { order_id, shipment_id, parcel_id, order_delivered } => of_order(
            *order_id,
            &wire::ShipmentDelivered {
                order_id: order_id.to_string(),
                shipment_id: shipment_id.to_string(),
                parcel_id: parcel_id.to_string(),
                order_delivered: *order_delivered,
            },
        ),
        Event::ShipmentCancelled { order_id } => {
            of_order(*order_id, &wire::ShipmentCancelled { order_id: order_id.to_string() })
        }
        Event::ShipmentCancelRefused { order_id } => of_order(
            *order_id,
            &wire::ShipmentCancelRefused { order_id: order_id.to_string(), reason: "ALREADY_DISPATCHED".to_owned() },
        ),
        Event::CashCollected { order_id, amount, reference } => of_order(
            *order_id,
            &wire::CashCollected {
                order_id: order_id.to_string(),
                amount: Some(money_to_wire(*amount)),
                remittance_reference: reference.to_string(),
            },
        ),
    }
}

fn of_order<E: Message + Name>(order_id: OrderId, event: &E) -> Outgoing {
    Outgoing::new("consignment", order_id.uuid(), event)
}

#[cfg(test)]
mod tests;
