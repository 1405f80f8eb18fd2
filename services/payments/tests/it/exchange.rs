//! An exchange: what goes back of an order is set aside, and pays for another, or goes back to the card that was charged.

use std::time::Duration;

use contracts::convert::money_to_wire;
use contracts::payments::v1 as wire;
use payments::domain::{OperationKind, Status};

use crate::till::{Order, Till, euros};

const AUTHORIZED: &str = "PaymentAuthorized";
const CAPTURED: &str = "PaymentCaptured";
const REFUNDED: &str = "PaymentRefunded";

fn legs(legs: &[(&str, i64)]) -> Vec<(String, i64)> {
    legs.iter().map(|(account, minor)| ((*account).to_owned(), *minor)).collect()
}

/// An order that was paid, and another for which all of it was set aside.
async fn set_aside(till: &Till, order: Order) -> (Order, Order) {
    till.publish(&[&order.created(), &order.reserved(till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    till.publish(&[&order.confirmed()]).await;
    till.told(&order, &[AUTHORIZED, CAPTURED]).await;
    let new = Order::exchanged_for(&order);
    let event = order.set_aside_for(&new);
    till.publish_and_wait(&[&event, &event, &order.set_aside_for(&new)]).await;
    (order, new)
}

#[tokio::test]
async fn what_is_set_aside_of_an_order_pays_for_another_and_nobody_is_asked() {
    let (till, _replica) = Till::open().await;
    let (order, new) = set_aside(&till, Order::by_card("tok_approved")).await;
    let told = till.told(&order, &[AUTHORIZED, CAPTURED, REFUNDED]).await;
    let set_aside: wire::PaymentRefunded = told[2].decode().unwrap();
    assert_eq!((set_aside.refund_number, set_aside.whole, set_aside.to_credit), (1, true, true));
    assert_eq!(till.posted(&order, "refund").await, legs(&[("escrow", 4_200), ("buyer_credit", -4_200)]));

    till.publish(&[&new.created(), &new.reserved(&till)]).await;
    till.told(&new, &[AUTHORIZED]).await;
    till.publish_and_wait(&[&new.confirmed(), &new.confirmed(), &new.delivered()]).await;
    let told = till.told(&new, &[AUTHORIZED, CAPTURED]).await;
    let captured: wire::PaymentCaptured = told[1].decode().unwrap();
    assert_eq!(captured.amount, Some(money_to_wire(euros(4_200))));
    assert_eq!(till.posted(&new, "capture").await, legs(&[("buyer_credit", 4_200), ("escrow", -4_200)]));
    assert_eq!((till.operations(&new).await.len(), till.charge(&new)), (0, None));
    let charge = till.charge(&order).unwrap();
    assert_eq!((charge.refunds, charge.charged_minor), (0, 4_200), "the buyer has paid, and has the goods");
    assert!(till.parked().await.is_empty());
    till.assert_books_balance().await;

    // What is not wanted either goes back to the card that was charged, and the seller and the marketplace give it back.
    till.publish_and_wait(&[&new.refund_approved(1, euros(4_200))]).await;
    till.told(&new, &[AUTHORIZED, CAPTURED, REFUNDED]).await;
    let charge = till.charge(&order).unwrap();
    assert_eq!((charge.refunds, charge.charged_minor), (1, 0));
    till.assert_books_balance().await;
}

#[tokio::test]
async fn what_was_set_aside_for_an_order_that_is_not_to_be_goes_back_to_the_card_that_was_charged() {
    let (till, _replica) = Till::open().await;
    for reserved in [false, true] {
        let (order, new) = set_aside(&till, Order::by_card("tok_approved")).await;
        till.publish_and_wait(&[&new.created()]).await;
        let mut expected = Vec::new();
        if reserved {
            till.publish_and_wait(&[&new.reserved(&till)]).await;
            expected.push(AUTHORIZED);
        }
        let ended = new.failed();
        till.publish_and_wait(&[&ended, &ended, &new.cancelled()]).await;
        expected.push(REFUNDED);
        let told = till.told(&new, &expected).await;
        let back: wire::PaymentRefunded = told.last().unwrap().decode().unwrap();
        assert_eq!((back.refund_number, back.whole, back.to_credit), (0, true, false));
        till.becomes(&new, Status::Refunded).await;
        let operations = till.operations(&new).await;
        assert_eq!(operations.iter().map(|asked| asked.key.kind).collect::<Vec<_>>(), [OperationKind::Refund]);
        let charge = till.charge(&order).unwrap();
        assert_eq!((charge.refunds, charge.charged_minor), (1, 0), "reserved {reserved}");
    }
    assert!(till.parked().await.is_empty());
    till.assert_books_balance().await;
}

#[tokio::test]
async fn of_an_order_that_ended_before_it_was_created_here_it_goes_back_too() {
    let (till, _replica) = Till::open().await;
    let (order, new) = set_aside(&till, Order::by_card("tok_approved")).await;
    till.publish_and_wait(&[&new.failed(), &new.created()]).await;
    till.told(&new, &[REFUNDED]).await;
    assert_eq!(till.charge(&order).unwrap().charged_minor, 0);
    till.assert_books_balance().await;
}

/// The claim of a worker that died reads it from the table.
#[tokio::test]
async fn a_worker_that_takes_the_refund_from_the_table_knows_whose_card_was_charged() {
    let till = Till::closed().await;
    let _replica = till.start_replica_without_worker().await;
    let worker = till.start_worker("payments-0", Duration::from_secs(1)).await;
    let (order, new) = set_aside(&till, Order::by_card("tok_approved")).await;
    worker.kill().await;
    till.publish_and_wait(&[&new.created(), &new.failed()]).await;
    assert_eq!(till.charge(&order).unwrap().charged_minor, 4_200);
    let _worker = till.start_worker("payments-0", Duration::from_secs(1)).await;
    till.told(&new, &[REFUNDED]).await;
    assert_eq!(till.charge(&order).unwrap().charged_minor, 0);
    till.assert_books_balance().await;
}

#[tokio::test]
async fn of_an_order_that_was_paid_in_cash_it_becomes_credit_again() {
    let (till, _replica) = Till::open().await;
    let order = Order::for_cash();
    till.publish(&[&order.created(), &order.reserved(&till)]).await;
    till.told(&order, &[AUTHORIZED]).await;
    let new = Order::exchanged_for(&order);
    let collected = order.collected(euros(4_200));
    till.publish_and_wait(&[&order.confirmed(), &collected, &order.set_aside_for(&new)]).await;
    till.publish_and_wait(&[&new.created(), &new.failed()]).await;
    let told = till.told(&new, &[REFUNDED]).await;
    assert!(told[0].decode::<wire::PaymentRefunded>().unwrap().to_credit);
    assert_eq!(till.posted(&new, "refund").await, legs(&[("escrow", 4_200), ("buyer_credit", -4_200)]));
    till.assert_books_balance().await;
}
