//! RecordFailure.

use std::time::Duration;

use contracts::convert::timestamp_to_wire;
use contracts::shipping::v1::{ParcelFailure, ParcelStatus, RecordFailureRequest, Shipment, ShipmentStatus};
use tonic::Code;

use super::{Rpc, delivery, failure, invalid, new_id, parcel, refusal, refused};

async fn record(rpc: &Rpc, request: RecordFailureRequest) -> Shipment {
    rpc.client().record_failure(rpc.operator.request(request)).await.unwrap().into_inner().shipment.unwrap()
}

async fn refusal_of(rpc: &Rpc, request: RecordFailureRequest) -> (Code, String, Vec<String>) {
    refusal(rpc.client().record_failure(rpc.operator.request(request))).await
}

#[tokio::test]
async fn a_parcel_fails_once_and_for_good() {
    let rpc = Rpc::open().await;
    let parcel_id = rpc.dispatch(parcel(rpc.elsewhere(), &[])).await.parcel_id;
    rpc.depot.clock.advance(Duration::from_mins(1));
    let request = failure(rpc.elsewhere(), &parcel_id, ParcelFailure::Refused);
    let failed = record(&rpc, request.clone()).await;
    assert_eq!((failed.status(), &failed), (ShipmentStatus::Failed, &rpc.get(rpc.elsewhere()).await));
    let [shown] = &failed.parcels[..] else { panic!("{failed:?}") };
    assert_eq!((shown.status(), shown.failure()), (ParcelStatus::Failed, ParcelFailure::Refused));
    let now = Some(timestamp_to_wire(rpc.depot.clock.shown()));
    assert_eq!((&shown.fail_time, &shown.deliver_time), (&now, &None));

    let version = rpc.rows().await[0];
    // The same request, and another one, which finds it failed.
    assert_eq!(record(&rpc, request.clone()).await, failed);
    assert_eq!(record(&rpc, failure(rpc.elsewhere(), &parcel_id, ParcelFailure::Refused)).await, failed);
    assert_eq!(rpc.rows().await[0], version);
    let otherwise = failure(rpc.elsewhere(), &parcel_id, ParcelFailure::Lost);
    assert_eq!(refusal_of(&rpc, otherwise).await, refused(Code::FailedPrecondition, "PARCEL_FAILED", &[]));
    let other = RecordFailureRequest { parcel_id: new_id(), ..request };
    let reused = refused(Code::InvalidArgument, "REQUEST_ID_REUSED", &["request_id"]);
    assert_eq!(refusal_of(&rpc, other).await, reused);
    rpc.depot.assert_books_balance().await;
}

#[tokio::test]
async fn a_parcel_that_was_delivered_does_not_fail_any_more() {
    let rpc = Rpc::open().await;
    let parcel_id = rpc.dispatch(parcel(rpc.elsewhere(), &[])).await.parcel_id;
    let arrived = delivery(rpc.elsewhere(), &parcel_id);
    rpc.client().record_delivery(rpc.operator.request(arrived)).await.unwrap();
    let rows = rpc.rows().await;
    for why in [ParcelFailure::Lost, ParcelFailure::Refused, ParcelFailure::ReturnedToSender] {
        let answer = refusal_of(&rpc, failure(rpc.elsewhere(), &parcel_id, why)).await;
        assert_eq!(answer, refused(Code::FailedPrecondition, "PARCEL_DELIVERED", &[]));
    }
    assert_eq!(rpc.rows().await, rows);
}

#[tokio::test]
async fn a_parcel_that_did_not_leave_from_there_is_not_found() {
    let rpc = Rpc::open().await;
    let parcel_id = rpc.dispatch(parcel(rpc.elsewhere(), &[])).await.parcel_id;
    let rows = rpc.rows().await;
    let no_parcel = refused(Code::NotFound, "PARCEL_NOT_FOUND", &[]);
    let lost = |shipment_id, parcel_id: &str| failure(shipment_id, parcel_id, ParcelFailure::Lost);
    assert_eq!(refusal_of(&rpc, lost(rpc.here(), &parcel_id)).await, no_parcel);
    assert_eq!(refusal_of(&rpc, lost(rpc.elsewhere(), &new_id())).await, no_parcel);
    let nowhere = RecordFailureRequest { shipment_id: new_id(), ..lost(rpc.here(), &parcel_id) };
    assert_eq!(refusal_of(&rpc, nowhere).await, refused(Code::NotFound, "SHIPMENT_NOT_FOUND", &[]));
    assert_eq!(rpc.rows().await, rows);
}

#[tokio::test]
async fn every_wrong_field_of_a_failure_is_named() {
    let rpc = Rpc::open().await;
    let rows = rpc.rows().await;
    let nothing = RecordFailureRequest::default();
    assert_eq!(refusal_of(&rpc, nothing).await, invalid(&["request_id", "shipment_id", "parcel_id", "failure"]));
    let good = failure(rpc.here(), &new_id(), ParcelFailure::Lost);
    for (request, field) in [
        (RecordFailureRequest { request_id: "two words".to_owned(), ..good.clone() }, "request_id"),
        (RecordFailureRequest { shipment_id: "here".to_owned(), ..good.clone() }, "shipment_id"),
        (RecordFailureRequest { parcel_id: "the first".to_owned(), ..good.clone() }, "parcel_id"),
        (RecordFailureRequest { failure: 0, ..good.clone() }, "failure"),
        (RecordFailureRequest { failure: 99, ..good }, "failure"),
    ] {
        assert_eq!(refusal_of(&rpc, request).await, invalid(&[field]));
    }
    assert_eq!(rpc.rows().await, rows);
}
