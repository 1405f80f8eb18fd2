//! GetShipment.

use std::time::Duration;

use contracts::convert::timestamp_to_wire;
use contracts::shipping::v1::{GetShipmentRequest, ParcelStatus, ShipmentStatus};
use tonic::Code;

use super::{Rpc, delivery, invalid, lines, new_id, parcel, refusal, refused};

fn get(shipment_id: &str) -> GetShipmentRequest {
    GetShipmentRequest { shipment_id: shipment_id.to_owned() }
}

#[tokio::test]
async fn a_shipment_is_read_by_its_buyer_its_seller_operators_and_services() {
    let rpc = Rpc::open().await;
    for bearer in [&rpc.buyer, &rpc.seller, &rpc.operator, &rpc.tokens.service()] {
        let answer = rpc.client().get_shipment(bearer.request(get(&rpc.here().to_string()))).await.unwrap();
        let shipment = answer.into_inner().shipment.unwrap();
        assert_eq!((&shipment.shipment_id, &shipment.order_id), (&rpc.here().to_string(), &rpc.order.id.to_string()));
        assert_eq!(shipment.warehouse_id, rpc.order.allocations[0].0.to_string());
        assert_eq!(shipment.seller_id, rpc.order.seller_id.to_string());
        assert_eq!(shipment.ship_to, rpc.order.instruction().ship_to);
        assert_eq!(shipment.shipping_service, "express");
        assert_eq!(
            (shipment.status(), lines(&shipment.lines)),
            (ShipmentStatus::Pending, vec![("CUP", 4), ("POT", 1)])
        );
        assert!(shipment.parcels.is_empty());
        let now = Some(timestamp_to_wire(rpc.depot.clock.shown()));
        assert_eq!((&shipment.create_time, &shipment.update_time), (&now, &now));
    }
}

#[tokio::test]
async fn a_shipment_is_read_as_it_stands_at_every_step() {
    let rpc = Rpc::open().await;
    let created_at = rpc.depot.clock.shown();
    rpc.depot.clock.advance(Duration::from_mins(1));
    let first = rpc.dispatch(parcel(rpc.here(), &[("CUP", 1)])).await.parcel_id;
    let first_left_at = Some(timestamp_to_wire(rpc.depot.clock.shown()));
    assert_eq!(rpc.get(rpc.here()).await.status(), ShipmentStatus::PartlyDispatched);
    rpc.depot.clock.advance(Duration::from_mins(1));
    let rest = rpc.dispatch(parcel(rpc.here(), &[])).await.parcel_id;
    assert_eq!(rpc.get(rpc.here()).await.status(), ShipmentStatus::Dispatched);
    rpc.depot.clock.advance(Duration::from_mins(1));
    let arrives = async |parcel_id: &str| {
        let request = rpc.operator.request(delivery(rpc.here(), parcel_id));
        rpc.client().record_delivery(request).await.unwrap().into_inner().shipment.unwrap()
    };
    assert_eq!(arrives(&rest).await.status(), ShipmentStatus::Dispatched);
    let shipment = rpc.get(rpc.here()).await;
    let [one, other] = &shipment.parcels[..] else { panic!("{shipment:?}") };
    assert_eq!((&one.parcel_id, &other.parcel_id), (&first, &rest));
    assert_eq!((one.status(), &one.dispatch_time), (ParcelStatus::Dispatched, &first_left_at));
    assert_eq!((lines(&one.lines), &one.deliver_time), (vec![("CUP", 1)], &None));
    let now = Some(timestamp_to_wire(rpc.depot.clock.shown()));
    assert_eq!((other.status(), &other.deliver_time), (ParcelStatus::Delivered, &now));
    assert_eq!(shipment.create_time, Some(timestamp_to_wire(created_at)));
    assert_eq!(shipment.update_time, now);
    assert_eq!(arrives(&first).await.status(), ShipmentStatus::Delivered);
    // The other shipment of the order has nothing to do with it.
    let elsewhere = rpc.get(rpc.elsewhere()).await;
    assert_eq!((elsewhere.status(), elsewhere.update_time), (ShipmentStatus::Pending, elsewhere.create_time));

    rpc.depot.happen(vec![rpc.order.stopped()]).await;
    assert_eq!(rpc.get(rpc.elsewhere()).await.status(), ShipmentStatus::Pending);
}

#[tokio::test]
async fn a_cancelled_shipment_is_read_as_such() {
    let rpc = Rpc::open().await;
    rpc.depot.happen(vec![rpc.order.stopped()]).await;
    for shipment_id in rpc.order.shipments() {
        assert_eq!(rpc.get(shipment_id).await.status(), ShipmentStatus::Cancelled);
    }
}

#[tokio::test]
async fn somebody_elses_shipment_is_not_found_like_one_that_does_not_exist() {
    let rpc = Rpc::open().await;
    let not_found = refused(Code::NotFound, "SHIPMENT_NOT_FOUND", &[]);
    for stranger in rpc.strangers() {
        let request = stranger.request(get(&rpc.here().to_string()));
        assert_eq!(refusal(rpc.client().get_shipment(request)).await, not_found);
    }
    for bearer in [&rpc.buyer, &rpc.operator] {
        assert_eq!(refusal(rpc.client().get_shipment(bearer.request(get(&new_id())))).await, not_found);
    }
}

#[tokio::test]
async fn a_malformed_or_missing_id_is_named_as_the_field_at_fault() {
    let rpc = Rpc::open().await;
    for shipment_id in ["", "17", "{01890a5d-ac96-774b-bcce-b302099a8057}", &"x".repeat(10_000)] {
        let answer = refusal(rpc.client().get_shipment(rpc.operator.request(get(shipment_id)))).await;
        assert_eq!(answer, invalid(&["shipment_id"]));
    }
}
