//! Orders that are modified and split before they have their outcome, as their buyer sees them.

use checkout::Outcomes;
use checkout::domain::fact::{Fact, News};
use contracts::checkout::v1::{Checkout, CheckoutOrder, OrderOutcome};
use contracts::google::r#type::Money;
use contracts::orders::v1::{OrderCreated, OrderModified, OrderPaid, SplitOff};
use contracts::payments::v1::payment_method::Method;
use contracts::payments::v1::{Exchange, PaymentMethod};
use kernel::{Currency, Id};
use messaging::{Cause, Caused, react};
use testkit::Event;

use crate::desk::{Desk, euro, new_uuid};
use crate::outcomes::{PAID, PENDING, becomes, cancelled, is_heard, order_event, outcomes, paid, parked_reason};
use crate::submissions::waits_for_a_lock;

/// The second order of a checkout, which costs 10.94 EUR, costs that much now. These were split off it.
fn modified(checkout: &Checkout, total: Money, split_off: &[&str]) -> Event {
    let order_id = checkout.orders[1].order_id.clone();
    let split_off = split_off.iter().map(|id| SplitOff { order_id: (*id).to_owned(), units: Vec::new() });
    let message = OrderModified {
        order_id: order_id.clone(),
        checkout_id: checkout.checkout_id.clone(),
        terms_version: 2,
        total: Some(total),
        split_off: split_off.collect(),
        ..OrderModified::default()
    };
    order_event(&order_id, 2, &message)
}

fn created(checkout: &Checkout, order_id: &str, total: Money, split_from_order_id: &str) -> Event {
    let message = OrderCreated {
        order_id: order_id.to_owned(),
        checkout_id: checkout.checkout_id.clone(),
        seller_id: checkout.orders[1].seller_id.clone(),
        total: Some(total),
        split_from_order_id: split_from_order_id.to_owned(),
        ..OrderCreated::default()
    };
    order_event(order_id, 1, &message)
}

/// An order over so much was split off the second order of a checkout.
fn split_off(checkout: &Checkout, order_id: &str, total: Money) -> Event {
    created(checkout, order_id, total, &checkout.orders[1].order_id)
}

/// An order sends anew what came back of the second order of a checkout, and is paid by that.
fn exchanged(checkout: &Checkout, order_id: &str, total: Money) -> Event {
    let exchange = Exchange { order_id: checkout.orders[1].order_id.clone(), refund_number: 1, ..Exchange::default() };
    let message = OrderCreated {
        order_id: order_id.to_owned(),
        checkout_id: checkout.checkout_id.clone(),
        seller_id: checkout.orders[1].seller_id.clone(),
        total: Some(total),
        payment_method: Some(PaymentMethod { method: Some(Method::Exchange(exchange)) }),
        ..OrderCreated::default()
    };
    order_event(order_id, 1, &message)
}

/// What is told of a checkout.
type Told = fn(&Checkout) -> Event;

fn a_dollar() -> Money {
    Money { currency_code: "USD".to_owned(), ..euro(1, 0) }
}

/// An order that was split off is paid for.
fn new_one_paid(checkout: &Checkout, order_id: &str) -> Event {
    let (order_id, checkout_id) = (order_id.to_owned(), checkout.checkout_id.clone());
    order_event(&order_id.clone(), 3, &OrderPaid { order_id, checkout_id, shipping_instruction: None })
}

/// The order of that id, in a checkout of three.
fn of_three<'a>(checkout: &'a Checkout, order_id: &str) -> &'a CheckoutOrder {
    assert_eq!(checkout.orders.len(), 3, "{checkout:?}");
    checkout.orders.iter().find(|order| order.order_id == order_id).unwrap()
}

async fn checked_out() -> (Desk, Checkout) {
    let desk = Desk::open_with_a_cart().await;
    desk.hear_of_orders().await;
    let checkout = desk.check_out().await;
    assert_eq!(checkout.total, Some(euro(39, 730_000_000)));
    assert_eq!(checkout.orders[1].total, Some(euro(10, 940_000_000)));
    (desk, checkout)
}

#[tokio::test]
async fn an_order_of_which_units_are_taken_away_costs_less_and_so_does_the_checkout() {
    let (desk, checkout) = checked_out().await;
    let mut watch = desk.watch(&checkout.checkout_id).await;
    watch.next().await.unwrap();
    let event = modified(&checkout, euro(6, 0), &[]);
    desk.kafka.publish(&event).await;
    let seen = watch.next().await.unwrap().unwrap();
    assert_eq!((&seen.orders[1].total, &seen.total), (&Some(euro(6, 0)), &Some(euro(34, 790_000_000))));
    assert_eq!((outcomes(&seen), seen.complete), (vec![PENDING, PENDING], false));

    // The same event, then the same news in another event.
    let again = modified(&checkout, euro(6, 0), &[]);
    desk.kafka.publish(&event).await;
    desk.kafka.publish(&again).await;
    is_heard(&desk, &again).await;
    assert_eq!(desk.checkout(&checkout.checkout_id).await, seen);
    assert_eq!(desk.count("parked_event").await, 0);
}

#[tokio::test]
async fn a_watcher_sees_the_order_that_was_split_off_and_waits_for_both_outcomes() {
    let (desk, checkout) = checked_out().await;
    let new_id = new_uuid().to_string();
    let mut watch = desk.watch(&checkout.checkout_id).await;
    watch.next().await.unwrap();

    // The order itself tells first: that there is another, and not what that costs.
    desk.kafka.publish(&modified(&checkout, euro(6, 0), &[&new_id])).await;
    let seen = watch.next().await.unwrap().unwrap();
    let new_one = of_three(&seen, &new_id);
    assert_eq!((new_one.outcome(), &new_one.total), (OrderOutcome::Pending, &Some(euro(0, 0))));
    assert_eq!(new_one.seller_id, checkout.orders[1].seller_id);
    for order in 0..2 {
        desk.kafka.publish(&paid(&checkout, order)).await;
        assert!(!watch.next().await.unwrap().unwrap().complete);
    }

    desk.kafka.publish(&split_off(&checkout, &new_id, euro(4, 940_000_000))).await;
    let seen = watch.next().await.unwrap().unwrap();
    assert_eq!(of_three(&seen, &new_id).total, Some(euro(4, 940_000_000)));
    assert_eq!((seen.complete, &seen.total), (false, &checkout.total));
    desk.kafka.publish(&new_one_paid(&checkout, &new_id)).await;
    let seen = watch.next().await.unwrap().unwrap();
    assert_eq!((outcomes(&seen), seen.complete), (vec![PAID, PAID, PAID], true));
    assert_eq!(watch.next().await.unwrap(), None);
}

#[tokio::test]
async fn an_order_that_is_split_off_is_taken_in_once_whichever_event_comes_first() {
    for created_first in [true, false] {
        let (desk, checkout) = checked_out().await;
        let new_id = new_uuid().to_string();
        let new_one = split_off(&checkout, &new_id, euro(4, 940_000_000));
        let events = [modified(&checkout, euro(6, 0), &[&new_id]), new_one.clone()];
        let order = if created_first { [1, 0] } else { [0, 1] };
        for event in order.map(|number| &events[number]) {
            desk.kafka.publish(event).await;
            is_heard(&desk, event).await;
        }
        // The same news in other events.
        let again = [modified(&checkout, euro(6, 0), &[&new_id]), split_off(&checkout, &new_id, euro(4, 940_000_000))];
        for event in &again {
            desk.kafka.publish(event).await;
            is_heard(&desk, event).await;
        }
        let seen = desk.checkout(&checkout.checkout_id).await;
        assert_eq!(of_three(&seen, &new_id).total, Some(euro(4, 940_000_000)));
        assert_eq!((outcomes(&seen), &seen.total), (vec![PENDING, PENDING, PENDING], &checkout.total));
        assert_eq!((desk.count("checkout_order").await, desk.count("parked_event").await), (3, 0));
    }
}

#[tokio::test]
async fn an_order_that_takes_the_place_of_goods_that_came_back_costs_nothing_more() {
    let (desk, checkout) = checked_out().await;
    for order in 0..2 {
        desk.kafka.publish(&paid(&checkout, order)).await;
    }
    becomes(&desk, &checkout, &[PAID, PAID]).await;
    let new_id = new_uuid().to_string();
    let event = exchanged(&checkout, &new_id, euro(4, 940_000_000));
    let again = exchanged(&checkout, &new_id, euro(4, 940_000_000));
    for event in [&event, &event, &again] {
        desk.kafka.publish(event).await;
        is_heard(&desk, event).await;
    }
    let seen = desk.checkout(&checkout.checkout_id).await;
    let new_one = of_three(&seen, &new_id);
    assert_eq!((new_one.outcome(), &new_one.total), (OrderOutcome::Pending, &Some(euro(0, 0))));
    assert_eq!((seen.complete, &seen.total), (false, &checkout.total));
    desk.kafka.publish(&new_one_paid(&checkout, &new_id)).await;
    let seen = becomes(&desk, &checkout, &[PAID, PAID, PAID]).await;
    assert_eq!((seen.complete, &seen.total, desk.count("parked_event").await), (true, &checkout.total, 0));
}

/// Whichever of the two events commits first.
#[tokio::test]
async fn two_replicas_that_hear_of_a_new_order_at_once_take_it_in_once() {
    for created_first in [true, false] {
        let (desk, checkout) = checked_out().await;
        let (checkout_id, order_id) =
            (checkout.checkout_id.parse().unwrap(), checkout.orders[1].order_id.parse().unwrap());
        let (new_id, seller_id) = (Id::generate(), checkout.orders[1].seller_id.parse().unwrap());
        let euros = |minor| kernel::Money::from_minor(minor, Currency::EUR);
        let caused = |order_id, news| {
            let fact = Fact { checkout_id, order_id, news };
            Caused { fact, cause: Cause::command("service:test") }
        };
        let mut facts = [
            caused(new_id, News::Another { seller_id, to_pay: euros(494) }),
            caused(order_id, News::Modified { total: euros(600), split_off: [new_id].into() }),
        ];
        if !created_first {
            facts.reverse();
        }
        let [first, second] = facts;
        let mut unit = desk.store.begin().await.unwrap();
        react(&Outcomes::default(), &mut unit, &[first]).await.unwrap();
        let store = desk.store.clone();
        let waiting = tokio::spawn(async move {
            let mut unit = store.begin().await.unwrap();
            react(&Outcomes::default(), &mut unit, &[second]).await.unwrap();
            unit.commit().await.unwrap();
        });
        waits_for_a_lock(&desk).await;
        unit.commit().await.unwrap();
        waiting.await.unwrap();
        let seen = desk.checkout(&checkout.checkout_id).await;
        assert_eq!(of_three(&seen, &new_id.to_string()).total, Some(euro(4, 940_000_000)));
        assert_eq!(seen.total, checkout.total);
    }
}

#[tokio::test]
async fn an_order_that_came_from_the_checkout_itself_is_not_taken_in_again() {
    let (desk, checkout) = checked_out().await;
    let of_the_checkout = &checkout.orders[1].order_id;
    desk.kafka.publish(&created(&checkout, of_the_checkout, euro(10, 940_000_000), "")).await;
    desk.kafka.publish(&created(&checkout, &new_uuid().to_string(), euro(1, 0), "")).await;
    desk.kafka.publish(&paid(&checkout, 0)).await;
    desk.kafka.publish(&paid(&checkout, 1)).await;
    let seen = becomes(&desk, &checkout, &[PAID, PAID]).await;
    assert_eq!((seen.total, desk.count("parked_event").await), (checkout.total, 0));
}

#[tokio::test]
async fn a_modification_that_makes_no_sense_is_parked() {
    let nonsense: [(&str, Told); 5] = [
        ("MODIFIED_TO_MORE", |checkout| modified(checkout, euro(10, 950_000_000), &[])),
        ("MODIFIED_TO_MORE", |checkout| modified(checkout, a_dollar(), &[])),
        ("undecodable: total", |checkout| modified(checkout, euro(-1, 0), &[])),
        ("undecodable: total", |checkout| split_off(checkout, &new_uuid().to_string(), euro(-1, 0))),
        ("TOTALS_DO_NOT_ADD_UP", |checkout| split_off(checkout, &new_uuid().to_string(), a_dollar())),
    ];
    for (reason, event) in nonsense {
        let (desk, checkout) = checked_out().await;
        let event = event(&checkout);
        desk.kafka.publish(&event).await;
        let told = parked_reason(&desk, &event).await;
        assert!(told.contains(reason), "{told}");
        assert_eq!(desk.checkout(&checkout.checkout_id).await, checkout);
    }
    // Orders modifies nothing that has its outcome.
    let (desk, checkout) = checked_out().await;
    desk.kafka.publish(&cancelled(&checkout, 1, "UNPAID")).await;
    let late = modified(&checkout, euro(6, 0), &[]);
    desk.kafka.publish(&late).await;
    let told = parked_reason(&desk, &late).await;
    assert!(told.contains("OUTCOME_CONTRADICTED"), "{told}");
}
