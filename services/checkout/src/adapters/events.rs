//! Events in and out: what checkout subscribes to, and what its own event looks like on the wire.

use contracts::checkout::v1 as wire;
use contracts::convert::{id_from_wire, money_from_wire, money_to_wire, timestamp_to_wire};
use contracts::google::r#type::Money as WireMoney;
use contracts::orders::v1::{
    OrderBackordered, OrderCancelled, OrderConfirmed, OrderCreated, OrderFailed, OrderModified, OrderPaid,
};
use contracts::payments::v1::payment_method::Method;
use kernel::Money;
use messaging::{Envelope, Outgoing, Subscription, Trigger, Undecodable};

use super::wire::{address_to_wire, lines_to_wire, payment_method_to_wire};
use crate::domain::checkout::{Checkout, CheckoutOrder};
use crate::domain::event::Event;
use crate::domain::fact::{Fact, News, Reason};
use crate::domain::payment_method::PaymentMethod;
use crate::domain::quote::{Quote, SellerQuote};

/// What checkout reacts to.
pub const SUBSCRIPTIONS: &[Subscription] = &[
    Subscription {
        event: "tradewind.orders.v1.OrderCreated",
        reaction: "shows the buyer an order that was split off one of the checkout, or takes the place of goods that came back; any other is known since the submission, and does not concern it",
        follows: &[],
        tests: &[
            "services/checkout/tests/it/modifications.rs::a_watcher_sees_the_order_that_was_split_off_and_waits_for_both_outcomes",
            "services/checkout/tests/it/modifications.rs::an_order_that_is_split_off_is_taken_in_once_whichever_event_comes_first",
            "services/checkout/tests/it/modifications.rs::an_order_that_takes_the_place_of_goods_that_came_back_costs_nothing_more",
            "services/checkout/tests/it/modifications.rs::an_order_that_came_from_the_checkout_itself_is_not_taken_in_again",
        ],
    },
    Subscription {
        event: "tradewind.orders.v1.OrderModified",
        reaction: "shows the buyer what the order costs now, and that there are those that were split off it",
        follows: &[],
        tests: &[
            "services/checkout/tests/it/modifications.rs::an_order_of_which_units_are_taken_away_costs_less_and_so_does_the_checkout",
            "services/checkout/tests/it/modifications.rs::an_order_that_is_split_off_is_taken_in_once_whichever_event_comes_first",
            "services/checkout/tests/it/modifications.rs::a_modification_that_makes_no_sense_is_parked",
        ],
    },
    Subscription {
        event: "tradewind.orders.v1.OrderPaid",
        reaction: "shows the buyer that the order is paid for",
        follows: &[],
        tests: &[
            "services/checkout/tests/it/outcomes.rs::a_watcher_sees_every_outcome_and_the_stream_ends",
            "services/checkout/tests/it/outcomes.rs::an_outcome_that_comes_twice_is_known_once",
        ],
    },
    Subscription {
        event: "tradewind.orders.v1.OrderConfirmed",
        reaction: "shows the buyer that an order to be paid in cash on delivery is confirmed; a prepaid one has yet to be paid, and does not concern it",
        follows: &[],
        tests: &[
            "services/checkout/tests/it/outcomes.rs::cash_on_delivery_is_complete_when_confirmed_and_paid_later",
            "services/checkout/tests/it/outcomes.rs::that_a_prepaid_order_is_confirmed_does_not_concern_us",
        ],
    },
    Subscription {
        event: "tradewind.orders.v1.OrderBackordered",
        reaction: "shows the buyer that the order waits for stock",
        follows: &[],
        tests: &[
            "services/checkout/tests/it/outcomes.rs::an_order_that_waits_for_stock_is_shown_so_and_then_what_becomes_of_it",
        ],
    },
    Subscription {
        event: "tradewind.orders.v1.OrderFailed",
        reaction: "shows the buyer that the order failed, and why",
        follows: &[],
        tests: &["services/checkout/tests/it/outcomes.rs::a_watcher_sees_every_outcome_and_the_stream_ends"],
    },
    Subscription {
        event: "tradewind.orders.v1.OrderCancelled",
        reaction: "shows the buyer that the order is cancelled, and why",
        follows: &[],
        tests: &["services/checkout/tests/it/outcomes.rs::a_cancelled_order_tells_why"],
    },
];

/// What makes checkout act without an event.
pub const TRIGGERS: &[Trigger] = &[Trigger {
    cause: "a buyer calls `SubmitCheckout`",
    reaction: "accepts the quote once, with the id of each order; starts the saga",
    follows: &["CheckoutSubmitted"],
    tests: &[
        "services/checkout/tests/it/submissions.rs::a_quote_that_is_accepted_becomes_one_order_for_each_seller",
        "services/checkout/tests/it/submissions.rs::what_was_agreed_is_told_in_one_event_that_begins_a_journey",
    ],
}];

/// Reads an event of [`SUBSCRIPTIONS`].
pub fn decode(event: &Envelope) -> Result<Option<Fact>, Undecodable> {
    let fact = match event.event_type.as_str() {
        "tradewind.orders.v1.OrderCreated" => {
            let created: OrderCreated = event.decode()?;
            let method = created.payment_method.as_ref().and_then(|method| method.method.as_ref());
            let is_exchange = matches!(method, Some(Method::Exchange(_)));
            if !is_exchange && created.split_from_order_id.is_empty() {
                return Ok(None);
            }
            let seller_id = id_from_wire("seller_id", &created.seller_id).map_err(Undecodable::new)?;
            let total = total(created.total.as_ref())?;
            let to_pay = if is_exchange { Money::zero(total.currency()) } else { total };
            fact(&created.checkout_id, &created.order_id, News::Another { seller_id, to_pay })?
        }
        "tradewind.orders.v1.OrderModified" => {
            let modified: OrderModified = event.decode()?;
            let split_off = modified.split_off.iter().map(|order| id_from_wire("split_off.order_id", &order.order_id));
            let split_off = split_off.collect::<Result<_, _>>().map_err(Undecodable::new)?;
            let total = total(modified.total.as_ref())?;
            fact(&modified.checkout_id, &modified.order_id, News::Modified { total, split_off })?
        }
        "tradewind.orders.v1.OrderPaid" => {
            let paid: OrderPaid = event.decode()?;
            fact(&paid.checkout_id, &paid.order_id, News::Paid)?
        }
        "tradewind.orders.v1.OrderConfirmed" => {
            let confirmed: OrderConfirmed = event.decode()?;
            if !confirmed.cash_on_delivery {
                return Ok(None);
            }
            fact(&confirmed.checkout_id, &confirmed.order_id, News::Confirmed)?
        }
        "tradewind.orders.v1.OrderBackordered" => {
            let backordered: OrderBackordered = event.decode()?;
            fact(&backordered.checkout_id, &backordered.order_id, News::Backordered)?
        }
        "tradewind.orders.v1.OrderFailed" => {
            let failed: OrderFailed = event.decode()?;
            fact(&failed.checkout_id, &failed.order_id, News::Failed(reason(failed.reason)?))?
        }
        "tradewind.orders.v1.OrderCancelled" => {
            let cancelled: OrderCancelled = event.decode()?;
            fact(&cancelled.checkout_id, &cancelled.order_id, News::Cancelled(reason(cancelled.reason)?))?
        }
        _ => return Ok(None),
    };
    Ok(Some(fact))
}

fn fact(checkout_id: &str, order_id: &str, news: News) -> Result<Fact, Undecodable> {
    Ok(Fact {
        checkout_id: id_from_wire("checkout_id", checkout_id).map_err(Undecodable::new)?,
        order_id: id_from_wire("order_id", order_id).map_err(Undecodable::new)?,
        news,
    })
}

/// What a buyer pays for an order.
fn total(money: Option<&WireMoney>) -> Result<Money, Undecodable> {
    let total = money_from_wire("total", money).map_err(Undecodable::new)?;
    if total.is_negative() { Err(Undecodable(format!("total: is {total}, below zero"))) } else { Ok(total) }
}

fn reason(reason: String) -> Result<Reason, Undecodable> {
    Reason::new(reason).map_err(|error| Undecodable::new(format!("reason: {error}")))
}

/// The event on the wire.
pub fn encode(event: &Event<'_>) -> Outgoing {
    match event {
        Event::CheckoutSubmitted { checkout, quote, payment_method } => {
            Outgoing::new("checkout", checkout.id.uuid(), &checkout_submitted(checkout, quote, payment_method))
        }
    }
}

fn checkout_submitted(checkout: &Checkout, quote: &Quote, payment_method: &PaymentMethod) -> wire::CheckoutSubmitted {
    // A checkout has one order for each seller of its quote, in the same order.
    let orders = checkout.orders.iter().zip(&quote.sellers);
    wire::CheckoutSubmitted {
        checkout_id: checkout.id.to_string(),
        quote_id: quote.id.to_string(),
        quote_hash: quote.hash().to_string(),
        buyer_id: checkout.buyer_id.to_string(),
        ship_to: Some(address_to_wire(&quote.ship_to)),
        payment_method: Some(payment_method_to_wire(payment_method)),
        orders: orders.map(|(order, seller)| submitted_order(order, seller)).collect(),
        submit_time: Some(timestamp_to_wire(checkout.submitted_at)),
    }
}

fn submitted_order(order: &CheckoutOrder, seller: &SellerQuote) -> wire::SubmittedOrder {
    wire::SubmittedOrder {
        order_id: order.id.to_string(),
        seller_id: seller.seller_id.to_string(),
        lines: lines_to_wire(&seller.lines),
        subtotal: Some(money_to_wire(seller.amounts.subtotal)),
        shipping: Some(money_to_wire(seller.amounts.shipping)),
        tax: Some(money_to_wire(seller.amounts.tax)),
        total: Some(money_to_wire(seller.amounts.total)),
        shipping_service: seller.shipping_service.to_string(),
    }
}
