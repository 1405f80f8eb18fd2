//! Exchanges: goods come back, what they are worth is set aside, and an order sends the same again.

use contracts::orders::v1 as wire;
use contracts::payments::v1::payment_method::Method;
use kernel::{Classified, Id};
use orders::domain::ids::OrderId;
use orders::domain::refund::{RefundKind, RefundRequest, RefundStatus, Units};
use orders::domain::status::{FulfilmentStatus, Milestone, PaymentStatus};

use crate::back_office::{BackOffice, euro};
use crate::others::{captured_part, committed, refunded_part, rejected, returned, undone_part};

const MUG: &[(&str, i64)] = &[("MUG-BLUE", 1)];

fn exchange(lines: &[(&str, i64)], order_id: OrderId) -> RefundRequest {
    let units: Units = lines.iter().map(|(sku, quantity)| (sku.parse().unwrap(), *quantity)).collect();
    RefundRequest::Exchange { units, order_id }
}

/// An order of which a mug came back, and another that is to send a mug anew.
async fn sent_anew(office: &BackOffice) -> (OrderId, OrderId) {
    let (order_id, new_id) = (office.delivered_order().await, Id::generate());
    let asked = office.ask_back(order_id, exchange(MUG, new_id)).await.unwrap();
    assert_eq!((asked.refunds[0].kind, asked.refunds[0].status), (RefundKind::Exchange, RefundStatus::Requested));
    office.hear(&[returned(order_id, MUG, true), returned(order_id, MUG, true)]).await;
    let set_aside = refunded_part(order_id, 1, 1_487, 1_487);
    office.hear(&[set_aside.clone(), set_aside, refunded_part(order_id, 1, 1_487, 1_487)]).await;
    (order_id, new_id)
}

#[tokio::test]
async fn what_came_back_is_sent_anew_by_an_order_that_it_pays_for() {
    let (office, _replica) = BackOffice::open().await;
    let (order_id, new_id) = sent_anew(&office).await;
    assert_eq!(office.refunds(order_id).await, [(RefundStatus::Refunded, 1_487)]);
    let arrived = FulfilmentStatus::Delivered;
    office.assert_stands(order_id, Milestone::Delivered, PaymentStatus::Captured, arrived).await;

    let new = office.order(new_id).await;
    let terms = new.snapshot.terms();
    let lines: Vec<_> = terms.lines.iter().map(|line| (line.sku.as_str(), i64::from(line.quantity))).collect();
    assert_eq!((lines, terms.total, terms.shipping), (MUG.to_vec(), euro(1_487), euro(0)));
    let told = office.told(new_id, &["OrderCreated"]).await;
    let created: wire::OrderCreated = told[0].decode().unwrap();
    let Some(Method::Exchange(paid_by)) = created.payment_method.unwrap().method else { panic!("no exchange") };
    let of = order_id.to_string();
    assert_eq!((paid_by.order_id, paid_by.refund_number, paid_by.charged_order_id), (of.clone(), 1, of));

    office.hear(&[committed(new_id), captured_part(new_id, 1_487)]).await;
    office.assert_stands(new_id, Milestone::Paid, PaymentStatus::Captured, FulfilmentStatus::Allocated).await;
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn if_there_is_none_left_the_money_goes_back() {
    let (office, _replica) = BackOffice::open().await;
    let (_, new_id) = sent_anew(&office).await;
    office.hear(&[rejected(new_id), undone_part(new_id, 1_487), undone_part(new_id, 1_487)]).await;
    office.assert_stands(new_id, Milestone::Failed, PaymentStatus::Refunded, FulfilmentStatus::Unallocated).await;
    assert!(office.parked().await.is_empty());
    assert_eq!(office.verify(None).await, []);
}

#[tokio::test]
async fn the_order_that_sends_anew_may_be_cancelled_but_not_modified() {
    let (office, _replica) = BackOffice::open().await;
    let (_, new_id) = sent_anew(&office).await;
    let refusal = office.modify(new_id, MUG).await.unwrap_err();
    assert_eq!(refusal.reason(), "PAID_BY_EXCHANGE");
    office.cancel(new_id).await.unwrap();
    office.hear(&[undone_part(new_id, 1_487)]).await;
    office.assert_stands(new_id, Milestone::Cancelled, PaymentStatus::Refunded, FulfilmentStatus::Unallocated).await;
    assert!(office.parked().await.is_empty());
}

#[tokio::test]
async fn an_exchange_that_is_not_covered_any_more_is_refused() {
    let (office, _replica) = BackOffice::open().await;
    let order_id = office.delivered_order().await;
    office.ask_back(order_id, RefundRequest::Goodwill(euro(3_000))).await.unwrap();
    let refusal = office.ask_back(order_id, exchange(MUG, Id::generate())).await.unwrap_err();
    assert_eq!(refusal.reason(), "EXCHANGE_NOT_COVERED");
}
