//! Events in and out: what shipping subscribes to, and what its own events look like on the wire.

use std::collections::BTreeMap;

use contracts::convert::{InvalidField, id_from_wire, money_from_wire, money_to_wire};
use contracts::orders::v1::{
    OrderCancellationRequested, OrderConfirmed, OrderPaid, RefundKind, RefundLine, RefundRequested, ShippingInstruction,
};
use contracts::shipping::v1 as wire;
use kernel::{Money, Quantity, Sku};
use messaging::{Envelope, Outgoing, Subscription, Trigger, Undecodable};
use prost::{Message, Name};

use super::wire_terms::{
    address_from_wire, failure_to_wire, label_bought_to_wire, line_from_wire, lines_to_wire, parcel_moved_to_wire,
    received_to_wire, stopped_part_to_wire,
};
use crate::domain::consignment::{Instruction, Terms};
use crate::domain::contents::Contents;
use crate::domain::event::Event;
use crate::domain::fact::{Fact, WithoutGoods};
use crate::domain::goods_return::ReturnOrigin;
use crate::domain::ids::{OrderId, RefundNumber, WarehouseId};
use crate::domain::rates::ServiceName;

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
        reaction: "before dispatch: stops the parcels if none has left, or the units that it names if enough of them have not, otherwise the order goes on; after a return: awaits the goods that the buyer sends back; otherwise nothing",
        follows: &["ShipmentCancelled", "ShipmentCancelRefused"],
        tests: &[
            "services/shipping/tests/it/fulfilment.rs::a_paid_order_whose_money_is_wanted_back_in_time_never_leaves",
            "services/shipping/tests/it/fulfilment.rs::a_paid_order_that_has_begun_to_leave_goes_on_although_its_money_is_wanted_back",
            "services/shipping/tests/it/parts.rs::units_that_are_stopped_in_time_never_leave_and_the_rest_does",
            "services/shipping/tests/it/parts.rs::units_that_have_left_are_not_stopped_and_the_order_goes_on",
            "services/shipping/tests/it/parts.rs::a_part_meets_a_parcel_of_the_same_units_and_one_of_them_is_told_no",
            "services/shipping/tests/it/parts.rs::two_parts_compete_for_the_last_units_and_one_of_them_is_told_no",
            "services/shipping/tests/it/returns.rs::what_a_buyer_sends_back_is_awaited_where_it_left_and_taken_in_by_receipts",
            "services/shipping/tests/it/returns.rs::more_than_the_buyer_has_is_not_awaited_and_an_operator_looks",
            "services/shipping/tests/it/returns.rs::money_that_goes_back_without_goods_is_nothing_to_shipping",
            "services/shipping/tests/it/returns.rs::a_wish_for_money_that_cannot_be_read_is_parked",
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
        cause: "an operator calls `RecordFailure`, as the carrier reports it",
        reaction: "notes that a parcel was lost, refused or returned to its sender; unless it is lost it is awaited where it left",
        follows: &["ShipmentFailed"],
        tests: &[
            "services/shipping/tests/it/fulfilment.rs::an_order_of_which_a_parcel_fails_arrives_without_it",
            "services/shipping/tests/it/rpc/failure.rs::a_parcel_fails_once_and_for_good",
        ],
    },
    Trigger {
        cause: "the buyer, the seller or an operator calls `BuyReturnLabel`",
        reaction: "buys a label for the way back to a warehouse, once, from a carrier that brought the goods",
        follows: &["ReturnLabelBought"],
        tests: &[
            "services/shipping/tests/it/carrier/returns.rs::a_return_has_one_label_for_each_warehouse_whoever_asks_and_however_often",
            "services/shipping/tests/it/carrier/returns.rs::what_was_sold_before_a_crash_is_not_bought_again",
            "services/shipping/tests/it/carrier/returns.rs::a_label_that_cannot_be_had_is_refused_for_a_reason_of_its_own",
            "services/shipping/tests/it/rpc/labels.rs::a_label_is_refused_to_whom_the_return_is_none_of_the_business",
        ],
    },
    Trigger {
        cause: "a carrier tells, or says when it is asked, where a parcel is that a buyer sends back",
        reaction: "notes how far it is; that it arrived takes nothing in",
        follows: &["ReturnParcelMoved"],
        tests: &[
            "services/shipping/tests/it/carrier/returns.rs::what_is_sent_back_is_followed_whatever_the_order_and_number_in_which_it_is_told",
            "services/shipping/tests/it/carrier/returns.rs::a_parcel_on_its_way_back_of_which_nothing_is_told_is_asked_about",
        ],
    },
    Trigger {
        cause: "the seller, or an operator, calls `ReceiveReturn`",
        reaction: "takes in what came back, in part or all; refuses more than was sent back",
        follows: &["ReturnReceived"],
        tests: &[
            "services/shipping/tests/it/returns.rs::what_a_buyer_sends_back_is_awaited_where_it_left_and_taken_in_by_receipts",
            "services/shipping/tests/it/returns.rs::a_parcel_that_is_refused_comes_back_by_itself",
            "services/shipping/tests/it/returns.rs::receipts_that_compete_for_the_last_unit_never_take_back_more_than_left",
            "services/shipping/tests/it/rpc/receiving.rs::goods_are_taken_in_part_by_part_until_nothing_is_missing",
            "services/shipping/tests/it/rpc/receiving.rs::more_than_was_sent_back_is_refused_for_a_reason_of_its_own",
        ],
    },
    Trigger {
        cause: "an operator calls `RecordRemittance`, as the carrier passes cash on",
        reaction: "notes all that was to be paid for what arrived, once, when nothing is on its way any more",
        follows: &["CashCollected"],
        tests: &[
            "services/shipping/tests/it/fulfilment.rs::an_order_in_cash_is_sent_delivered_and_its_cash_is_passed_on",
            "services/shipping/tests/it/rpc/remittance.rs::cash_is_passed_on_once_and_whole_when_everything_was_delivered",
            "services/shipping/tests/it/rpc/remittance.rs::less_is_passed_on_for_what_did_not_arrive",
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
            return Ok(Some(Fact::StopRequested { order_id, refund_number: None }));
        }
        "tradewind.orders.v1.RefundRequested" => {
            let requested: RefundRequested = event.decode()?;
            let order_id = order_id_from_wire(event, &requested.order_id)?;
            return refund_from_wire(order_id, &requested).map(Some).map_err(Undecodable::new);
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

fn refund_from_wire(order_id: OrderId, requested: &RefundRequested) -> Result<Fact, InvalidField> {
    match RefundKind::try_from(requested.kind) {
        // Facts of before there were several kinds do not say which.
        Ok(RefundKind::Unspecified | RefundKind::BeforeDispatch) if requested.lines.is_empty() => {
            // Nor did they have a number.
            let refund_number = (requested.refund_number > 0).then_some(requested.refund_number);
            Ok(Fact::StopRequested { order_id, refund_number })
        }
        Ok(RefundKind::Unspecified | RefundKind::BeforeDispatch) => {
            let (refund_number, asked) = units_from_wire(requested)?;
            Ok(Fact::PartStopRequested { order_id, refund_number, asked })
        }
        Ok(RefundKind::AfterReturn | RefundKind::Exchange) => {
            let (refund_number, asked) = units_from_wire(requested)?;
            Ok(Fact::ReturnRequested { order_id, refund_number, asked })
        }
        Ok(RefundKind::ParcelFailed) => Ok(Fact::RefundWithoutGoods { order_id, kind: WithoutGoods::ParcelFailed }),
        Ok(RefundKind::Goodwill) => Ok(Fact::RefundWithoutGoods { order_id, kind: WithoutGoods::Goodwill }),
        Err(_) => Err(InvalidField::new("kind", format!("{} is no kind", requested.kind))),
    }
}

/// Which refund it is, and the units that it is for.
fn units_from_wire(requested: &RefundRequested) -> Result<(RefundNumber, Contents), InvalidField> {
    if requested.refund_number < 1 {
        return Err(InvalidField::new("refund_number", "must be above zero"));
    }
    let line = |(index, line): (usize, &RefundLine)| {
        line_from_wire(&line.sku, line.quantity).map_err(|invalid| invalid.within(&format!("lines[{index}]")))
    };
    let units = requested.lines.iter().enumerate().map(line).collect::<Result<Vec<_>, _>>()?;
    if units.is_empty() {
        return Err(InvalidField::new("lines", "there are none"));
    }
    Ok((requested.refund_number, Contents::of(units)))
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
    let allocations: BTreeMap<WarehouseId, Contents> =
        lines.into_iter().map(|(warehouse_id, lines)| (warehouse_id, Contents::of(lines))).collect();
    let cash_to_collect = cash_from_wire(instruction, is_prepaid)?;
    Ok(Instruction {
        terms: Terms {
            buyer_id: id_from_wire("buyer_id", &instruction.buyer_id)?,
            seller_id: id_from_wire("seller_id", &instruction.seller_id)?,
            ship_to: address_from_wire("ship_to", instruction.ship_to.as_ref())?,
            service: ServiceName::new(instruction.shipping_service.as_str())
                .map_err(|error| InvalidField::new("shipping_service", error))?,
            cash_to_collect,
            sku_totals: match cash_to_collect {
                Some(cash) => sku_totals_from_wire(instruction, cash, &Contents::sum(allocations.values()))?,
                None => BTreeMap::new(),
            },
        },
        allocations,
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

/// What the units that leave cost, all of each SKU: at most what is collected for them, or less than nothing would be due one day.
fn sku_totals_from_wire(
    instruction: &ShippingInstruction,
    cash: Money,
    ordered: &Contents,
) -> Result<BTreeMap<Sku, Money>, InvalidField> {
    let mut totals = BTreeMap::new();
    for (index, total) in instruction.sku_totals.iter().enumerate() {
        let at = format!("sku_totals[{index}]");
        let (sku, quantity) = line_from_wire(&total.sku, total.quantity).map_err(|invalid| invalid.within(&at))?;
        if ordered.units(&sku) != i64::from(quantity) {
            let problem = format!("{quantity} are told of, and {} leave", ordered.units(&sku));
            return Err(InvalidField::new(format!("{at}.quantity"), problem));
        }
        let amount = money_from_wire("amount", total.amount.as_ref()).map_err(|invalid| invalid.within(&at))?;
        if amount.is_negative() {
            return Err(InvalidField::new(format!("{at}.amount"), "is below zero"));
        }
        if totals.insert(sku, amount).is_some() {
            return Err(InvalidField::new(format!("{at}.sku"), "is there twice"));
        }
    }
    if totals.len() < ordered.lines().len() {
        return Err(InvalidField::new("sku_totals", "one is missing"));
    }
    match Money::sum(totals.values().copied(), cash.currency()).and_then(|sum| cash.checked_sub(sum)) {
        Ok(rest) if !rest.is_negative() => Ok(totals),
        Ok(_) => Err(InvalidField::new("sku_totals", "are more than is collected")),
        Err(error) => Err(InvalidField::new("sku_totals", error)),
    }
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
        Event::ShipmentFailed {
            order_id,
            shipment_id,
            parcel_id,
            failure,
            contents,
            order_delivered,
            order_failed,
        } => of_order(
            *order_id,
            &wire::ShipmentFailed {
                order_id: order_id.to_string(),
                shipment_id: shipment_id.to_string(),
                parcel_id: parcel_id.to_string(),
                failure: failure_to_wire(*failure).into(),
                lines: lines_to_wire(contents),
                order_delivered: *order_delivered,
                order_failed: *order_failed,
            },
        ),
        Event::ReturnLabelBought(bought) => of_order(bought.order_id, &label_bought_to_wire(bought)),
        Event::ReturnParcelMoved(moved) => of_order(moved.order_id, &parcel_moved_to_wire(moved)),
        Event::ReturnReceived { order_id, return_id, origin, received, order_received, accepted, complete } => {
            of_order(
                *order_id,
                &wire::ReturnReceived {
                    order_id: order_id.to_string(),
                    return_id: return_id.to_string(),
                    refund_number: match origin {
                        ReturnOrigin::Refund(refund_number) => *refund_number,
                        ReturnOrigin::Parcel(_) => 0,
                    },
                    lines: received_to_wire(received),
                    order_received_lines: received_to_wire(order_received),
                    accepted_lines: lines_to_wire(accepted),
                    complete: *complete,
                },
            )
        }
        Event::ShipmentCancelled { order_id, refund_number } => of_order(
            *order_id,
            &wire::ShipmentCancelled {
                order_id: order_id.to_string(),
                refund_number: refund_number.unwrap_or_default(),
                part: None,
            },
        ),
        Event::PartCancelled(part) => of_order(part.order_id, &stopped_part_to_wire(part)),
        Event::ShipmentCancelRefused { order_id, refund_number } => of_order(
            *order_id,
            &wire::ShipmentCancelRefused {
                order_id: order_id.to_string(),
                reason: "ALREADY_DISPATCHED".to_owned(),
                refund_number: refund_number.unwrap_or_default(),
            },
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
