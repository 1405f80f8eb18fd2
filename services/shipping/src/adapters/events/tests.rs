use std::collections::BTreeSet;

use contracts::event::all_types;
use contracts::shipping::v1::{
    ReturnLabelBought, ReturnParcelMoved, ReturnReceived, ShipmentCancelled, ShipmentDispatched, ShipmentFailed,
};

use super::*;
use crate::domain::event::{LabelBought, ParcelMoved, StoppedPart};
use crate::domain::fixtures::{NOON, contents, euro, order_id, parcel_id, shipment_of, warehouse};
use crate::domain::goods_return::{Return, ReturnCondition};
use crate::domain::ids::{return_of_parcel, return_of_refund};
use crate::domain::parcel::{Parcel, ParcelFailure, ParcelState};
use crate::domain::return_label::ReturnParcelStatus;

fn dispatched() -> Event {
    Event::ShipmentDispatched {
        order_id: order_id(),
        shipment_id: shipment_of(1),
        warehouse_id: warehouse(1),
        parcel: Parcel {
            id: parcel_id(1),
            carrier: "DHL".parse().unwrap(),
            tracking_number: "JD1".parse().unwrap(),
            contents: contents(&[("POT", 1)]),
            dispatched_at: NOON,
            state: ParcelState::Dispatched,
        },
        dispatched: contents(&[("CUP", 2), ("POT", 1)]),
        order_dispatched: true,
    }
}

fn failed(failure: ParcelFailure) -> Event {
    Event::ShipmentFailed {
        order_id: order_id(),
        shipment_id: shipment_of(1),
        parcel_id: parcel_id(1),
        failure,
        contents: contents(&[("POT", 1)]),
        order_delivered: true,
        order_failed: false,
    }
}

/// Two cups, of which one is damaged, and a pot that is not accepted came to two warehouses; a cup had come before.
fn received(origin: ReturnOrigin) -> Event {
    let return_id = return_of_parcel(order_id(), parcel_id(1));
    let awaited = [(warehouse(1), contents(&[("CUP", 2)])), (warehouse(2), contents(&[("CUP", 1), ("POT", 1)]))];
    let mut goods_return = Return::new(return_id, origin, awaited.into());
    let sort = |goods_return: &Return, goods: &[(ReturnCondition, &[(&str, i64)])]| {
        let goods = goods.iter().map(|(condition, lines)| (*condition, contents(lines)));
        goods_return.sort_in(&goods.collect()).unwrap()
    };
    let before = sort(&goods_return, &[(ReturnCondition::Resalable, &[("CUP", 1)])]);
    goods_return.receipts.insert("018e4c1f-2b1d-7a61-9d0e-6a1f5c0f7e11".parse().unwrap(), before);
    let now = sort(
        &goods_return,
        &[
            (ReturnCondition::Resalable, &[("CUP", 1)]),
            (ReturnCondition::Damaged, &[("CUP", 1)]),
            (ReturnCondition::NotAccepted, &[("POT", 1)]),
        ],
    );
    goods_return.receipts.insert("018e4c1f-2b1d-7a61-9d0e-6a1f5c0f7e12".parse().unwrap(), now.clone());
    Event::ReturnReceived {
        order_id: order_id(),
        return_id,
        origin,
        received: now,
        order_received: goods_return.received(),
        accepted: goods_return.received().accepted(),
        complete: true,
    }
}

/// A cup here and a pot elsewhere are stopped; a cup was before.
fn part_cancelled() -> Event {
    let (here, there) = (warehouse(1), warehouse(2));
    Event::PartCancelled(StoppedPart {
        order_id: order_id(),
        refund_number: 3,
        stopped: [(here, contents(&[("CUP", 1)])), (there, contents(&[("POT", 1)]))].into(),
        order_stopped: [(here, contents(&[("CUP", 2)])), (there, contents(&[("POT", 1)]))].into(),
        order_dispatched: true,
        order_delivered: true,
        order_failed: false,
    })
}

fn label_bought() -> Event {
    Event::ReturnLabelBought(LabelBought {
        order_id: order_id(),
        return_id: return_of_refund(order_id(), 2),
        refund_number: 2,
        warehouse_id: warehouse(1),
        carrier: "DHL".parse().unwrap(),
        tracking_number: "BACK1".parse().unwrap(),
    })
}

fn parcel_moved(status: ReturnParcelStatus) -> Event {
    Event::ReturnParcelMoved(ParcelMoved {
        order_id: order_id(),
        return_id: return_of_refund(order_id(), 2),
        refund_number: 2,
        warehouse_id: warehouse(1),
        status,
    })
}

fn every_event() -> Vec<Event> {
    let (order_id, shipment_id) = (order_id(), shipment_of(1));
    vec![
        Event::ShipmentCreated { order_id, shipment_id, warehouse_id: warehouse(1), holds: contents(&[("CUP", 2)]) },
        dispatched(),
        Event::ShipmentDelivered { order_id, shipment_id, parcel_id: parcel_id(1), order_delivered: true },
        failed(ParcelFailure::Lost),
        label_bought(),
        parcel_moved(ReturnParcelStatus::Arrived),
        received(ReturnOrigin::Refund(2)),
        Event::ShipmentCancelled { order_id, refund_number: Some(1) },
        part_cancelled(),
        Event::ShipmentCancelRefused { order_id, refund_number: None },
        Event::CashCollected { order_id, amount: euro(1), reference: "R-1".parse().unwrap() },
    ]
}

#[test]
fn every_event_of_ours_in_the_contract_is_told_under_the_orders_id() {
    let encoded: Vec<_> = every_event().iter().map(encode).collect();
    assert!(encoded.iter().all(|event| event.aggregate_id == order_id().uuid()));
    let told: BTreeSet<_> = encoded.into_iter().map(|event| event.event_type).collect();
    let ours = all_types().into_iter().filter(|event_type| event_type.starts_with("tradewind.shipping.v1."));
    assert_eq!(told, ours.collect());
}

#[test]
fn what_is_in_the_parcel_and_what_left_so_far_are_told_apart() {
    let event = ShipmentDispatched::decode(encode(&dispatched()).payload.as_slice()).unwrap();
    let line = |sku: &str, quantity| wire::ShipmentLine { sku: sku.to_owned(), quantity };
    assert_eq!(event.lines, [line("POT", 1)]);
    assert_eq!(event.dispatched_lines, [line("CUP", 2), line("POT", 1)]);
    assert_eq!((event.carrier.as_str(), event.tracking_number.as_str()), ("DHL", "JD1"));
    assert_eq!((event.shipment_id, event.warehouse_id), (shipment_of(1).to_string(), warehouse(1).to_string()));
    assert!(event.order_dispatched);
}

#[test]
fn a_failure_says_why_and_what_was_in_the_parcel() {
    for (failure, told) in [
        (ParcelFailure::Lost, wire::ParcelFailure::Lost),
        (ParcelFailure::Refused, wire::ParcelFailure::Refused),
        (ParcelFailure::ReturnedToSender, wire::ParcelFailure::ReturnedToSender),
    ] {
        let event = ShipmentFailed::decode(encode(&failed(failure)).payload.as_slice()).unwrap();
        assert_eq!((event.failure(), event.order_delivered, event.order_failed), (told, true, false));
        assert_eq!(event.lines, [wire::ShipmentLine { sku: "POT".to_owned(), quantity: 1 }]);
        assert_eq!((event.shipment_id, event.parcel_id), (shipment_of(1).to_string(), parcel_id(1).to_string()));
    }
}

#[test]
fn what_came_now_what_came_of_the_order_and_what_is_accepted_are_told_apart() {
    let read = |origin| ReturnReceived::decode(encode(&received(origin)).payload.as_slice()).unwrap();
    let event = read(ReturnOrigin::Refund(2));
    let line = |sku: &str, place, quantity, condition: wire::ReturnCondition| wire::ReceivedLine {
        sku: sku.to_owned(),
        warehouse_id: warehouse(place).to_string(),
        quantity,
        condition: condition.into(),
    };
    let elsewhere =
        [line("CUP", 2, 1, wire::ReturnCondition::Damaged), line("POT", 2, 1, wire::ReturnCondition::NotAccepted)];
    let here = |quantity| line("CUP", 1, quantity, wire::ReturnCondition::Resalable);
    assert_eq!(event.lines, [&[here(1)], &elsewhere[..]].concat());
    assert_eq!(event.order_received_lines, [&[here(2)], &elsewhere[..]].concat());
    assert_eq!(event.accepted_lines, [wire::ShipmentLine { sku: "CUP".to_owned(), quantity: 3 }]);
    assert_eq!(event.return_id, return_of_parcel(order_id(), parcel_id(1)).to_string());
    assert!(event.complete);
    // Nobody waits for what comes back of a parcel.
    assert_eq!((event.refund_number, read(ReturnOrigin::Parcel(parcel_id(1))).refund_number), (2, 0));
}

#[test]
fn a_label_says_where_it_leads_and_its_parcel_where_it_is() {
    let bought = ReturnLabelBought::decode(encode(&label_bought()).payload.as_slice()).unwrap();
    assert_eq!((bought.carrier.as_str(), bought.tracking_number.as_str()), ("DHL", "BACK1"));
    assert_eq!((bought.refund_number, bought.warehouse_id), (2, warehouse(1).to_string()));
    assert_eq!(bought.return_id, return_of_refund(order_id(), 2).to_string());
    for (status, told) in [
        (ReturnParcelStatus::OnItsWay, wire::ReturnParcelStatus::OnItsWay),
        (ReturnParcelStatus::Lost, wire::ReturnParcelStatus::Lost),
        (ReturnParcelStatus::Arrived, wire::ReturnParcelStatus::Arrived),
    ] {
        let moved = ReturnParcelMoved::decode(encode(&parcel_moved(status)).payload.as_slice()).unwrap();
        assert_eq!((moved.status(), moved.refund_number), (told, 2));
        assert_eq!((&moved.return_id, &moved.warehouse_id), (&bought.return_id, &warehouse(1).to_string()));
    }
}

#[test]
fn a_part_that_is_stopped_is_told_from_all_of_it_and_says_what_was_stopped_in_all() {
    let read = |event: &Event| ShipmentCancelled::decode(encode(event).payload.as_slice()).unwrap();
    let whole = read(&Event::ShipmentCancelled { order_id: order_id(), refund_number: None });
    assert_eq!((whole.refund_number, whole.part), (0, None));
    let event = read(&part_cancelled());
    let part = event.part.unwrap();
    let line = |sku: &str, place, quantity| wire::StoppedLine {
        sku: sku.to_owned(),
        warehouse_id: warehouse(place).to_string(),
        quantity,
    };
    assert_eq!((event.refund_number, part.lines), (3, vec![line("CUP", 1, 1), line("POT", 2, 1)]));
    assert_eq!(part.order_stopped_lines, [line("CUP", 1, 2), line("POT", 2, 1)]);
    assert!(part.order_dispatched && part.order_delivered && !part.order_failed);
}

#[test]
fn every_event_that_is_subscribed_to_is_in_the_contract() {
    let known = all_types();
    for subscription in SUBSCRIPTIONS {
        assert!(known.iter().any(|event_type| event_type == subscription.event), "{}", subscription.event);
    }
}
