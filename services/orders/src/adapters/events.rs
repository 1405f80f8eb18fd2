//! Events in: what orders subscribe to, and what they make of it. What they say themselves is in `outgoing.rs`.

use contracts::checkout::v1::{CheckoutSubmitted, SubmittedOrder};
use contracts::convert::{InvalidField, id_from_wire, money_from_wire, timestamp_from_wire};
use contracts::inventory::v1 as inventory;
use contracts::payments::v1 as payments;
use contracts::shipping::v1 as shipping;
use kernel::Quantity;
use messaging::{Envelope, Subscription, Trigger, Undecodable};

use super::{wire_refund, wire_terms};
use crate::domain::fact::{Commitment, Fact, FailedParcel, OrderFact};
use crate::domain::ids::{BuyerId, CheckoutId, OrderId};
use crate::domain::shipping_instruction::Allocation;
use crate::domain::snapshot::{Address, PaymentMethod, Snapshot, Terms, TermsVersion};

mod outgoing;

pub use outgoing::encode;

/// What orders react to.
pub const SUBSCRIPTIONS: &[Subscription] = &[
    Subscription {
        event: "tradewind.checkout.v1.CheckoutSubmitted",
        reaction: "creates each order with its snapshot and snapshot hash",
        follows: &["OrderCreated"],
        tests: &["services/orders/tests/it/checkout.rs::a_checkout_over_two_sellers_becomes_two_orders"],
    },
    Subscription {
        event: "tradewind.payments.v1.PaymentAuthorized",
        reaction: "notes it on the payment axis; inventory answers it",
        follows: &[],
        tests: &["services/orders/tests/it/checkout.rs::an_order_is_confirmed_and_paid"],
    },
    Subscription {
        event: "tradewind.inventory.v1.InventoryCommitted",
        reaction: "CREATED to CONFIRMED, the pivot; after a cancellation notes it on the fulfilment axis",
        follows: &["OrderConfirmed"],
        tests: &[
            "services/orders/tests/it/checkout.rs::an_order_is_confirmed_and_paid",
            "services/orders/tests/it/checkout.rs::a_commit_that_overtakes_its_authorization_confirms_the_order",
        ],
    },
    Subscription {
        event: "tradewind.inventory.v1.ReservationModified",
        reaction: "CREATED to CONFIRMED, if what it holds was committed before it heard of the modification",
        follows: &["OrderConfirmed"],
        tests: &[
            "services/orders/tests/it/rpc/modification.rs::an_order_that_is_modified_while_its_stock_is_committed_is_confirmed_with_what_is_left",
        ],
    },
    Subscription {
        event: "tradewind.payments.v1.PaymentCaptured",
        reaction: "CONFIRMED to PAID, and the goods may leave; in cash DELIVERED to PAID; after a cancellation notes it on the payment axis, and payments gives the money back",
        follows: &["OrderPaid"],
        tests: &[
            "services/orders/tests/it/checkout.rs::an_order_is_confirmed_and_paid",
            "services/orders/tests/it/fulfilment.rs::an_order_paid_in_cash_ships_first_and_is_paid_at_the_door",
            "services/orders/tests/it/checkout.rs::a_capture_that_meets_a_cancellation_does_not_revive_the_order",
        ],
    },
    Subscription {
        event: "tradewind.inventory.v1.InventoryBackordered",
        reaction: "stays CREATED, and has as much longer to be paid for as it waits",
        follows: &["OrderBackordered"],
        tests: &["services/orders/tests/it/checkout.rs::an_order_that_waits_for_stock_has_longer_to_be_paid_for"],
    },
    Subscription {
        event: "tradewind.inventory.v1.InventoryRejected",
        reaction: "CREATED to FAILED, OUT_OF_STOCK",
        follows: &["OrderFailed"],
        tests: &["services/orders/tests/it/checkout.rs::each_way_to_fail_is_told_with_its_reason"],
    },
    Subscription {
        event: "tradewind.payments.v1.PaymentDeclined",
        reaction: "CREATED to FAILED, PAYMENT_DECLINED with the issuer's reason; afterwards notes it on the payment axis",
        follows: &["OrderFailed"],
        tests: &["services/orders/tests/it/checkout.rs::each_way_to_fail_is_told_with_its_reason"],
    },
    Subscription {
        event: "tradewind.inventory.v1.InventoryCommitRefused",
        reaction: "CREATED to FAILED, RESERVATION_EXPIRED; after a cancellation ignores it",
        follows: &["OrderFailed"],
        tests: &[
            "services/orders/tests/it/checkout.rs::each_way_to_fail_is_told_with_its_reason",
            "services/orders/tests/it/checkout.rs::a_late_authorization_of_an_expired_order_changes_nothing",
        ],
    },
    Subscription {
        event: "tradewind.inventory.v1.ReservationExpired",
        reaction: "CREATED to CANCELLED, RESERVATION_EXPIRED",
        follows: &["OrderCancelled"],
        tests: &["services/orders/tests/it/checkout.rs::a_late_authorization_of_an_expired_order_changes_nothing"],
    },
    Subscription {
        event: "tradewind.payments.v1.CaptureFailed",
        reaction: "CONFIRMED to CANCELLED, CAPTURE_FAILED",
        follows: &["OrderCancelled"],
        tests: &["services/orders/tests/it/checkout.rs::a_failed_capture_cancels_a_confirmed_order"],
    },
    Subscription {
        event: "tradewind.payments.v1.PaymentVoided",
        reaction: "notes it on the payment axis of an order that ended",
        follows: &[],
        tests: &["services/orders/tests/it/checkout.rs::what_is_undone_shows_on_the_axes"],
    },
    Subscription {
        event: "tradewind.payments.v1.PaymentRefunded",
        reaction: "the refund is completed; REFUNDED if all that was paid is back; of an exchange it is set aside: creates the order that it pays for; notes it on the payment axis of an order that ended",
        follows: &["RefundCompleted", "OrderRefunded", "OrderCreated"],
        tests: &[
            "services/orders/tests/it/exchange.rs::what_came_back_is_sent_anew_by_an_order_that_it_pays_for",
            "services/orders/tests/it/exchange.rs::if_there_is_none_left_the_money_goes_back",
            "services/orders/tests/it/refund.rs::a_paid_order_is_refunded_once_its_parcels_are_stopped",
            "services/orders/tests/it/refund.rs::several_refunds_of_parts_come_to_all_that_was_paid",
            "services/orders/tests/it/checkout.rs::a_capture_that_meets_a_cancellation_does_not_revive_the_order",
        ],
    },
    Subscription {
        event: "tradewind.payments.v1.RefundFailed",
        reaction: "shows that the provider refused; it is asked again",
        follows: &[],
        tests: &["services/orders/tests/it/refund.rs::a_refund_that_the_provider_refuses_is_shown_until_it_is_done"],
    },
    Subscription {
        event: "tradewind.inventory.v1.InventoryReleased",
        reaction: "notes it on the fulfilment axis of an order that ended or is refunded; of one of which a part was stopped nothing",

        follows: &[],
        tests: &[
            "services/orders/tests/it/checkout.rs::what_is_undone_shows_on_the_axes",
            "services/orders/tests/it/refund.rs::a_paid_order_is_refunded_once_its_parcels_are_stopped",
        ],
    },
    Subscription {
        event: "tradewind.shipping.v1.ShipmentDispatched",
        reaction: "to SHIPPED when every parcel has left; before that the fulfilment axis says partly",
        follows: &["OrderShipped"],
        tests: &[
            "services/orders/tests/it/fulfilment.rs::a_prepaid_order_is_shipped_and_delivered_with_its_last_parcel",
            "services/orders/tests/it/fulfilment.rs::an_order_paid_in_cash_ships_first_and_is_paid_at_the_door",
        ],
    },
    Subscription {
        event: "tradewind.shipping.v1.ShipmentDelivered",
        reaction: "to DELIVERED when every parcel has arrived, and to PAID if its cash was heard of before",
        follows: &["OrderDelivered", "OrderPaid"],
        tests: &[
            "services/orders/tests/it/fulfilment.rs::a_prepaid_order_is_shipped_and_delivered_with_its_last_parcel",
            "services/orders/tests/it/fulfilment.rs::cash_that_is_heard_of_before_the_parcel_waits_for_it",
        ],
    },
    Subscription {
        event: "tradewind.shipping.v1.ShipmentFailed",
        reaction: "asks for the money of the units of the parcel and grants it; in cash less is due at the door; DELIVERED if it was the last that was awaited; in cash CANCELLED if nothing arrived",
        follows: &["RefundRequested", "RefundApproved", "OrderDelivered", "OrderCancelled"],
        tests: &[
            "services/orders/tests/it/refund.rs::a_lost_parcel_is_paid_back_and_the_rest_is_delivered",
            "services/orders/tests/it/fulfilment.rs::what_is_refused_at_the_door_is_not_to_be_paid",
        ],
    },
    Subscription {
        event: "tradewind.shipping.v1.ReturnReceived",
        reaction: "grants the refund that waits for the return, for what was accepted, once nothing more is awaited, in exchange with the order that it is to pay for; rejects it if nothing was",
        follows: &["RefundApproved", "RefundRejected"],
        tests: &[
            "services/orders/tests/it/refund.rs::goods_that_are_sent_back_are_paid_back_as_far_as_they_are_accepted",
            "services/orders/tests/it/refund.rs::a_return_that_is_not_accepted_is_rejected",
        ],
    },
    Subscription {
        event: "tradewind.shipping.v1.ShipmentCancelled",
        reaction: "CONFIRMED to CANCELLED, for an order to be paid in cash that waits for its parcels to be stopped; grants the refund that a paid order waits for; of a part, SHIPPED or DELIVERED if nothing else was awaited",
        follows: &["OrderCancelled", "RefundApproved", "OrderShipped", "OrderDelivered"],
        tests: &[
            "services/orders/tests/it/parts.rs::an_order_of_which_a_part_is_stopped_goes_on_with_the_rest",
            "services/orders/tests/it/parts.rs::an_order_that_is_stopped_part_by_part_is_refunded_like_a_whole_one",
            "services/orders/tests/it/refund.rs::a_paid_order_is_refunded_once_its_parcels_are_stopped",
            "services/orders/tests/it/fulfilment.rs::an_order_to_be_paid_in_cash_is_cancelled_once_its_parcels_are_stopped",
        ],
    },
    Subscription {
        event: "tradewind.shipping.v1.ShipmentCancelRefused",
        reaction: "the order goes on: a parcel had left before it could be stopped, and a refund is not granted",
        follows: &["RefundRejected"],
        tests: &[
            "services/orders/tests/it/refund.rs::a_refund_that_comes_too_late_is_rejected_and_the_order_goes_on",
            "services/orders/tests/it/parts.rs::a_part_that_has_left_is_rejected_and_may_be_asked_for_no_more",
            "services/orders/tests/it/fulfilment.rs::a_parcel_that_left_before_it_could_be_stopped_goes_on",
        ],
    },
];

/// What makes orders act without an event.
pub const TRIGGERS: &[Trigger] = &[
    Trigger {
        cause: "the buyer, or an operator, calls `CancelOrder`",
        reaction: "CREATED or CONFIRMED to CANCELLED; in cash a CONFIRMED order has its parcels stopped first; refuses a paid order",
        follows: &["OrderCancelled", "OrderCancellationRequested"],
        tests: &[
            "services/orders/tests/it/rpc.rs::a_buyer_cancels_and_the_history_tells_who_and_why",
            "services/orders/tests/it/rpc.rs::a_confirmed_order_can_be_cancelled_and_a_paid_one_cannot",
            "services/orders/tests/it/fulfilment.rs::an_order_to_be_paid_in_cash_is_cancelled_once_its_parcels_are_stopped",
            "services/orders/tests/it/checkout.rs::cancelling_meets_paying_and_each_order_has_one_outcome",
        ],
    },
    Trigger {
        cause: "the buyer, or an operator, calls `ModifyOrder`",
        reaction: "takes units away from a CREATED order: less is agreed, in a new version; refuses a CONFIRMED one",
        follows: &["OrderModified"],
        tests: &[
            "services/orders/tests/it/rpc/modification.rs::a_buyer_takes_units_away_and_what_was_agreed_before_can_still_be_read",
            "services/orders/tests/it/rpc/modification.rs::a_confirmed_order_is_not_modified",
        ],
    },
    Trigger {
        cause: "the buyer, the seller or an operator calls `SplitOrder`",
        reaction: "makes units of a CREATED order orders of their own, which cost the same together",
        follows: &["OrderModified", "OrderCreated"],
        tests: &["services/orders/tests/it/rpc/modification.rs::an_order_is_split_and_each_part_goes_its_own_way"],
    },
    Trigger {
        cause: "the buyer, the seller or an operator calls `RequestRefund`",
        reaction: "before dispatch: has the parcels of a paid order stopped, or units of it; after a return, also in exchange: waits for what was delivered to come back; goodwill: grants it at once; refuses what the order does not have",
        follows: &["RefundRequested", "RefundApproved"],
        tests: &[
            "services/orders/tests/it/refund.rs::a_paid_order_is_refunded_once_its_parcels_are_stopped",
            "services/orders/tests/it/refund.rs::what_was_not_paid_or_has_left_is_not_refunded",
            "services/orders/tests/it/parts.rs::units_that_are_not_in_the_order_or_asked_back_already_are_refused",
            "services/orders/tests/it/rpc/refund.rs::goods_are_exchanged_and_both_orders_say_so",
            "services/orders/tests/it/refund.rs::several_refunds_of_parts_come_to_all_that_was_paid",
        ],
    },
    Trigger {
        cause: "the return window ends, or all of the money is back (job `close_orders`)",
        reaction: "DELIVERED, in cash PAID, or REFUNDED to CLOSED, once no refund and no parcel is under way",
        follows: &["OrderClosed"],
        tests: &[
            "services/orders/tests/it/close.rs::a_delivered_order_is_closed_when_its_goods_may_not_come_back_any_more",
            "services/orders/tests/it/close.rs::a_refunded_order_is_closed_once_its_stock_is_released",
        ],
    },
    Trigger {
        cause: "the unpaid deadline passes, 16 min after creation (job `cancel_unpaid_orders`)",
        reaction: "CREATED to CANCELLED, UNPAID; a CONFIRMED order stays",
        follows: &["OrderCancelled"],
        tests: &[
            "services/orders/tests/it/deadline.rs::an_order_that_is_unpaid_when_its_deadline_passes_is_cancelled",
            "services/orders/tests/it/deadline.rs::a_confirmed_order_outlives_the_deadline_whether_prepaid_or_paid_at_the_door",
            "services/orders/tests/it/deadline.rs::two_replicas_of_the_job_cancel_each_order_once",
        ],
    },
];

/// Reads an event of [`SUBSCRIPTIONS`].
pub fn decode(event: &Envelope) -> Result<Option<Fact>, Undecodable> {
    let about = |order_id: String, fact| about_order(event, &order_id, fact);
    let fact = match event.event_type.as_str() {
        "tradewind.checkout.v1.CheckoutSubmitted" => checkout_submitted(event)?,
        "tradewind.payments.v1.PaymentAuthorized" => {
            about(event.decode::<payments::PaymentAuthorized>()?.order_id, OrderFact::PaymentAuthorized)?
        }
        "tradewind.payments.v1.PaymentDeclined" => {
            let declined: payments::PaymentDeclined = event.decode()?;
            about(declined.order_id, OrderFact::PaymentDeclined { issuer_reason: declined.reason })?
        }
        "tradewind.payments.v1.PaymentCaptured" => {
            let captured: payments::PaymentCaptured = event.decode()?;
            let amount = money_from_wire("amount", captured.amount.as_ref()).map_err(Undecodable::new)?;
            about(captured.order_id, OrderFact::PaymentCaptured { amount })?
        }
        "tradewind.payments.v1.CaptureFailed" => {
            about(event.decode::<payments::CaptureFailed>()?.order_id, OrderFact::CaptureFailed)?
        }
        "tradewind.payments.v1.PaymentVoided" => {
            about(event.decode::<payments::PaymentVoided>()?.order_id, OrderFact::PaymentVoided)?
        }
        "tradewind.payments.v1.PaymentRefunded" => {
            let refund: payments::PaymentRefunded = event.decode()?;
            let refunded =
                money_from_wire("refunded_amount", refund.refunded_amount.as_ref()).map_err(Undecodable::new)?;
            let number = wire_refund::number_from_wire(refund.refund_number);
            about(refund.order_id, OrderFact::PaymentRefunded { number, refunded })?
        }
        "tradewind.payments.v1.RefundFailed" => {
            let failed: payments::RefundFailed = event.decode()?;
            let number = wire_refund::number_from_wire(failed.refund_number);
            about(failed.order_id, OrderFact::RefundFailed { number, reason: failed.reason })?
        }
        "tradewind.inventory.v1.InventoryCommitted" => {
            let inventory::InventoryCommitted { order_id, allocations, terms_version } = event.decode()?;
            about(order_id, OrderFact::InventoryCommitted(commitment_from_wire(terms_version, &allocations)?))?
        }
        "tradewind.inventory.v1.ReservationModified" => {
            let modified: inventory::ReservationModified = event.decode()?;
            let commitment = || commitment_from_wire(modified.terms_version, &modified.allocations);
            let committed = modified.committed.then(commitment).transpose()?;
            about(modified.order_id, OrderFact::ReservationModified { committed })?
        }
        "tradewind.inventory.v1.InventoryBackordered" => {
            let inventory::InventoryBackordered { order_id, wait_until_time, .. } = event.decode()?;
            let until = timestamp_from_wire("wait_until_time", wait_until_time.as_ref()).map_err(Undecodable::new)?;
            about(order_id, OrderFact::InventoryBackordered { until })?
        }
        "tradewind.inventory.v1.InventoryRejected" => {
            about(event.decode::<inventory::InventoryRejected>()?.order_id, OrderFact::InventoryRejected)?
        }
        "tradewind.inventory.v1.InventoryCommitRefused" => {
            about(event.decode::<inventory::InventoryCommitRefused>()?.order_id, OrderFact::InventoryCommitRefused)?
        }
        "tradewind.inventory.v1.ReservationExpired" => {
            about(event.decode::<inventory::ReservationExpired>()?.order_id, OrderFact::ReservationExpired)?
        }
        "tradewind.inventory.v1.InventoryReleased" => {
            let inventory::InventoryReleased { order_id, partial, .. } = event.decode()?;
            about(order_id, OrderFact::InventoryReleased { partial })?
        }
        "tradewind.shipping.v1.ShipmentDispatched" => {
            let shipping::ShipmentDispatched { order_id, order_dispatched, .. } = event.decode()?;
            about(order_id, OrderFact::ShipmentDispatched { order_dispatched })?
        }
        "tradewind.shipping.v1.ShipmentDelivered" => {
            let shipping::ShipmentDelivered { order_id, order_delivered, .. } = event.decode()?;
            about(order_id, OrderFact::ShipmentDelivered { order_delivered })?
        }
        "tradewind.shipping.v1.ShipmentFailed" => {
            let failed: shipping::ShipmentFailed = event.decode()?;
            let parcel = FailedParcel {
                parcel_id: id_from_wire("parcel_id", &failed.parcel_id).map_err(Undecodable::new)?,
                units: wire_refund::units_of_shipment("lines", &failed.lines).map_err(Undecodable::new)?,
                order_delivered: failed.order_delivered,
                order_failed: failed.order_failed,
            };
            about(failed.order_id, OrderFact::ShipmentFailed(parcel))?
        }
        "tradewind.shipping.v1.ReturnReceived" => {
            let shipping::ReturnReceived { order_id, refund_number, accepted_lines, complete, .. } = event.decode()?;
            let number = wire_refund::number_from_wire(refund_number);
            let accepted =
                wire_refund::units_of_shipment("accepted_lines", &accepted_lines).map_err(Undecodable::new)?;
            about(order_id, OrderFact::ReturnReceived { number, accepted, complete })?
        }
        "tradewind.shipping.v1.ShipmentCancelled" => {
            let cancelled: shipping::ShipmentCancelled = event.decode()?;
            let fact = wire_refund::stopped_from_wire(&cancelled).map_err(Undecodable::new)?;
            about(cancelled.order_id, fact)?
        }
        "tradewind.shipping.v1.ShipmentCancelRefused" => {
            let shipping::ShipmentCancelRefused { order_id, refund_number, .. } = event.decode()?;
            let number = wire_refund::number_from_wire(refund_number);
            about(order_id, OrderFact::ShipmentCancelRefused { number })?
        }
        _ => return Ok(None),
    };
    Ok(Some(fact))
}

/// An event is ordered by its key, so the order that it is about must be that key.
fn about_order(event: &Envelope, order_id: &str, fact: OrderFact) -> Result<Fact, Undecodable> {
    let order_id: OrderId = id_from_wire("order_id", order_id).map_err(Undecodable::new)?;
    if order_id.uuid() != event.aggregate_id {
        return Err(Undecodable(format!("it is about order {order_id} and ordered by {}", event.aggregate_id)));
    }
    Ok(Fact::Order(order_id, fact))
}

fn checkout_submitted(event: &Envelope) -> Result<Fact, Undecodable> {
    let submitted: CheckoutSubmitted = event.decode()?;
    let agreed = Agreed::read(&submitted).map_err(Undecodable::new)?;
    if agreed.checkout_id.uuid() != event.aggregate_id {
        return Err(Undecodable(format!("checkout {} is ordered by {}", agreed.checkout_id, event.aggregate_id)));
    }
    let mut snapshots: Vec<Snapshot> = Vec::with_capacity(submitted.orders.len());
    for (index, order) in submitted.orders.iter().enumerate() {
        let at = format!("orders[{index}]");
        let terms = agreed.terms_of(order).map_err(|invalid| Undecodable::new(invalid.within(&at)))?;
        if snapshots.iter().any(|other| other.terms().order_id == terms.order_id) {
            return Err(Undecodable(format!("{at}: order {} is there twice", terms.order_id)));
        }
        snapshots.push(Snapshot::freeze(terms).map_err(|invalid| Undecodable(format!("{at}: {invalid}")))?);
    }
    if snapshots.is_empty() {
        return Err(Undecodable::new("orders: there are none"));
    }
    Ok(Fact::CheckoutSubmitted { checkout_id: agreed.checkout_id, snapshots })
}

/// What all orders of a checkout have in common.
struct Agreed {
    checkout_id: CheckoutId,
    buyer_id: BuyerId,
    ship_to: Address,
    payment_method: PaymentMethod,
}

impl Agreed {
    fn read(submitted: &CheckoutSubmitted) -> Result<Self, InvalidField> {
        Ok(Self {
            checkout_id: id_from_wire("checkout_id", &submitted.checkout_id)?,
            buyer_id: id_from_wire("buyer_id", &submitted.buyer_id)?,
            ship_to: wire_terms::address_from_wire(submitted.ship_to.as_ref())?,
            payment_method: wire_terms::payment_method_from_wire(submitted.payment_method.as_ref())?,
        })
    }

    fn terms_of(&self, order: &SubmittedOrder) -> Result<Terms, InvalidField> {
        Ok(Terms {
            order_id: id_from_wire("order_id", &order.order_id)?,
            checkout_id: self.checkout_id,
            buyer_id: self.buyer_id,
            seller_id: id_from_wire("seller_id", &order.seller_id)?,
            lines: wire_terms::lines_from_wire(order.lines.iter().map(Into::into))?,
            ship_to: self.ship_to.clone(),
            subtotal: money_from_wire("subtotal", order.subtotal.as_ref())?,
            shipping: money_from_wire("shipping", order.shipping.as_ref())?,
            tax: money_from_wire("tax", order.tax.as_ref())?,
            total: money_from_wire("total", order.total.as_ref())?,
            payment_method: self.payment_method.clone(),
            shipping_service: wire_terms::shipping_service_from_wire(&order.shipping_service)?,
        })
    }
}

/// What is committed. Facts of before orders could be modified name no version: it was the first.
fn commitment_from_wire(
    terms_version: TermsVersion,
    allocations: &[inventory::Allocation],
) -> Result<Commitment, Undecodable> {
    let allocations = allocations_from_wire(allocations).map_err(Undecodable::new)?;
    Ok(Commitment { terms_version: terms_version.max(1), allocations })
}

/// What is committed where. An order of which nothing is would be confirmed, and never be sent.
fn allocations_from_wire(allocations: &[inventory::Allocation]) -> Result<Vec<Allocation>, InvalidField> {
    let read = |allocation: &inventory::Allocation| {
        Ok(Allocation {
            sku: allocation.sku.parse().map_err(|error| InvalidField::new("sku", error))?,
            warehouse_id: id_from_wire("warehouse_id", &allocation.warehouse_id)?,
            quantity: Quantity::new(allocation.quantity).map_err(|error| InvalidField::new("quantity", error))?,
        })
    };
    let within = |index: usize, invalid: InvalidField| invalid.within(&format!("allocations[{index}]"));
    let numbered = allocations.iter().enumerate();
    let allocations: Vec<_> = numbered
        .map(|(index, allocation)| read(allocation).map_err(|invalid| within(index, invalid)))
        .collect::<Result<_, _>>()?;
    if allocations.is_empty() { Err(InvalidField::new("allocations", "is empty")) } else { Ok(allocations) }
}

#[cfg(test)]
mod tests;
