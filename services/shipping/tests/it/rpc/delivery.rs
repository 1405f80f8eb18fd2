//! RecordDelivery.

use contracts::shipping::v1::{ParcelFailure, RecordDeliveryRequest, ShipmentStatus};
use tonic::Code;

use super::{Rpc, delivery, failure, invalid, new_id, parcel, refusal, refused};

#[tokio::test]
async fn a_parcel_is_delivered_once() {
    let rpc = Rpc::open().await;
    let parcel_id = rpc.dispatch(parcel(rpc.elsewhere(), &[])).await.parcel_id;
    let request = delivery(rpc.elsewhere(), &parcel_id);
    let record = async |request: RecordDeliveryRequest| {
        rpc.client().record_delivery(rpc.operator.request(request)).await.unwrap().into_inner().shipment.unwrap()
    };
    let delivered = record(request.clone()).await;
    assert_eq!(delivered.status(), ShipmentStatus::Delivered);
    let version = rpc.rows().await[0];
    // The same request, and another one, which finds it delivered.
    assert_eq!(record(request.clone()).await, delivered);
    assert_eq!(record(delivery(rpc.elsewhere(), &parcel_id)).await, delivered);
    assert_eq!(rpc.rows().await[0], version);
    let other = RecordDeliveryRequest { parcel_id: new_id(), ..request };
    let answer = refusal(rpc.client().record_delivery(rpc.operator.request(other))).await;
    assert_eq!(answer, refused(Code::InvalidArgument, "REQUEST_ID_REUSED", &["request_id"]));
    rpc.depot.assert_books_balance().await;
}

#[tokio::test]
async fn a_parcel_that_did_not_leave_from_there_is_not_found() {
    let rpc = Rpc::open().await;
    let parcel_id = rpc.dispatch(parcel(rpc.elsewhere(), &[])).await.parcel_id;
    let rows = rpc.rows().await;
    let ask = async |request: RecordDeliveryRequest| {
        refusal(rpc.client().record_delivery(rpc.operator.request(request))).await
    };
    let no_parcel = refused(Code::NotFound, "PARCEL_NOT_FOUND", &[]);
    assert_eq!(ask(delivery(rpc.here(), &parcel_id)).await, no_parcel);
    assert_eq!(ask(delivery(rpc.elsewhere(), &new_id())).await, no_parcel);
    let nowhere = RecordDeliveryRequest { shipment_id: new_id(), ..delivery(rpc.here(), &parcel_id) };
    assert_eq!(ask(nowhere).await, refused(Code::NotFound, "SHIPMENT_NOT_FOUND", &[]));
    assert_eq!(rpc.rows().await, rows);
}

#[tokio::test]
async fn a_parcel_that_failed_is_not_delivered_any_more() {
    let rpc = Rpc::open().await;
    let parcel_id = rpc.dispatch(parcel(rpc.elsewhere(), &[])).await.parcel_id;
    let lost = failure(rpc.elsewhere(), &parcel_id, ParcelFailure::Lost);
    rpc.client().record_failure(rpc.operator.request(lost)).await.unwrap();
    let rows = rpc.rows().await;
    let request = rpc.operator.request(delivery(rpc.elsewhere(), &parcel_id));
    let answer = refusal(rpc.client().record_delivery(request)).await;
    assert_eq!(answer, refused(Code::FailedPrecondition, "PARCEL_FAILED", &[]));
    assert_eq!(rpc.rows().await, rows);
}

#[tokio::test]
async fn every_wrong_field_of_a_delivery_is_named() {
    let rpc = Rpc::open().await;
    let rows = rpc.rows().await;
    let ask = async |request: RecordDeliveryRequest| {
        refusal(rpc.client().record_delivery(rpc.operator.request(request))).await
    };
    let nothing = RecordDeliveryRequest::default();
    assert_eq!(ask(nothing).await, invalid(&["request_id", "shipment_id", "parcel_id"]));
    let good = delivery(rpc.here(), &new_id());
    for (request, field) in [
        (RecordDeliveryRequest { request_id: "two words".to_owned(), ..good.clone() }, "request_id"),
        (RecordDeliveryRequest { shipment_id: "here".to_owned(), ..good.clone() }, "shipment_id"),
        (RecordDeliveryRequest { parcel_id: "the first".to_owned(), ..good }, "parcel_id"),
    ] {
        assert_eq!(ask(request).await, invalid(&[field]));
    }
    assert_eq!(rpc.rows().await, rows);
}
