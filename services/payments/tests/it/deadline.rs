//! Authorizations that nobody captured in time.

use std::time::Duration;

use contracts::payments::v1 as wire;
use messaging::journal;
use payments::domain::Status;
use payments::jobs::expire_authorizations::{due, expire_authorizations};

use crate::till::{LIFETIME, Order, Till, payments};

const AUTHORIZED: &str = "PaymentAuthorized";
const CAPTURED: &str = "PaymentCaptured";
const CAPTURE_FAILED: &str = "CaptureFailed";
const VOIDED: &str = "PaymentVoided";

async fn authorized(till: &Till, order: Order) -> Order {
    till.publish(&[&order.created(), &order.reserved(till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    order
}

#[tokio::test]
async fn an_authorization_that_nobody_captured_in_time_is_given_up_with_its_order() {
    let (till, _replica) = Till::open().await;
    let order = authorized(&till, Order::by_card("tok_approved")).await;
    let since = till.clock.shown();
    let expire = async || expire_authorizations(&till.store, &payments()).await.unwrap();
    till.clock.set(since + LIFETIME - Duration::from_micros(1));
    assert_eq!(expire().await, []);

    till.clock.set(since + LIFETIME);
    // To name it changes nothing.
    assert_eq!(due(&till.store, &payments()).await.unwrap(), [(order.id, since)]);
    assert_eq!(till.found(&order).await.unwrap().payment.status, Status::Authorized);
    assert_eq!(expire().await, [(order.id, since)]);
    assert_eq!(expire().await, []);
    let told = till.told(&order, &[AUTHORIZED, CAPTURE_FAILED]).await;
    assert_eq!(told[1].decode::<wire::CaptureFailed>().unwrap().reason, "AUTHORIZATION_EXPIRED");
    let mut connection = till.store.pool().acquire().await.unwrap();
    let history = journal::read(&mut connection, order.id.uuid()).await.unwrap();
    assert_eq!((history[1].actor.as_str(), history[1].causation_id), ("service:payments", None));

    // Orders cancels the order for it, and what is held is given up.
    till.publish(&[&order.cancelled()]).await;
    till.told(&order, &[AUTHORIZED, CAPTURE_FAILED, VOIDED]).await;
    assert_eq!(till.charge(&order).unwrap().held_minor, 0);
    till.assert_books_balance().await;
}

#[tokio::test]
async fn what_was_captured_and_what_is_paid_at_the_door_never_expires() {
    let (till, _replica) = Till::open().await;
    let captured = authorized(&till, Order::by_card("tok_approved")).await;
    till.publish(&[&captured.confirmed()]).await;
    till.told(&captured, &[AUTHORIZED, CAPTURED]).await;
    let cash = authorized(&till, Order::for_cash()).await;
    till.clock.advance(10 * LIFETIME);
    assert_eq!(expire_authorizations(&till.store, &payments()).await.unwrap(), []);
    assert_eq!(till.history(&captured).await, [AUTHORIZED, CAPTURED]);
    assert_eq!(till.history(&cash).await, [AUTHORIZED]);
}

#[tokio::test]
async fn two_replicas_of_the_job_expire_each_authorization_once() {
    let (till, _replica) = Till::open().await;
    let mut orders = Vec::new();
    for _ in 0..20 {
        orders.push(authorized(&till, Order::by_card("tok_approved")).await);
    }
    till.clock.advance(LIFETIME);
    let (payments, store) = (payments(), &till.store);
    let (one, other) = tokio::join!(expire_authorizations(store, &payments), expire_authorizations(store, &payments));
    assert_eq!(one.unwrap().len() + other.unwrap().len(), orders.len());
    for order in &orders {
        assert_eq!(till.history(order).await, [AUTHORIZED, CAPTURE_FAILED]);
    }
}
