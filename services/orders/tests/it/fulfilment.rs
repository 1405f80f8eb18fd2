//! The fulfilment saga: facts of shipping come in over Kafka, and orders draw the conclusion.

use contracts::orders::v1 as wire;
use orders::domain::status::{FulfilmentStatus, Milestone, PaymentStatus};

use crate::back_office::BackOffice;
use crate::others::{captured, captured_part, delivered, dispatched, lost, not_stopped, stopped, voided};

#[tokio::test]
async fn a_prepaid_order_is_shipped_and_delivered_with_its_last_parcel() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.confirmed_order().await;
    office.hear(&[captured(order_id), dispatched(order_id, false)]).await;
    let partly = FulfilmentStatus::PartlyShipped;
    office.assert_stands(order_id, Milestone::Paid, PaymentStatus::Captured, partly).await;
    let last = dispatched(order_id, true);
    // Twice the same event, and the same fact as another event.
    office.hear(&[last.clone(), last, dispatched(order_id, true), delivered(order_id, false)]).await;
    let shipped = FulfilmentStatus::Shipped;
    office.assert_stands(order_id, Milestone::Shipped, PaymentStatus::Captured, shipped).await;
    office.hear(&[delivered(order_id, true), delivered(order_id, true)]).await;
    let arrived = FulfilmentStatus::Delivered;
    office.assert_stands(order_id, Milestone::Delivered, PaymentStatus::Captured, arrived).await;

    let expected = ["OrderCreated", "OrderConfirmed", "OrderPaid", "OrderShipped", "OrderDelivered"];
    let told = office.told(order_id, &expected).await;
    assert_eq!(told[1].decode::<wire::OrderConfirmed>().unwrap().shipping_instruction, None);
    let created: wire::OrderCreated = told[0].decode().unwrap();
    let instruction = told[2].decode::<wire::OrderPaid>().unwrap().shipping_instruction.unwrap();
    assert_eq!((instruction.ship_to, instruction.seller_id), (created.ship_to, created.seller_id));
    assert_eq!((instruction.shipping_service.as_str(), created.shipping_service.as_str()), ("express", "express"));
    assert_eq!((instruction.buyer_id, instruction.cash_to_collect), (created.buyer_id, None));
    let allocated = instruction.allocations.iter().map(|allocation| (allocation.sku.as_str(), allocation.quantity));
    assert_eq!(allocated.collect::<Vec<_>>(), [("MUG-BLUE", 2), ("SPOON", 1)]);
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn an_order_paid_in_cash_ships_first_and_is_paid_at_the_door() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.confirmed_order_in_cash().await;
    office.hear(&[dispatched(order_id, true), delivered(order_id, true), captured(order_id)]).await;
    let arrived = FulfilmentStatus::Delivered;
    office.assert_stands(order_id, Milestone::Paid, PaymentStatus::Captured, arrived).await;

    let expected = ["OrderCreated", "OrderConfirmed", "OrderShipped", "OrderDelivered", "OrderPaid"];
    let told = office.told(order_id, &expected).await;
    let created: wire::OrderCreated = told[0].decode().unwrap();
    let instruction = told[1].decode::<wire::OrderConfirmed>().unwrap().shipping_instruction.unwrap();
    assert_eq!(instruction.cash_to_collect, created.total);
    assert_eq!(told[4].decode::<wire::OrderPaid>().unwrap().shipping_instruction, None);
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn cash_that_is_heard_of_before_the_parcel_waits_for_it() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.confirmed_order_in_cash().await;
    office.hear(&[captured(order_id), dispatched(order_id, true)]).await;
    let shipped = FulfilmentStatus::Shipped;
    office.assert_stands(order_id, Milestone::Shipped, PaymentStatus::Captured, shipped).await;
    office.hear(&[delivered(order_id, true)]).await;
    let expected = ["OrderCreated", "OrderConfirmed", "OrderShipped", "OrderDelivered", "OrderPaid"];
    office.told(order_id, &expected).await;
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn a_parcel_of_an_order_that_is_not_paid_for_is_parked() {
    let (office, _replica) = BackOffice::open().await;
    let (unpaid, prepaid) = (office.new_order().await, office.confirmed_order().await);
    office.hear(&[dispatched(unpaid, true), delivered(prepaid, true)]).await;
    let parked = office.parked().await;
    assert_eq!(parked.len(), 2, "{parked:?}");
    assert!(parked.iter().all(|reason| reason.contains("ORDER_CONTRADICTED")), "{parked:?}");
    office.told(prepaid, &["OrderCreated", "OrderConfirmed"]).await;
}

#[tokio::test]
async fn an_order_to_be_paid_in_cash_is_cancelled_once_its_parcels_are_stopped() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.confirmed_order_in_cash().await;
    assert!(office.cancel(order_id).await.unwrap().cancellation_requested);
    // Once more, while it is under way.
    assert!(office.cancel(order_id).await.unwrap().cancellation_requested);
    office.told(order_id, &["OrderCreated", "OrderConfirmed", "OrderCancellationRequested"]).await;
    assert_eq!(office.verify(None).await, []);
    office.hear(&[stopped(order_id), stopped(order_id)]).await;
    let expected = ["OrderCreated", "OrderConfirmed", "OrderCancellationRequested", "OrderCancelled"];
    let told = office.told(order_id, &expected).await;
    assert_eq!(told[3].decode::<wire::OrderCancelled>().unwrap().reason, "CANCELLED_BY_BUYER");
    assert!(!office.order(order_id).await.cancellation_requested);
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn a_parcel_that_left_before_it_could_be_stopped_goes_on() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.confirmed_order_in_cash().await;
    office.cancel(order_id).await.unwrap();
    office.hear(&[dispatched(order_id, false), not_stopped(order_id), not_stopped(order_id)]).await;
    let partly = FulfilmentStatus::PartlyShipped;
    office.assert_stands(order_id, Milestone::Confirmed, PaymentStatus::Authorized, partly).await;
    assert!(!office.order(order_id).await.cancellation_requested);
    assert!(office.cancel(order_id).await.is_err());
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn what_is_refused_at_the_door_is_not_to_be_paid() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.confirmed_order_in_cash().await;
    office.hear(&[dispatched(order_id, true), lost(order_id, &[("SPOON", 1)], true)]).await;
    office.hear(&[captured_part(order_id, 4_060 - 595)]).await;
    let arrived = FulfilmentStatus::Delivered;
    office.assert_stands(order_id, Milestone::Paid, PaymentStatus::Captured, arrived).await;

    let refused = office.confirmed_order_in_cash().await;
    office.hear(&[dispatched(refused, true), lost(refused, &[("MUG-BLUE", 2), ("SPOON", 1)], false)]).await;
    office.hear(&[voided(refused)]).await;
    let failed = FulfilmentStatus::Failed;
    office.assert_stands(refused, Milestone::Cancelled, PaymentStatus::Voided, failed).await;
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}
