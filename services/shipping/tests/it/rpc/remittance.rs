//! RecordRemittance.

use contracts::convert::money_to_wire;
use contracts::google::r#type::Money;
use contracts::shipping::v1::{ParcelFailure, RecordRemittanceRequest};
use shipping::domain::ids::OrderId;
use tonic::Code;

use super::{Rpc, delivery, failure, invalid, new_id, parcel, refusal, refused};
use crate::depot::euro;
use crate::order::{Order, UNIT_CENTS};

fn remittance(order_id: OrderId, cents: i64, reference: &str) -> RecordRemittanceRequest {
    RecordRemittanceRequest {
        request_id: new_id(),
        order_id: order_id.to_string(),
        amount: Some(money_to_wire(euro(cents))),
        remittance_reference: reference.to_owned(),
    }
}

async fn in_cash() -> Rpc {
    Rpc::with(Order::of(&[("CUP", 1)]).and_elsewhere(&[("POT", 1)]).in_cash(4_060)).await
}

async fn refusal_of(rpc: &Rpc, request: RecordRemittanceRequest) -> (Code, String, Vec<String>) {
    refusal(rpc.client().record_remittance(rpc.operator.request(request))).await
}

fn precondition(reason: &str) -> (Code, String, Vec<String>) {
    refused(Code::FailedPrecondition, reason, &[])
}

#[tokio::test]
async fn cash_is_passed_on_once_and_whole_when_everything_was_delivered() {
    let rpc = in_cash().await;
    let order_id = rpc.order.id;
    rpc.deliver_all().await;
    let rows = rpc.rows().await;
    for cents in [4_059, 4_061, -4_060, 0] {
        let answer = refusal_of(&rpc, remittance(order_id, cents, "R-1")).await;
        assert_eq!(answer, precondition("REMITTANCE_MISMATCH"));
    }
    let mut dollars = remittance(order_id, 4_060, "R-1");
    "USD".clone_into(&mut dollars.amount.as_mut().unwrap().currency_code);
    assert_eq!(refusal_of(&rpc, dollars).await, precondition("REMITTANCE_MISMATCH"));
    assert_eq!(rpc.rows().await, rows);

    let request = remittance(order_id, 4_060, "R-1");
    rpc.client().record_remittance(rpc.operator.request(request.clone())).await.unwrap();
    let version = rpc.rows().await[0];
    // The same request, and another one that says the same.
    rpc.client().record_remittance(rpc.operator.request(request.clone())).await.unwrap();
    rpc.client().record_remittance(rpc.operator.request(remittance(order_id, 4_060, "R-1"))).await.unwrap();
    assert_eq!(rpc.rows().await[0], version);
    assert_eq!(refusal_of(&rpc, remittance(order_id, 4_060, "R-2")).await, precondition("ALREADY_REMITTED"));
    assert_eq!(refusal_of(&rpc, remittance(order_id, 1, "R-1")).await, precondition("ALREADY_REMITTED"));
    let other = RecordRemittanceRequest { remittance_reference: "R-2".to_owned(), ..request };
    let reused = refused(Code::InvalidArgument, "REQUEST_ID_REUSED", &["request_id"]);
    assert_eq!(refusal_of(&rpc, other).await, reused);
    rpc.depot.assert_books_balance().await;
}

#[tokio::test]
async fn nothing_is_passed_on_before_everything_was_delivered() {
    let rpc = in_cash().await;
    let rows = rpc.rows().await;
    let not_delivered = precondition("NOT_DELIVERED");
    assert_eq!(refusal_of(&rpc, remittance(rpc.order.id, 4_060, "R-1")).await, not_delivered);
    assert_eq!(rpc.rows().await, rows);
    // One of two shipments has arrived, and the other is on its way.
    let parcel_id = rpc.dispatch(parcel(rpc.here(), &[])).await.parcel_id;
    rpc.client().record_delivery(rpc.operator.request(delivery(rpc.here(), &parcel_id))).await.unwrap();
    rpc.dispatch(parcel(rpc.elsewhere(), &[])).await;
    assert_eq!(refusal_of(&rpc, remittance(rpc.order.id, 4_060, "R-1")).await, not_delivered);
}

/// An order in cash, of which the first shipment failed, and the second ends as given.
async fn without_the_first(second_fails: bool) -> Rpc {
    let rpc = in_cash().await;
    let parcel_id = rpc.dispatch(parcel(rpc.here(), &[])).await.parcel_id;
    let lost = failure(rpc.here(), &parcel_id, ParcelFailure::Lost);
    rpc.client().record_failure(rpc.operator.request(lost)).await.unwrap();
    let parcel_id = rpc.dispatch(parcel(rpc.elsewhere(), &[])).await.parcel_id;
    assert_eq!(refusal_of(&rpc, remittance(rpc.order.id, 4_050, "R-1")).await, precondition("NOT_DELIVERED"));
    if second_fails {
        let refused = failure(rpc.elsewhere(), &parcel_id, ParcelFailure::Refused);
        rpc.client().record_failure(rpc.operator.request(refused)).await.unwrap();
    } else {
        let arrived = delivery(rpc.elsewhere(), &parcel_id);
        rpc.client().record_delivery(rpc.operator.request(arrived)).await.unwrap();
    }
    rpc
}

#[tokio::test]
async fn less_is_passed_on_for_what_did_not_arrive() {
    let rpc = without_the_first(false).await;
    let due = 4_060 - UNIT_CENTS;
    for cents in [4_060, due - 1, due + 1] {
        let answer = refusal_of(&rpc, remittance(rpc.order.id, cents, "R-1")).await;
        assert_eq!(answer, precondition("REMITTANCE_MISMATCH"));
    }
    rpc.client().record_remittance(rpc.operator.request(remittance(rpc.order.id, due, "R-1"))).await.unwrap();
    // Another request that says the same.
    rpc.client().record_remittance(rpc.operator.request(remittance(rpc.order.id, due, "R-1"))).await.unwrap();
    let answer = refusal_of(&rpc, remittance(rpc.order.id, 4_060, "R-1")).await;
    assert_eq!(answer, precondition("ALREADY_REMITTED"));
    rpc.depot.assert_books_balance().await;
}

#[tokio::test]
async fn nothing_is_passed_on_if_nothing_arrived() {
    let rpc = without_the_first(true).await;
    let rows = rpc.rows().await;
    for cents in [4_060, 4_040, 0] {
        let answer = refusal_of(&rpc, remittance(rpc.order.id, cents, "R-1")).await;
        assert_eq!(answer, precondition("NOT_DELIVERED"));
    }
    assert_eq!(rpc.rows().await, rows);
}

#[tokio::test]
async fn nothing_is_passed_on_for_an_order_that_was_paid_before() {
    let rpc = Rpc::open().await;
    rpc.deliver_all().await;
    let rows = rpc.rows().await;
    let answer = refusal_of(&rpc, remittance(rpc.order.id, 4_060, "R-1")).await;
    assert_eq!(answer, precondition("NOT_CASH_ON_DELIVERY"));
    let unknown = RecordRemittanceRequest { order_id: new_id(), ..remittance(rpc.order.id, 4_060, "R-1") };
    assert_eq!(refusal_of(&rpc, unknown).await, refused(Code::NotFound, "ORDER_NOT_FOUND", &[]));
    assert_eq!(rpc.rows().await, rows);
}

#[tokio::test]
async fn every_wrong_field_of_a_remittance_is_named() {
    let rpc = Rpc::open().await;
    let rows = rpc.rows().await;
    let nothing = RecordRemittanceRequest::default();
    assert_eq!(refusal_of(&rpc, nothing).await, invalid(&["request_id", "order_id", "amount", "remittance_reference"]));
    let good = remittance(rpc.order.id, 1, "R-1");
    let money = |code: &str, units, nanos| Some(Money { currency_code: code.to_owned(), units, nanos });
    for (request, field) in [
        (RecordRemittanceRequest { request_id: "two words".to_owned(), ..good.clone() }, "request_id"),
        (RecordRemittanceRequest { order_id: "the last one".to_owned(), ..good.clone() }, "order_id"),
        (RecordRemittanceRequest { amount: None, ..good.clone() }, "amount"),
        (RecordRemittanceRequest { amount: money("XXX", 1, 0), ..good.clone() }, "amount.currency_code"),
        // A tenth of a cent, and a sign that does not match.
        (RecordRemittanceRequest { amount: money("EUR", 0, 1_000_000), ..good.clone() }, "amount"),
        (RecordRemittanceRequest { amount: money("EUR", 1, -10_000_000), ..good.clone() }, "amount"),
        (RecordRemittanceRequest { remittance_reference: "x".repeat(51), ..good.clone() }, "remittance_reference"),
        (RecordRemittanceRequest { remittance_reference: "two\nlines".to_owned(), ..good }, "remittance_reference"),
    ] {
        assert_eq!(refusal_of(&rpc, request).await, invalid(&[field]), "{field}");
    }
    assert_eq!(rpc.rows().await, rows);
}
