//! The fulfilment saga: facts of orders come in over Kafka, parcels are moved, and facts of shipping go out.

use std::collections::BTreeSet;

use contracts::convert::money_to_wire;
use contracts::orders::v1::{OrderPaid, ShippingInstruction};
use contracts::shipping::v1 as wire;
use futures::future::join_all;
use kernel::{Classified, Id};
use shipping::domain::parcel::ParcelFailure;
use shipping::domain::shipment::ShipmentStatus;
use testkit::Event;

use crate::depot::{DEAD_LETTERS, Depot, ORDERS, contents, euro};
use crate::order::{Order, UNIT_CENTS};

fn line(sku: &str, quantity: i64) -> wire::ShipmentLine {
    wire::ShipmentLine { sku: sku.to_owned(), quantity }
}

#[tokio::test]
async fn a_paid_order_is_sent_from_each_warehouse_that_has_stock_of_it() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("POT", 1), ("CUP", 2), ("CUP", 1)]).and_elsewhere(&[("CUP", 4)]);
    let checkout_id = Id::<Order>::generate().uuid();
    let paid = order.may_leave().in_journey(checkout_id);
    // Twice the same event, and the same fact as another event.
    depot.hear(&[&paid, &paid, &order.may_leave()]).await;

    let told = depot.told(&order, &["ShipmentCreated", "ShipmentCreated"]).await;
    assert!(told.iter().all(|event| event.correlation_id == checkout_id && event.causation_id == Some(paid.id())));
    let created: Vec<wire::ShipmentCreated> = told.iter().map(|event| event.decode().unwrap()).collect();
    let of_warehouse = |index: usize| {
        let warehouse_id = order.allocations[index].0.to_string();
        created.iter().find(|created| created.warehouse_id == warehouse_id).unwrap()
    };
    let shipments = order.shipments();
    for (index, shipment_id, lines) in
        [(0, shipments[0], vec![line("CUP", 3), line("POT", 1)]), (3, shipments[1], vec![line("CUP", 4)])]
    {
        let created = of_warehouse(index);
        assert_eq!((&created.order_id, &created.lines), (&order.id.to_string(), &lines));
        assert_eq!(created.shipment_id, shipment_id.to_string());
        let found = depot.shipment(shipment_id).await;
        assert_eq!((found.status, found.order_id), (ShipmentStatus::Pending, order.id));
        assert_eq!((found.parties.buyer_id, found.parties.seller_id), (order.buyer_id, order.seller_id));
        assert_eq!(found.ship_to.recipients, ["Ada Lovelace"]);
        assert_eq!((found.created_at, found.updated_at), (depot.clock.shown(), depot.clock.shown()));
    }
    assert!(depot.parked().await.is_empty());
    depot.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_whose_goods_may_not_leave_yet_is_nothing_to_shipping() {
    let (depot, _replicas) = Depot::open(1).await;
    let (prepaid, in_cash) = (Order::of(&[("CUP", 1)]), Order::of(&[("CUP", 1)]).in_cash(100));
    depot.hear(&[&prepaid.confirmed(None), &prepaid.may_leave()]).await;
    depot.told(&prepaid, &["ShipmentCreated"]).await;
    // In cash it is sent first, and the money comes afterwards.
    let (paid, again) = (in_cash.paid(None), in_cash.may_leave());
    depot.hear(&[&in_cash.may_leave(), &paid, &again]).await;
    depot.told(&in_cash, &["ShipmentCreated"]).await;
    let noted: i64 = sqlx::query_scalar("SELECT count(*) FROM inbox WHERE event_id = $1")
        .bind(paid.id())
        .fetch_one(depot.store.pool())
        .await
        .unwrap();
    assert_eq!(noted, 0);
    assert!(depot.parked().await.is_empty());
}

#[tokio::test]
async fn an_order_leaves_in_parcels_and_arrives_as_a_whole() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 3), ("POT", 1)]).and_elsewhere(&[("PAN", 2)]);
    depot.hear(&[&order.may_leave()]).await;
    let [here, there] = order.shipments()[..] else { panic!("two warehouses") };
    let (first, found) = depot.dispatch(&order, here, &[("CUP", 2)]).await.unwrap();
    assert_eq!(found.status, ShipmentStatus::PartlyDispatched);
    let (pans, found) = depot.dispatch(&order, there, &[]).await.unwrap();
    assert_eq!(found.status, ShipmentStatus::Dispatched);
    // A parcel may arrive before the next one leaves.
    assert_eq!(depot.deliver(&order, here, first).await.status, ShipmentStatus::PartlyDispatched);
    let (rest, found) = depot.dispatch(&order, here, &[]).await.unwrap();
    assert_eq!(found.shipment.parcels[&rest].contents, contents(&[("CUP", 1), ("POT", 1)]));
    assert_eq!(depot.deliver(&order, here, rest).await.status, ShipmentStatus::Delivered);
    assert_eq!(depot.deliver(&order, there, pans).await.status, ShipmentStatus::Delivered);
    depot.deliver(&order, there, pans).await;

    let told = depot
        .told(
            &order,
            &[
                "ShipmentCreated",
                "ShipmentCreated",
                "ShipmentDispatched",
                "ShipmentDispatched",
                "ShipmentDelivered",
                "ShipmentDispatched",
                "ShipmentDelivered",
                "ShipmentDelivered",
            ],
        )
        .await;
    let dispatched: Vec<wire::ShipmentDispatched> =
        [2, 3, 5].map(|index: usize| told[index].decode().unwrap()).into_iter().collect();
    let expected = [
        (here, first, vec![line("CUP", 2)], vec![line("CUP", 2)], false),
        (there, pans, vec![line("PAN", 2)], vec![line("PAN", 2)], false),
        (here, rest, vec![line("CUP", 1), line("POT", 1)], vec![line("CUP", 3), line("POT", 1)], true),
    ];
    for (event, (shipment_id, parcel_id, lines, so_far, is_last)) in dispatched.iter().zip(expected) {
        assert_eq!((&event.shipment_id, &event.parcel_id), (&shipment_id.to_string(), &parcel_id.to_string()));
        assert_eq!((&event.lines, &event.dispatched_lines, event.order_dispatched), (&lines, &so_far, is_last));
        assert_eq!((event.carrier.as_str(), event.tracking_number.len()), ("DHL", 36));
    }
    let delivered: Vec<wire::ShipmentDelivered> =
        [4, 6, 7].map(|index: usize| told[index].decode().unwrap()).into_iter().collect();
    let arrived: Vec<_> = delivered.iter().map(|event| (event.parcel_id.clone(), event.order_delivered)).collect();
    let expected = [(first, false), (rest, false), (pans, true)];
    assert_eq!(arrived, expected.map(|(parcel_id, is_last)| (parcel_id.to_string(), is_last)));
    depot.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_in_cash_is_sent_delivered_and_its_cash_is_passed_on() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 2)]).in_cash(4_060);
    depot.hear(&[&order.may_leave()]).await;
    let shipment_id = order.shipments()[0];
    let (parcel_id, _) = depot.dispatch(&order, shipment_id, &[]).await.unwrap();
    depot.deliver(&order, shipment_id, parcel_id).await;
    depot.remit(&order, euro(4_060)).await;
    depot.remit(&order, euro(4_060)).await;

    let names = ["ShipmentCreated", "ShipmentDispatched", "ShipmentDelivered", "CashCollected"];
    let told = depot.told(&order, &names).await;
    let collected: wire::CashCollected = told[3].decode().unwrap();
    assert_eq!(collected.amount, Some(money_to_wire(euro(4_060))));
    assert_eq!((collected.order_id, collected.remittance_reference.as_str()), (order.id.to_string(), "R-1"));
    depot.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_of_which_a_parcel_fails_arrives_without_it() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 3), ("POT", 1)]).and_elsewhere(&[("PAN", 2)]).in_cash(4_060);
    depot.hear(&[&order.may_leave()]).await;
    let [here, there] = order.shipments()[..] else { panic!("two warehouses") };
    let (cups, _) = depot.dispatch(&order, here, &[("CUP", 2)]).await.unwrap();
    let (rest, _) = depot.dispatch(&order, here, &[]).await.unwrap();
    let (pans, _) = depot.dispatch(&order, there, &[]).await.unwrap();
    assert_eq!(depot.fail(&order, there, pans, ParcelFailure::Lost).await.status, ShipmentStatus::Failed);
    assert_eq!(depot.deliver(&order, here, cups).await.status, ShipmentStatus::Dispatched);
    assert_eq!(depot.fail(&order, here, rest, ParcelFailure::Refused).await.status, ShipmentStatus::Delivered);
    depot.fail(&order, here, rest, ParcelFailure::Refused).await;
    depot.remit(&order, euro(4_060 - 4 * UNIT_CENTS)).await;

    let names = [
        "ShipmentCreated",
        "ShipmentCreated",
        "ShipmentDispatched",
        "ShipmentDispatched",
        "ShipmentDispatched",
        "ShipmentFailed",
        "ShipmentDelivered",
        "ShipmentFailed",
        "CashCollected",
    ];
    let told = depot.told(&order, &names).await;
    let [first, last] = [5, 7].map(|index: usize| told[index].decode::<wire::ShipmentFailed>().unwrap());
    assert_eq!((first.failure(), &first.shipment_id), (wire::ParcelFailure::Lost, &there.to_string()));
    assert_eq!((first.lines, first.order_delivered, first.order_failed), (vec![line("PAN", 2)], false, false));
    assert_eq!((last.failure(), &last.parcel_id), (wire::ParcelFailure::Refused, &rest.to_string()));
    assert_eq!(last.lines, [line("CUP", 1), line("POT", 1)]);
    assert!(last.order_delivered && !last.order_failed);
    assert!(!told[6].decode::<wire::ShipmentDelivered>().unwrap().order_delivered);
    depot.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_of_which_everything_fails_says_so_with_the_last_parcel() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 1)]).and_elsewhere(&[("POT", 1)]);
    depot.hear(&[&order.may_leave()]).await;
    for shipment_id in order.shipments() {
        let (parcel_id, _) = depot.dispatch(&order, shipment_id, &[]).await.unwrap();
        let found = depot.fail(&order, shipment_id, parcel_id, ParcelFailure::ReturnedToSender).await;
        assert_eq!(found.status, ShipmentStatus::Failed);
    }
    let names = [
        "ShipmentCreated",
        "ShipmentCreated",
        "ShipmentDispatched",
        "ShipmentFailed",
        "ShipmentDispatched",
        "ShipmentFailed",
    ];
    let told = depot.told(&order, &names).await;
    let failed = [3, 5].map(|index: usize| told[index].decode::<wire::ShipmentFailed>().unwrap());
    assert_eq!(failed.each_ref().map(|event| event.order_failed), [false, true]);
    assert!(failed.iter().all(|event| !event.order_delivered));
    depot.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parcels_that_compete_for_the_last_unit_never_ship_more_than_there_is() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 5), ("POT", 20)]);
    depot.happen(vec![order.asked()]).await;
    let shipment_id = order.shipments()[0];
    let attempts = (0..20).map(|_| depot.dispatch(&order, shipment_id, &[("CUP", 1), ("POT", 1)]));
    let (left, refused): (Vec<_>, Vec<_>) = join_all(attempts).await.into_iter().partition(Result::is_ok);
    let reasons: BTreeSet<_> = refused.into_iter().map(|refused| refused.unwrap_err().reason()).collect();
    assert_eq!((left.len(), reasons), (5, BTreeSet::from(["MORE_THAN_ORDERED"])));
    let found = depot.shipment(shipment_id).await;
    assert_eq!(found.shipment.dispatched(), contents(&[("CUP", 5), ("POT", 5)]));
    depot.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_that_is_cancelled_in_time_never_leaves() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 2)]).and_elsewhere(&[("POT", 1)]).in_cash(100);
    let (cancellation, again) = (order.cancellation(), order.cancellation());
    depot.hear(&[&order.may_leave(), &cancellation, &cancellation, &again, &order.may_leave()]).await;
    let told = depot.told(&order, &["ShipmentCreated", "ShipmentCreated", "ShipmentCancelled"]).await;
    assert_eq!(told[2].causation_id, Some(cancellation.id()));
    for shipment_id in order.shipments() {
        assert_eq!(depot.shipment(shipment_id).await.status, ShipmentStatus::Cancelled);
        let refused = depot.dispatch(&order, shipment_id, &[]).await.unwrap_err();
        assert_eq!(refused.reason(), "SHIPMENT_CANCELLED");
    }
    assert!(depot.parked().await.is_empty());
    depot.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_that_has_begun_to_leave_cannot_be_stopped() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 2)]).and_elsewhere(&[("POT", 1)]).in_cash(100);
    depot.hear(&[&order.may_leave()]).await;
    let [here, there] = order.shipments()[..] else { panic!("two warehouses") };
    depot.dispatch(&order, here, &[("CUP", 1)]).await.unwrap();
    depot.hear(&[&order.cancellation(), &order.cancellation()]).await;
    let names = ["ShipmentCreated", "ShipmentCreated", "ShipmentDispatched", "ShipmentCancelRefused"];
    let told = depot.told(&order, &names).await;
    let refused: wire::ShipmentCancelRefused = told[3].decode().unwrap();
    assert_eq!(refused.reason, "ALREADY_DISPATCHED");
    // The rest goes on.
    depot.dispatch(&order, here, &[]).await.unwrap();
    assert_eq!(depot.dispatch(&order, there, &[]).await.unwrap().1.status, ShipmentStatus::Dispatched);
    depot.assert_books_balance().await;
}

#[tokio::test]
async fn a_paid_order_whose_money_is_wanted_back_in_time_never_leaves() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 2)]).and_elsewhere(&[("POT", 1)]);
    let (refund, again) = (order.refund(), order.refund());
    depot.hear(&[&order.may_leave(), &refund, &refund, &again, &order.may_leave()]).await;
    let told = depot.told(&order, &["ShipmentCreated", "ShipmentCreated", "ShipmentCancelled"]).await;
    assert_eq!(told[2].causation_id, Some(refund.id()));
    for shipment_id in order.shipments() {
        assert_eq!(depot.shipment(shipment_id).await.status, ShipmentStatus::Cancelled);
        let refused = depot.dispatch(&order, shipment_id, &[]).await.unwrap_err();
        assert_eq!(refused.reason(), "SHIPMENT_CANCELLED");
    }
    assert!(depot.parked().await.is_empty());
    depot.assert_books_balance().await;
}

#[tokio::test]
async fn a_paid_order_that_has_begun_to_leave_goes_on_although_its_money_is_wanted_back() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 2)]);
    depot.hear(&[&order.may_leave()]).await;
    let shipment_id = order.shipments()[0];
    depot.dispatch(&order, shipment_id, &[("CUP", 1)]).await.unwrap();
    depot.hear(&[&order.refund(), &order.refund()]).await;
    let told = depot.told(&order, &["ShipmentCreated", "ShipmentDispatched", "ShipmentCancelRefused"]).await;
    let refused: wire::ShipmentCancelRefused = told[2].decode().unwrap();
    assert_eq!(refused.reason, "ALREADY_DISPATCHED");
    assert_eq!(depot.dispatch(&order, shipment_id, &[]).await.unwrap().1.status, ShipmentStatus::Dispatched);
    assert!(depot.parked().await.is_empty());
    depot.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_meets_a_parcel_and_one_of_them_is_told_no() {
    let (depot, _replicas) = Depot::open(1).await;
    let orders: Vec<_> = (0..40).map(|_| Order::of(&[("CUP", 1)]).in_cash(100)).collect();
    depot.happen(orders.iter().map(Order::asked).collect()).await;
    let race = async |order: &Order| {
        let cancellation = order.cancellation();
        let cancelled = [&cancellation];
        tokio::join!(depot.dispatch(order, order.shipments()[0], &[]), depot.hear(&cancelled)).0
    };
    let outcomes = join_all(orders.iter().map(race)).await;
    for (order, outcome) in orders.iter().zip(outcomes) {
        let names: &[&str] = match outcome {
            Ok(_) => &["ShipmentCreated", "ShipmentDispatched", "ShipmentCancelRefused"],
            Err(refused) => {
                assert_eq!(refused.reason(), "SHIPMENT_CANCELLED");
                &["ShipmentCreated", "ShipmentCancelled"]
            }
        };
        assert_eq!(depot.history(order).await, names);
    }
    assert!(depot.parked().await.is_empty());
    depot.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_send_each_order_once() {
    let (depot, _replicas) = Depot::open(2).await;
    let orders: Vec<_> = (0..60).map(|_| Order::of(&[("CUP", 1)]).and_elsewhere(&[("POT", 1)])).collect();
    let events: Vec<_> = orders.iter().map(|order| [order.may_leave(), order.may_leave()]).collect();
    join_all(events.iter().map(async |[one, other]| depot.hear(&[one, one, other, one]).await)).await;
    for order in &orders {
        assert_eq!(depot.history(order).await, ["ShipmentCreated", "ShipmentCreated"]);
    }
    assert!(depot.parked().await.is_empty());
    depot.assert_books_balance().await;
}

/// The instruction of an order with something wrong.
fn spoilt(order: &Order, spoil: impl FnOnce(&mut ShippingInstruction)) -> Event {
    let mut instruction = order.instruction();
    spoil(&mut instruction);
    order.told(Some(instruction))
}

#[tokio::test]
async fn an_instruction_that_cannot_be_read_is_parked_and_others_flow_on() {
    let (depot, _replicas) = Depot::open(1).await;
    let prepaid = || Order::of(&[("CUP", 1), ("POT", 1)]);
    let in_cash = || prepaid().in_cash(100);
    let unreadable = in_cash();
    let broken = [
        (unreadable.may_leave().with_payload(b"\xff\xff\xff"), "is malformed"),
        (spoilt(&prepaid(), |told| told.allocations.clear()), "allocations: there are none"),
        (spoilt(&prepaid(), |told| told.allocations[1].quantity = 0), "allocations[1].quantity"),
        (spoilt(&prepaid(), |told| told.allocations[1].quantity = -1), "allocations[1].quantity"),
        (spoilt(&prepaid(), |told| told.allocations[1].sku = "pot".to_owned()), "allocations[1].sku"),
        (spoilt(&prepaid(), |told| told.allocations[0].warehouse_id.clear()), "allocations[0].warehouse_id"),
        (spoilt(&prepaid(), |told| told.buyer_id = "nobody".to_owned()), "shipping_instruction.buyer_id"),
        (spoilt(&prepaid(), |told| told.seller_id.clear()), "shipping_instruction.seller_id: is required"),
        (spoilt(&prepaid(), |told| told.ship_to = None), "shipping_instruction.ship_to: is required"),
        (spoilt(&prepaid(), |told| told.shipping_service.clear()), "shipping_instruction.shipping_service"),
        (spoilt(&prepaid(), |told| told.ship_to.as_mut().unwrap().region_code.clear()), "ship_to.region_code"),
        (spoilt(&prepaid(), |told| told.ship_to.as_mut().unwrap().recipients.clear()), "ship_to.recipients"),
        (
            spoilt(&prepaid(), |told| told.ship_to.as_mut().unwrap().address_lines = vec![" ".to_owned()]),
            "ship_to.address_lines",
        ),
        // What is paid for is not paid for again at the door, and what is not paid for is.
        (spoilt(&prepaid(), |told| told.cash_to_collect = Some(money_to_wire(euro(1)))), "and the order is paid"),
        (spoilt(&in_cash(), |told| told.cash_to_collect = None), "cash_to_collect: is required"),
        (spoilt(&in_cash(), |told| told.cash_to_collect = Some(money_to_wire(euro(0)))), "must be above zero"),
        (
            spoilt(&in_cash(), |told| told.cash_to_collect.as_mut().unwrap().currency_code = "XXX".to_owned()),
            "cash_to_collect.currency_code",
        ),
        // What units cost is told of exactly those that leave, and is at most what is collected.
        (spoilt(&in_cash(), |told| told.sku_totals.clear()), "sku_totals: one is missing"),
        (spoilt(&in_cash(), |told| told.sku_totals[1].sku = "pot".to_owned()), "sku_totals[1].sku"),
        (spoilt(&in_cash(), |told| told.sku_totals[1].sku = "PAN".to_owned()), "sku_totals[1].quantity"),
        (spoilt(&in_cash(), |told| told.sku_totals[1].quantity = 2), "sku_totals[1].quantity"),
        (spoilt(&in_cash(), |told| told.sku_totals[1].quantity = 0), "sku_totals[1].quantity"),
        (spoilt(&in_cash(), |told| told.sku_totals[1].sku = "CUP".to_owned()), "sku_totals[1].sku: is there twice"),
        (spoilt(&in_cash(), |told| told.sku_totals[1].amount = None), "sku_totals[1].amount: is required"),
        (
            spoilt(&in_cash(), |told| told.sku_totals[1].amount = Some(money_to_wire(euro(-1)))),
            "sku_totals[1].amount: is below zero",
        ),
        (
            spoilt(&in_cash(), |told| told.sku_totals[1].amount = Some(money_to_wire(euro(91)))),
            "sku_totals: are more than is collected",
        ),
        (
            spoilt(&in_cash(), |told| told.sku_totals[1].amount.as_mut().unwrap().currency_code = "USD".to_owned()),
            "sku_totals: ",
        ),
    ];
    for (event, _) in &broken {
        depot.hear(&[event]).await;
    }
    // Behind the first one waits what else is told about its order; nobody else waits.
    depot.hear(&[&unreadable.cancellation()]).await;
    let order = prepaid();
    depot.hear(&[&order.may_leave()]).await;
    depot.told(&order, &["ShipmentCreated"]).await;

    let reasons = depot.parked().await;
    assert_eq!(reasons.len(), broken.len() + 1);
    let (follower, poison) = reasons.split_last().unwrap();
    for (reason, (_, expected)) in poison.iter().zip(&broken) {
        assert!(reason.starts_with("undecodable: ") && reason.contains(expected), "{expected}: {reason}");
    }
    assert!(follower.starts_with("waits behind"), "{follower}");
    depot.kafka.wait_for(DEAD_LETTERS, "every parked event", |events| events.len() == reasons.len()).await;
    depot.assert_books_balance().await;
}

#[tokio::test]
async fn another_instruction_for_the_same_order_is_parked_and_changes_nothing() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 1)]);
    let more = spoilt(&order, |told| told.allocations[0].quantity = 2);
    depot.hear(&[&order.may_leave(), &more]).await;
    let reasons = depot.parked().await;
    assert!(reasons.len() == 1 && reasons[0].starts_with("refused: OTHER_INSTRUCTION"), "{reasons:?}");
    depot.told(&order, &["ShipmentCreated"]).await;
    assert_eq!(depot.shipment(order.shipments()[0]).await.shipment.holds, contents(&[("CUP", 1)]));
}

#[tokio::test]
async fn an_event_under_the_key_of_another_order_is_parked() {
    let (depot, _replicas) = Depot::open(1).await;
    let (order, other) = (Order::of(&[("CUP", 1)]), Order::of(&[("CUP", 1)]));
    let message = OrderPaid {
        order_id: order.id.to_string(),
        shipping_instruction: Some(order.instruction()),
        ..OrderPaid::default()
    };
    depot.hear(&[&Event::new("orders", "order", other.id.uuid(), 2, &message)]).await;
    assert!(depot.parked().await[0].starts_with("undecodable: it is about order"));
    assert!(depot.history(&order).await.is_empty() && depot.history(&other).await.is_empty());
}

#[tokio::test]
async fn a_cancellation_of_an_order_that_is_not_sent_waits_for_an_operator() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 1)]).in_cash(100);
    depot.hear(&[&order.cancellation()]).await;
    assert!(depot.parked().await[0].starts_with("refused: ORDER_NOT_FOUND"));
    assert!(depot.history(&order).await.is_empty());
}

#[tokio::test]
async fn an_event_of_a_type_that_is_not_subscribed_to_is_skipped() {
    let (depot, _replicas) = Depot::open(1).await;
    let order = Order::of(&[("CUP", 1)]);
    let of_tomorrow = order.may_leave().with_type(&format!("{ORDERS}.OrderTeleported"));
    depot.kafka.publish(&of_tomorrow).await;
    depot.hear(&[&order.may_leave()]).await;
    depot.told(&order, &["ShipmentCreated"]).await;
    assert!(depot.parked().await.is_empty());
}
