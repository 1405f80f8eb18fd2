//! Goods that come back: parcels that failed, and what a buyer sends back for a refund.

use std::time::Duration;

use contracts::orders::v1::{RefundKind, RefundLine, RefundRequested};
use contracts::shipping::v1 as wire;
use futures::future::join_all;
use kernel::Classified;
use shipping::domain::goods_return::ReturnCondition::{Damaged, NotAccepted, Resalable};
use shipping::domain::goods_return::{ReturnOrigin, ReturnStatus};
use shipping::domain::ids::{ShipmentId, return_of_parcel, return_of_refund, shipment_id};
use shipping::domain::parcel::ParcelFailure;

use crate::depot::{Depot, contents};
use crate::order::Order;

/// Sends everything there is of an order, and delivers it.
async fn deliver_all(depot: &Depot, order: &Order) {
    for shipment_id in order.shipments() {
        let (parcel_id, _) = depot.dispatch(order, shipment_id, &[]).await.unwrap();
        depot.deliver(order, shipment_id, parcel_id).await;
    }
}

fn received(
    sku: &str,
    order: &Order,
    place: usize,
    quantity: i64,
    condition: wire::ReturnCondition,
) -> wire::ReceivedLine {
    let warehouse_id = order.allocations[place].0.to_string();
    wire::ReceivedLine { sku: sku.to_owned(), warehouse_id, quantity, condition: condition.into() }
}

fn accepted(lines: &[(&str, i64)]) -> Vec<wire::ShipmentLine> {
    lines.iter().map(|(sku, quantity)| wire::ShipmentLine { sku: (*sku).to_owned(), quantity: *quantity }).collect()
}

#[tokio::test]
async fn what_a_buyer_sends_back_is_awaited_where_it_left_and_taken_in_by_receipts() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 2), ("POT", 1)]).and_elsewhere(&[("PAN", 1)]);
    depot.hear(&[&order.may_leave()]).await;
    deliver_all(&depot, &order).await;
    let refund = order.refund_of(RefundKind::AfterReturn, 2, &[("CUP", 2), ("PAN", 1)]);
    // Twice the same event, and the same fact as another event.
    depot.hear(&[&refund, &refund, &order.refund_of(RefundKind::AfterReturn, 2, &[("PAN", 1), ("CUP", 2)])]).await;

    let [found] = &depot.returns(&order).await[..] else { panic!("one return") };
    let return_id = return_of_refund(order.id, 2);
    assert_eq!((found.goods_return.id, found.goods_return.origin), (return_id, ReturnOrigin::Refund(2)));
    let (here, elsewhere) = (order.allocations[0].0, order.allocations[2].0);
    let awaited = [(here, contents(&[("CUP", 2)])), (elsewhere, contents(&[("PAN", 1)]))].into();
    assert_eq!((&found.goods_return.awaited, found.goods_return.status), (&awaited, ReturnStatus::Open));

    let in_part: &[_] = &[(Resalable, &[("PAN", 1)][..]), (Damaged, &[("CUP", 1)])];
    assert_eq!(depot.receive(&order, return_id, in_part).await.unwrap().goods_return.status, ReturnStatus::Open);
    let rest: &[_] = &[(NotAccepted, &[("CUP", 1)][..])];
    assert_eq!(depot.receive(&order, return_id, rest).await.unwrap().goods_return.status, ReturnStatus::Received);

    let names = [
        "ShipmentCreated",
        "ShipmentCreated",
        "ShipmentDispatched",
        "ShipmentDelivered",
        "ShipmentDispatched",
        "ShipmentDelivered",
        "ReturnReceived",
        "ReturnReceived",
    ];
    let told = depot.told(&order, &names).await;
    let [first, last] = [6, 7].map(|index: usize| told[index].decode::<wire::ReturnReceived>().unwrap());
    let damaged = received("CUP", &order, 0, 1, wire::ReturnCondition::Damaged);
    let not_accepted = received("CUP", &order, 0, 1, wire::ReturnCondition::NotAccepted);
    let pan = received("PAN", &order, 2, 1, wire::ReturnCondition::Resalable);
    let sorted = |mut lines: Vec<wire::ReceivedLine>| {
        lines.sort_by_key(|line| (line.warehouse_id.clone(), line.condition));
        lines
    };
    assert_eq!((&first.return_id, first.refund_number), (&return_id.to_string(), 2));
    assert_eq!(first.lines, sorted(vec![damaged.clone(), pan.clone()]));
    assert_eq!(first.order_received_lines, first.lines);
    assert_eq!((first.accepted_lines, first.complete), (accepted(&[("CUP", 1), ("PAN", 1)]), false));
    assert_eq!(last.lines, std::slice::from_ref(&not_accepted));
    assert_eq!(last.order_received_lines, sorted(vec![damaged, not_accepted, pan]));
    assert_eq!((last.accepted_lines, last.complete), (accepted(&[("CUP", 1), ("PAN", 1)]), true));
    assert!(depot.parked().await.is_empty());
    depot.assert_books_balance().await;
}

#[tokio::test]
async fn a_parcel_that_is_refused_comes_back_by_itself() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 2), ("POT", 1)]);
    depot.hear(&[&order.may_leave()]).await;
    let shipment_id = order.shipments()[0];
    let (refused, _) = depot.dispatch(&order, shipment_id, &[("CUP", 2)]).await.unwrap();
    let (undeliverable, _) = depot.dispatch(&order, shipment_id, &[]).await.unwrap();
    depot.fail(&order, shipment_id, refused, ParcelFailure::Refused).await;
    depot.clock.advance(Duration::from_mins(1));
    depot.fail(&order, shipment_id, undeliverable, ParcelFailure::ReturnedToSender).await;
    let returns = depot.returns(&order).await;
    let origins: Vec<_> = returns.iter().map(|found| found.goods_return.origin).collect();
    assert_eq!(origins, [ReturnOrigin::Parcel(refused), ReturnOrigin::Parcel(undeliverable)]);

    let return_id = return_of_parcel(order.id, refused);
    depot.receive(&order, return_id, &[(Resalable, &[("CUP", 2)])]).await.unwrap();
    // Of the other parcel only the wrapping came back.
    depot.receive(&order, return_of_parcel(order.id, undeliverable), &[]).await.unwrap();
    let names = [
        "ShipmentCreated",
        "ShipmentDispatched",
        "ShipmentDispatched",
        "ShipmentFailed",
        "ShipmentFailed",
        "ReturnReceived",
        "ReturnReceived",
    ];
    let told = depot.told(&order, &names).await;
    let [first, last] = [5, 6].map(|index: usize| told[index].decode::<wire::ReturnReceived>().unwrap());
    let cups = received("CUP", &order, 0, 2, wire::ReturnCondition::Resalable);
    assert_eq!((first.refund_number, &first.lines), (0, &vec![cups.clone()]));
    assert!(first.complete && last.complete && last.lines.is_empty() && last.accepted_lines.is_empty());
    assert_eq!(last.order_received_lines, [cups]);
    depot.assert_books_balance().await;
}

#[tokio::test]
async fn more_than_the_buyer_has_is_not_awaited_and_an_operator_looks() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 2)]).and_elsewhere(&[("POT", 1)]);
    depot.hear(&[&order.may_leave()]).await;
    let after_return = |number, lines: &[(&str, i64)]| order.refund_of(RefundKind::AfterReturn, number, lines);
    let [here, there] = order.shipments()[..] else { panic!("two warehouses") };
    let deliver = async |shipment_id: ShipmentId| {
        let (parcel_id, _) = depot.dispatch(&order, shipment_id, &[]).await.unwrap();
        depot.deliver(&order, shipment_id, parcel_id).await;
    };
    deliver(here).await;
    depot.hear(&[&after_return(1, &[("CUP", 1)]), &after_return(2, &[("CUP", 2)])]).await;
    let reasons = depot.parked().await;
    assert!(reasons.len() == 1 && reasons[0].starts_with("refused: MORE_THAN_DELIVERED"), "{reasons:?}");
    // Whatever is told of the order afterwards waits behind it.
    deliver(there).await;
    depot.hear(&[&after_return(3, &[("POT", 1)])]).await;
    assert!(depot.parked().await[1].starts_with("waits behind"));
    assert_eq!(depot.returns(&order).await.len(), 1);

    let other = Order::of(&[("CUP", 2)]);
    depot.hear(&[&other.may_leave()]).await;
    deliver_all(&depot, &other).await;
    let twice = |lines: &[(&str, i64)]| other.refund_of(RefundKind::AfterReturn, 1, lines);
    depot.hear(&[&twice(&[("CUP", 1)]), &twice(&[("CUP", 2)])]).await;
    assert!(depot.parked().await.iter().any(|reason| reason.starts_with("refused: OTHER_RETURN")));
    assert_eq!(depot.returns(&other).await[0].goods_return.asked(), contents(&[("CUP", 1)]));

    let unknown = Order::of(&[("CUP", 1)]);
    depot.hear(&[&unknown.refund_of(RefundKind::AfterReturn, 1, &[("CUP", 1)])]).await;
    assert!(depot.parked().await.iter().any(|reason| reason.starts_with("refused: ORDER_NOT_FOUND")));
    depot.assert_books_balance().await;
}

#[tokio::test]
async fn money_that_goes_back_without_goods_is_nothing_to_shipping() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 2)]);
    let of_parcel = order.refund_of(RefundKind::ParcelFailed, 1, &[("CUP", 1)]);
    depot.hear(&[&order.may_leave(), &of_parcel, &order.refund_of(RefundKind::Goodwill, 2, &[])]).await;
    depot.told(&order, &["ShipmentCreated"]).await;
    assert!(depot.returns(&order).await.is_empty() && depot.parked().await.is_empty());
    // Nothing was stopped.
    depot.dispatch(&order, order.shipments()[0], &[]).await.unwrap();
}

#[tokio::test]
async fn a_refund_before_dispatch_stops_the_parcels_whether_it_says_its_kind_or_not() {
    let (depot, _replicas) = Depot::open(1).await;
    for kind in [RefundKind::Unspecified, RefundKind::BeforeDispatch] {
        let order = Order::of(&[("CUP", 2)]);
        depot.hear(&[&order.may_leave(), &order.refund_of(kind, 1, &[])]).await;
        depot.told(&order, &["ShipmentCreated", "ShipmentCancelled"]).await;
        assert!(depot.returns(&order).await.is_empty());
    }
}

#[tokio::test]
async fn a_wish_for_money_that_cannot_be_read_is_parked() {
    let (depot, _replicas) = Depot::open(1).await;
    let line = |sku: &str, quantity| RefundLine { sku: sku.to_owned(), quantity, amount: None };
    let good = RefundRequested {
        kind: RefundKind::AfterReturn.into(),
        refund_number: 1,
        lines: vec![line("CUP", 1)],
        ..RefundRequested::default()
    };
    let broken = [
        (RefundRequested { kind: 99, ..good.clone() }, "kind: 99"),
        (RefundRequested { refund_number: 0, ..good.clone() }, "refund_number"),
        (RefundRequested { refund_number: -1, ..good.clone() }, "refund_number"),
        (RefundRequested { lines: Vec::new(), ..good.clone() }, "lines: there are none"),
        (RefundRequested { lines: vec![line("CUP", 1), line("pot", 1)], ..good.clone() }, "lines[1].sku"),
        (RefundRequested { lines: vec![line("CUP", 0)], ..good }, "lines[0].quantity"),
    ];
    for (requested, _) in &broken {
        let order = Order::of(&[("CUP", 1)]);
        depot.hear(&[&order.may_leave(), &order.wants_back(requested.clone())]).await;
        depot.told(&order, &["ShipmentCreated"]).await;
    }
    let reasons = depot.parked().await;
    assert_eq!(reasons.len(), broken.len());
    for (reason, (_, expected)) in reasons.iter().zip(&broken) {
        assert!(reason.starts_with("undecodable: ") && reason.contains(expected), "{expected}: {reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_that_compete_for_the_last_unit_never_take_back_more_than_left() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 3)]).and_elsewhere(&[("CUP", 2)]);
    depot.happen(vec![order.asked()]).await;
    deliver_all(&depot, &order).await;
    depot.happen(vec![order.sent_back(1, &[("CUP", 5)])]).await;
    let return_id = return_of_refund(order.id, 1);
    let attempts = (0..20).map(|_| depot.receive(&order, return_id, &[(Resalable, &[("CUP", 1)])]));
    let (taken, refused): (Vec<_>, Vec<_>) = join_all(attempts).await.into_iter().partition(Result::is_ok);
    assert_eq!(taken.len(), 5);
    assert!(refused.into_iter().all(|refused| refused.unwrap_err().reason() == "RETURN_COMPLETE"));
    let [found] = &depot.returns(&order).await[..] else { panic!("one return") };
    for place in [0, 1] {
        let (warehouse_id, sku, units) = order.allocations[place];
        let sent = depot.shipment(shipment_id(order.id, warehouse_id)).await.shipment.dispatched();
        assert_eq!(found.goods_return.received().accepted_at(warehouse_id), sent, "{units} of {sku}");
    }
    depot.assert_books_balance().await;
}
