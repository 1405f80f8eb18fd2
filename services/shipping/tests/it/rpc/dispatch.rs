//! DispatchParcel.

use contracts::shipping::v1::{DispatchParcelRequest, ShipmentStatus};
use messaging::journal;
use tonic::Code;

use super::{Rpc, invalid, lines, new_id, parcel, refusal, refused};

#[tokio::test]
async fn a_parcel_leaves_with_what_it_was_asked_to_hold() {
    let rpc = Rpc::open().await;
    // Two lines of one SKU are added up.
    let request = parcel(rpc.here(), &[("CUP", 1), ("POT", 1), ("CUP", 2)]);
    let answer = rpc.dispatch(request.clone()).await;
    let shipment = answer.shipment.unwrap();
    assert_eq!((shipment.status(), shipment.parcels.len()), (ShipmentStatus::PartlyDispatched, 1));
    let left = &shipment.parcels[0];
    assert_eq!((&left.parcel_id, lines(&left.lines)), (&answer.parcel_id, vec![("CUP", 3), ("POT", 1)]));
    assert_eq!((left.carrier.as_str(), &left.tracking_number), ("DHL", &request.tracking_number));

    // An operator may too; without lines it is all that is left.
    let request = rpc.operator.request(parcel(rpc.here(), &[]));
    let shipment = rpc.client().dispatch_parcel(request).await.unwrap().into_inner().shipment.unwrap();
    assert_eq!((shipment.status(), lines(&shipment.parcels[1].lines)), (ShipmentStatus::Dispatched, vec![("CUP", 1)]));

    let mut connection = rpc.depot.store.pool().acquire().await.unwrap();
    let history = journal::read(&mut connection, rpc.order.id.uuid()).await.unwrap();
    let actors: Vec<_> = history.iter().map(|record| record.actor.split(':').next().unwrap()).collect();
    assert_eq!(actors, ["service", "service", "seller", "operator"]);
    rpc.depot.assert_books_balance().await;
}

#[tokio::test]
async fn a_repeated_request_lets_one_parcel_leave_and_another_under_its_id_is_refused() {
    let rpc = Rpc::open().await;
    let request = parcel(rpc.here(), &[("CUP", 1)]);
    let first = rpc.dispatch(request.clone()).await;
    let rows = rpc.rows().await;
    assert_eq!(rpc.dispatch(request.clone()).await, first);
    let other = DispatchParcelRequest { tracking_number: new_id(), ..request };
    let answer = refusal(rpc.client().dispatch_parcel(rpc.seller.request(other))).await;
    assert_eq!(answer, refused(Code::InvalidArgument, "REQUEST_ID_REUSED", &["request_id"]));
    assert_eq!(rpc.rows().await, rows);
}

#[tokio::test]
async fn more_than_the_shipment_holds_is_refused_for_a_reason_of_its_own() {
    let rpc = Rpc::open().await;
    rpc.dispatch(parcel(rpc.here(), &[("CUP", 1)])).await;
    let rows = rpc.rows().await;
    let precondition = |reason| refused(Code::FailedPrecondition, reason, &[]);
    let ask = async |lines: &[(&str, i64)]| {
        refusal(rpc.client().dispatch_parcel(rpc.seller.request(parcel(rpc.here(), lines)))).await
    };
    assert_eq!(ask(&[("CUP", 4)]).await, precondition("MORE_THAN_ORDERED"));
    assert_eq!(ask(&[("POT", 1), ("CUP", 2), ("CUP", 2)]).await, precondition("MORE_THAN_ORDERED"));
    assert_eq!(ask(&[("CUP", 1_000_000)]).await, precondition("MORE_THAN_ORDERED"));
    // The pans are in the other warehouse.
    assert_eq!(ask(&[("CUP", 1), ("PAN", 1)]).await, precondition("NOT_IN_SHIPMENT"));
    assert_eq!(rpc.rows().await, rows);

    // What was refused may be asked for again under the same request_id, once it is right.
    let corrected = DispatchParcelRequest { request_id: "again".to_owned(), ..parcel(rpc.here(), &[("CUP", 4)]) };
    let answer = refusal(rpc.client().dispatch_parcel(rpc.seller.request(corrected.clone()))).await;
    assert_eq!(answer, precondition("MORE_THAN_ORDERED"));
    rpc.dispatch(DispatchParcelRequest { lines: Vec::new(), ..corrected }).await;
    assert_eq!(ask(&[]).await, precondition("NOTHING_LEFT"));
    assert_eq!(ask(&[("CUP", 1)]).await, precondition("MORE_THAN_ORDERED"));

    rpc.depot.assert_books_balance().await;
}

#[tokio::test]
async fn nothing_leaves_of_a_cancelled_order() {
    let rpc = Rpc::open().await;
    rpc.depot.happen(vec![rpc.order.stopped()]).await;
    let rows = rpc.rows().await;
    let request = rpc.seller.request(parcel(rpc.here(), &[]));
    let answer = refusal(rpc.client().dispatch_parcel(request)).await;
    assert_eq!(answer, refused(Code::FailedPrecondition, "SHIPMENT_CANCELLED", &[]));
    assert_eq!(rpc.rows().await, rows);
}

#[tokio::test]
async fn a_tracking_number_is_given_once_by_each_carrier() {
    let rpc = Rpc::open().await;
    let first = parcel(rpc.here(), &[("CUP", 1)]);
    rpc.dispatch(first.clone()).await;
    let rows = rpc.rows().await;
    let same = DispatchParcelRequest { tracking_number: first.tracking_number.clone(), ..parcel(rpc.elsewhere(), &[]) };
    let answer = refusal(rpc.client().dispatch_parcel(rpc.seller.request(same.clone()))).await;
    assert_eq!(answer, refused(Code::AlreadyExists, "TRACKING_NUMBER_TAKEN", &["tracking_number"]));
    assert_eq!(rpc.rows().await, rows);
    // Another carrier may have given it too; and the request may be corrected.
    rpc.dispatch(DispatchParcelRequest { carrier: "UPS".to_owned(), ..same }).await;
    rpc.depot.assert_books_balance().await;
}

#[tokio::test]
async fn a_shipment_that_is_unknown_or_another_sellers_is_not_found() {
    let rpc = Rpc::open().await;
    let rows = rpc.rows().await;
    let not_found = refused(Code::NotFound, "SHIPMENT_NOT_FOUND", &[]);
    let [_, other_seller] = rpc.strangers();
    let request = other_seller.request(parcel(rpc.here(), &[]));
    assert_eq!(refusal(rpc.client().dispatch_parcel(request)).await, not_found);
    let unknown = DispatchParcelRequest { shipment_id: new_id(), ..parcel(rpc.here(), &[]) };
    for bearer in [&rpc.seller, &rpc.operator] {
        let request = bearer.request(unknown.clone());
        assert_eq!(refusal(rpc.client().dispatch_parcel(request)).await, not_found);
    }
    assert_eq!(rpc.rows().await, rows);
}

#[tokio::test]
async fn every_wrong_field_of_a_parcel_is_named() {
    let rpc = Rpc::open().await;
    let rows = rpc.rows().await;
    let ask =
        async |request: DispatchParcelRequest| refusal(rpc.client().dispatch_parcel(rpc.seller.request(request))).await;
    let all_wrong = DispatchParcelRequest {
        request_id: "two words".to_owned(),
        shipment_id: "here".to_owned(),
        lines: parcel(rpc.here(), &[("CUP", 1), ("cup", 1), ("POT", 0)]).lines,
        carrier: String::new(),
        tracking_number: "x".repeat(51),
    };
    let fields = ["request_id", "shipment_id", "lines[1].sku", "lines[2].quantity", "carrier", "tracking_number"];
    assert_eq!(ask(all_wrong).await, invalid(&fields));
    let nothing = ["request_id", "shipment_id", "carrier", "tracking_number"];
    assert_eq!(ask(DispatchParcelRequest::default()).await, invalid(&nothing));
    let good = parcel(rpc.here(), &[("CUP", 1)]);
    for (request, field) in [
        (DispatchParcelRequest { request_id: "x".repeat(65), ..good.clone() }, "request_id"),
        (DispatchParcelRequest { shipment_id: rpc.here().to_string().replace('-', ""), ..good.clone() }, "shipment_id"),
        (DispatchParcelRequest { carrier: "x".repeat(51), ..good.clone() }, "carrier"),
        (DispatchParcelRequest { carrier: " ".to_owned(), ..good.clone() }, "carrier"),
        (DispatchParcelRequest { tracking_number: "two\nlines".to_owned(), ..good.clone() }, "tracking_number"),
        (
            DispatchParcelRequest { lines: parcel(rpc.here(), &[("CUP", -1)]).lines, ..good.clone() },
            "lines[0].quantity",
        ),
        (DispatchParcelRequest { lines: parcel(rpc.here(), &[("", 1)]).lines, ..good.clone() }, "lines[0].sku"),
        (
            DispatchParcelRequest { lines: parcel(rpc.here(), &[("CUP", i64::MAX)]).lines, ..good.clone() },
            "lines[0].quantity",
        ),
        (DispatchParcelRequest { lines: vec![good.lines[0].clone(); 201], ..good.clone() }, "lines"),
    ] {
        assert_eq!(ask(request).await, invalid(&[field]), "{field}");
    }
    assert_eq!(rpc.rows().await, rows);
    let longest = DispatchParcelRequest { carrier: "ü".repeat(50), tracking_number: "ü".repeat(50), ..good };
    rpc.dispatch(longest).await;
}
