//! The refund saga: what an order was given goes back on sale once if it ended while its money was taken, and stays where it is otherwise.

use contracts::payments::v1::PaymentRefunded;
use inventory::domain::reservation::Status;
use kernel::Id;
use testkit::Event;

use crate::marketplace::{COMMITTED, Marketplace, Order, RELEASED, RESERVED, levels};

#[tokio::test]
async fn the_end_of_an_order_and_its_refund_give_its_stock_back_once_in_whatever_order() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 9)]).await;
    for refund_is_first in [true, false] {
        let order = market.committed_order(&shop, &[("CUP", 3)]).await;
        let (refunded, cancelled) = (order.refunded(), order.cancelled());
        let (first, second) = if refund_is_first { (&refunded, &cancelled) } else { (&cancelled, &refunded) };
        market.publish_and_wait(&[first]).await;
        market.publish_and_wait(&[second]).await;
        let told = market.told(&order, &[RESERVED, COMMITTED, RELEASED]).await;
        assert_eq!(told[2].causation_id, Some(first.id()));
        assert_eq!(market.levels(&shop, "CUP").await, levels(9, 0, 0));
    }
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}

#[tokio::test]
async fn a_refund_leaves_the_stock_alone_also_before_the_parcels_are_heard_of() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5)]).await;
    let order = market.committed_order(&shop, &[("CUP", 3)]).await;
    market.publish_and_wait(&[&order.refund_approved()]).await;
    assert_eq!(market.status(&order).await, Some(Status::Committed));
    assert_eq!(market.levels(&shop, "CUP").await, levels(5, 0, 3));

    // All of it had left.
    market.publish_and_wait(&[&order.dispatched(&order.parcel(&shop, &[("CUP", 3)]))]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(2, 0, 0));
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}

#[tokio::test]
async fn a_refund_of_an_order_that_nothing_is_committed_to_is_parked() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 9)]).await;
    let [unheard_of, unpaid] = [(); 2].map(|()| Order::new(&shop, &[("CUP", 3)]));
    market.publish_and_wait(&[&unpaid.created()]).await;
    for order in [&unheard_of, &unpaid] {
        market.publish_and_wait(&[&order.refund_approved()]).await;
    }
    let reasons = market.parked().await;
    assert_eq!(reasons.len(), 2);
    assert!(reasons.iter().all(|reason| reason.starts_with("refused: NOTHING_COMMITTED")), "{reasons:?}");
    assert_eq!(market.status(&unheard_of).await, None);
    assert_eq!(market.levels(&shop, "CUP").await, levels(9, 3, 0));
    market.assert_books_balance().await;
}

/// What was set aside for it by an exchange goes back before anything is committed, and may be heard of before the order's own end.
#[tokio::test]
async fn money_that_goes_back_because_an_order_ended_ends_its_reservation_too() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 9)]).await;
    let [unheard_of, reserved] = [(); 2].map(|()| Order::new(&shop, &[("CUP", 3)]));
    market.publish_and_wait(&[&reserved.created()]).await;
    for order in [&unheard_of, &reserved] {
        market.publish_and_wait(&[&order.refunded(), &order.cancelled()]).await;
    }
    market.publish_and_wait(&[&unheard_of.created()]).await;
    let statuses = [market.status(&unheard_of).await, market.status(&reserved).await];
    assert_eq!(statuses, [Some(Status::Tombstone), Some(Status::Released)]);
    assert_eq!(market.levels(&shop, "CUP").await, levels(9, 0, 0));
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}

#[tokio::test]
async fn a_refund_that_cannot_be_read_is_parked_and_others_flow_on() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 9)]).await;
    let message = PaymentRefunded { order_id: "nobody's".to_owned(), ..PaymentRefunded::default() };
    let broken = Event::new("payments", "payment", Id::<PaymentRefunded>::generate().uuid(), 3, &message);
    market.publish_and_wait(&[&broken]).await;
    let order = market.committed_order(&shop, &[("CUP", 3)]).await;
    market.publish_and_wait(&[&order.refunded()]).await;
    market.told(&order, &[RESERVED, COMMITTED, RELEASED]).await;
    let reasons = market.parked().await;
    assert!(reasons.len() == 1 && reasons[0].starts_with("undecodable: "), "{reasons:?}");
    market.assert_books_balance().await;
}
