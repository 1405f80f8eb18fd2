use std::collections::BTreeSet;

use contracts::event::all_types;
use contracts::shipping::v1::ShipmentDispatched;

use super::*;
use crate::domain::fixtures::{NOON, contents, euro, order_id, parcel_id, shipment_of, warehouse};
use crate::domain::parcel::Parcel;

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
            delivered_at: None,
        },
        dispatched: contents(&[("CUP", 2), ("POT", 1)]),
        order_dispatched: true,
    }
}

fn every_event() -> Vec<Event> {
    let (order_id, shipment_id) = (order_id(), shipment_of(1));
    vec![
        Event::ShipmentCreated { order_id, shipment_id, warehouse_id: warehouse(1), holds: contents(&[("CUP", 2)]) },
        dispatched(),
        Event::ShipmentDelivered { order_id, shipment_id, parcel_id: parcel_id(1), order_delivered: true },
        Event::ShipmentCancelled { order_id },
        Event::ShipmentCancelRefused { order_id },
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
fn every_event_that_is_subscribed_to_is_in_the_contract() {
    let known = all_types();
    for subscription in SUBSCRIPTIONS {
        assert!(known.iter().any(|event_type| event_type == subscription.event), "{}", subscription.event);
    }
}
