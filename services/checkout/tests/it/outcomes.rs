//! What becomes of orders, and who sees it.

use contracts::checkout::v1::{Checkout, OrderOutcome};
use contracts::orders::v1::{OrderBackordered, OrderCancelled, OrderConfirmed, OrderCreated, OrderFailed, OrderPaid};
use testkit::{Event, eventually};
use tonic::Code;

use crate::desk::{Desk, new_uuid};

/// An event of an order of a checkout; orders tells of its creation first.
pub(crate) fn order_event<E: prost::Message + prost::Name>(order_id: &str, version: i64, message: &E) -> Event {
    Event::new("orders", "order", order_id.parse().unwrap(), version, message)
}

fn ids(checkout: &Checkout, order: usize) -> (String, String) {
    (checkout.orders[order].order_id.clone(), checkout.checkout_id.clone())
}

pub(crate) fn paid(checkout: &Checkout, order: usize) -> Event {
    let (order_id, checkout_id) = ids(checkout, order);
    order_event(&order_id.clone(), 3, &OrderPaid { order_id, checkout_id, shipping_instruction: None })
}

fn backordered(checkout: &Checkout, order: usize) -> Event {
    let (order_id, checkout_id) = ids(checkout, order);
    let backordered = OrderBackordered { order_id, checkout_id, ..OrderBackordered::default() };
    order_event(&backordered.order_id.clone(), 2, &backordered)
}

fn confirmed(checkout: &Checkout, order: usize, cash_on_delivery: bool) -> Event {
    let (order_id, checkout_id) = ids(checkout, order);
    order_event(
        &order_id.clone(),
        2,
        &OrderConfirmed { order_id, checkout_id, cash_on_delivery, shipping_instruction: None },
    )
}

fn failed(checkout: &Checkout, order: usize, reason: &str) -> Event {
    let (order_id, checkout_id) = ids(checkout, order);
    let failed = OrderFailed { order_id, checkout_id, reason: reason.to_owned(), detail: String::new() };
    order_event(&failed.order_id.clone(), 2, &failed)
}

pub(crate) fn cancelled(checkout: &Checkout, order: usize, reason: &str) -> Event {
    let (order_id, checkout_id) = ids(checkout, order);
    let cancelled = OrderCancelled { order_id, checkout_id, reason: reason.to_owned(), note: String::new() };
    order_event(&cancelled.order_id.clone(), 3, &cancelled)
}

pub(crate) fn outcomes(checkout: &Checkout) -> Vec<(OrderOutcome, &str)> {
    checkout.orders.iter().map(|order| (order.outcome(), order.reason.as_str())).collect()
}

pub(crate) const PENDING: (OrderOutcome, &str) = (OrderOutcome::Pending, "");
const BACKORDERED: (OrderOutcome, &str) = (OrderOutcome::Backordered, "");
pub(crate) const PAID: (OrderOutcome, &str) = (OrderOutcome::Paid, "");
const CONFIRMED: (OrderOutcome, &str) = (OrderOutcome::Confirmed, "");

/// Waits until the outcomes are these.
pub(crate) async fn becomes(desk: &Desk, checkout: &Checkout, expected: &[(OrderOutcome, &str)]) -> Checkout {
    let awaited = format!("outcomes {expected:?}");
    let probe = async || {
        let seen = desk.checkout(&checkout.checkout_id).await;
        if outcomes(&seen) == expected { Ok(seen) } else { Err(seen.orders) }
    };
    eventually(&awaited, probe).await
}

/// Waits until that event is in the inbox: it took effect, or did not matter.
pub(crate) async fn is_heard(desk: &Desk, event: &Event) {
    eventually("the event in the inbox", async || is_in_inbox(desk, event).await).await;
}

async fn is_in_inbox(desk: &Desk, event: &Event) -> bool {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM inbox WHERE event_id = $1)")
        .bind(event.id())
        .fetch_one(desk.store.pool())
        .await
        .unwrap()
}

pub(crate) async fn parked_reason(desk: &Desk, event: &Event) -> String {
    eventually("a parked event", async || {
        sqlx::query_scalar("SELECT reason FROM parked_event WHERE event_id = $1")
            .bind(event.id())
            .fetch_optional(desk.store.pool())
            .await
            .unwrap()
    })
    .await
}

#[tokio::test]
async fn a_watcher_sees_every_outcome_and_the_stream_ends() {
    let desk = Desk::open_with_a_cart().await;
    desk.hear_of_orders().await;
    let checkout = desk.check_out().await;
    let mut watch = desk.watch(&checkout.checkout_id).await;
    assert_eq!(watch.next().await.unwrap(), Some(checkout.clone()));

    desk.kafka.publish(&paid(&checkout, 0)).await;
    let seen = watch.next().await.unwrap().unwrap();
    assert_eq!((outcomes(&seen), seen.complete), (vec![PAID, PENDING], false));
    assert!(seen.orders[0].outcome_time.is_some() && seen.orders[1].outcome_time.is_none());

    desk.kafka.publish(&failed(&checkout, 1, "OUT_OF_STOCK")).await;
    let seen = watch.next().await.unwrap().unwrap();
    assert_eq!((outcomes(&seen), seen.complete), (vec![PAID, (OrderOutcome::Failed, "OUT_OF_STOCK")], true));
    assert_eq!(watch.next().await.unwrap(), None);
}

#[tokio::test]
async fn an_outcome_that_another_replica_heard_of_reaches_the_watcher() {
    let desk = Desk::open_with_a_cart().await;
    desk.hear_of_orders_elsewhere().await;
    let checkout = desk.check_out().await;
    let mut watch = desk.watch(&checkout.checkout_id).await;
    watch.next().await.unwrap();
    desk.kafka.publish(&paid(&checkout, 0)).await;
    assert_eq!(outcomes(&watch.next().await.unwrap().unwrap()), [PAID, PENDING]);
}

#[tokio::test]
async fn the_watch_of_a_complete_checkout_shows_it_and_ends() {
    let desk = Desk::open_with_a_cart().await;
    desk.hear_of_orders().await;
    let checkout = desk.check_out().await;
    desk.kafka.publish(&paid(&checkout, 0)).await;
    desk.kafka.publish(&paid(&checkout, 1)).await;
    let complete = becomes(&desk, &checkout, &[PAID, PAID]).await;
    let mut watch = desk.watch(&checkout.checkout_id).await;
    assert_eq!(watch.next().await.unwrap(), Some(complete));
    assert_eq!(watch.next().await.unwrap(), None);
}

#[tokio::test]
async fn a_watch_ends_when_the_server_drains() {
    let desk = Desk::open_with_a_cart().await;
    let checkout = desk.check_out().await;
    let mut watch = desk.watch(&checkout.checkout_id).await;
    watch.next().await.unwrap();
    desk.drain();
    let refused = watch.next().await.unwrap_err();
    assert_eq!(refused.code, Code::Unavailable);
}

#[tokio::test]
async fn an_outcome_that_comes_twice_is_known_once() {
    let desk = Desk::open_with_a_cart().await;
    desk.hear_of_orders().await;
    let checkout = desk.check_out().await;
    let event = paid(&checkout, 0);
    desk.kafka.publish(&event).await;
    let seen = becomes(&desk, &checkout, &[PAID, PENDING]).await;

    desk.clock.advance(std::time::Duration::from_secs(5));
    // The same event, then the same news in another event.
    let again = paid(&checkout, 0);
    desk.kafka.publish(&event).await;
    desk.kafka.publish(&again).await;
    is_heard(&desk, &again).await;
    assert_eq!(desk.checkout(&checkout.checkout_id).await, seen);
    assert_eq!(desk.count("parked_event").await, 0);
}

#[tokio::test]
async fn that_a_prepaid_order_is_confirmed_does_not_concern_us() {
    let desk = Desk::open_with_a_cart().await;
    desk.hear_of_orders().await;
    let checkout = desk.check_out().await;
    let event = confirmed(&checkout, 0, false);
    desk.kafka.publish(&event).await;
    desk.kafka.publish(&paid(&checkout, 0)).await;
    becomes(&desk, &checkout, &[PAID, PENDING]).await;
    assert!(!is_in_inbox(&desk, &event).await, "it came before, and left no trace");
}

#[tokio::test]
async fn cash_on_delivery_is_complete_when_confirmed_and_paid_later() {
    let desk = Desk::open_with_a_cart().await;
    desk.hear_of_orders().await;
    let checkout = desk.check_out().await;
    for order in 0..2 {
        desk.kafka.publish(&confirmed(&checkout, order, true)).await;
    }
    assert!(becomes(&desk, &checkout, &[CONFIRMED, CONFIRMED]).await.complete);
    desk.kafka.publish(&paid(&checkout, 1)).await;
    assert!(becomes(&desk, &checkout, &[CONFIRMED, PAID]).await.complete);
}

#[tokio::test]
async fn an_order_that_waits_for_stock_is_shown_so_and_then_what_becomes_of_it() {
    let desk = Desk::open_with_a_cart().await;
    desk.hear_of_orders().await;
    let checkout = desk.check_out().await;
    for order in 0..2 {
        desk.kafka.publish(&backordered(&checkout, order)).await;
    }
    assert!(becomes(&desk, &checkout, &[BACKORDERED, BACKORDERED]).await.complete);
    desk.kafka.publish(&paid(&checkout, 0)).await;
    desk.kafka.publish(&failed(&checkout, 1, "OUT_OF_STOCK")).await;
    // What it waited for is heard of again.
    desk.kafka.publish(&backordered(&checkout, 0)).await;
    let ended = [PAID, (OrderOutcome::Failed, "OUT_OF_STOCK")];
    assert!(becomes(&desk, &checkout, &ended).await.complete);
}

#[tokio::test]
async fn a_cancelled_order_tells_why() {
    let desk = Desk::open_with_a_cart().await;
    desk.hear_of_orders().await;
    let checkout = desk.check_out().await;
    desk.kafka.publish(&confirmed(&checkout, 0, true)).await;
    desk.kafka.publish(&cancelled(&checkout, 0, "CANCELLED_BY_BUYER")).await;
    desk.kafka.publish(&cancelled(&checkout, 1, "UNPAID")).await;
    let cancelled = [(OrderOutcome::Cancelled, "CANCELLED_BY_BUYER"), (OrderOutcome::Cancelled, "UNPAID")];
    assert!(becomes(&desk, &checkout, &cancelled).await.complete);
}

#[tokio::test]
async fn an_event_that_contradicts_an_outcome_is_parked_and_the_outcome_stays() {
    let desk = Desk::open_with_a_cart().await;
    desk.hear_of_orders().await;
    let checkout = desk.check_out().await;
    desk.kafka.publish(&paid(&checkout, 0)).await;
    let event = cancelled(&checkout, 0, "UNPAID");
    desk.kafka.publish(&event).await;
    desk.kafka.publish(&paid(&checkout, 1)).await;
    let reason = parked_reason(&desk, &event).await;
    assert!(reason.contains("OUTCOME_CONTRADICTED"), "{reason}");
    becomes(&desk, &checkout, &[PAID, PAID]).await;
}

#[tokio::test]
async fn an_event_of_an_unknown_checkout_or_order_is_parked() {
    let desk = Desk::open_with_a_cart().await;
    desk.hear_of_orders().await;
    let checkout = desk.check_out().await;
    let stranger = new_uuid().to_string();
    let of_unknown_checkout =
        OrderPaid { order_id: stranger.clone(), checkout_id: new_uuid().to_string(), shipping_instruction: None };
    let of_unknown_order = OrderPaid {
        order_id: new_uuid().to_string(),
        checkout_id: checkout.checkout_id.clone(),
        shipping_instruction: None,
    };
    for (message, reason) in [(of_unknown_checkout, "CHECKOUT_NOT_FOUND"), (of_unknown_order, "ORDER_NOT_FOUND")] {
        let event = order_event(&message.order_id, 3, &message);
        desk.kafka.publish(&event).await;
        let told = parked_reason(&desk, &event).await;
        assert!(told.contains(reason), "{told}");
    }
    desk.kafka.publish(&paid(&checkout, 0)).await;
    becomes(&desk, &checkout, &[PAID, PENDING]).await;
}

#[tokio::test]
async fn an_undecodable_event_is_parked_and_one_of_an_unknown_type_is_passed_over() {
    let desk = Desk::open_with_a_cart().await;
    desk.hear_of_orders().await;
    let checkout = desk.check_out().await;
    let unreadable = paid(&checkout, 0).with_payload(&[0xff]);
    let reasonless = failed(&checkout, 1, "");
    for event in [&unreadable, &reasonless] {
        desk.kafka.publish(event).await;
        let told = parked_reason(&desk, event).await;
        assert!(told.contains("undecodable"), "{told}");
    }
    let other = desk.check_out().await;
    desk.kafka.publish(&paid(&other, 0).with_type("tradewind.orders.v1.OrderGiftWrapped")).await;
    desk.kafka.publish(&order_event(&other.orders[1].order_id, 1, &OrderCreated::default())).await;
    desk.kafka.publish(&paid(&other, 1)).await;
    becomes(&desk, &other, &[PENDING, PAID]).await;
    assert_eq!(desk.count("parked_event").await, 2);
}
