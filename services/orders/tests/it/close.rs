//! Orders are closed when nothing more may happen to them.

use std::time::Duration;

use orders::domain::refund::RefundRequest;
use orders::domain::status::{FulfilmentStatus, Milestone, PaymentStatus};

use crate::back_office::{BackOffice, RETURN_WINDOW};
use crate::others::{captured, delivered, dispatched, refunded, released, returned, stopped};

#[tokio::test]
async fn a_delivered_order_is_closed_when_its_goods_may_not_come_back_any_more() {
    let (office, _replica) = BackOffice::open().await;
    let (prepaid, on_its_way) = (office.delivered_order().await, office.paid_order().await);
    office.hear(&[dispatched(on_its_way, true)]).await;
    let in_cash = office.confirmed_order_in_cash().await;
    office.hear(&[dispatched(in_cash, true), delivered(in_cash, true), captured(in_cash)]).await;
    let deadline = office.clock.shown() + RETURN_WINDOW;
    office.clock.set(deadline - Duration::from_micros(1));
    assert_eq!(office.close().await, 0);
    office.clock.set(deadline);
    assert_eq!(office.close().await, 2);
    assert_eq!(office.close().await, 0);
    for order_id in [prepaid, in_cash] {
        let arrived = FulfilmentStatus::Delivered;
        office.assert_stands(order_id, Milestone::Closed, PaymentStatus::Captured, arrived).await;
    }
    assert_eq!(office.history(on_its_way).await.last().unwrap(), "OrderShipped");
    let walk = ["OrderCreated", "OrderConfirmed", "OrderPaid", "OrderShipped", "OrderDelivered", "OrderClosed"];
    office.told(prepaid, &walk).await;
    let refusal = office.ask_back(prepaid, RefundRequest::AfterReturn([("SPOON".parse().unwrap(), 1)].into())).await;
    assert_eq!(kernel::Classified::reason(&refusal.unwrap_err()), "ORDER_NOT_REFUNDABLE");
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn an_order_is_not_closed_while_its_goods_are_on_their_way_back() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.delivered_order().await;
    let spoon = RefundRequest::AfterReturn([("SPOON".parse().unwrap(), 1)].into());
    office.ask_back(order_id, spoon).await.unwrap();
    office.clock.advance(RETURN_WINDOW);
    assert_eq!(office.close().await, 0);
    office.hear(&[returned(order_id, &[], true)]).await;
    assert_eq!(office.close().await, 1);
    assert!(office.parked().await.is_empty());
}

#[tokio::test]
async fn a_refunded_order_is_closed_once_its_stock_is_released() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.paid_order().await;
    office.request_refund(order_id).await.unwrap();
    office.hear(&[stopped(order_id), refunded(order_id)]).await;
    assert_eq!(office.close().await, 0);
    office.hear(&[released(order_id)]).await;
    assert_eq!(office.close().await, 1);
    let back = FulfilmentStatus::Released;
    office.assert_stands(order_id, Milestone::Closed, PaymentStatus::Refunded, back).await;
    assert_eq!(office.verify(None).await, []);
}
