//! Events in and out: what inventory subscribes to, and what its own events look like on the wire.

use std::collections::BTreeMap;

use contracts::convert::{id_from_wire, timestamp_to_wire};
use contracts::google::r#type::PostalAddress;
use contracts::inventory::v1 as wire;
use contracts::orders::v1::{OrderCancelled, OrderCreated, OrderFailed, OrderLine, OrderModified, SplitOff};
use contracts::payments::v1::{PaymentAuthorized, PaymentRefunded};
use contracts::shipping::v1::{ReturnCondition, ReturnReceived, ShipmentCancelled, ShipmentDispatched};
use kernel::{Quantity, Sku};
use messaging::{Envelope, Outgoing, Subscription, Trigger, Undecodable};

use crate::domain::address::Place;
use crate::domain::allocation::{Allocation, Returned, Shortage, sum_demand};
use crate::domain::event::Event;
use crate::domain::fact::{Dispatch, Fact, Modification, PartStop, Receipt};
use crate::domain::ids::OrderId;
use crate::domain::stock::StockItem;
use crate::domain::transfer::{self, Transfer};

/// Why orders cancel an order of which nothing arrived.
const DELIVERY_FAILED: &str = "DELIVERY_FAILED";

/// What inventory reacts to.
pub const SUBSCRIPTIONS: &[Subscription] = &[
    Subscription {
        event: "tradewind.orders.v1.OrderCreated",
        reaction: "sums the demand per SKU and reserves every line or none, pinning the warehouses; or has the order wait for what there is too little of, if the seller lets it; refuses after a tombstone",
        follows: &["InventoryReserved", "InventoryBackordered", "InventoryRejected", "LowStock", "OutOfStock"],
        tests: &[
            "services/inventory/tests/it/warehouses.rs::a_seller_has_stock_taken_from_the_nearest_warehouse_to_where_the_parcels_go",
            "services/inventory/tests/it/crossings.rs::a_sku_that_sells_out_is_told_as_low_and_gone_and_back_once_it_can_be_promised_again",
            "services/inventory/tests/it/checkout.rs::an_order_is_reserved_line_by_line_and_committed_when_it_is_paid_for",
            "services/inventory/tests/it/checkout.rs::an_order_that_lacks_one_unit_of_one_line_holds_nothing",
            "services/inventory/tests/it/backorders.rs::an_order_waits_for_what_there_is_too_little_of_and_is_given_it_when_it_comes",
            "services/inventory/tests/it/backorders.rs::orders_wait_for_no_more_than_the_seller_lets_them_however_many_come_at_once",
            "services/inventory/tests/it/checkout.rs::an_order_that_ended_before_it_was_created_here_reserves_nothing",
        ],
    },
    Subscription {
        event: "tradewind.orders.v1.OrderModified",
        reaction: "holds less, or has the order wait for less; holds for the orders that were split off what they ask for, or begins with them as with any other",
        follows: &[
            "ReservationModified",
            "InventoryReserved",
            "InventoryBackordered",
            "InventoryRejected",
            "LowStock",
            "OutOfStock",
            "BackInStock",
        ],
        tests: &[
            "services/inventory/tests/it/modification.rs::an_order_that_is_modified_holds_less_and_the_rest_is_on_sale_again",
            "services/inventory/tests/it/modification.rs::what_is_split_off_an_order_stays_held_for_the_new_one",
            "services/inventory/tests/it/modification.rs::of_an_order_that_waits_what_is_there_is_split_off_and_reserved",
        ],
    },
    Subscription {
        event: "tradewind.payments.v1.PaymentAuthorized",
        reaction: "makes what is held the order's own; refuses when the reservation has expired",
        follows: &["InventoryCommitted", "InventoryCommitRefused"],
        tests: &[
            "services/inventory/tests/it/checkout.rs::an_order_is_reserved_line_by_line_and_committed_when_it_is_paid_for",
            "services/inventory/tests/it/checkout.rs::an_authorization_after_the_reservation_expired_is_refused",
        ],
    },
    Subscription {
        event: "tradewind.orders.v1.OrderFailed",
        reaction: "gives back what is held or committed; leaves a tombstone where nothing is yet",
        follows: &["InventoryReleased", "BackInStock"],
        tests: &["services/inventory/tests/it/checkout.rs::a_failed_order_gives_its_stock_back_once"],
    },
    Subscription {
        event: "tradewind.orders.v1.OrderCancelled",
        reaction: "gives back what is held, or committed and has not left, or takes it out of the line; leaves a tombstone where nothing is yet; nothing, where all of it left and nothing arrived",
        follows: &["InventoryReleased", "BackInStock"],
        tests: &[
            "services/inventory/tests/it/fulfilment.rs::the_end_of_an_order_of_which_everything_has_left_gives_nothing_back",
            "services/inventory/tests/it/fulfilment.rs::an_order_of_which_nothing_arrived_gives_nothing_back_also_before_its_parcels_are_heard_of",
            "services/inventory/tests/it/checkout.rs::a_cancelled_order_gives_its_committed_stock_back",
            "services/inventory/tests/it/backorders.rs::an_order_that_ends_waits_no_more_and_the_next_in_line_is_served",
            "services/inventory/tests/it/checkout.rs::an_order_that_ended_before_it_was_created_here_reserves_nothing",
        ],
    },
    Subscription {
        event: "tradewind.shipping.v1.ShipmentDispatched",
        reaction: "total and committed fall together by what has left since the last parcel, and a movement is written; refuses more than the order was given there",
        follows: &["StockRemoved"],
        tests: &[
            "services/inventory/tests/it/fulfilment.rs::goods_that_leave_parcel_by_parcel_are_off_the_stock_once",
            "services/inventory/tests/it/fulfilment.rs::a_parcel_that_is_heard_of_after_a_later_one_moves_nothing",
            "services/inventory/tests/it/fulfilment.rs::more_than_an_order_was_given_is_parked_and_moves_nothing",
        ],
    },
    Subscription {
        event: "tradewind.shipping.v1.ShipmentCancelled",
        reaction: "gives back what is committed: nothing of it has left, and nothing will; of a part what was stopped since the last part; refuses more than is there",
        follows: &["InventoryReleased", "BackInStock"],
        tests: &[
            "services/inventory/tests/it/parts.rs::parts_that_are_stopped_are_given_back_once_and_the_rest_leaves",
            "services/inventory/tests/it/parts.rs::more_than_is_there_is_not_given_back_and_an_operator_looks",
            "services/inventory/tests/it/fulfilment.rs::an_order_whose_parcels_are_stopped_gives_its_stock_back_once",
        ],
    },
    Subscription {
        event: "tradewind.shipping.v1.ReturnReceived",
        reaction: "by the condition of what has come back since the last receipt: on sale again, written off, or nothing; refuses more than had left",
        follows: &["StockAdded", "StockWrittenOff", "BackInStock"],
        tests: &[
            "services/inventory/tests/it/returns.rs::goods_that_come_back_receipt_by_receipt_are_taken_once_by_their_condition",
            "services/inventory/tests/it/returns.rs::a_receipt_that_is_heard_of_after_a_later_one_moves_nothing",
            "services/inventory/tests/it/returns.rs::more_than_had_left_is_parked_and_moves_nothing",
        ],
    },
    Subscription {
        event: "tradewind.payments.v1.PaymentRefunded",
        reaction: "because the order ended, while its money was taken or with what an exchange had set aside for it: gives back what is held; nothing, where the end of the order did so before. By a refund that orders approved: nothing",
        follows: &["InventoryReleased", "BackInStock"],
        tests: &[
            "services/inventory/tests/it/refund.rs::a_refund_leaves_the_stock_alone_also_before_the_parcels_are_heard_of",
            "services/inventory/tests/it/refund.rs::the_end_of_an_order_and_its_refund_give_its_stock_back_once_in_whatever_order",
            "services/inventory/tests/it/refund.rs::money_that_goes_back_because_an_order_ended_ends_its_reservation_too",
            "services/inventory/tests/it/refund.rs::a_refund_of_an_order_that_nothing_is_committed_to_is_parked",
        ],
    },
];

/// What makes inventory act without an event.
pub const TRIGGERS: &[Trigger] = &[
    Trigger {
        cause: "a reservation's time passes, at most 15 min after it was made (job `expire_reservations`)",
        reaction: "an active reservation expires for good and its stock is on sale again; a committed one stays",
        follows: &["ReservationExpired", "InventoryReleased", "BackInStock"],
        tests: &[
            "services/inventory/tests/it/checkout.rs::a_reservation_expires_when_its_time_has_passed_and_its_stock_is_on_sale_again",
            "services/inventory/tests/it/checkout.rs::expiry_and_payment_at_once_end_each_order_in_exactly_one_of_the_two",
            "services/inventory/tests/it/checkout.rs::two_sweepers_at_once_expire_each_reservation_once",
        ],
    },
    Trigger {
        cause: "there is enough of what an order waits for, or it has waited for 14 days (job `fill_backorders`)",
        reaction: "reserves every line, the oldest order first; rejects an order that waited in vain",
        follows: &["InventoryReserved", "InventoryRejected", "LowStock", "OutOfStock"],
        tests: &[
            "services/inventory/tests/it/backorders.rs::an_order_waits_for_what_there_is_too_little_of_and_is_given_it_when_it_comes",
            "services/inventory/tests/it/backorders.rs::who_waits_comes_before_who_comes_later",
            "services/inventory/tests/it/backorders.rs::an_order_that_waited_in_vain_is_rejected_when_its_time_has_passed",
        ],
    },
    Trigger {
        cause: "a seller calls `AddStock`, `AdjustStock` or `WriteOffStock`",
        reaction: "changes what is on hand and writes a movement; refuses less than what is promised",
        follows: &["StockAdded", "StockAdjusted", "StockWrittenOff", "LowStock", "OutOfStock", "BackInStock"],
        tests: &[
            "services/inventory/tests/it/rpc/stock.rs::what_cannot_be_sold_any_more_is_written_off_once_and_told",
            "services/inventory/tests/it/rpc/stock.rs::goods_come_in_and_a_count_is_put_right_and_both_are_told",
            "services/inventory/tests/it/rpc/stock.rs::a_count_below_what_is_promised_is_refused",
        ],
    },
    Trigger {
        cause: "a seller calls `DispatchTransfer` or `ReceiveTransfer`",
        reaction: "goods leave the total of one warehouse at once, and come into the other's as they arrive; refuses what is promised, and more than is on its way",
        follows: &["TransferDispatched", "TransferReceived", "LowStock", "OutOfStock", "BackInStock"],
        tests: &[
            "services/inventory/tests/it/rpc/transfers.rs::goods_leave_at_once_and_come_in_as_they_arrive_and_what_is_missing_is_lost",
            "services/inventory/tests/it/rpc/transfers.rs::of_receipts_at_once_only_those_are_taken_that_are_on_their_way",
        ],
    },
];

/// Reads an event of [`SUBSCRIPTIONS`].
pub fn decode(event: &Envelope) -> Result<Option<Fact>, Undecodable> {
    let order_id = |id: &str| id_from_wire("order_id", id).map_err(Undecodable::new);
    let fact = match event.event_type.as_str() {
        "tradewind.orders.v1.OrderCreated" => {
            let created: OrderCreated = event.decode()?;
            // What was split off another order was heard of there, or will be.
            if !created.split_from_order_id.is_empty() {
                return Ok(None);
            }
            order_created(&created)?
        }
        "tradewind.orders.v1.OrderModified" => order_modified(&event.decode()?)?,
        "tradewind.payments.v1.PaymentAuthorized" => {
            Fact::PaymentAuthorized(order_id(&event.decode::<PaymentAuthorized>()?.order_id)?)
        }
        "tradewind.orders.v1.OrderFailed" => Fact::OrderEnded(order_id(&event.decode::<OrderFailed>()?.order_id)?),
        "tradewind.orders.v1.OrderCancelled" => {
            let event = event.decode::<OrderCancelled>()?;
            let order_id = order_id(&event.order_id)?;
            if event.reason == DELIVERY_FAILED { Fact::DeliveryFailed(order_id) } else { Fact::OrderEnded(order_id) }
        }
        "tradewind.shipping.v1.ShipmentDispatched" => shipment_dispatched(&event.decode()?)?,
        "tradewind.shipping.v1.ShipmentCancelled" => shipment_cancelled(&event.decode()?)?,
        "tradewind.shipping.v1.ReturnReceived" => return_received(&event.decode()?)?,
        "tradewind.payments.v1.PaymentRefunded" => {
            let event = event.decode::<PaymentRefunded>()?;
            Fact::PaymentRefunded { order_id: order_id(&event.order_id)?, order_ended: event.refund_number == 0 }
        }
        _ => return Ok(None),
    };
    Ok(Some(fact))
}

fn order_created(event: &OrderCreated) -> Result<Fact, Undecodable> {
    Ok(Fact::OrderCreated {
        order_id: id_from_wire("order_id", &event.order_id).map_err(Undecodable::new)?,
        seller_id: id_from_wire("seller_id", &event.seller_id).map_err(Undecodable::new)?,
        lines: lines(&event.lines)?,
        ship_to: place(event.ship_to.as_ref()),
    })
}

fn order_modified(event: &OrderModified) -> Result<Fact, Undecodable> {
    let split_off = |part: &SplitOff| {
        let order_id = id_from_wire("split_off.order_id", &part.order_id).map_err(Undecodable::new)?;
        Ok((order_id, demand(part.units.iter().map(|line| (line.sku.as_str(), line.quantity)))?))
    };
    Ok(Fact::OrderModified(Modification {
        order_id: id_from_wire("order_id", &event.order_id).map_err(Undecodable::new)?,
        terms_version: event.terms_version,
        seller_id: id_from_wire("seller_id", &event.seller_id).map_err(Undecodable::new)?,
        ship_to: place(event.ship_to.as_ref()),
        demand: sum_demand(&lines(&event.lines)?),
        split_off: event.split_off.iter().map(split_off).collect::<Result<_, _>>()?,
    }))
}

fn lines(lines: &[OrderLine]) -> Result<Vec<(Sku, Quantity)>, Undecodable> {
    units(lines.iter().map(|line| (line.sku.as_str(), i64::from(line.quantity))))
}

fn demand<'a>(lines: impl Iterator<Item = (&'a str, i64)>) -> Result<BTreeMap<Sku, i64>, Undecodable> {
    Ok(sum_demand(&units(lines)?))
}

/// An order that asks for nothing would be confirmed with nothing held.
fn units<'a>(lines: impl Iterator<Item = (&'a str, i64)>) -> Result<Vec<(Sku, Quantity)>, Undecodable> {
    let line = |(sku, units): (&str, i64)| {
        let sku = sku.parse::<Sku>().map_err(Undecodable::new)?;
        Ok((sku, Quantity::new(units).map_err(Undecodable::new)?))
    };
    let lines: Vec<_> = lines.map(line).collect::<Result<_, _>>()?;
    if lines.is_empty() { Err(Undecodable::new("lines is empty")) } else { Ok(lines) }
}

/// Where it goes decides what is taken, not whether: an order that does not say so is served like any other.
fn place(ship_to: Option<&PostalAddress>) -> Place {
    ship_to.map_or(Place::UNKNOWN, |to| Place::new(&to.region_code, &to.postal_code))
}

fn shipment_dispatched(event: &ShipmentDispatched) -> Result<Fact, Undecodable> {
    let mut dispatched = BTreeMap::new();
    for line in &event.dispatched_lines {
        let sku = line.sku.parse::<Sku>().map_err(Undecodable::new)?;
        let quantity = Quantity::new(line.quantity).map_err(Undecodable::new)?;
        if dispatched.insert(sku, quantity).is_some() {
            return Err(Undecodable::new(format!("dispatched_lines has {} twice", line.sku)));
        }
    }
    // A parcel with nothing in it would be taken for one that was heard of before.
    if dispatched.is_empty() {
        return Err(Undecodable::new("dispatched_lines is empty"));
    }
    Ok(Fact::ShipmentDispatched(Dispatch {
        order_id: id_from_wire("order_id", &event.order_id).map_err(Undecodable::new)?,
        shipment_id: id_from_wire("shipment_id", &event.shipment_id).map_err(Undecodable::new)?,
        parcel_id: id_from_wire("parcel_id", &event.parcel_id).map_err(Undecodable::new)?,
        warehouse_id: id_from_wire("warehouse_id", &event.warehouse_id).map_err(Undecodable::new)?,
        dispatched,
    }))
}

fn shipment_cancelled(event: &ShipmentCancelled) -> Result<Fact, Undecodable> {
    let order_id = id_from_wire("order_id", &event.order_id).map_err(Undecodable::new)?;
    let Some(part) = &event.part else { return Ok(Fact::ShipmentCancelled(order_id)) };
    let mut stopped = BTreeMap::new();
    for line in &part.order_stopped_lines {
        let sku = line.sku.parse::<Sku>().map_err(Undecodable::new)?;
        let warehouse_id = id_from_wire("warehouse_id", &line.warehouse_id).map_err(Undecodable::new)?;
        let quantity = Quantity::new(line.quantity).map_err(Undecodable::new)?;
        if stopped.insert((warehouse_id, sku), quantity).is_some() {
            return Err(Undecodable::new(format!("order_stopped_lines has {} twice", line.sku)));
        }
    }
    // A part with nothing in it would be taken for one that was heard of before.
    if stopped.is_empty() {
        return Err(Undecodable::new("order_stopped_lines is empty"));
    }
    Ok(Fact::PartStopped(PartStop { order_id, stopped }))
}

fn return_received(event: &ReturnReceived) -> Result<Fact, Undecodable> {
    let mut received: BTreeMap<_, Returned> = BTreeMap::new();
    for line in &event.order_received_lines {
        let sku = line.sku.parse::<Sku>().map_err(Undecodable::new)?;
        let warehouse_id = id_from_wire("warehouse_id", &line.warehouse_id).map_err(Undecodable::new)?;
        let quantity = Quantity::new(line.quantity).map_err(Undecodable::new)?;
        let returned = received.entry((warehouse_id, sku)).or_default();
        let units = match line.condition() {
            ReturnCondition::Resalable => &mut returned.resalable,
            ReturnCondition::Damaged => &mut returned.damaged,
            ReturnCondition::NotAccepted => &mut returned.not_accepted,
            ReturnCondition::Unspecified => return Err(Undecodable::new("a line says no condition that is known")),
        };
        if *units != 0 {
            return Err(Undecodable::new(format!("order_received_lines has {} twice", line.sku)));
        }
        *units = i64::from(quantity);
    }
    Ok(Fact::ReturnReceived(Receipt {
        order_id: id_from_wire("order_id", &event.order_id).map_err(Undecodable::new)?,
        return_id: id_from_wire("return_id", &event.return_id).map_err(Undecodable::new)?,
        received,
    }))
}

/// An event on the wire.
#[expect(clippy::too_many_lines, reason = "each event is written here, and nowhere else")]
pub fn encode(event: &Event) -> Outgoing {
    match event {
        Event::InventoryReserved { order_id, allocations, expires_at } => of_reservation(
            *order_id,
            &wire::InventoryReserved {
                order_id: order_id.to_string(),
                allocations: allocations_to_wire(allocations),
                expire_time: Some(timestamp_to_wire(*expires_at)),
            },
        ),
        Event::InventoryRejected { order_id, shortages } => of_reservation(
            *order_id,
            &wire::InventoryRejected {
                order_id: order_id.to_string(),
                shortages: shortages.iter().map(shortage_to_wire).collect(),
            },
        ),
        Event::InventoryBackordered { order_id, shortages, until } => of_reservation(
            *order_id,
            &wire::InventoryBackordered {
                order_id: order_id.to_string(),
                shortages: shortages.iter().map(shortage_to_wire).collect(),
                wait_until_time: Some(timestamp_to_wire(*until)),
            },
        ),
        Event::InventoryCommitted { order_id, terms_version, allocations } => of_reservation(
            *order_id,
            &wire::InventoryCommitted {
                order_id: order_id.to_string(),
                allocations: allocations_to_wire(allocations),
                terms_version: *terms_version,
            },
        ),
        Event::ReservationModified { order_id, terms_version, allocations, released, committed } => of_reservation(
            *order_id,
            &wire::ReservationModified {
                order_id: order_id.to_string(),
                terms_version: *terms_version,
                allocations: allocations_to_wire(allocations),
                released: allocations_to_wire(released),
                committed: *committed,
            },
        ),
        Event::InventoryCommitRefused { order_id } => of_reservation(
            *order_id,
            &wire::InventoryCommitRefused { order_id: order_id.to_string(), reason: "RESERVATION_EXPIRED".to_owned() },
        ),
        Event::ReservationExpired { order_id } => {
            of_reservation(*order_id, &wire::ReservationExpired { order_id: order_id.to_string() })
        }
        Event::InventoryReleased { order_id, allocations, partial } => of_reservation(
            *order_id,
            &wire::InventoryReleased {
                order_id: order_id.to_string(),
                allocations: allocations_to_wire(allocations),
                partial: *partial,
            },
        ),
        Event::StockAdded { stock_item, quantity, reason, order_id } => of_stock(
            stock_item,
            &wire::StockAdded {
                stock_item: Some(stock_item_to_wire(stock_item, 0)),
                quantity: *quantity,
                reason: reason.clone(),
                order_id: order_id.map(|order_id| order_id.to_string()).unwrap_or_default(),
            },
        ),
        Event::StockWrittenOff { stock_item, quantity, reason, order_id } => of_stock(
            stock_item,
            &wire::StockWrittenOff {
                stock_item: Some(stock_item_to_wire(stock_item, 0)),
                quantity: *quantity,
                reason: reason.clone(),
                order_id: order_id.map(|order_id| order_id.to_string()).unwrap_or_default(),
            },
        ),
        Event::StockAdjusted { stock_item, delta, reason } => of_stock(
            stock_item,
            &wire::StockAdjusted {
                stock_item: Some(stock_item_to_wire(stock_item, 0)),
                delta: *delta,
                reason: reason.clone(),
            },
        ),
        Event::OutOfStock { stock_item } => {
            of_stock(stock_item, &wire::OutOfStock { stock_item: Some(stock_item_to_wire(stock_item, 0)) })
        }
        Event::BackInStock { stock_item } => {
            of_stock(stock_item, &wire::BackInStock { stock_item: Some(stock_item_to_wire(stock_item, 0)) })
        }
        Event::LowStock { stock_item, threshold } => of_stock(
            stock_item,
            &wire::LowStock { stock_item: Some(stock_item_to_wire(stock_item, 0)), threshold: *threshold },
        ),
        Event::TransferDispatched { transfer } => {
            of_transfer(transfer, &wire::TransferDispatched { transfer: Some(transfer_to_wire(transfer)) })
        }
        Event::TransferReceived { transfer, quantity } => of_transfer(
            transfer,
            &wire::TransferReceived { transfer: Some(transfer_to_wire(transfer)), quantity: *quantity },
        ),
        Event::StockRemoved { stock_item, quantity, order_id } => of_stock(
            stock_item,
            &wire::StockRemoved {
                stock_item: Some(stock_item_to_wire(stock_item, 0)),
                quantity: *quantity,
                order_id: order_id.to_string(),
            },
        ),
    }
}

fn of_reservation<E: prost::Message + prost::Name>(order_id: OrderId, event: &E) -> Outgoing {
    Outgoing::new("reservation", order_id.uuid(), event)
}

fn of_stock<E: prost::Message + prost::Name>(item: &StockItem, event: &E) -> Outgoing {
    Outgoing::new("stock_item", item.id().uuid(), event)
}

fn of_transfer<E: prost::Message + prost::Name>(transfer: &Transfer, event: &E) -> Outgoing {
    Outgoing::new("transfer", transfer.id.uuid(), event)
}

/// Allocations on the wire.
pub fn allocations_to_wire(allocations: &[Allocation]) -> Vec<wire::Allocation> {
    let to_wire = |allocation: &Allocation| wire::Allocation {
        sku: allocation.sku.to_string(),
        warehouse_id: allocation.warehouse_id.to_string(),
        quantity: allocation.quantity,
    };
    allocations.iter().map(to_wire).collect()
}

fn shortage_to_wire(shortage: &Shortage) -> wire::Shortage {
    wire::Shortage { sku: shortage.sku.to_string(), requested: shortage.requested, available: shortage.available }
}

/// A transfer on the wire.
pub fn transfer_to_wire(transfer: &Transfer) -> wire::Transfer {
    let status = match transfer.status() {
        transfer::Status::InTransit => wire::TransferStatus::InTransit,
        transfer::Status::Received => wire::TransferStatus::Received,
    };
    wire::Transfer {
        transfer_id: transfer.id.to_string(),
        seller_id: transfer.seller_id.to_string(),
        sku: transfer.sku.to_string(),
        from_warehouse_id: transfer.from_warehouse_id.to_string(),
        to_warehouse_id: transfer.to_warehouse_id.to_string(),
        quantity: transfer.quantity,
        received: transfer.received,
        lost: transfer.lost,
        status: status.into(),
        create_time: Some(timestamp_to_wire(transfer.created_at)),
        update_time: Some(timestamp_to_wire(transfer.updated_at)),
    }
}

/// A stock item on the wire. Its events carry no version of their own: the envelope has it.
pub fn stock_item_to_wire(item: &StockItem, version: i64) -> wire::StockItem {
    let levels = item.levels();
    wire::StockItem {
        stock_item_id: item.id().to_string(),
        sku: item.sku().to_string(),
        warehouse_id: item.warehouse_id().to_string(),
        total: levels.total,
        reserved: levels.reserved,
        committed: levels.committed,
        available: item.available(),
        version,
        seller_id: item.seller_id().to_string(),
    }
}
