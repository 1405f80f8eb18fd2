//! The fulfilment saga: cash that carriers pass on is taken in, once, and nobody is asked for it; what was paid for and arrived is the seller's.

use contracts::convert::money_to_wire;
use contracts::payments::v1 as wire;
use contracts::shipping::v1::CashCollected;
use kernel::{Currency, Id, Money};
use payments::domain::Status;
use testkit::Event;

use crate::till::{Order, Till, euros};

const AUTHORIZED: &str = "PaymentAuthorized";
const CAPTURED: &str = "PaymentCaptured";
const VOIDED: &str = "PaymentVoided";

fn due() -> Money {
    euros(Order::TOTAL_MINOR)
}

/// What becomes of 42.00 EUR at 5 %.
fn released() -> Vec<(String, i64)> {
    let legs = [("seller_balance", -3_990), ("commission", -210), ("escrow", 4_200)];
    legs.map(|(account, minor)| (account.to_owned(), minor)).to_vec()
}

/// An order in cash that is confirmed: its goods may leave.
async fn confirmed(till: &Till) -> Order {
    let order = Order::for_cash();
    till.publish(&[&order.created(), &order.reserved(till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    till.publish_and_wait(&[&order.confirmed()]).await;
    order
}

#[tokio::test]
async fn cash_that_a_carrier_passes_on_is_captured_and_posted_once() {
    let (till, _replica) = Till::open().await;
    let order = confirmed(&till).await;
    let (collected, anew) = (order.collected(due()), order.collected(due()));
    till.publish_and_wait(&[&collected, &anew]).await;
    let told = till.told(&order, &[AUTHORIZED, CAPTURED]).await;
    let captured: wire::PaymentCaptured = told[1].decode().unwrap();
    assert_eq!((captured.amount, told[1].causation_id), (Some(money_to_wire(due())), Some(collected.id())));

    let payment = till.found(&order).await.unwrap().payment;
    assert_eq!((payment.status, payment.captured), (Status::Captured, due()));
    let posted = [("capture", "carrier_clearing", 4_200), ("capture", "escrow", -4_200)];
    let posted = posted.map(|(kind, account, minor)| (kind.to_owned(), account.to_owned(), minor));
    assert_eq!(till.postings(&order).await, posted);
    assert!(till.operations(&order).await.is_empty());
    assert_eq!(till.charge(&order), None);
    assert!(till.parked().await.is_empty());
    till.assert_books_balance().await;
}

#[tokio::test]
async fn cash_may_be_heard_of_before_the_confirmation() {
    let (till, _replica) = Till::open().await;
    let order = Order::for_cash();
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    till.publish_and_wait(&[&order.collected(due()), &order.confirmed()]).await;
    till.told(&order, &[AUTHORIZED, CAPTURED]).await;
    assert!(till.parked().await.is_empty());
    till.assert_books_balance().await;
}

/// Parcels that did not arrive are not paid for.
#[tokio::test]
async fn less_cash_than_was_agreed_is_captured_as_it_came() {
    let (till, _replica) = Till::open().await;
    let order = confirmed(&till).await;
    till.publish_and_wait(&[&order.collected(euros(3_000))]).await;
    let told = till.told(&order, &[AUTHORIZED, CAPTURED]).await;
    let captured: wire::PaymentCaptured = told[1].decode().unwrap();
    assert_eq!(captured.amount, Some(money_to_wire(euros(3_000))));
    let payment = till.found(&order).await.unwrap().payment;
    assert_eq!((payment.status, payment.captured, payment.due), (Status::Captured, euros(3_000), due()));
    // It was that much, and no other.
    till.publish_and_wait(&[&order.collected(due())]).await;
    let reasons = till.parked().await;
    assert!(reasons.len() == 1 && reasons[0].starts_with("refused: CASH_MISMATCH"), "{reasons:?}");
    till.assert_books_balance().await;
}

#[tokio::test]
async fn of_a_modified_order_no_more_cash_is_due_than_it_costs_now() {
    let (till, _replica) = Till::open().await;
    let order = Order::for_cash();
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    till.publish_and_wait(&[&order.modified(2, euros(3_000)), &order.confirmed()]).await;
    till.publish_and_wait(&[&order.collected(euros(3_001))]).await;
    let reasons = till.parked().await;
    assert!(reasons.len() == 1 && reasons[0].starts_with("refused: CASH_MISMATCH"), "{reasons:?}");

    let other = Order::for_cash();
    till.publish_and_wait(&[&other.created(), &other.modified(2, euros(3_000)), &other.reserved(&till)]).await;
    let told = till.told(&other, &[AUTHORIZED]).await;
    let authorized: wire::PaymentAuthorized = told[0].decode().unwrap();
    assert_eq!(authorized.amount, Some(money_to_wire(euros(3_000))));
    till.publish_and_wait(&[&other.confirmed(), &other.collected(euros(3_000))]).await;
    till.told(&other, &[AUTHORIZED, CAPTURED]).await;
    till.assert_books_balance().await;
}

#[tokio::test]
async fn what_was_paid_by_card_becomes_the_sellers_at_delivery() {
    let (till, _replica) = Till::open().await;
    let order = Order::by_card("tok_approved");
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    till.publish(&[&order.confirmed()]).await;
    till.told(&order, &[AUTHORIZED, CAPTURED]).await;
    assert!(till.posted(&order, "release").await.is_empty());
    till.publish_and_wait(&[&order.delivered(), &order.delivered()]).await;
    assert_eq!(till.posted(&order, "release").await, released());
    assert_eq!(till.history(&order).await, [AUTHORIZED, CAPTURED]);
    assert!(till.parked().await.is_empty());
    till.assert_books_balance().await;
}

#[tokio::test]
async fn cash_becomes_the_sellers_when_it_is_in_and_the_order_is_delivered_whichever_comes_second() {
    let (till, _replica) = Till::open().await;
    let (cash_first, delivered_first) = (confirmed(&till).await, confirmed(&till).await);
    till.publish_and_wait(&[&cash_first.collected(due()), &delivered_first.delivered()]).await;
    for order in [&cash_first, &delivered_first] {
        assert!(till.posted(order, "release").await.is_empty());
    }
    till.publish_and_wait(&[&cash_first.delivered(), &delivered_first.collected(due())]).await;
    for order in [&cash_first, &delivered_first] {
        assert_eq!(till.posted(order, "release").await, released());
    }
    assert!(till.parked().await.is_empty());
    till.assert_books_balance().await;
}

#[tokio::test]
async fn a_delivery_that_was_not_paid_for_is_parked() {
    let (till, _replica) = Till::open().await;
    let (unheard_of, by_card) = (Order::for_cash(), Order::by_card("tok_approved"));
    till.publish(&[&by_card.created(), &by_card.reserved(&till)]).await;
    till.told(&by_card, &[AUTHORIZED]).await;
    for order in [&unheard_of, &by_card] {
        till.publish_and_wait(&[&order.delivered()]).await;
        assert!(till.postings(order).await.is_empty());
    }
    let reasons = till.parked().await;
    assert_eq!(reasons.len(), 2);
    assert!(reasons.iter().all(|reason| reason.starts_with("refused: DELIVERED_UNPAID")), "{reasons:?}");
}

#[tokio::test]
async fn more_cash_than_is_due_is_parked() {
    let (till, _replica) = Till::open().await;
    let wrong = [euros(4_201), Money::from_minor(Order::TOTAL_MINOR, Currency::USD)];
    for amount in wrong {
        let order = confirmed(&till).await;
        till.publish_and_wait(&[&order.collected(amount)]).await;
        assert_eq!(till.found(&order).await.unwrap().payment.status, Status::Authorized);
    }
    let reasons = till.parked().await;
    assert_eq!(reasons.len(), wrong.len());
    assert!(reasons.iter().all(|reason| reason.starts_with("refused: CASH_MISMATCH")), "{reasons:?}");
    till.assert_books_balance().await;
}

#[tokio::test]
async fn cash_that_is_not_due_is_parked() {
    let (till, _replica) = Till::open().await;
    let (unheard_of, pending, by_card) = (Order::for_cash(), Order::for_cash(), Order::by_card("tok_approved"));
    till.publish_and_wait(&[&pending.created(), &by_card.created(), &by_card.reserved(&till)]).await;
    till.told(&by_card, &[AUTHORIZED]).await;
    let voided = confirmed(&till).await;
    till.publish_and_wait(&[&voided.cancelled()]).await;
    for order in [&unheard_of, &pending, &by_card, &voided] {
        till.publish_and_wait(&[&order.collected(due())]).await;
        assert!(till.postings(order).await.is_empty());
    }
    till.told(&voided, &[AUTHORIZED, VOIDED]).await;
    let reasons = till.parked().await;
    assert_eq!(reasons.len(), 4);
    assert!(reasons.iter().all(|reason| reason.starts_with("refused: CASH_NOT_DUE")), "{reasons:?}");
    assert!(till.found(&unheard_of).await.is_none());
    till.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_that_ends_after_its_cash_was_taken_is_left_to_an_operator() {
    let (till, _replica) = Till::open().await;
    let order = confirmed(&till).await;
    till.publish_and_wait(&[&order.collected(due()), &order.cancelled()]).await;
    let reasons = till.parked().await;
    assert_eq!(reasons.len(), 1);
    assert!(reasons[0].starts_with("refused: CASH_TAKEN"), "{reasons:?}");
    assert_eq!(till.found(&order).await.unwrap().payment.status, Status::Captured);
    assert!(till.operations(&order).await.is_empty());
    till.assert_books_balance().await;
}

#[tokio::test]
async fn cash_that_cannot_be_read_is_parked_and_others_flow_on() {
    let (till, _replica) = Till::open().await;
    let with = |change: fn(&mut CashCollected)| {
        let order = Order::for_cash();
        let (order_id, amount) = (order.id.to_string(), Some(money_to_wire(due())));
        let mut message = CashCollected { order_id, amount, remittance_reference: String::new() };
        change(&mut message);
        Event::new("shipping", "consignment", order.id.uuid(), 5, &message)
    };
    let broken = [
        with(|message| message.order_id.clear()),
        with(|message| message.order_id = Id::<CashCollected>::generate().to_string()),
        with(|message| message.amount = None),
        with(|message| message.amount = Some(money_to_wire(euros(0)))),
        with(|message| message.amount = Some(money_to_wire(euros(-4_200)))),
    ];
    for event in &broken {
        till.publish_and_wait(&[event]).await;
    }
    let order = confirmed(&till).await;
    till.publish_and_wait(&[&order.collected(due())]).await;
    till.told(&order, &[AUTHORIZED, CAPTURED]).await;
    let reasons = till.parked().await;
    assert_eq!(reasons.len(), broken.len());
    assert!(reasons.iter().all(|reason| reason.starts_with("undecodable: ")), "{reasons:?}");
    till.assert_books_balance().await;
}
