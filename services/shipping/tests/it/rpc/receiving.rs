//! ReceiveReturn.

use std::time::Duration;

use contracts::convert::timestamp_to_wire;
use contracts::shipping::v1::{ReceiptLine, ReceiveReturnRequest, Return, ReturnCondition, ReturnStatus};
use messaging::journal;
use shipping::domain::ids::return_of_refund;
use tonic::Code;

use super::{Rpc, invalid, new_id, refusal, refused};
use ReturnCondition::{Damaged, NotAccepted, Resalable};

/// The order of [`Rpc::open`], delivered, of which the buyer sends three cups and a pan back.
async fn sent_back() -> Rpc {
    let rpc = Rpc::open().await;
    rpc.deliver_all().await;
    rpc.depot.happen(vec![rpc.order.sent_back(1, &[("CUP", 3), ("PAN", 1)])]).await;
    rpc
}

fn line(sku: &str, quantity: i64, condition: ReturnCondition) -> ReceiptLine {
    ReceiptLine { sku: sku.to_owned(), quantity, condition: condition.into() }
}

fn receipt(rpc: &Rpc, lines: &[(&str, i64, ReturnCondition)]) -> ReceiveReturnRequest {
    ReceiveReturnRequest {
        request_id: new_id(),
        order_id: rpc.order.id.to_string(),
        return_id: return_of_refund(rpc.order.id, 1).to_string(),
        lines: lines.iter().map(|(sku, quantity, condition)| line(sku, *quantity, *condition)).collect(),
        complete: false,
    }
}

async fn receive(rpc: &Rpc, request: ReceiveReturnRequest) -> Return {
    rpc.client().receive_return(rpc.seller.request(request)).await.unwrap().into_inner().goods_return.unwrap()
}

async fn refusal_of(rpc: &Rpc, request: ReceiveReturnRequest) -> (Code, String, Vec<String>) {
    refusal(rpc.client().receive_return(rpc.seller.request(request))).await
}

fn precondition(reason: &str) -> (Code, String, Vec<String>) {
    refused(Code::FailedPrecondition, reason, &[])
}

/// What came back so far.
fn received(goods_return: &Return) -> Vec<(&str, i64, ReturnCondition)> {
    let mut lines: Vec<_> =
        goods_return.received.iter().map(|line| (line.sku.as_str(), line.quantity, line.condition())).collect();
    lines.sort_unstable();
    lines
}

#[tokio::test]
async fn goods_are_taken_in_part_by_part_until_nothing_is_missing() {
    let rpc = sent_back().await;
    rpc.depot.clock.advance(Duration::from_mins(1));
    // Two lines of one SKU and condition are added up.
    let cups = [("CUP", 1, Resalable), ("CUP", 1, Damaged), ("CUP", 1, Resalable)];
    let after_one = receive(&rpc, receipt(&rpc, &cups)).await;
    assert_eq!(received(&after_one), [("CUP", 1, Damaged), ("CUP", 2, Resalable)]);
    assert_eq!(after_one.status(), ReturnStatus::Open);
    let now = Some(timestamp_to_wire(rpc.depot.clock.shown()));
    assert!(after_one.update_time == now && after_one.create_time != now);

    // An operator may too.
    let request = rpc.operator.request(receipt(&rpc, &[("PAN", 1, NotAccepted)]));
    let whole = rpc.client().receive_return(request).await.unwrap().into_inner().goods_return.unwrap();
    assert_eq!(received(&whole), [("CUP", 1, Damaged), ("CUP", 2, Resalable), ("PAN", 1, NotAccepted)]);
    assert_eq!(whole.status(), ReturnStatus::Received);

    let mut connection = rpc.depot.store.pool().acquire().await.unwrap();
    let history = journal::read(&mut connection, rpc.order.id.uuid()).await.unwrap();
    let actors: Vec<_> = history.iter().rev().take(2).map(|record| record.actor.split(':').next().unwrap()).collect();
    assert_eq!(actors, ["operator", "seller"]);
    rpc.depot.assert_books_balance().await;
}

#[tokio::test]
async fn a_return_of_which_nothing_more_comes_is_complete() {
    let rpc = sent_back().await;
    let last = ReceiveReturnRequest { complete: true, ..receipt(&rpc, &[("CUP", 1, Resalable)]) };
    let closed = receive(&rpc, last).await;
    assert_eq!((received(&closed), closed.status()), (vec![("CUP", 1, Resalable)], ReturnStatus::Received));
    let rows = rpc.rows().await;
    let more = receipt(&rpc, &[("CUP", 1, Resalable)]);
    assert_eq!(refusal_of(&rpc, more).await, precondition("RETURN_COMPLETE"));
    let nothing = ReceiveReturnRequest { complete: true, ..receipt(&rpc, &[]) };
    assert_eq!(refusal_of(&rpc, nothing.clone()).await, precondition("RETURN_COMPLETE"));
    assert_eq!(rpc.rows().await, rows);

    // Nothing of it may have come at all.
    let rpc = sent_back().await;
    let nothing = ReceiveReturnRequest { complete: true, ..receipt(&rpc, &[]) };
    let closed = receive(&rpc, nothing).await;
    assert_eq!((closed.received.len(), closed.status()), (0, ReturnStatus::Received));
    rpc.depot.assert_books_balance().await;
}

#[tokio::test]
async fn a_repeated_request_takes_goods_in_once_and_another_under_its_id_is_refused() {
    let rpc = sent_back().await;
    let request = receipt(&rpc, &[("CUP", 1, Resalable)]);
    let first = receive(&rpc, request.clone()).await;
    let rows = rpc.rows().await;
    assert_eq!(receive(&rpc, request.clone()).await, first);
    let other = ReceiveReturnRequest { complete: true, ..request };
    let reused = refused(Code::InvalidArgument, "REQUEST_ID_REUSED", &["request_id"]);
    assert_eq!(refusal_of(&rpc, other).await, reused);
    assert_eq!(rpc.rows().await, rows);
    // Another request is another cup.
    let second = receive(&rpc, receipt(&rpc, &[("CUP", 1, Resalable)])).await;
    assert_eq!(received(&second), [("CUP", 2, Resalable)]);
    rpc.depot.assert_books_balance().await;
}

#[tokio::test]
async fn more_than_was_sent_back_is_refused_for_a_reason_of_its_own() {
    let rpc = sent_back().await;
    receive(&rpc, receipt(&rpc, &[("CUP", 1, NotAccepted)])).await;
    let rows = rpc.rows().await;
    for (lines, reason) in [
        (&[("CUP", 3, Resalable)][..], "MORE_THAN_RETURNED"),
        (&[("PAN", 1, Resalable), ("CUP", 1, Resalable), ("CUP", 2, Damaged)], "MORE_THAN_RETURNED"),
        (&[("CUP", 1_000_000, Resalable)], "MORE_THAN_RETURNED"),
        // It was delivered, and stays where it is.
        (&[("CUP", 1, Resalable), ("POT", 1, Resalable)], "NOT_IN_RETURN"),
        (&[("LID", 1, Resalable)], "NOT_IN_RETURN"),
    ] {
        assert_eq!(refusal_of(&rpc, receipt(&rpc, lines)).await, precondition(reason), "{lines:?}");
    }
    assert_eq!(rpc.rows().await, rows);
    // What was refused may be asked for again under the same request_id, once it is right.
    let wrong = ReceiveReturnRequest { request_id: "again".to_owned(), ..receipt(&rpc, &[("CUP", 3, Resalable)]) };
    assert_eq!(refusal_of(&rpc, wrong.clone()).await, precondition("MORE_THAN_RETURNED"));
    receive(&rpc, ReceiveReturnRequest { lines: vec![line("CUP", 2, Resalable)], ..wrong }).await;
    rpc.depot.assert_books_balance().await;
}

#[tokio::test]
async fn a_return_that_is_unknown_or_another_sellers_is_not_found() {
    let rpc = sent_back().await;
    let rows = rpc.rows().await;
    let order_not_found = refused(Code::NotFound, "ORDER_NOT_FOUND", &[]);
    let [_, other_seller] = rpc.strangers();
    let request = other_seller.request(receipt(&rpc, &[("CUP", 1, Resalable)]));
    assert_eq!(refusal(rpc.client().receive_return(request)).await, order_not_found);
    let of_nothing = ReceiveReturnRequest { order_id: new_id(), ..receipt(&rpc, &[("CUP", 1, Resalable)]) };
    assert_eq!(refusal_of(&rpc, of_nothing).await, order_not_found);
    let unknown = ReceiveReturnRequest { return_id: new_id(), ..receipt(&rpc, &[("CUP", 1, Resalable)]) };
    assert_eq!(refusal_of(&rpc, unknown).await, refused(Code::NotFound, "RETURN_NOT_FOUND", &[]));
    assert_eq!(rpc.rows().await, rows);
}

#[tokio::test]
async fn every_wrong_field_of_a_receipt_is_named() {
    let rpc = sent_back().await;
    let rows = rpc.rows().await;
    let nothing = ReceiveReturnRequest::default();
    assert_eq!(refusal_of(&rpc, nothing).await, invalid(&["request_id", "order_id", "return_id", "lines"]));
    let good = receipt(&rpc, &[("CUP", 1, Resalable)]);
    let all_wrong = ReceiveReturnRequest {
        lines: vec![line("cup", 1, Resalable), line("CUP", 0, Damaged), line("CUP", 1, ReturnCondition::Unspecified)],
        ..good.clone()
    };
    let fields = ["lines[0].sku", "lines[1].quantity", "lines[2].condition"];
    assert_eq!(refusal_of(&rpc, all_wrong).await, invalid(&fields));
    let one_line = |line| ReceiveReturnRequest { lines: vec![line], ..good.clone() };
    for (request, field) in [
        (ReceiveReturnRequest { request_id: "x".repeat(65), ..good.clone() }, "request_id"),
        (ReceiveReturnRequest { order_id: "17".to_owned(), ..good.clone() }, "order_id"),
        (ReceiveReturnRequest { return_id: "the first".to_owned(), ..good.clone() }, "return_id"),
        (ReceiveReturnRequest { lines: Vec::new(), ..good.clone() }, "lines"),
        (ReceiveReturnRequest { lines: vec![line("CUP", 1, Resalable); 201], ..good.clone() }, "lines"),
        (one_line(line("", 1, Resalable)), "lines[0].sku"),
        (one_line(line("CUP", -1, Resalable)), "lines[0].quantity"),
        (one_line(line("CUP", i64::MAX, Resalable)), "lines[0].quantity"),
        (one_line(ReceiptLine { condition: 99, ..line("CUP", 1, Resalable) }), "lines[0].condition"),
    ] {
        assert_eq!(refusal_of(&rpc, request).await, invalid(&[field]), "{field}");
    }
    assert_eq!(rpc.rows().await, rows);
}
