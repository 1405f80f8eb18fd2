//! The unpaid deadline.

use std::time::Duration;

use contracts::orders::v1 as wire;
use futures::future::join_all;
use messaging::journal;
use orders::domain::status::{FulfilmentStatus, Milestone, PaymentStatus};
use orders::jobs::cancel_unpaid_orders::cancel_unpaid_orders;

use crate::back_office::{BackOffice, Checkout, UNPAID_AFTER, participant};
use crate::others::{authorized, committed};

#[tokio::test]
async fn an_order_that_is_unpaid_when_its_deadline_passes_is_cancelled() {
    let (office, _replica) = BackOffice::open().await;
    let (silent, asked) = (office.new_order().await, office.new_order().await);
    office.hear(&[authorized(asked)]).await;
    let deadline = office.clock.shown() + UNPAID_AFTER;
    office.clock.set(deadline - Duration::from_micros(1));
    assert_eq!(office.sweep().await, 0);
    office.clock.set(deadline);
    assert_eq!(office.sweep().await, 2);
    assert_eq!(office.sweep().await, 0);

    for order_id in [silent, asked] {
        let told = office.told(order_id, &["OrderCreated", "OrderCancelled"]).await;
        assert_eq!(told[1].decode::<wire::OrderCancelled>().unwrap().reason, "UNPAID");
        assert_eq!((told[1].correlation_id, told[1].causation_id), (told[0].correlation_id, None));
        let mut connection = office.store.pool().acquire().await.unwrap();
        let history = journal::read(&mut connection, order_id.uuid()).await.unwrap();
        assert_eq!(history[1].actor, "service:orders");
    }
    // What was on its way is noted, and undone by its owners.
    office.hear(&[committed(asked)]).await;
    let allocated = FulfilmentStatus::Allocated;
    office.assert_stands(asked, Milestone::Cancelled, PaymentStatus::Authorized, allocated).await;
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn a_confirmed_order_outlives_the_deadline_whether_prepaid_or_paid_at_the_door() {
    let (office, _replica) = BackOffice::open().await;
    let prepaid = office.confirmed_order().await;
    let checkout = Checkout::cash_on_delivery();
    let at_the_door = checkout.order_ids[0];
    office.hear(&[checkout.submitted(), authorized(at_the_door), committed(at_the_door)]).await;
    office.clock.advance(2 * UNPAID_AFTER);
    assert_eq!(office.sweep().await, 0);
    for order_id in [prepaid, at_the_door] {
        assert_eq!(office.history(order_id).await, ["OrderCreated", "OrderConfirmed"]);
    }
}

#[tokio::test]
async fn two_replicas_of_the_job_cancel_each_order_once() {
    const ORDERS: usize = 300;
    let (office, _replica) = BackOffice::open().await;
    let checkouts: Vec<_> = (0..ORDERS).map(|_| Checkout::new(1)).collect();
    let submissions: Vec<_> = checkouts.iter().map(Checkout::submitted).collect();
    join_all(submissions.iter().map(|event| office.kafka.publish(event))).await;
    for event in &submissions {
        office.taken(event).await;
    }
    office.clock.advance(UNPAID_AFTER);

    let stores = [office.another_store().await, office.another_store().await];
    let sweepers = stores.map(|store| tokio::spawn(async move { cancel_unpaid_orders(&store, &participant()).await }));
    let cancelled: usize = join_all(sweepers).await.into_iter().map(|swept| swept.unwrap().unwrap().len()).sum();
    assert_eq!(cancelled, ORDERS);
    for checkout in &checkouts {
        assert_eq!(office.history(checkout.order_ids[0]).await, ["OrderCreated", "OrderCancelled"]);
    }
    assert_eq!(office.verify(None).await, []);
}
