//! GetReservation.

use std::time::Duration;

use contracts::inventory::v1::{GetReservationRequest, Reservation, ReservationStatus};
use inventory::domain::address::Place;
use inventory::domain::fact::{Dispatch, Fact, PartStop};
use inventory::domain::ids::{OrderId, WarehouseId};
use kernel::{Id, Quantity, Timestamp};
use messaging::{Cause, Caused, EventStore, react};
use testkit::TestClock;
use tonic::{Code, Request};

use super::{Rpc, invalid, new_id, refusal, refused};
use crate::marketplace::{TTL, inventory, sku};

fn question(order_id: &str) -> GetReservationRequest {
    GetReservationRequest { order_id: order_id.to_owned() }
}

pub(super) async fn happens(store: &EventStore, fact: Fact) {
    let mut unit = store.begin().await.unwrap();
    let caused = Caused { fact, cause: Cause::command("service:test") };
    react(&inventory(), &mut unit, &[caused]).await.unwrap();
    unit.commit().await.unwrap();
}

async fn get(rpc: &Rpc, order_id: OrderId) -> Reservation {
    let request = rpc.tokens.service().request(question(&order_id.to_string()));
    rpc.client().get_reservation(request).await.unwrap().into_inner().reservation.unwrap()
}

pub(super) fn order_for(rpc: &Rpc, units: i64) -> (OrderId, Fact) {
    let order_id = Id::generate();
    let lines = vec![(sku("CUP"), Quantity::new(units).unwrap())];
    (order_id, Fact::OrderCreated { order_id, seller_id: rpc.seller_id, lines, ship_to: Place::UNKNOWN })
}

/// So many cups of an order have left a warehouse.
pub(super) fn dispatched(order_id: OrderId, warehouse_id: WarehouseId, cups: i64) -> Fact {
    Fact::ShipmentDispatched(Dispatch {
        order_id,
        shipment_id: Id::generate(),
        parcel_id: Id::generate(),
        warehouse_id,
        dispatched: [(sku("CUP"), Quantity::new(cups).unwrap())].into(),
    })
}

/// So many cups of an order are stopped in a warehouse.
pub(super) fn stopped(order_id: OrderId, warehouse_id: WarehouseId, cups: i64) -> Fact {
    let stopped = [((warehouse_id, sku("CUP")), Quantity::new(cups).unwrap())].into();
    Fact::PartStopped(PartStop { order_id, stopped })
}

#[tokio::test]
async fn a_reservation_is_read_as_it_stands_at_every_step() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    rpc.add(&main, "CUP", 5).await;
    let clock = TestClock::at("2026-03-01T09:00:00Z");
    let store = EventStore::new("inventory", rpc.store.pool().clone(), clock.clock());

    let (paid, created) = order_for(&rpc, 2);
    happens(&store, created).await;
    let reservation = get(&rpc, paid).await;
    assert_eq!((reservation.status(), reservation.version), (ReservationStatus::Active, 1));
    assert_eq!(reservation.order_id, paid.to_string());
    let expires_at: Timestamp = clock.shown() + TTL;
    assert_eq!(reservation.expire_time, Some(contracts::convert::timestamp_to_wire(expires_at)));
    let held = &reservation.allocations[0];
    assert_eq!((held.sku.as_str(), &held.warehouse_id, held.quantity), ("CUP", &main, 2));
    assert!(reservation.dispatched.is_empty());

    happens(&store, Fact::PaymentAuthorized(paid)).await;
    let reservation = get(&rpc, paid).await;
    assert_eq!((reservation.status(), reservation.version), (ReservationStatus::Committed, 2));
    happens(&store, dispatched(paid, main.parse().unwrap(), 1)).await;
    let reservation = get(&rpc, paid).await;
    assert_eq!((reservation.status(), reservation.allocations[0].quantity), (ReservationStatus::Committed, 2));
    let left = &reservation.dispatched[0];
    assert_eq!((left.sku.as_str(), &left.warehouse_id, left.quantity), ("CUP", &main, 1));
    happens(&store, Fact::OrderEnded(paid)).await;
    assert_eq!(get(&rpc, paid).await.status(), ReservationStatus::Released);

    let (slow, created) = order_for(&rpc, 4);
    happens(&store, created).await;
    let (too_late, created) = order_for(&rpc, 1);
    happens(&store, created).await;
    let rejected = get(&rpc, too_late).await;
    assert_eq!((rejected.status(), rejected.expire_time), (ReservationStatus::Rejected, None));
    clock.advance(TTL + Duration::from_secs(1));
    happens(&store, Fact::ReservationDue(slow)).await;
    assert_eq!(get(&rpc, slow).await.status(), ReservationStatus::Expired);
    happens(&store, Fact::PaymentAuthorized(slow)).await;
    assert_eq!(get(&rpc, slow).await.status(), ReservationStatus::Expired);

    let never_created = Id::generate();
    happens(&store, Fact::OrderEnded(never_created)).await;
    let tombstone = get(&rpc, never_created).await;
    assert_eq!((tombstone.status(), tombstone.version), (ReservationStatus::Tombstone, 0));
    assert_eq!((tombstone.allocations.len(), tombstone.expire_time), (0, None));
}

#[tokio::test]
async fn a_reservation_is_read_by_operators_and_services_only_and_must_exist() {
    let rpc = Rpc::open().await;
    let operator = rpc.tokens.operator();
    let not_found = refused(Code::NotFound, "RESERVATION_NOT_FOUND", &["order_id"]);
    assert_eq!(refusal(rpc.client().get_reservation(operator.request(question(&new_id()))).await), not_found);
    for malformed in ["", "order-1", &new_id().replace('-', "")] {
        let answer = rpc.client().get_reservation(operator.request(question(malformed))).await;
        assert_eq!(refusal(answer), invalid(&["order_id"]));
    }
    let role_missing = refused(Code::PermissionDenied, "ROLE_MISSING", &[]);
    for bearer in [&rpc.seller, &rpc.tokens.buyer(rpc.seller_id.uuid())] {
        assert_eq!(refusal(rpc.client().get_reservation(bearer.request(question(&new_id()))).await), role_missing);
    }
    let token_missing = refused(Code::Unauthenticated, "TOKEN_MISSING", &[]);
    assert_eq!(refusal(rpc.client().get_reservation(Request::new(question(&new_id()))).await), token_missing);
}
