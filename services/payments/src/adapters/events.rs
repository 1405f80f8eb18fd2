//! Events in and out: what payments subscribes to, and what its own events look like on the wire.

use contracts::convert::{id_from_wire, money_from_wire, money_to_wire, optional_id_from_wire, timestamp_from_wire};
use contracts::google::r#type::Money as WireMoney;
use contracts::inventory::v1::InventoryReserved;
use contracts::orders::v1::{
    OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderFailed, OrderModified, RefundApproved,
};
use contracts::payments::v1 as wire;
use contracts::payments::v1::payment_method::Method as WireMethod;
use contracts::shipping::v1::CashCollected;
use kernel::Money;
use messaging::{Envelope, Outgoing, Subscription, Trigger, Undecodable};

use crate::domain::{CardToken, Event, Exchange, Fact, Method, OrderId, Terms};

/// What payments reacts to.
pub const SUBSCRIPTIONS: &[Subscription] = &[
    Subscription {
        event: "tradewind.orders.v1.OrderCreated",
        reaction: "records the intent (amount, method) and waits for the hold; with the hold in already, authorizes, an exchange at once; refuses after a tombstone, and gives back what was set aside",
        follows: &["PaymentAuthorized", "PaymentDeclined", "PaymentRefunded"],
        tests: &[
            "services/payments/tests/it/checkout.rs::an_order_is_authorized_once_intent_and_hold_are_in_and_captured_when_it_is_confirmed",
            "services/payments/tests/it/checkout.rs::the_hold_may_come_before_the_intent",
            "services/payments/tests/it/checkout.rs::an_order_that_ended_before_it_was_created_here_is_never_authorized",
            "services/payments/tests/it/exchange.rs::of_an_order_that_ended_before_it_was_created_here_it_goes_back_too",
        ],
    },
    Subscription {
        event: "tradewind.orders.v1.OrderModified",
        reaction: "lowers what is to be authorized; of what is authorized already, lowers what is captured, and the provider gives up the rest; refuses what is captured, and more than is due",
        follows: &[],
        tests: &[
            "services/payments/tests/it/checkout.rs::a_modified_order_is_authorized_and_captured_for_what_is_due_then",
            "services/payments/tests/it/checkout.rs::units_that_are_taken_away_while_the_provider_is_asked_are_not_captured",
            "services/payments/tests/it/checkout.rs::a_modified_order_that_fails_gives_up_all_that_is_held",
            "services/payments/tests/it/checkout.rs::a_modification_that_makes_no_sense_is_parked",
            "services/payments/tests/it/fulfilment.rs::of_a_modified_order_no_more_cash_is_due_than_it_costs_now",
        ],
    },
    Subscription {
        event: "tradewind.inventory.v1.InventoryReserved",
        reaction: "notes the hold; once the intent is in too, in whatever order, asks the provider to authorize; not within the last 60 s of the reservation; cash on delivery is authorized at once",
        follows: &["PaymentAuthorized", "PaymentDeclined"],
        tests: &[
            "services/payments/tests/it/checkout.rs::an_order_is_authorized_once_intent_and_hold_are_in_and_captured_when_it_is_confirmed",
            "services/payments/tests/it/checkout.rs::a_card_is_declined_for_the_issuers_reason",
            "services/payments/tests/it/checkout.rs::a_reservation_in_its_last_minute_is_too_late_to_authorize",
            "services/payments/tests/it/checkout.rs::cash_on_delivery_never_asks_the_provider",
        ],
    },
    Subscription {
        event: "tradewind.orders.v1.OrderConfirmed",
        reaction: "captures what is due of what is authorized, of what was set aside at once; cash on delivery waits for the remittance",
        follows: &["PaymentCaptured", "CaptureFailed"],
        tests: &[
            "services/payments/tests/it/checkout.rs::an_order_is_authorized_once_intent_and_hold_are_in_and_captured_when_it_is_confirmed",
            "services/payments/tests/it/checkout.rs::a_capture_that_fails_is_told_and_voided_when_the_order_is_cancelled",
            "services/payments/tests/it/checkout.rs::cash_on_delivery_never_asks_the_provider",
            "services/payments/tests/it/exchange.rs::what_is_set_aside_of_an_order_pays_for_another_and_nobody_is_asked",
        ],
    },
    Subscription {
        event: "tradewind.orders.v1.OrderFailed",
        reaction: "pending closes; authorizing voids when the answer comes; authorized voids; capturing or captured refunds; what was set aside for it goes back; nothing yet leaves a tombstone",
        follows: &["PaymentVoided", "PaymentRefunded"],
        tests: &[
            "services/payments/tests/it/checkout.rs::a_failed_order_gives_up_what_is_authorized",
            "services/payments/tests/it/checkout.rs::an_order_that_failed_before_its_stock_was_held_closes_its_payment",
            "services/payments/tests/it/exchange.rs::what_was_set_aside_for_an_order_that_is_not_to_be_goes_back_to_the_card_that_was_charged",
        ],
    },
    Subscription {
        event: "tradewind.orders.v1.OrderCancelled",
        reaction: "pending closes; authorizing voids when the answer comes; authorized voids; capturing or captured refunds; what was set aside for it goes back; nothing yet leaves a tombstone",
        follows: &["PaymentVoided", "PaymentRefunded"],
        tests: &[
            "services/payments/tests/it/checkout.rs::a_slow_authorization_that_comes_after_the_cancellation_is_voided",
            "services/payments/tests/it/checkout.rs::a_cancelled_order_is_refunded_once_it_was_captured",
            "services/payments/tests/it/checkout.rs::a_capture_under_way_when_the_order_is_cancelled_is_refunded",
            "services/payments/tests/it/checkout.rs::a_capture_that_fails_is_told_and_voided_when_the_order_is_cancelled",
            "services/payments/tests/it/checkout.rs::an_order_that_ended_before_it_was_created_here_is_never_authorized",
        ],
    },
    Subscription {
        event: "tradewind.shipping.v1.CashCollected",
        reaction: "captures what was collected on delivery, without asking the provider, and posts it; less than is due for parcels that failed; refuses more, and cash that is not due; delivered before, it becomes the seller's at once",
        follows: &["PaymentCaptured"],
        tests: &[
            "services/payments/tests/it/fulfilment.rs::cash_that_a_carrier_passes_on_is_captured_and_posted_once",
            "services/payments/tests/it/fulfilment.rs::less_cash_than_was_agreed_is_captured_as_it_came",
            "services/payments/tests/it/fulfilment.rs::more_cash_than_is_due_is_parked",
            "services/payments/tests/it/fulfilment.rs::cash_that_is_not_due_is_parked",
        ],
    },
    Subscription {
        event: "tradewind.orders.v1.RefundApproved",
        reaction: "asks the provider to give that much back, under the refund's number; what was paid in cash, or is set aside for an exchange, becomes the buyer's credit at once; refuses more than is left of what was captured",
        follows: &["PaymentRefunded", "RefundFailed"],
        tests: &[
            "services/payments/tests/it/refund.rs::an_approved_refund_is_asked_for_once_and_told_when_the_money_is_back",
            "services/payments/tests/it/refund.rs::several_refunds_give_back_each_its_part_once",
            "services/payments/tests/it/refund.rs::cash_goes_back_to_the_buyers_credit_at_once",
            "services/payments/tests/it/refund.rs::more_than_is_left_of_what_was_captured_is_parked",
            "services/payments/tests/it/refund.rs::what_was_not_captured_is_not_refunded",
            "services/payments/tests/it/exchange.rs::what_is_set_aside_of_an_order_pays_for_another_and_nobody_is_asked",
        ],
    },
    Subscription {
        event: "tradewind.orders.v1.OrderDelivered",
        reaction: "turns what is in escrow of the order into the seller's balance and the commission; in cash once the money is in",
        follows: &[],
        tests: &[
            "services/payments/tests/it/fulfilment.rs::what_was_paid_by_card_becomes_the_sellers_at_delivery",
            "services/payments/tests/it/fulfilment.rs::cash_becomes_the_sellers_when_it_is_in_and_the_order_is_delivered_whichever_comes_second",
            "services/payments/tests/it/fulfilment.rs::a_delivery_that_was_not_paid_for_is_parked",
        ],
    },
];

/// What makes payments act without an event.
pub const TRIGGERS: &[Trigger] = &[
    Trigger {
        cause: "the provider answers an authorization",
        reaction: "authorized or declined; given up again if the order has ended meanwhile",
        follows: &["PaymentAuthorized", "PaymentDeclined"],
        tests: &[
            "services/payments/tests/it/checkout.rs::an_order_is_authorized_once_intent_and_hold_are_in_and_captured_when_it_is_confirmed",
            "services/payments/tests/it/checkout.rs::a_card_is_declined_for_the_issuers_reason",
            "services/payments/tests/it/checkout.rs::a_slow_authorization_that_comes_after_the_cancellation_is_voided",
            "services/payments/tests/it/checkout.rs::a_card_that_is_declined_after_the_cancellation_is_not_told_of",
        ],
    },
    Trigger {
        cause: "the provider answers a capture",
        reaction: "captured and posted, or failed; refunded or voided if the order has ended meanwhile",
        follows: &["PaymentCaptured", "CaptureFailed"],
        tests: &[
            "services/payments/tests/it/checkout.rs::a_capture_under_way_when_the_order_is_cancelled_is_refunded",
            "services/payments/tests/it/checkout.rs::a_capture_under_way_that_fails_after_the_cancellation_is_voided",
            "services/payments/tests/it/provider.rs::a_worker_killed_between_the_answer_and_the_commit_charges_once",
            "services/payments/tests/it/provider.rs::two_replicas_never_charge_twice",
        ],
    },
    Trigger {
        cause: "the provider answers a void or a refund",
        reaction: "voided, or refunded and posted; a void that is refused is left to an operator, a refund that is refused is told",
        follows: &["PaymentVoided", "PaymentRefunded", "RefundFailed"],
        tests: &[
            "services/payments/tests/it/checkout.rs::a_failed_order_gives_up_what_is_authorized",
            "services/payments/tests/it/checkout.rs::a_cancelled_order_is_refunded_once_it_was_captured",
            "services/payments/tests/it/provider.rs::a_void_that_the_provider_refuses_is_left_to_an_operator",
            "services/payments/tests/it/refund.rs::a_refund_that_the_provider_refuses_is_told_and_asked_for_again_by_the_same_key",
        ],
    },
    Trigger {
        cause: "an operator asks for a refund again that the provider refused (RetryRefund)",
        reaction: "asks the provider again, by the same key",
        follows: &["PaymentRefunded", "RefundFailed"],
        tests: &[
            "services/payments/tests/it/refund.rs::a_refund_that_the_provider_refuses_is_told_and_asked_for_again_by_the_same_key",
        ],
    },
    Trigger {
        cause: "a card has been authorized for 7 days and was not captured (job expire_authorizations)",
        reaction: "the same as if the capture had failed",
        follows: &["CaptureFailed"],
        tests: &[
            "services/payments/tests/it/deadline.rs::an_authorization_that_nobody_captured_in_time_is_given_up_with_its_order",
        ],
    },
    Trigger {
        cause: "the provider does not answer in time (10 s), or not at all",
        reaction: "the outcome is unknown: asked for again by the same key, never assumed",
        follows: &[],
        tests: &[
            "services/payments/tests/it/provider.rs::a_lost_answer_is_found_by_its_key_and_charged_once",
            "services/payments/tests/it/provider.rs::a_provider_that_is_down_is_asked_again_until_it_answers",
            "services/payments/tests/it/provider.rs::an_answer_after_the_timeout_is_unknown_until_it_is_asked_for_by_its_key",
        ],
    },
];

/// Reads an event of [`SUBSCRIPTIONS`].
pub fn decode(event: &Envelope) -> Result<Option<Fact>, Undecodable> {
    let fact = match event.event_type.as_str() {
        "tradewind.orders.v1.OrderCreated" => order_created(event)?,
        "tradewind.orders.v1.OrderModified" => order_modified(event)?,
        "tradewind.inventory.v1.InventoryReserved" => inventory_reserved(event)?,
        "tradewind.orders.v1.OrderConfirmed" => {
            Fact::OrderConfirmed { order_id: order_id(event, &event.decode::<OrderConfirmed>()?.order_id)? }
        }
        "tradewind.orders.v1.OrderFailed" => {
            Fact::OrderEnded { order_id: order_id(event, &event.decode::<OrderFailed>()?.order_id)? }
        }
        "tradewind.orders.v1.OrderCancelled" => {
            Fact::OrderEnded { order_id: order_id(event, &event.decode::<OrderCancelled>()?.order_id)? }
        }
        "tradewind.orders.v1.OrderDelivered" => {
            Fact::OrderDelivered { order_id: order_id(event, &event.decode::<OrderDelivered>()?.order_id)? }
        }
        "tradewind.shipping.v1.CashCollected" => cash_collected(event)?,
        "tradewind.orders.v1.RefundApproved" => refund_approved(event)?,
        _ => return Ok(None),
    };
    Ok(Some(fact))
}

/// The order that an event is about. It is also what the event is ordered by, or order among events means nothing.
fn order_id(event: &Envelope, id: &str) -> Result<OrderId, Undecodable> {
    let order_id: OrderId = id_from_wire("order_id", id).map_err(Undecodable::new)?;
    if order_id.uuid() != event.aggregate_id {
        return Err(Undecodable(format!("it is about order {order_id} and ordered by {}", event.aggregate_id)));
    }
    Ok(order_id)
}

fn order_created(event: &Envelope) -> Result<Fact, Undecodable> {
    let created: OrderCreated = event.decode()?;
    let order_id = order_id(event, &created.order_id)?;
    let buyer_id = id_from_wire("buyer_id", &created.buyer_id).map_err(Undecodable::new)?;
    let seller_id = id_from_wire("seller_id", &created.seller_id).map_err(Undecodable::new)?;
    let amount = amount("total", created.total.as_ref())?;
    let method = match created.payment_method.and_then(|method| method.method) {
        Some(WireMethod::CardToken(token)) => {
            let token = CardToken::new(token).map_err(|error| Undecodable::new(format!("card_token: {error}")))?;
            Method::Card(token)
        }
        Some(WireMethod::CashOnDelivery(_)) => Method::CashOnDelivery,
        Some(WireMethod::Exchange(exchange)) => Method::Exchange(exchange_from_wire(&exchange)?),
        None => return Err(Undecodable::new("payment_method: is required")),
    };
    Ok(Fact::OrderCreated { order_id, terms: Terms { buyer_id, seller_id, amount, method } })
}

fn exchange_from_wire(exchange: &wire::Exchange) -> Result<Exchange, Undecodable> {
    let order_id = id_from_wire("payment_method.exchange.order_id", &exchange.order_id);
    let charged = optional_id_from_wire("payment_method.exchange.charged_order_id", &exchange.charged_order_id);
    Ok(Exchange {
        order_id: order_id.map_err(Undecodable::new)?,
        refund_number: exchange.refund_number,
        charged_order_id: charged.map_err(Undecodable::new)?,
    })
}

fn order_modified(event: &Envelope) -> Result<Fact, Undecodable> {
    let modified: OrderModified = event.decode()?;
    let amount = amount("total", modified.total.as_ref())?;
    let terms_version = match modified.terms_version {
        version @ 2.. => version,
        version => return Err(Undecodable(format!("terms_version: is {version}, and OrderCreated was version 1"))),
    };
    Ok(Fact::OrderModified { order_id: order_id(event, &modified.order_id)?, terms_version, amount })
}

/// An amount that is to be paid or given back, or was.
fn amount(field: &str, money: Option<&WireMoney>) -> Result<Money, Undecodable> {
    let amount = money_from_wire(field, money).map_err(Undecodable::new)?;
    if amount.is_positive() { Ok(amount) } else { Err(Undecodable(format!("{field}: is {amount}, not above zero"))) }
}

fn cash_collected(event: &Envelope) -> Result<Fact, Undecodable> {
    let collected: CashCollected = event.decode()?;
    let amount = amount("amount", collected.amount.as_ref())?;
    Ok(Fact::CashCollected { order_id: order_id(event, &collected.order_id)?, amount })
}

fn refund_approved(event: &Envelope) -> Result<Fact, Undecodable> {
    let approved: RefundApproved = event.decode()?;
    let amount = amount("amount", approved.amount.as_ref())?;
    let number = match approved.refund_number {
        // Of before there were several.
        0 => 1,
        number @ 1.. => number,
        number => return Err(Undecodable(format!("refund_number: is {number}, below 0"))),
    };
    let set_aside = !approved.exchange_order_id.is_empty();
    Ok(Fact::RefundApproved { order_id: order_id(event, &approved.order_id)?, number, amount, set_aside })
}

fn inventory_reserved(event: &Envelope) -> Result<Fact, Undecodable> {
    let reserved: InventoryReserved = event.decode()?;
    let expires_at = timestamp_from_wire("expire_time", reserved.expire_time.as_ref()).map_err(Undecodable::new)?;
    Ok(Fact::InventoryReserved { order_id: order_id(event, &reserved.order_id)?, expires_at })
}

/// An event on the wire.
pub fn encode(event: &Event) -> Outgoing {
    match event {
        Event::PaymentAuthorized { order_id, amount, cash_on_delivery } => of_payment(
            *order_id,
            &wire::PaymentAuthorized {
                order_id: order_id.to_string(),
                amount: Some(money_to_wire(*amount)),
                cash_on_delivery: *cash_on_delivery,
            },
        ),
        Event::PaymentDeclined { order_id, reason } => {
            of_payment(*order_id, &wire::PaymentDeclined { order_id: order_id.to_string(), reason: reason.clone() })
        }
        Event::PaymentCaptured { order_id, amount } => of_payment(
            *order_id,
            &wire::PaymentCaptured { order_id: order_id.to_string(), amount: Some(money_to_wire(*amount)) },
        ),
        Event::CaptureFailed { order_id, reason } => {
            of_payment(*order_id, &wire::CaptureFailed { order_id: order_id.to_string(), reason: reason.clone() })
        }
        Event::PaymentVoided { order_id, amount } => of_payment(
            *order_id,
            &wire::PaymentVoided { order_id: order_id.to_string(), amount: Some(money_to_wire(*amount)) },
        ),
        Event::PaymentRefunded { order_id, amount, refunded, number, whole, to_credit } => of_payment(
            *order_id,
            &wire::PaymentRefunded {
                order_id: order_id.to_string(),
                amount: Some(money_to_wire(*amount)),
                refunded_amount: Some(money_to_wire(*refunded)),
                refund_number: *number,
                whole: *whole,
                to_credit: *to_credit,
            },
        ),
        Event::RefundFailed { order_id, number, amount, reason } => of_payment(
            *order_id,
            &wire::RefundFailed {
                order_id: order_id.to_string(),
                refund_number: *number,
                amount: Some(money_to_wire(*amount)),
                reason: reason.clone(),
            },
        ),
    }
}

fn of_payment<E: prost::Message + prost::Name>(order_id: OrderId, event: &E) -> Outgoing {
    Outgoing::new("payment", order_id.uuid(), event)
}
