//! Parts of an order that are stopped before they leave, over Kafka and at once.

use contracts::orders::v1::RefundKind;
use contracts::shipping::v1 as wire;
use futures::future::join_all;
use kernel::Classified as _;
use shipping::domain::shipment::ShipmentStatus;
use testkit::Event;

use crate::depot::{Depot, contents};
use crate::order::Order;

fn part(order: &Order, refund_number: i32, lines: &[(&str, i64)]) -> Event {
    order.refund_of(RefundKind::BeforeDispatch, refund_number, lines)
}

fn units(lines: &[wire::StoppedLine]) -> Vec<(&str, i64)> {
    lines.iter().map(|line| (line.sku.as_str(), line.quantity)).collect()
}

#[tokio::test]
async fn units_that_are_stopped_in_time_never_leave_and_the_rest_does() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 3)]).and_elsewhere(&[("POT", 1)]);
    let [here, there] = order.shipments()[..] else { panic!("two warehouses") };
    let (first, second) = (part(&order, 1, &[("CUP", 1)]), part(&order, 2, &[("CUP", 1), ("POT", 1)]));
    depot.hear(&[&order.may_leave(), &first, &first, &second]).await;
    let names = ["ShipmentCreated", "ShipmentCreated", "ShipmentCancelled", "ShipmentCancelled"];
    let told = depot.told(&order, &names).await;
    let [one, other] = [2, 3].map(|index: usize| told[index].decode::<wire::ShipmentCancelled>().unwrap());
    let (one_part, other_part) = (one.part.unwrap(), other.part.unwrap());
    assert_eq!((one.refund_number, units(&one_part.lines)), (1, vec![("CUP", 1)]));
    assert_eq!(one_part.lines[0].warehouse_id, order.allocations[0].0.to_string());
    assert_eq!((other.refund_number, other_part.lines.len()), (2, 2));
    let mut in_all = units(&other_part.order_stopped_lines);
    in_all.sort_unstable();
    assert_eq!(in_all, [("CUP", 2), ("POT", 1)]);
    assert!(!one_part.order_dispatched && !other_part.order_dispatched);

    assert_eq!(depot.shipment(there).await.status, ShipmentStatus::Cancelled);
    assert_eq!(depot.dispatch(&order, there, &[]).await.unwrap_err().reason(), "SHIPMENT_CANCELLED");
    assert_eq!(depot.dispatch(&order, here, &[("CUP", 2)]).await.unwrap_err().reason(), "MORE_THAN_ORDERED");
    let (parcel_id, found) = depot.dispatch(&order, here, &[]).await.unwrap();
    assert_eq!((found.status, found.shipment.dispatched()), (ShipmentStatus::Dispatched, contents(&[("CUP", 1)])));
    assert_eq!(found.shipment.stopped, contents(&[("CUP", 2)]));
    assert_eq!(depot.deliver(&order, here, parcel_id).await.status, ShipmentStatus::Delivered);
    let told = depot.told(&order, &[&names[..], &["ShipmentDispatched", "ShipmentDelivered"]].concat()).await;
    assert!(told[4].decode::<wire::ShipmentDispatched>().unwrap().order_dispatched);
    assert!(told[5].decode::<wire::ShipmentDelivered>().unwrap().order_delivered);
    assert!(depot.parked().await.is_empty());
    depot.assert_books_balance().await;
}

#[tokio::test]
async fn units_that_have_left_are_not_stopped_and_the_order_goes_on() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 3)]);
    depot.hear(&[&order.may_leave()]).await;
    let here = order.shipments()[0];
    let (parcel_id, _) = depot.dispatch(&order, here, &[("CUP", 2)]).await.unwrap();
    depot.deliver(&order, here, parcel_id).await;
    depot.hear(&[&part(&order, 1, &[("CUP", 2)]), &part(&order, 2, &[("CUP", 1)])]).await;
    let names =
        ["ShipmentCreated", "ShipmentDispatched", "ShipmentDelivered", "ShipmentCancelRefused", "ShipmentCancelled"];
    let told = depot.told(&order, &names).await;
    let refused: wire::ShipmentCancelRefused = told[3].decode().unwrap();
    assert_eq!((refused.refund_number, refused.reason.as_str()), (1, "ALREADY_DISPATCHED"));
    // The last cup that was awaited is stopped, and so the order has arrived.
    let stopped = told[4].decode::<wire::ShipmentCancelled>().unwrap().part.unwrap();
    assert!(stopped.order_dispatched && stopped.order_delivered && !stopped.order_failed);
    assert_eq!(depot.shipment(here).await.status, ShipmentStatus::Delivered);
    depot.assert_books_balance().await;
}

#[tokio::test]
async fn more_than_the_order_has_is_not_stopped_and_an_operator_looks() {
    let (depot, _replicas) = Depot::open(1).await;
    let (order, other) = (Order::of(&[("CUP", 2)]), Order::of(&[("CUP", 2)]));
    depot.hear(&[&order.may_leave(), &other.may_leave(), &part(&order, 1, &[("CUP", 3)])]).await;
    depot.hear(&[&part(&other, 1, &[("CUP", 1)]), &part(&other, 1, &[("CUP", 2)])]).await;
    depot.told(&order, &["ShipmentCreated"]).await;
    depot.told(&other, &["ShipmentCreated", "ShipmentCancelled"]).await;
    let parked = depot.parked().await;
    assert!(
        parked.len() == 2 && parked[0].contains("3 are to be") && parked[1].contains("something else"),
        "{parked:?}"
    );
    depot.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_meets_a_parcel_of_the_same_units_and_one_of_them_is_told_no() {
    let (depot, _replicas) = Depot::open(1).await;
    let orders: Vec<_> = (0..40).map(|_| Order::of(&[("CUP", 2)])).collect();
    depot.happen(orders.iter().map(Order::asked).collect()).await;
    let race = async |order: &Order| {
        let part = part(order, 1, &[("CUP", 1)]);
        let asked = [&part];
        tokio::join!(depot.dispatch(order, order.shipments()[0], &[("CUP", 2)]), depot.hear(&asked)).0
    };
    let outcomes = join_all(orders.iter().map(race)).await;
    for (order, outcome) in orders.iter().zip(outcomes) {
        let names: &[&str] = match outcome {
            Ok(_) => &["ShipmentCreated", "ShipmentDispatched", "ShipmentCancelRefused"],
            Err(refused) => {
                assert_eq!(refused.reason(), "MORE_THAN_ORDERED");
                &["ShipmentCreated", "ShipmentCancelled"]
            }
        };
        assert_eq!(depot.history(order).await, names);
    }
    assert!(depot.parked().await.is_empty());
    depot.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_parts_compete_for_the_last_units_and_one_of_them_is_told_no() {
    let (depot, _replicas) = Depot::open(2).await;
    let orders: Vec<_> = (0..20).map(|_| Order::of(&[("CUP", 3)])).collect();
    depot.happen(orders.iter().map(Order::asked).collect()).await;
    let race = async |order: &Order| {
        let (one, other) = (part(order, 1, &[("CUP", 1)]), part(order, 2, &[("CUP", 1)]));
        let asked = [&one, &other];
        tokio::join!(depot.dispatch(order, order.shipments()[0], &[("CUP", 2)]), depot.hear(&asked)).0
    };
    for (order, outcome) in orders.iter().zip(join_all(orders.iter().map(race)).await) {
        let found = depot.shipment(order.shipments()[0]).await.shipment;
        let (left, stopped): (&[_], i64) = if outcome.is_ok() { (&[("CUP", 2)], 1) } else { (&[], 2) };
        assert_eq!((found.dispatched(), found.stopped), (contents(left), contents(&[("CUP", stopped)])));
    }
    assert!(depot.parked().await.is_empty());
    depot.assert_books_balance().await;
}
